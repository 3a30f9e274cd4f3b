//! Signatures (AWS Signature Version 4) on addresses and on plain requests, and what the
//! answers to signed addresses say.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::byob::identity::AccessKey;
use crate::byob::probe::{ProbeReply, ProbeStep, Version};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::xml::elements;

use super::client::{self, Clients, encoded};

/// How long a signed address is good.
const LIFETIME: Duration = Duration::from_mins(15);

/// A request to sign.
pub(in crate::clouds) struct Unsigned<'a> {
    pub(in crate::clouds) method: &'a str,
    pub(in crate::clouds) url: &'a str,
    pub(in crate::clouds) headers: &'a [(&'a str, &'a str)],
    pub(in crate::clouds) body: &'a [u8],
}

/// The HTTP method of a step.
fn method(step: &ProbeStep) -> &'static str {
    match step {
        ProbeStep::Put { .. } | ProbeStep::UploadPart { .. } => "PUT",
        ProbeStep::Get { .. } | ProbeStep::ListUploads { .. } => "GET",
        ProbeStep::Head { .. } => "HEAD",
        ProbeStep::BeginUpload { .. } => "POST",
        ProbeStep::AbortUpload { .. } | ProbeStep::Delete { .. } => "DELETE",
    }
}

/// The object of a step and what stands in the query, encoded.
fn target(step: &ProbeStep) -> (&str, Vec<(&'static str, String)>) {
    match step {
        // A question to the bucket, and no object of it.
        ProbeStep::ListUploads { object } => (
            "",
            vec![("uploads", String::new()), ("prefix", encoded(object))],
        ),
        ProbeStep::Put { object } | ProbeStep::Get { object } | ProbeStep::Head { object } => {
            (object.as_str(), Vec::new())
        }
        ProbeStep::BeginUpload { object } => (object.as_str(), vec![("uploads", String::new())]),
        ProbeStep::UploadPart {
            object,
            upload,
            part,
        } => (
            object.as_str(),
            vec![
                ("partNumber", part.to_string()),
                ("uploadId", encoded(upload)),
            ],
        ),
        ProbeStep::AbortUpload { object, upload } => {
            (object.as_str(), vec![("uploadId", encoded(upload))])
        }
        ProbeStep::Delete { object, version } => (
            object.as_str(),
            version
                .iter()
                .map(|version| ("versionId", encoded(version)))
                .collect(),
        ),
    }
}

/// The request of a step, signed for `key` or for the caller in its address.
pub(in crate::clouds) async fn request(
    clients: &Clients,
    bucket: &str,
    step: &ProbeStep,
    key: Option<&AccessKey>,
) -> Result<HttpRequest, CloudError> {
    let (object, query) = target(step);
    let mut url = clients.object_url(bucket, object);
    for (index, (name, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(value);
    }
    let mut settings = settings();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let unsigned = Unsigned {
        method: method(step),
        url: &url,
        headers: &[],
        body: &[],
    };
    let instructions = instructions(
        clients,
        &clients.credentials(key).await?,
        settings,
        &unsigned,
        SignableBody::UnsignedPayload,
    )?;
    for (name, value) in instructions.params() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.push_str(&encoded(value));
    }
    Ok(HttpRequest::new(method(step), SecretUrl::new(url)))
}

/// The headers that sign `unsigned` for the caller, the given ones not among them.
pub(in crate::clouds) async fn headers(
    clients: &Clients,
    unsigned: &Unsigned<'_>,
) -> Result<Vec<(String, String)>, CloudError> {
    let mut settings = settings();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let instructions = instructions(
        clients,
        &clients.credentials(None).await?,
        settings,
        unsigned,
        SignableBody::Bytes(unsigned.body),
    )?;
    Ok(instructions
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

fn instructions(
    clients: &Clients,
    credentials: &Credentials,
    settings: SigningSettings,
    unsigned: &Unsigned<'_>,
    body: SignableBody<'_>,
) -> Result<SigningInstructions, CloudError> {
    let fault = |why: String| {
        CloudError::new(
            CloudErrorKind::Invalid,
            "sign",
            client::location(&clients.connection().endpoint),
            why,
        )
    };
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&clients.connection().region)
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|error| fault(error.to_string()))?
        .into();
    let request = SignableRequest::new(
        unsigned.method,
        unsigned.url,
        unsigned.headers.iter().copied(),
        body,
    )
    .map_err(|error| fault(error.to_string()))?;
    sign(request, &params)
        .map(|output| output.into_parts().0)
        .map_err(|error| fault(error.to_string()))
}

/// What an answer to a step says: the code of a refusal, the version of the object, and
/// the ids of uploads in parts.
pub(in crate::clouds) fn reply(response: &HttpResponse) -> ProbeReply {
    let text = String::from_utf8_lossy(&response.body);
    let version = response.headers.get("x-amz-version-id");
    ProbeReply {
        code: elements(&text, "Code").into_iter().next(),
        // Where versions are not made the object is the version "null".
        version: Some(Version {
            id: version.map_or("null", String::as_str).to_owned(),
            is_only: version.is_none_or(|id| id == "null"),
        }),
        uploads: elements(&text, "UploadId"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> ProbeReply {
        reply(&HttpResponse {
            status: 200,
            body: body.as_bytes().to_vec(),
            ..HttpResponse::default()
        })
    }

    #[test]
    fn every_upload_of_a_list_is_read() {
        let list = "<R><Upload><UploadId>a</UploadId></Upload><Upload><UploadId>b=</UploadId></Upload></R>";
        assert_eq!(answer(list).uploads, ["a", "b="]);
        assert_eq!(answer("<R><UploadId>a/b</UploadId></R>").uploads, ["a/b"]);
        for body in ["<Error/>", "no XML"] {
            assert_eq!(answer(body).uploads, Vec::<String>::new());
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_code() {
        let refusal = answer("<Error><Code>AccessDenied</Code></Error>");
        assert_eq!(refusal.code.as_deref(), Some("AccessDenied"));
    }
}
