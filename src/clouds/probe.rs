//! Tries a bucket as W&B's browser application and its SDK do.
//!
//! A refusal is a finding, not an error: the errors of this module are about requests
//! that got no answer at all, or an operation that was stopped.

use tokio_util::sync::CancellationToken;

use super::preflight;
use super::retry::settle;
use crate::byob::CloudError;
use crate::byob::cloud::Cloud;
use crate::byob::identity::AccessKey;
use crate::byob::probe::{
    Attempt, OBJECT, PARTS_SUFFIX, ProbeRequest, ProbeResult, WebAnswer, WebRequest,
};

const BODY: &[u8] = b"This object is a probe of terraform-provider-wandb and may be deleted.\n";

/// What is probed, and as whom.
struct Visitor<'a> {
    cloud: &'a dyn Cloud,
    bucket: &'a str,
    origin: &'a str,
    key: Option<&'a AccessKey>,
    stop: &'a CancellationToken,
}

/// Tries everything, and removes what it has made.
///
/// # Errors
/// When the server cannot be reached, or the operation is stopped.
pub async fn probe(
    cloud: &dyn Cloud,
    bucket: &str,
    path: Option<&str>,
    origin: &str,
    key: Option<&AccessKey>,
    stop: &CancellationToken,
) -> Result<ProbeResult, CloudError> {
    let visitor = Visitor {
        cloud,
        bucket,
        origin,
        key,
        stop,
    };
    let object = object_name(path);
    let outcome = visitor.visit(&object).await;
    let left_behind = visitor.clean_up(&object).await;
    outcome.map(|result| ProbeResult {
        left_behind,
        ..result
    })
}

/// Always the same, so that a probe also removes what one before it has left that was
/// killed.
fn object_name(path: Option<&str>) -> String {
    path.map_or_else(|| OBJECT.to_owned(), |path| format!("{path}/{OBJECT}"))
}

/// The object that is uploaded in parts.
fn in_parts(object: &str) -> String {
    format!("{object}{PARTS_SUFFIX}")
}

