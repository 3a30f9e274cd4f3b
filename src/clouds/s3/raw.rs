//! Settings of a bucket as documents, byte for byte: what other people have written and no
//! SDK's types know must survive a change of ours.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::byob::CloudError;
use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::clouds::retry::{Failure, Work};

use super::S3;
use super::error::{Answer, after};
use super::sign::{self, Unsigned};
use super::skew;
use crate::clouds::xml::{self, Element};

/// A document with its outermost element.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) root: Element,
    /// Headers of the answer, names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

impl Document {
    /// The header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name)?;
        Some(&found.1)
    }

    /// The element as it was written.
    pub(super) fn verbatim(&self, element: &Element) -> &str {
        &self.text[element.range.clone()]
    }
}

impl S3 {
    /// Reads the sub-resource `part` of a bucket as the server wrote it.
    pub(super) async fn read_document(
        &self,
        call: &str,
        bucket: &str,
        part: &str,
        root_name: &str,
    ) -> Result<Document, CloudError> {
        let answer = self
            .exchange(Work::Read, call, bucket, part, "GET", &[], "")
            .await?;
        let text = String::from_utf8(answer.body).map_err(|error| error.to_string());
        let parsed = text.and_then(|text| {
            let root = xml::parse(&text)?;
            if root.name != root_name {
                // Some servers take what they do not know for a listing of the bucket.
                return Err(format!("it is no {root_name}"));
            }
            Ok((root, text))
        });
        let (root, text) = parsed.map_err(|why| {
            let answer = Answer {
                status: answer.status,
                message: Some(format!("an answer that is not understood: {why}")),
                ..Answer::default()
            };
            answer.failure(call, bucket).error
        })?;
        Ok(Document {
            text,
            root,
            headers: answer.headers.into_iter().collect(),
        })
    }

    /// Writes the sub-resource `part` of a bucket, with further headers.
    pub(super) async fn write_document(
        &self,
        call: &str,
        bucket: &str,
        part: &str,
        headers: &[(&str, &str)],
        text: &str,
    ) -> Result<(), CloudError> {
        let checksum = STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
        let mut all = vec![
            ("content-type", "application/xml"),
            ("x-amz-checksum-sha256", checksum.as_str()),
        ];
        all.extend_from_slice(headers);
        self.exchange(Work::Write, call, bucket, part, "PUT", &all, text)
            .await
            .map(drop)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn exchange(
        &self,
        work: Work,
        call: &str,
        bucket: &str,
        part: &str,
        method: &'static str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<HttpResponse, CloudError> {
        let url = format!("{}?{part}", self.clients.object_url(bucket, ""));
        self.patience
            .call(work, call, bucket, || async {
                let unsigned = Unsigned {
                    method,
                    url: &url,
                    headers,
                    body: body.as_bytes(),
                };
                let signed = sign::headers(&self.clients, &unsigned).await;
                let given = headers.iter().map(|(n, v)| (*n, *v));
                let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
                let request = HttpRequest {
                    method,
                    url: SecretUrl::new(url.clone()),
                    headers: given.chain(signed.map_err(Failure::lasting)?).collect(),
                    body: body.as_bytes().to_vec(),
                };
                let answer = self.clients.web().exchange(call, bucket, &request).await?;
                if answer.is_success() {
                    return Ok(answer);
                }
                let failure = refusal(&answer).failure(call, bucket);
                let date = answer.headers.get("date").map(String::as_str);
                Err(Failure {
                    error: skew::explained(failure.error, date, Some(&answer.body)),
                    after: after(answer.headers.get("retry-after").map(String::as_str)),
                    ..failure
                })
            })
            .await
    }
}

/// What a refusal says.
fn refusal(answer: &HttpResponse) -> Answer {
    let body = String::from_utf8_lossy(&answer.body);
    let error = xml::parse(&body).unwrap_or_default();
    let text = |name: &str| error.child_text(name).map(str::to_owned);
    Answer {
        status: answer.status,
        code: text("Code"),
        message: text("Message"),
        request_id: answer.headers.get("x-amz-request-id").cloned(),
        ..Answer::default()
    }
}
