//! A bucket that is gone: the proof of it, what it left behind, and where it was seen last.

use std::sync::Arc;

use super::private::{GONE, SERVER, UNSEEN, was_interrupted};
use super::schema::Bucket;
use super::{access_keys, made};
use crate::byob::absence::{AbsentBucket, Server};
use crate::byob::spec::BucketSpec;
use crate::byob::{Cloud, CloudError, CloudErrorKind, Reading};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::private::Private;
use crate::terraform::diagnostics::Explanation;

const LEFT: &str = "everything as it was, the state too";

/// Remembers where the bucket was seen.
pub fn note_server(private: &mut Private, cloud: &Arc<dyn Cloud>) {
    let mut server = cloud.server();
    if let Some(before) = remembered(private)
        && before.endpoint == server.endpoint
    {
        server.account = server.account.or(before.account);
    }
    let noted = serde_json::json!({"endpoint": server.endpoint, "account": server.account});
    private.set(SERVER, noted);
}

fn remembered(private: &Private) -> Option<Server> {
    let noted = private.get(SERVER)?;
    let text = |name: &str| noted.get(name).and_then(serde_json::Value::as_str);
    Some(Server {
        endpoint: text("endpoint")?.to_owned(),
        account: text("account").map(str::to_owned),
    })
}

/// Proves that a bucket is gone of which one answer has said so: by another question, at
/// the place where it was seen last.
pub async fn prove(
    cx: &Context,
    cloud: &Arc<dyn Cloud>,
    private: &Private,
    name: &str,
    summary: &str,
) -> Result<AbsentBucket, Diagnostic> {
    let absent = cloud.confirm_absence(name).await.map_err(|error| {
        Explanation::cloud(summary, error)
            .left_behind(LEFT)
            .timed(cx)
            .error()
    })?;
    refuse_elsewhere(cloud, private, summary)?;
    Ok(absent)
}

/// Refuses to believe anything of a bucket that is not this state's at another place than the
/// one where it was seen last.
pub fn refuse_elsewhere(
    cloud: &Arc<dyn Cloud>,
    private: &Private,
    summary: &str,
) -> Result<(), Diagnostic> {
    let here = cloud.server();
    let Some(before) = remembered(private).filter(|before| before.differs(&here)) else {
        return Ok(());
    };
    let why = format!("the bucket is not at {here}, and it was last seen at {before}");
    Err(Explanation::new(summary, why)
        .left_behind(LEFT)
        .what_to_do(
            "Set the provider's block, or the environment, back to the place where the bucket is; \
             if that is gone for good, remove the bucket from the state (terraform state rm); one \
             that has moved is taken over after that with adopt = true.",
        )
        .error())
}

/// Whether there may be a user that the state does not know: of an apply that was killed, or of
/// an import that might not look.
pub fn has_unknown_user(private: &Private) -> bool {
    was_interrupted(private) || private.get(UNSEEN).is_some()
}

/// What was made for a bucket of a state that is gone, and is still there, as the end of a
/// sentence. `wanted` is what the state asks for; what was made may be more.
pub async fn left_behind(
    cloud: &Arc<dyn Cloud>,
    absent: &AbsentBucket,
    state: &Bucket,
    private: &Private,
    wanted: &BucketSpec,
) -> Result<Option<String>, CloudError> {
    let mut left = Vec::new();
    let generations = made::generations(state, private);
    if generations.is_empty() {
        return Ok(None);
    }
    let mut survivors = Vec::new();
    for identity in made::identities(state, private, Some(wanted.clone())) {
        let identity = identity.of(&generations);
        if let Some(service) = cloud.identity_service()
            && service.survives(&identity).await?
        {
            survivors.push(identity);
        }
    }
    if survivors.is_empty() && has_unknown_user(private) {
        let unknown = access_keys::unknown(cloud, absent.name(), &generations).await?;
        survivors.extend(unknown);
    }
    for identity in survivors {
        left.push(format!("the user {:?}, with its key", identity.name));
    }
    let key = wanted.key.as_ref().and_then(|key| key.name.as_deref());
    if let (Some(service), Some(key)) = (cloud.key_service(), made::key(private).or(key)) {
        let was_made = made::key(private).is_some() || private.get(GONE).is_some();
        match service
            .surviving_encryption_key(absent, key, &generations)
            .await?
        {
            Reading::Known(Some(key)) => left.push(format!("the key {key}")),
            // It was made for the bucket, and now nobody may look.
            Reading::Denied(_) if was_made => left.push(format!("the key {key}")),
            Reading::Known(None)
            | Reading::Denied(_)
            | Reading::Unsupported(_)
            | Reading::Skipped => {}
        }
    }
    Ok((!left.is_empty()).then(|| left.join("; ")))
}

/// What held the bucket is not gone with it.
pub fn stays(absent: &AbsentBucket) -> Option<Diagnostic> {
    let left = absent.left()?;
    let summary = format!(
        "Bucket {:?} is gone, and what it was in is not",
        absent.name()
    );
    let why = "it may hold more than this bucket, or is somebody else's";
    Some(Explanation::new(summary, why).left_behind(left).warning())
}

/// What outlived its bucket stays in the state, so that something can still be done about
/// it.
pub fn outlived(bucket: &str, left: String) -> Diagnostic {
    Explanation::new(
        format!("Bucket {bucket:?} is gone, and what was made for it is not"),
        "the bucket was deleted by somebody else, or by a run that ended before it came to the \
         rest",
    )
    .left_behind(left)
    .what_to_do(
        "Run terraform destroy to give up the rest; or apply, and the bucket is made again with \
         the same user and key.",
    )
    .warning()
}

/// A refusal to look at a bucket that was proven to be gone: where names are shared, somebody
/// else has this one by now.
pub fn is_anothers(cloud: &Arc<dyn Cloud>, error: &CloudError, private: &Private) -> bool {
    let is_refused = error.kind == CloudErrorKind::Denied && private.get(GONE).is_some();
    is_refused && cloud.shares_names()
}

/// The warning about it.
pub fn anothers(bucket: &str, error: CloudError) -> Diagnostic {
    let summary = format!("Bucket {bucket:?} is gone, and somebody else may have its name");
    Explanation::cloud(summary, error)
        .left_behind("what was made for the bucket: W&B's user, or the bucket's key")
        .what_to_do("Run terraform destroy, which leaves that bucket alone and removes the user.")
        .warning()
}