impl Visitor<'_> {
    async fn visit(&self, object: &str) -> Result<ProbeResult, CloudError> {
        let put = ProbeRequest::Put {
            object: object.to_owned(),
        };
        let preflight = self.preflight(&put).await?;
        let answer = self.first_put(&put).await?;
        let uploaded = passed(&answer, "an upload", "the SDK could not upload files");
        if uploaded != Attempt::Passed {
            let why = || Attempt::NotTried("the upload before it failed".to_owned());
            let access = match self.key {
                Some(_) => uploaded.clone(),
                None => no_key(),
            };
            return Ok(ProbeResult {
                preflight,
                put: uploaded,
                get: why(),
                multipart: why(),
                etag: why(),
                access,
                left_behind: Vec::new(),
            });
        }
        let etag = self.etag(&answer);
        let (get, multipart) = tokio::join!(self.get(object), self.multipart(object));
        let (get, multipart) = (get?, multipart?);
        let access = self.access(&get, &multipart).await?;
        Ok(ProbeResult {
            preflight,
            put: uploaded,
            get,
            multipart,
            etag,
            access,
            left_behind: Vec::new(),
        })
    }

    async fn send(&self, request: &ProbeRequest, body: &[u8]) -> Result<WebAnswer, CloudError> {
        self.send_as(self.key, request, body).await
    }

    async fn send_as(
        &self,
        key: Option<&AccessKey>,
        request: &ProbeRequest,
        body: &[u8],
    ) -> Result<WebAnswer, CloudError> {
        let url = self.cloud.sign(self.bucket, request, key).await?;
        let request = WebRequest {
            method: request.method(),
            url,
            headers: vec![("origin".to_owned(), self.origin.to_owned())],
            body: body.to_vec(),
        };
        self.cloud.ask(self.bucket, &request).await
    }

    async fn preflight(&self, put: &ProbeRequest) -> Result<Attempt, CloudError> {
        let request = WebRequest {
            method: "OPTIONS",
            url: self.cloud.sign(self.bucket, put, self.key).await?,
            headers: preflight::question(self.origin),
            body: Vec::new(),
        };
        let answer = self.cloud.ask(self.bucket, &request).await?;
        let told = preflight::read(self.origin, answer.status, &answer.headers);
        let refused = if !told.origin_allowed {
            "the origin is not let in"
        } else if !told.methods.iter().any(|method| method == "PUT") {
            "PUT is not let in"
        } else if !told.headers_allowed {
            "other request headers are not let in"
        } else {
            return Ok(Attempt::Passed);
        };
        Ok(Attempt::Failed {
            expected: format!("{} may PUT with any header", self.origin),
            actual: format!("status {}, {refused}", told.status),
            message: "W&B's web application cannot upload from the browser".to_owned(),
        })
    }

    /// A key that was made a moment ago may need another one to be known everywhere.
    async fn first_put(&self, put: &ProbeRequest) -> Result<WebAnswer, CloudError> {
        let is_new = self.key.is_some();
        settle(
            self.stop,
            "PUT",
            self.bucket,
            |answer: &WebAnswer| is_new && answer.status == 403,
            || self.send(put, BODY),
        )
        .await
    }

    fn etag(&self, answer: &WebAnswer) -> Attempt {
        let headers = &answer.headers;
        let has_etag = headers.contains_key("etag");
        if has_etag && preflight::lets_in(headers, self.origin) && preflight::exposes_etag(headers)
        {
            return Attempt::Passed;
        }
        let actual = if !has_etag {
            "no ETag in the answer"
        } else if !preflight::lets_in(headers, self.origin) {
            "the answer is not for pages of that origin"
        } else {
            "ETag is not exposed"
        };
        Attempt::Failed {
            expected: format!("ETag readable by pages of {}", self.origin),
            actual: actual.to_owned(),
            message: "uploads in parts from the browser cannot be finished".to_owned(),
        }
    }

    async fn get(&self, object: &str) -> Result<Attempt, CloudError> {
        let object = object.to_owned();
        let get = ProbeRequest::Get {
            object: object.clone(),
        };
        let answer = self.send(&get, &[]).await?;
        let message = "files could be written and not read";
        let outcome = passed(&answer, "a download", message);
        if outcome != Attempt::Passed {
            return Ok(outcome);
        }
        if answer.body != BODY {
            return Ok(Attempt::Failed {
                expected: "the bytes that were uploaded".to_owned(),
                actual: "other bytes".to_owned(),
                message: message.to_owned(),
            });
        }
        let answer = self.send(&ProbeRequest::Head { object }, &[]).await?;
        Ok(passed(&answer, "a request for headers", message))
    }

    async fn multipart(&self, object: &str) -> Result<Attempt, CloudError> {
        let object = in_parts(object);
        let message = "large artifacts could not be uploaded";
        let begun = self
            .send(
                &ProbeRequest::BeginUpload {
                    object: object.clone(),
                },
                &[],
            )
            .await?;
        let outcome = passed(&begun, "an upload in parts", message);
        if outcome != Attempt::Passed {
            return Ok(outcome);
        }
        let Some(upload) = upload_id(&begun.body) else {
            return Ok(Attempt::Failed {
                expected: "an upload id".to_owned(),
                actual: "none".to_owned(),
                message: message.to_owned(),
            });
        };
        let part = ProbeRequest::UploadPart {
            object: object.clone(),
            upload: upload.clone(),
            part: 1,
        };
        let sent = self.send(&part, BODY).await?;
        // Given up whatever became of the part, so that nothing is left to be billed.
        let abort = ProbeRequest::AbortUpload { object, upload };
        let aborted = self.send(&abort, &[]).await?;
        let outcome = passed(&sent, "a part of an upload", message);
        if outcome != Attempt::Passed {
            return Ok(outcome);
        }
        Ok(passed(
            &aborted,
            "giving an upload up",
            "unfinished uploads would pile up",
        ))
    }

    /// W&B's key can do all that W&B does, and no more.
    async fn access(&self, get: &Attempt, multipart: &Attempt) -> Result<Attempt, CloudError> {
        let Some(key) = self.key else {
            return Ok(no_key());
        };
        for attempt in [get, multipart] {
            if *attempt != Attempt::Passed {
                return Ok(attempt.clone());
            }
        }
        let more = self.cloud.overreach(self.bucket, key).await?;
        if more.is_empty() {
            return Ok(Attempt::Passed);
        }
        Ok(Attempt::Failed {
            expected: "W&B's rights alone".to_owned(),
            actual: format!("it can also {}", more.join(" and ")),
            message: "whoever gets hold of W&B's key can do more than W&B needs".to_owned(),
        })
    }

    /// Removes the probe's objects, every version of them and every upload, by the
    /// caller's own rights: W&B's key may not delete versions.
    async fn clean_up(&self, object: &str) -> Vec<String> {
        let parts = in_parts(object);
        let (objects, uploads) =
            tokio::join!(self.remove_versions(object), self.give_up_uploads(&parts));
        let left = [(objects, object), (uploads, parts.as_str())];
        left.into_iter()
            .filter(|(removed, _)| !removed)
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    /// Deletes the newest version until there is none; whether that came to its end.
    async fn remove_versions(&self, object: &str) -> bool {
        let mut before = None;
        loop {
            let head = ProbeRequest::Head {
                object: object.to_owned(),
            };
            let named = match self.send_as(None, &head, &[]).await {
                Ok(answer) if answer.status == 404 => return true,
                Ok(answer) => answer.headers.get("x-amz-version-id").cloned(),
                Err(_) => None,
            };
            // Where versions are no longer made the object is the version "null", and a
            // deletion that does not name it leaves a marker.
            let version = named.unwrap_or_else(|| "null".to_owned());
            if before.as_ref() == Some(&version) {
                return false;
            }
            let is_gone = self.delete(object, Some(version.clone())).await
                || (version == "null" && self.delete(object, None).await);
            if !is_gone {
                return false;
            }
            before = Some(version);
        }
    }

    async fn delete(&self, object: &str, version: Option<String>) -> bool {
        let delete = ProbeRequest::Delete {
            object: object.to_owned(),
            version,
        };
        let answer = self.send_as(None, &delete, &[]).await;
        answer.is_ok_and(|answer| answer.status < 300 || answer.status == 404)
    }

    /// Gives up the uploads of an earlier probe; whether that came to its end. Servers that
    /// list no uploads keep none.
    async fn give_up_uploads(&self, object: &str) -> bool {
        let list = ProbeRequest::ListUploads {
            object: object.to_owned(),
        };
        let Ok(listed) = self.send_as(None, &list, &[]).await else {
            return true;
        };
        let mut removed = true;
        for upload in upload_ids(&listed.body) {
            let abort = ProbeRequest::AbortUpload {
                object: object.to_owned(),
                upload,
            };
            removed &= self
                .send_as(None, &abort, &[])
                .await
                .is_ok_and(|answer| answer.status < 300 || answer.status == 404);
        }
        removed
    }
}

