//! What a bucket that is gone has left, and giving it up.

use std::sync::Arc;

use super::access_keys::{former_left, is_nobodys_business};
use crate::byob::absence::AbsentBucket;
use crate::byob::identity::{Identity, IdentityService};
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
    /// Gives it up. `key` is the one that was made for the bucket, which may have been given
    /// another one, or none, since.
    pub async fn give_up(
        &self,
        identities: &[Identity],
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
        let users = Users {
            cx: self.cx,
            cloud: self.cloud,
            bucket: self.absent.name(),
            identities,
            generations,
            unknown: self.unknown_user,
        };
        let mut diagnostics = users.remove(key.as_deref()).await?;
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

/// What was made for W&B, of a bucket whose name may be somebody else's by now.
pub struct Users<'a> {
    /// The operation.
    pub cx: &'a Context,
    /// The cloud, opened for it.
    pub cloud: &'a Arc<dyn Cloud>,
    /// The bucket's name.
    pub bucket: &'a str,
    /// Those that the state knows.
    pub identities: &'a [Identity],
    /// The makings that they may be marked with, the state's own first.
    pub generations: &'a [Generation],
    /// There may be one that the state does not know.
    pub unknown: bool,
}

impl Users<'_> {
    /// Removes them: those of owners before first, where an apply was killed that would have
    /// removed them, and one that it would have brought into the state. Where that fails, `key`
    /// is told as what is left as well.
    pub async fn remove(&self, key: Option<&str>) -> Result<Diagnostics, Diagnostic> {
        let mut diagnostics = Diagnostics::new();
        let Some(service) = self.cloud.identity_service() else {
            return Ok(diagnostics);
        };
        let known = usize::from(!self.unknown);
        for generation in self.generations.iter().skip(known) {
            let former = service.identity_of(self.bucket, None, generation);
            if !self.identities.iter().any(|one| one.is_named(&former.name)) {
                diagnostics.extend(self.remove_former(service, &former).await?);
            }
        }
        for identity in self.identities {
            let identity = identity.clone().of(self.generations);
            let removed = service.delete_identity(&identity).await;
            removed.map_err(|error| self.not_removed(&identity, key, error))?;
        }
        Ok(diagnostics)
    }

    /// Nobody else knows of it, so only whoever may neither remove nor see it goes on without.
    async fn remove_former(
        &self,
        service: &dyn IdentityService,
        former: &Identity,
    ) -> Result<Option<Diagnostic>, Diagnostic> {
        let Err(error) = service.delete_identity(former).await else {
            return Ok(None);
        };
        if !is_nobodys_business(&error) || matches!(service.survives(former).await, Ok(true)) {
            return Err(self.not_removed(former, None, error));
        }
        Ok(Some(former_left(former, error)))
    }

    fn not_removed(&self, identity: &Identity, key: Option<&str>, error: CloudError) -> Diagnostic {
        let key = key.map_or(String::new(), |key| format!("; the key {key}"));
        let left = format!(
            "the user {:?}, with its key{key}; the bucket is gone",
            identity.name
        );
        Explanation::cloud("W&B's user was not removed", error)
            .left_behind(left)
            .what_to_do("Run terraform destroy again.")
            .timed(self.cx)
            .error()
    }
}
