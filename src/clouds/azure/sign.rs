//! The requests of a probe, and what the answers say.
//!
//! What W&B's pages and its SDK do goes by a signed address: signed by the account's key where
//! W&B has it, else by a key that the service gives to the caller for that. What only the
//! provider does, for its own clean-up, goes by its own rights.

use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

use super::caller::{self, Blobs};
use super::client::{Audience, bearer, until_stopped};
use super::data::{self, Ask};
use super::error::{MISMATCH, has_code, not_understood};
use super::request::Request;
use super::sas::{self, DelegationKey, Permits, moment};
use super::{Azure, EFFECT, key, listing};
use crate::byob::http::{HttpRequest, HttpResponse, SecretUrl};
use crate::byob::identity::AccessKey;
use crate::byob::probe::{PARTS_SUFFIX, ProbeReply, ProbeStep, Signed};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Work, until_known_within};
use crate::clouds::xml::{self, elements};

const DELEGATE: &str =
    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";
/// How long a key is asked for that signs in the caller's name.
const LIFETIME: Duration = Duration::hours(1);
/// How far the service's clock may be behind.
const SKEW: Duration = Duration::minutes(5);

/// What a step asks for, and the rights that it takes; `None` for one that is not needed there:
/// parts are sent without a beginning, and go with the blob that they are parts of.
fn asked(step: &ProbeStep) -> Option<(Ask<'_>, &'static str)> {
    match step {
        ProbeStep::Put { object } => {
            let ask = Ask::new("PUT", Some(object)).header("x-ms-blob-type", "BlockBlob");
            Some((ask, "cw"))
        }
        ProbeStep::Get { object } => Some((Ask::new("GET", Some(object)), "r")),
        ProbeStep::Head { object } => Some((Ask::new("HEAD", Some(object)), "r")),
        ProbeStep::UploadPart { object, part, .. } => {
            // Of the blob that the probe has made already: what is sent and never put together
            // is gone with it.
            let object = object.strip_suffix(PARTS_SUFFIX).unwrap_or(object);
            let block = format!("{part:08}");
            // In base64, and all of one length, as the service wants it.
            let block = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, block);
            let ask = Ask::new("PUT", Some(object))
                .with("comp", "block")
                .with("blockid", block);
            Some((ask, "cw"))
        }
        ProbeStep::Delete { object, version } => {
            let ask = Ask::new("DELETE", Some(object));
            Some(match version {
                Some(version) => (ask.with("versionid", version), "dx"),
                None => (ask.header("x-ms-delete-snapshots", "include"), "d"),
            })
        }
        ProbeStep::BeginUpload { .. }
        | ProbeStep::ListUploads { .. }
        | ProbeStep::AbortUpload { .. } => None,
    }
}

/// Whether W&B hands such an address out; it does the rest itself.
fn is_handed_out(step: &ProbeStep) -> bool {
    matches!(
        step,
        ProbeStep::Put { .. }
            | ProbeStep::Get { .. }
            | ProbeStep::Head { .. }
            | ProbeStep::UploadPart { .. }
    )
}

/// The request of a step, in the name of W&B's key or of the caller.
pub(super) async fn request(
    cloud: &Azure,
    bucket: &str,
    step: &ProbeStep,
    own: Option<&AccessKey>,
) -> Result<Signed, CloudError> {
    let Some((ask, permissions)) = asked(step) else {
        return Ok(Signed::NotNeeded);
    };
    let account = &cloud.place.account;
    let object = ask.object.unwrap_or_default();
    let permits = Permits::on_blob(permissions, account, bucket, object);
    let key = match own {
        Some(key) => Some(key.clone()),
        None => key::own(cloud).await?,
    };
    let signature = if let Some(key) = key {
        sas::by_key(&permits, key.expose_secret())
    } else {
        if let Some(why) = lacks(cloud, bucket).await? {
            return Ok(Signed::Unable(why));
        }
        if !is_handed_out(step) {
            return with_token(cloud, bucket, &ask).await;
        }
        match delegation(cloud).await? {
            Ok(key) => sas::by_delegation(&permits, &key),
            Err(why) => return Ok(Signed::Unable(why)),
        }
    };
    let signature = signature.map_err(|why| sas::unsignable(account, why))?;
    let address = cloud.clients.blobs(account);
    Ok(Signed::Request(data::signed(
        &address, bucket, &ask, &signature,
    )))
}

async fn with_token(cloud: &Azure, bucket: &str, ask: &Ask<'_>) -> Result<Signed, CloudError> {
    let token = cloud.clients.token(Audience::Storage, &cloud.patience);
    let token = token.await?;
    let address = cloud.clients.blobs(&cloud.place.account);
    let url = SecretUrl::new(format!("{address}{}", ask.path(bucket)));
    let mut request = HttpRequest::new(ask.method, url);
    request.headers.push(bearer(&token));
    let version = super::request::BLOB_VERSION.to_owned();
    request.headers.push(("x-ms-version".to_owned(), version));
    for (name, value) in &ask.headers {
        request.headers.push(((*name).to_owned(), value.clone()));
    }
    Ok(Signed::Request(request))
}

/// Why the caller cannot try the bucket by its token; nothing where it can. What it could not
/// remove again is not written. A role that was given a moment ago is waited for.
async fn lacks(cloud: &Azure, bucket: &str) -> Result<Option<String>, CloudError> {
    if let Some(lack) = cloud.seen.lack() {
        return Ok(lack);
    }
    let lack = find_lack(cloud, bucket).await?;
    cloud.seen.note_lack(&lack);
    Ok(lack)
}