fn no_key() -> Attempt {
    Attempt::NotTried(
        "no key of W&B is known here: set create_access_key, or wandb_access_key with its secret, \
         and the bucket is proven with it"
            .to_owned(),
    )
}

fn passed(answer: &WebAnswer, what: &str, message: &str) -> Attempt {
    if (200..300).contains(&answer.status) {
        return Attempt::Passed;
    }
    let text = String::from_utf8_lossy(&answer.body);
    let code = between(&text, "<Code>", "</Code>");
    Attempt::Failed {
        expected: format!("{what} succeeds"),
        actual: match code {
            Some(code) => format!("status {}, {code}", answer.status),
            None => format!("status {}", answer.status),
        },
        message: message.to_owned(),
    }
}

fn upload_id(body: &[u8]) -> Option<String> {
    between(&String::from_utf8_lossy(body), "<UploadId>", "</UploadId>").map(str::to_owned)
}

fn upload_ids(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    text.split("<UploadId>")
        .skip(1)
        .filter_map(|rest| rest.split_once('<'))
        .map(|(id, _)| id.to_owned())
        .collect()
}

/// The text of one element. A whole XML reader for two elements would be more to trust.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = text.split_once(start)?.1;
    rest.split_once(end).map(|(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_upload_of_a_list_is_read() {
        let list = b"<R><Upload><UploadId>a</UploadId></Upload><Upload><UploadId>b=</UploadId></Upload></R>";
        assert_eq!(upload_ids(list), ["a", "b="]);
        assert_eq!(upload_ids(b"<Error/>"), Vec::<String>::new());
    }

    #[test]
    fn a_refusal_is_told_by_its_code() {
        let answer = WebAnswer {
            status: 403,
            body: b"<Error><Code>AccessDenied</Code></Error>".to_vec(),
            ..WebAnswer::default()
        };
        let Attempt::Failed { actual, .. } = passed(&answer, "an upload", "m") else {
            panic!("403 is no success");
        };
        assert_eq!(actual, "status 403, AccessDenied");
        assert_eq!(
            upload_id(b"<R><UploadId>a/b</UploadId></R>"),
            Some("a/b".to_owned())
        );
        assert_eq!(upload_id(b"no XML"), None);
    }
}
