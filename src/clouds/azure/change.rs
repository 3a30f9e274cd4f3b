//! Writes a bucket's settings, one at a time, each where it is: on the container, on the account
//! that was made here, or in what all containers of the account share.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::account::{self, Account, PUBLIC};
use super::observe::tls_rule;
use super::service::only_writer;
use super::{Azure, container, policy, roles, service};
use crate::byob::change::Change;
use crate::byob::marker;
use crate::byob::observed::{Rule, Versioning};
use crate::byob::spec::Grants;
use crate::byob::{CloudError, CloudErrorKind};

/// Writes one setting.
pub(super) async fn change(cloud: &Azure, bucket: &str, what: &Change) -> Result<(), CloudError> {
    match what {
        Change::Tags(tags) => write_tags(cloud, bucket, tags).await,
        Change::Versioning(on) => {
            let account = current(cloud).await?;
            if *on && account.is_hierarchical() {
                return Err(no_versions(cloud));
            }
            let is_own = is_own(cloud, bucket, &account);
            service::write(cloud, what, is_own).await
        }
        Change::SoftDelete(_) | Change::Cors(_) => {
            let account = current(cloud).await?;
            let is_own = is_own(cloud, bucket, &account);
            service::write(cloud, what, is_own).await
        }
        Change::Lifecycle(rules) => policy::write(cloud, bucket, rules).await,
        Change::PublicAccess(closed) => write_public_access(cloud, bucket, *closed).await,
        Change::Grants(wanted) => write_grants(cloud, bucket, wanted).await,
        Change::StorageClass(_) | Change::Ownership | Change::Encryption(_) => {
            let why = "containers have no such setting";
            let kind = CloudErrorKind::NotSupported;
            Err(CloudError::new(kind, container::WRITE, bucket, why))
        }
    }
}

/// Old versions are asked for where none can be kept.
fn no_versions(cloud: &Azure) -> CloudError {
    let why = "the account has a hierarchical namespace, which keeps no old versions";
    let kind = CloudErrorKind::Invalid;
    CloudError::new(kind, service::WRITE, &cloud.place.account, why)
        .hint("Set versioning = false, or use an account without a hierarchical namespace.")
}

/// The account as it was seen last, or as it is.
async fn current(cloud: &Azure) -> Result<Account, CloudError> {
    match cloud.seen.account() {
        Some(account) => Ok(account),
        None => account::get(cloud).await,
    }
}

/// Whether the account was made for the bucket, as far as this operation has seen its marker.
fn is_own(cloud: &Azure, bucket: &str, account: &Account) -> bool {
    account.is_own(&cloud.place, bucket, &cloud.seen.generations())
}

/// The marker goes onto the container and onto an account that was made for it; the user's tags
/// onto that account.
async fn write_tags(
    cloud: &Azure,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if cloud.seen.container(bucket).is_none() {
        container::get(cloud, bucket).await?;
    }
    let account = if cloud.place.makes_account {
        let account = current(cloud).await?;
        is_own(cloud, bucket, &account).then_some(account)
    } else {
        None
    };
    let marker = tags.get(marker::KEY);
    let is_marked = cloud
        .seen
        .container(bucket)
        .is_some_and(|seen| seen.marker().map(|marker| marker.to_string()).as_ref() == marker);
    if !is_marked {
        container::mark(cloud, bucket, tags).await?;
    }
    let Some(account) = account else {
        return Ok(());
    };
    let own = account::own_tags(bucket, tags);
    if account.all_tags() == own {
        return Ok(());
    }
    account::patch_tags(cloud, &own).await
}

async fn write_public_access(cloud: &Azure, bucket: &str, closed: bool) -> Result<(), CloudError> {
    if !closed {
        return Ok(());
    }
    let is_public = match cloud.seen.container(bucket) {
        Some(seen) => seen.is_public(),
        None => container::get(cloud, bucket).await?.is_public(),
    };
    if is_public {
        container::close(cloud, bucket).await?;
    }
    let account = current(cloud).await?;
    if account.may_be_public() && is_own(cloud, bucket, &account) {
        let properties = [(PUBLIC.to_owned(), json!(false))];
        account::patch_properties(cloud, Map::from_iter(properties)).await?;
    }
    Ok(())
}

/// How an account of our own lets anybody in at all, and the roles of W&B's principal.
async fn write_grants(cloud: &Azure, bucket: &str, wanted: &Grants) -> Result<(), CloudError> {
    let account = current(cloud).await?;
    if is_own(cloud, bucket, &account) {
        let place = &cloud.place;
        let mut properties = Map::new();
        if tls_rule(cloud, &account, true) != Rule::AsWanted {
            properties.insert("supportsHttpsTrafficOnly".to_owned(), json!(true));
            let version = json!(place.min_tls_version);
            properties.insert("minimumTlsVersion".to_owned(), version);
        }
        if account.takes_keys() != place.shared_key_enabled {
            let takes = json!(place.shared_key_enabled);
            properties.insert("allowSharedKeyAccess".to_owned(), takes);
        }
        if !properties.is_empty() {
            account::patch_properties(cloud, properties).await?;
        }
    }
    if wanted.principals.is_empty() && wanted.former.is_empty() {
        return Ok(());
    }
    let roles = roles::ids(cloud, &wanted.rights.roles).await?;
    let _writer = only_writer(cloud).await;
    let before = roles::get(cloud).await?;
    for principal in &wanted.principals {
        roles::give(cloud, bucket, principal, &roles, &before).await?;
        // Roles that an earlier apply has given and nobody wants any more.
        let is_it = |one: &str| one.eq_ignore_ascii_case(principal);
        roles::take(cloud, bucket, is_it, &roles, &before).await?;
    }
    let former = roles::former(wanted);
    let is_former = |one: &str| former.iter().any(|former| former.eq_ignore_ascii_case(one));
    roles::take(cloud, bucket, is_former, &BTreeMap::new(), &before).await
}

/// Whether old versions are kept, in the words of a setting.
pub(super) fn kept(on: bool) -> Versioning {
    if on {
        Versioning::Enabled
    } else {
        Versioning::Off
    }
}
