//! What W&B's key must not be able to do, tried without changing anything. That it may
//! change who gets in is W&B's own wish: roles/storage.admin includes it.

use super::sign::{self, Target};
use super::{Gcp, absence};
use crate::byob::CloudError;
use crate::byob::identity::AccessKey;
use crate::clouds::retry::Work;

/// What `key` could do although it must not: look into another bucket of the project.
pub(super) async fn overreach(
    cloud: &Gcp,
    bucket: &str,
    key: &AccessKey,
) -> Result<Vec<String>, CloudError> {
    // Who may not list the buckets knows of no other one.
    let Ok(names) = absence::names(cloud, None, false).await else {
        return Ok(Vec::new());
    };
    let Some(other) = names.into_iter().find(|name| name != bucket) else {
        return Ok(Vec::new());
    };
    let request = sign::signed_by_key(cloud, &Target::list(&other), key).await?;
    let call = "storage.objects.list";
    let answer = cloud
        .patience
        .call(Work::Read, call, &other, || {
            cloud.clients.web().exchange(call, &other, &request)
        })
        .await?;
    if answer.is_success() {
        return Ok(vec![format!("list the objects of the bucket \"{other}\"")]);
    }
    Ok(Vec::new())
}
