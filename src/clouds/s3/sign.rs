//! Signatures (AWS Signature Version 4) on addresses and on plain requests, and what
//! W&B's key must not be able to do.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use crate::byob::cloud::SecretUrl;
use crate::byob::identity::AccessKey;
use crate::byob::probe::ProbeRequest;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::change::Sub;
use super::client::{Clients, encoded};
use super::random::alphanumeric;
use super::{S3, client};

/// How long a signed address is good.
const LIFETIME: Duration = Duration::from_mins(15);

/// A request to sign.
pub(in crate::clouds) struct Unsigned<'a> {
    pub(in crate::clouds) method: &'a str,
    pub(in crate::clouds) url: &'a str,
    pub(in crate::clouds) headers: &'a [(&'a str, &'a str)],
    pub(in crate::clouds) body: &'a [u8],
}

/// The address for `request`, signed for `key` or for the caller.
pub(in crate::clouds) async fn address(
    clients: &Clients,
    bucket: &str,
    request: &ProbeRequest,
    key: Option<&AccessKey>,
) -> Result<SecretUrl, CloudError> {
    let (object, query) = match request {
        // A question to the bucket, and no object of it.
        ProbeRequest::ListUploads { object } => (
            "",
            vec![("uploads", String::new()), ("prefix", encoded(object))],
        ),
        ProbeRequest::Put { object }
        | ProbeRequest::Get { object }
        | ProbeRequest::Head { object } => (object.as_str(), Vec::new()),
        ProbeRequest::BeginUpload { object } => (object.as_str(), vec![("uploads", String::new())]),
        ProbeRequest::UploadPart {
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
        ProbeRequest::AbortUpload { object, upload } => {
            (object.as_str(), vec![("uploadId", encoded(upload))])
        }
        ProbeRequest::Delete { object, version } => (
            object.as_str(),
            version
                .iter()
                .map(|version| ("versionId", encoded(version)))
                .collect(),
        ),
    };
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
        method: request.method(),
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
    Ok(SecretUrl::new(url))
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

/// A policy that no server takes: an allowed caller changes nothing with it either.
const NO_POLICY: &str = "{";

/// What `key` could do although it must not.
pub(in crate::clouds) async fn overreach(
    cloud: &S3,
    bucket: &str,
    key: &AccessKey,
) -> Result<Vec<String>, CloudError> {
    let theirs = cloud.clients.s3_as(key);
    let mut found = Vec::new();
    if cloud.knows(Sub::Policy, bucket).await? {
        let call = "s3:PutBucketPolicy";
        let outcome = cloud
            .sdk(Work::Write, call, bucket, || {
                theirs
                    .put_bucket_policy()
                    .bucket(bucket)
                    .policy(NO_POLICY)
                    .send()
            })
            .await;
        match outcome {
            Err(error) if error.kind == CloudErrorKind::Denied => {}
            Err(error)
                if matches!(
                    error.kind,
                    CloudErrorKind::Invalid | CloudErrorKind::Conflict
                ) =>
            {
                found.push("change who has access to the bucket".to_owned());
            }
            Ok(_) => found.push("change who has access to the bucket".to_owned()),
            Err(error) if error.kind == CloudErrorKind::NotSupported => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(other) = look_elsewhere(cloud, bucket, &theirs).await? {
        found.push(format!("list the objects of the bucket \"{other}\""));
    }
    Ok(found)
}

/// The name of another bucket that this client could list, if any.
async fn look_elsewhere(
    cloud: &S3,
    bucket: &str,
    theirs: &aws_sdk_s3::Client,
) -> Result<Option<String>, CloudError> {
    let listed = cloud
        .sdk(Work::Read, "s3:ListAllMyBuckets", bucket, || {
            cloud.clients.s3().list_buckets().send()
        })
        .await;
    // Without another bucket a name that nobody has must do: some servers refuse
    // before they look whether it is there.
    let other = listed.ok().and_then(|listed| {
        listed
            .buckets()
            .iter()
            .filter_map(|other| other.name())
            .find(|other| *other != bucket)
            .map(str::to_owned)
    });
    let other = match other {
        Some(other) => other,
        None => format!("wandb-byob-{}", alphanumeric::<20>()?.to_lowercase()),
    };
    let outcome = cloud
        .sdk(Work::Read, "s3:ListBucket", &other, || {
            theirs.list_objects_v2().bucket(&other).max_keys(1).send()
        })
        .await;
    match outcome {
        Ok(_) => Ok(Some(other)),
        Err(error)
            if matches!(
                error.kind,
                CloudErrorKind::Denied | CloudErrorKind::NotFound
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
