//! Making W&B's access key where identities may have a few only.

use crate::byob::identity::{AccessKey, Identity};
use crate::byob::{Cloud, CloudError, CloudErrorKind};

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