async fn find_lack(cloud: &Azure, bucket: &str) -> Result<Option<String>, CloudError> {
    let rights = caller::on_blobs(cloud).await;
    if let Some(why) = rights.as_ref().and_then(Blobs::lack) {
        return Ok(Some(why));
    }
    let is_granted = rights.is_some();
    let waiting = |outcome: &Result<(), CloudError>| {
        let is_refused = |error: &CloudError| has_code(error, MISMATCH);
        is_granted && outcome.as_ref().is_err_and(is_refused)
    };
    let stop = cloud.patience.stop();
    let waited = until_known_within(EFFECT, stop, listing::LIST, bucket, waiting, || async {
        let looked = listing::glance(cloud, bucket).await;
        if looked
            .as_ref()
            .is_err_and(|error| has_code(error, MISMATCH))
        {
            // A token may say what was so when it was made.
            cloud.clients.forget_token(Audience::Storage).await;
        }
        Ok(looked)
    });
    match until_stopped(&cloud.patience, listing::LIST, bucket, waited).await? {
        Ok(()) => Ok(None),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(Some(format!(
            "the caller may not look into the container, so nothing was tried as W&B would: give it \
             Storage Blob Data Owner on the account ({})",
            error.message
        ))),
        Err(error) => Err(error),
    }
}

/// A key of the service's to sign in the caller's name, or why there is none.
async fn delegation(cloud: &Azure) -> Result<Result<DelegationKey, String>, CloudError> {
    if let Some(key) = cloud.seen.delegation() {
        return Ok(Ok(key));
    }
    let now = OffsetDateTime::now_utc();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{}</Start><Expiry>{}</Expiry>\
         </KeyInfo>",
        moment(now - SKEW),
        moment(now + LIFETIME)
    );
    let path = "/?restype=service&comp=userdelegationkey".to_owned();
    let request = Request::blobs("POST", path).xml(body);
    let account = &cloud.place.account;
    let asked = cloud.send_request(Work::Read, DELEGATE, account, &request);
    let answer = match asked.await {
        Ok(answer) => answer,
        Err(error) if error.kind == CloudErrorKind::Denied => {
            return Ok(Err(format!(
                "the caller may not sign addresses of the account, so nothing was tried as W&B \
                 would: give it Storage Blob Data Owner on the account ({})",
                error.message
            )));
        }
        Err(error) => return Err(error),
    };
    let key = read_key(&answer);
    let key = key.ok_or_else(|| not_understood(DELEGATE, account, "it holds no key"))?;
    cloud.clients.remember(key.value.expose_secret());
    cloud.seen.note_delegation(&key);
    Ok(Ok(key))
}

fn read_key(answer: &HttpResponse) -> Option<DelegationKey> {
    let text = String::from_utf8_lossy(&answer.body);
    let root = xml::parse(text.trim_start_matches('\u{feff}')).ok()?;
    let part = |name: &str| root.child_text(name).map(str::to_owned);
    Some(DelegationKey {
        object: part("SignedOid")?,
        tenant: part("SignedTid")?,
        start: part("SignedStart")?,
        expiry: part("SignedExpiry")?,
        service: part("SignedService")?,
        version: part("SignedVersion")?,
        value: SecretString::from(part("Value")?),
    })
}

/// What an answer to a step says: the code of a refusal. Versions are not told: the one that a
/// reader gets can be deleted by its name only, and is an old version then.
pub(super) fn reply(response: &HttpResponse) -> ProbeReply {
    let text = String::from_utf8_lossy(&response.body);
    let code = elements(&text, "Code").into_iter().next();
    ProbeReply {
        code: code.or_else(|| response.headers.get("x-ms-error-code").cloned()),
        version: None,
        uploads: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_requests() {
        let put = ProbeStep::Put {
            object: "teams/ä b".to_owned(),
        };
        let (ask, permissions) = asked(&put).expect("a request");
        assert_eq!(ask.path("box"), "/box/teams/%C3%A4%20b");
        assert_eq!(permissions, "cw");
        let part = ProbeStep::UploadPart {
            object: "p/.wandb-byob-probe-parts".to_owned(),
            upload: String::new(),
            part: 1,
        };
        let (ask, _) = asked(&part).expect("a request");
        assert_eq!(
            ask.path("box"),
            "/box/p/.wandb-byob-probe?comp=block&blockid=MDAwMDAwMDE%3D"
        );
        let delete = ProbeStep::Delete {
            object: "a".to_owned(),
            version: Some("2026-01-02T03:04:05.6Z".to_owned()),
        };
        let (ask, permissions) = asked(&delete).expect("a request");
        assert_eq!(
            ask.path("box"),
            "/box/a?versionid=2026-01-02T03%3A04%3A05.6Z"
        );
        assert_eq!(permissions, "dx");
        let begin = ProbeStep::BeginUpload {
            object: "a".to_owned(),
        };
        assert!(asked(&begin).is_none());
    }

    #[test]
    fn an_answer_is_read() {
        let mut response = HttpResponse {
            body: b"<Error><Code>AuthorizationFailure</Code></Error>".to_vec(),
            ..HttpResponse::default()
        };
        assert_eq!(
            reply(&response).code.as_deref(),
            Some("AuthorizationFailure")
        );
        response.body.clear();
        response
            .headers
            .insert("x-ms-error-code".to_owned(), "BlobNotFound".to_owned());
        assert_eq!(reply(&response).code.as_deref(), Some("BlobNotFound"));
    }
}
