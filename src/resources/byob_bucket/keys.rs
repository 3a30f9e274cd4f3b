//! W&B's identity and its access key: making, keeping and removing them.

use std::collections::BTreeSet;

use super::schema::Bucket;
use super::settle::{Settled, Work};
use super::spec;
use crate::byob::diff::Change;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::spec::{Access, BucketSpec};
use crate::byob::{Cloud, CloudError, CloudErrorKind, Observed, Reading};
use crate::resources::trouble::Trouble;
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;

/// A new key. Where there is no room for it, keys go whose secrets were lost with the runs
/// that made them: every one but the key of the state, `known`.
pub async fn make(
    cloud: &dyn Cloud,
    identity: &Identity,
    known: Option<&String>,
) -> Result<AccessKey, CloudError> {
    match cloud.make_key(identity).await {
        Err(error) if error.kind == CloudErrorKind::Conflict => {
            let keep = known.into_iter().cloned().collect();
            cloud.remove_keys(identity, &keep).await?;
            cloud.make_key(identity).await
        }
        outcome => outcome,
    }
}

impl Work<'_> {
    /// Makes W&B's identity and key what they should be; returns W&B's key.
    pub(super) async fn identity(
        &self,
        changes: &[Change],
        wanted: &mut BucketSpec,
        settled: &mut Settled,
    ) -> Result<Option<AccessKey>, Diagnostic> {
        let config = Some(self.config);
        let Access::MadeKey(identity) = wanted.access.clone() else {
            let bucket = &mut settled.bucket;
            bucket.access_key_id = Field::Null;
            bucket.secret_access_key = Field::Null;
            bucket.supported_file_store = spec::file_store(bucket, &self.site);
            return Ok(spec::wandb_key(bucket, config, &self.site).into_known());
        };
        let failed = |error| self.cloud_trouble("W&B's access key was not made", error);
        if changes.contains(&Change::Identity) {
            let put = match self.fresh {
                Some(_) => self.cloud.put_new_identity(&identity).await,
                None => self.cloud.put_identity(&identity).await,
            };
            put.map_err(failed)?;
        }
        if self.rotate || wanted.access_key_id.is_none() {
            let known = wanted.access_key_id.as_ref();
            let made = make(self.cloud.as_ref(), &identity, known).await;
            let key = made.map_err(failed)?;
            wanted.access_key_id = Some(key.id.clone());
            let bucket = &mut settled.bucket;
            bucket.access_key_id = Field::Known(key.id.clone());
            bucket.secret_access_key =
                Field::Known(crate::sdk::model::Secret::new(key.expose_secret()));
            self.cx.exists(bucket, &settled.private);
        }
        settled.bucket.supported_file_store = spec::file_store(&settled.bucket, &self.site);
        Ok(spec::wandb_key(&settled.bucket, config, &self.site).into_known())
    }

    /// Removes keys that are not W&B's any more, and an identity that lost its use.
    pub(super) async fn retire_keys(
        &self,
        wanted: &BucketSpec,
        after: &Observed,
        key_is_new: bool,
        settled: &mut Settled,
    ) -> Result<(), Diagnostic> {
        let failed = |error| self.cloud_trouble("An old access key was not removed", error);
        let is_alone = |id: &String| {
            if self.cloud.names_keys() {
                return self.fresh.is_some();
            }
            matches!(&after.identity, Reading::Known(Some(state))
                if state.keys.len() == 1 && state.keys.contains_key(id))
        };
        if let (Access::MadeKey(identity), Some(id)) = (&wanted.access, &wanted.access_key_id)
            && key_is_new
            && !is_alone(id)
        {
            let keep = BTreeSet::from([id.clone()]);
            self.cloud
                .remove_keys(identity, &keep)
                .await
                .map_err(failed)?;
        }
        if let Some(old) = &self.old_identity {
            self.cloud.remove_identity(old).await.map_err(failed)?;
            settled.private.remove("old_identity");
        }
        Ok(())
    }

    /// Takes back what an adoption has made that failed: no state will know of it.
    pub(super) async fn withdraw(&self, bucket: &Bucket) -> Option<Diagnostic> {
        let Access::MadeKey(identity) = self.spec(bucket).ok()?.access else {
            return None;
        };
        let error = self.cloud.remove_identity(&identity).await.err()?;
        let left = format!("the user {:?}, with its key", identity.name);
        Some(
            Trouble::cloud("W&B's user was not removed again", error)
                .left_behind(left)
                .warning(),
        )
    }
}
