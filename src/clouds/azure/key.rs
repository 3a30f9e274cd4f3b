//! The keys of an account. They are its owner's: read where one is needed, never made or removed.

use secrecy::ExposeSecret as _;

use super::Azure;
use super::error::not_understood;
use super::request::{Api, Request};
use crate::byob::CloudError;
use crate::byob::identity::AccessKey;
use crate::clouds::retry::Work;

pub(super) const LIST: &str = "Microsoft.Storage/storageAccounts/listKeys/action";

/// Reads a key of the account, and keeps it in mind.
pub(super) async fn read(cloud: &Azure, name: &str) -> Result<AccessKey, CloudError> {
    let account = &cloud.place.account;
    let id = format!("{}/listKeys", cloud.place.account_id());
    let request = Request::manager(Api::Storage, "POST", &id);
    let told = cloud.json(Work::Read, LIST, account, &request).await?;
    let keys = told["keys"].as_array().into_iter().flatten();
    let mut keys = keys.filter(|key| key["keyName"] == name);
    let secret = keys.next().and_then(|key| key["value"].as_str());
    let secret = secret.filter(|secret| !secret.is_empty());
    let secret = secret
        .ok_or_else(|| not_understood(LIST, account, format!("the account has no key {name:?}")))?;
    cloud
        .clients
        .keep_key(&cloud.place.account_id(), name, secret);
    Ok(AccessKey::new(name, secret).held_by(account))
}

/// The key by which blobs are reached; `None` where that is the caller's own token.
pub(super) async fn own(cloud: &Azure) -> Result<Option<AccessKey>, CloudError> {
    let Some(name) = cloud.place.key_name() else {
        return Ok(None);
    };
    // Keys that are off open nothing, and the caller may have a role.
    if cloud.seen.account().is_some_and(|seen| !seen.takes_keys()) {
        return Ok(None);
    }
    if let Some(kept) = cloud.clients.kept_key(&cloud.place.account_id(), name) {
        let key = AccessKey::new(name, kept.expose_secret());
        return Ok(Some(key.held_by(&cloud.place.account)));
    }
    read(cloud, name).await.map(Some)
}
