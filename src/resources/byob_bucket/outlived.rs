//! What a bucket that is gone has left, and giving it up.

use std::sync::Arc;

use super::access_keys::{former_left, is_nobodys_business};
use crate::byob::absence::AbsentBucket;
use crate::byob::identity::Identity;
use crate::byob::key_service::KeyEnd;
use crate::byob::marker::Generation;
use crate::byob::spec::BucketSpec;
use crate::byob::{Cloud, CloudError, CloudErrorKind};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::terraform::diagnostics::Explanation;

/// Days until a key is gone whose own number of days is not known any more: the most that KMS
/// takes.
const LONGEST_DAYS: u32 = 30;

/// What is left of a bucket that is gone: nothing can refuse its deletion any more, so W&B's
/// user goes, and then the key, which nothing is left to be encrypted by.
pub struct Outlived<'a> {
    /// The operation.
    pub cx: &'a Context,
    /// The cloud, opened for it.
    pub cloud: &'a Arc<dyn Cloud>,
    /// The bucket.
    pub absent: AbsentBucket,
    /// There may be a user that the state does not know.
    pub unknown_user: bool,
    /// The key of the state may have been made for the bucket, and nothing says so.
    pub unknown_key: bool,
}

impl Outlived<'_> {
    /// Gives it up. `key` is the one that was made for the bucket, which may have been given another one,
    /// or none, since.
    pub async fn give_up(
        &self,
        identities: Vec<Identity>,
        spec: Option<BucketSpec>,
        key: Option<String>,
        generations: &[Generation],
    ) -> Result<Diagnostics, Diagnostics> {
        let was_made = key.is_some();
        let spec = spec.and_then(|spec| spec.key);
        let (key, days) = match (&spec, key) {
            (Some(spec), key) => (key.or_else(|| spec.name.clone()), spec.deletion_days),
            (None, key) => (key, LONGEST_DAYS),
        };
        let known = usize::from(!self.unknown_user);
        let former = generations.get(known..).unwrap_or_default();
        let name = self.absent.name();
        let mut diagnostics = remove_former(self.cx, self.cloud, name, &identities, former).await?;
        for identity in identities {
            let identity = identity.of(generations);
            remove_identity(self.cx, self.cloud, &identity, key.as_deref()).await?;
        }
        if generations.is_empty() || (spec.is_none() && key.is_none()) {
            return Ok(diagnostics);
        }
        let key = (key.as_deref(), was_made);
        diagnostics.extend(self.retire_key(key, days, generations).await?);
        Ok(diagnostics)
    }

    async fn retire_key(
        &self,
        (name, was_made): (Option<&str>, bool),
        days: u32,
        generations: &[Generation],
    ) -> Result<Diagnostics, Diagnostic> {
        let Some(service) = self.cloud.key_service() else {
            return Ok(Diagnostics::new());
        };
        let retired = service
            .retire_encryption_key(&self.absent, name, generations, days)
            .await;
        let left = name.map_or("the key".to_owned(), |name| format!("the key {name}"));
        let explain =
            |error| Explanation::cloud("The bucket's key was not given up", error).timed(self.cx);
        let end = match retired {
            // A given key, which nobody wants to remove; or whoever may not look at it cannot.
            Err(error) if !was_made && error.kind == CloudErrorKind::Denied => {
                let left = format!("{left}, which goes on if it was given");
                let warning = explain(error).left_behind(left).warning();
                return Ok(self.unknown_key.then_some(warning).into_iter().collect());
            }
            retired => retired.map_err(|error| {
                explain(error)
                    .left_behind(format!("{left}; the bucket is gone"))
                    .what_to_do("Run terraform destroy again.")
                    .error()
            })?,
        };
        Ok(match end {
            KeyEnd::None => Diagnostics::new(),
            KeyEnd::Scheduled { key } => {
                tracing::info!(%key, "the key's deletion is scheduled");
                Diagnostics::new()
            }
        })
    }
}

/// Removes an identity that was made for W&B; the key is told where that fails.
pub async fn remove_identity(
    cx: &Context,
    cloud: &Arc<dyn Cloud>,
    identity: &Identity,
    key: Option<&str>,
) -> Result<(), Diagnostic> {
    let Some(service) = cloud.identity_service() else {
        return Ok(());
    };
    let removed = service.delete_identity(identity).await;
    removed.map_err(|error| not_removed(cx, identity, key, error))
}

fn not_removed(
    cx: &Context,
    identity: &Identity,
    key: Option<&str>,
    error: CloudError,
) -> Diagnostic {
    let key = key.map_or(String::new(), |key| format!("; the key {key}"));
    let left = format!(
        "the user {:?}, with its key{key}; the bucket is gone",
        identity.name
    );
    Explanation::cloud("W&B's user was not removed", error)
        .left_behind(left)
        .what_to_do("Run terraform destroy again.")
        .timed(cx)
        .error()
}

/// Removes the users of owners before, where an apply was killed that would have removed them; and one
/// that it would have brought into the state. Nobody else knows of them, so only whoever may
/// neither remove nor see one goes on without.
pub async fn remove_former(
    cx: &Context,
    cloud: &Arc<dyn Cloud>,
    bucket: &str,
    identities: &[Identity],
    generations: &[Generation],
) -> Result<Diagnostics, Diagnostic> {
    let mut diagnostics = Diagnostics::new();
    let Some(service) = cloud.identity_service() else {
        return Ok(diagnostics);
    };
    for generation in generations {
        let former = service.identity_of(bucket, None, generation);
        if identities.iter().any(|one| one.name == former.name) {
            continue;
        }
        let Err(error) = service.delete_identity(&former).await else {
            continue;
        };
        if !is_nobodys_business(&error) || matches!(service.survives(&former).await, Ok(true)) {
            return Err(not_removed(cx, &former, None, error));
        }
        diagnostics.push(former_left(&former, error));
    }
    Ok(diagnostics)
}
