//! Makes a container, and where it is asked for the account around it, with everything that the
//! first apply wants of both.

use std::collections::BTreeMap;
use std::time::Duration;

use super::account::{self, Account};
use super::change::kept;
use super::error::{GROUP_NOT_FOUND, has_code};
use super::listing::containers;
use super::service::{self, only_writer};
use super::{Azure, absence, container, names, policy};
use crate::byob::change::Change;
use crate::byob::marker::{self, Marker};
use crate::byob::observed::{GrantState, LifecycleRule, Observed, PublicAccess, Rule};
use crate::byob::requirements::data::days;
use crate::byob::{CloudError, CloudErrorKind, CloudKind, Reading};

/// Makes the bucket.
pub(super) async fn create(
    cloud: &Azure,
    bucket: &str,
    tags: &BTreeMap<String, String>,
    settings: &[Change],
) -> Result<(), CloudError> {
    let _writer = only_writer(cloud).await;
    let marker = tags.get(marker::KEY);
    let is_new = if cloud.place.makes_account {
        with_own_account(cloud, bucket, tags).await?
    } else {
        let account = with_anothers(cloud).await?;
        refuse_unfit(cloud, &account)?;
        container::refuse_taken(cloud, bucket).await?;
        absence::confirm_unlisted(cloud, bucket).await?;
        false
    };
    let made = container_with(cloud, bucket, marker, settings, is_new).await;
    made.map_err(|mut error| {
        if is_new {
            error.message.push_str(
                "; the storage account is made by now, and the next apply goes on with it",
            );
        }
        error
    })?;
    if let Some(marker) = marker.and_then(|text| Marker::parse(text)) {
        cloud.seen.note_generations(marker.generations());
    }
    Ok(())
}

async fn container_with(
    cloud: &Azure,
    bucket: &str,
    marker: Option<&String>,
    settings: &[Change],
    is_new: bool,
) -> Result<(), CloudError> {
    if cloud.place.makes_account {
        let sections = if is_new {
            service::first(settings)
        } else {
            service::beside_others(cloud, settings).await?
        };
        if !sections.is_empty() {
            service::put(cloud, sections).await?;
        }
        let rules = lifecycle(settings);
        if !rules.is_empty() {
            policy::write_first(cloud, bucket, rules, is_new).await?;
        }
    }
    container::make(cloud, bucket, marker).await
}

fn lifecycle(settings: &[Change]) -> &[LifecycleRule] {
    let found = settings.iter().find_map(|change| match change {
        Change::Lifecycle(rules) => Some(rules.as_slice()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn invalid(cloud: &Azure, why: &str, hint: &str) -> CloudError {
    let kind = CloudErrorKind::Invalid;
    CloudError::new(kind, account::WRITE, &cloud.place.account, why).hint(hint)
}

async fn with_anothers(cloud: &Azure) -> Result<Account, CloudError> {
    account::find(cloud).await?.ok_or_else(|| {
        invalid(
            cloud,
            "there is no storage account of this name in the resource group",
            "Make the account first, check storage_account_name and resource_group_name, or leave \
             create_storage_account = false out.",
        )
    })
}

/// What another's account is and cannot be made otherwise by us.
fn refuse_unfit(cloud: &Azure, account: &Account) -> Result<(), CloudError> {
    if cloud.place.key_name().is_some() && !account.takes_keys() {
        return Err(invalid(
            cloud,
            "the storage account takes no keys",
            "Have its owner allow keys (az storage account update --allow-shared-key-access true), \
             or set access to another value than \"access_key\".",
        ));
    }
    Ok(())
}

/// Makes the account, or goes on with one that an earlier run has made for this container;
/// whether it is new. Azure would write onto any account of the group, so it is looked first.
async fn with_own_account(
    cloud: &Azure,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<bool, CloudError> {
    let found = match account::find(cloud).await {
        // Said again, with what helps, by whoever looks for the group's location.
        Err(error) if has_code(&error, GROUP_NOT_FOUND) => return Err(error),
        found => found?,
    };
    let Some(found) = found else {
        account::make(cloud, bucket, tags).await?;
        return Ok(true);
    };
    if !found.is_for(bucket) {
        return Err(account::not_for(cloud));
    }
    let others = containers(cloud, false).await?;
    if let Some(other) = others.iter().find(|other| other.name != bucket) {
        let why = format!(
            "the storage account was made for this bucket, and holds the container {:?} by now",
            other.name
        );
        return Err(invalid(
            cloud,
            &why,
            "Set create_storage_account = false to use it as it is, or choose another \
             storage_account_name.",
        ));
    }
    // The account of a container that is there keeps its marker: it would be nobody's.
    container::refuse_taken(cloud, bucket).await?;
    absence::refuse_listed(bucket, &others)?;
    account::patch_tags(cloud, &account::own_tags(bucket, tags)).await?;
    Ok(false)
}

/// What a bucket in an account of its own is like the moment that it was made with these
/// settings. In another's account only Azure can tell.
pub(super) fn fresh(
    cloud: &Azure,
    bucket: &str,
    tags: &BTreeMap<String, String>,
    settings: &[Change],
) -> Option<Observed> {
    if !cloud.place.makes_account {
        return None;
    }
    let mut own = tags.clone();
    own.retain(|key, _| !names::is_reserved(key));
    let full_name = names::container_id(&cloud.place.account_id(), bucket);
    let mut observed = Observed {
        location: cloud.place.location.as_deref().map(names::plain_location),
        marker: tags.get(marker::KEY).and_then(|text| Marker::parse(text)),
        tags: Reading::Known(own),
        versioning: Reading::Known(kept(false)),
        soft_delete: Reading::Known(Duration::ZERO),
        soft_delete_containers: Reading::Known(Duration::ZERO),
        default_retention: Reading::Known(String::new()),
        cors: Reading::Known(Vec::new()),
        lifecycle: Reading::Known(Vec::new()),
        grants: Reading::Known(GrantState {
            // Nobody has a role on an account that was made a moment ago.
            wandb: Rule::Missing,
            https_only: Rule::AsWanted,
            ..GrantState::default()
        }),
        public_access: Reading::Known(PublicAccess::default()),
        identity: Reading::Known(None),
        ..Observed::unread(CloudKind::Azure, full_name)
    };
    for change in settings {
        set(&mut observed, change);
    }
    Some(observed)
}

/// The same bucket with one more setting.
fn set(observed: &mut Observed, change: &Change) {
    match change {
        Change::Versioning(on) => observed.versioning = Reading::Known(kept(*on)),
        Change::SoftDelete(count) => {
            observed.soft_delete = Reading::Known(days(*count));
            observed.soft_delete_containers = Reading::Known(days(*count));
        }
        Change::Cors(rules) => observed.cors = Reading::Known(rules.clone()),
        Change::Lifecycle(rules) => observed.lifecycle = Reading::Known(rules.clone()),
        // Not in the calls that make a bucket, or there already.
        Change::Tags(_)
        | Change::PublicAccess(_)
        | Change::Grants(_)
        | Change::StorageClass(_)
        | Change::Ownership
        | Change::Encryption(_) => {}
    }
}
