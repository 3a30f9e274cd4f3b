//! Deleting a container, and the account that was made for it. Both go by Azure Resource
//! Manager: locks guard nothing from the service for blobs itself.

use std::collections::BTreeMap;

use super::account::{self, Account};
use super::error::no_container;
use super::locks::{self, Unseen};
use super::request::{Api, Request};
use super::service::only_writer;
use super::{Azure, Entry, absence, container, contents, listing, names, policy, roles};
use crate::byob::absence::AbsentBucket;
use crate::byob::marker::OwnedBucket;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

const DELETE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/delete";
const DELETE_ACCOUNT: &str = "Microsoft.Storage/storageAccounts/delete";

/// Deletes the bucket.
pub(super) async fn delete(cloud: &Azure, owned: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
    match delete_bare(cloud, owned).await {
        Err(error) if no_container(&error) => absence::confirm(cloud, owned.name()).await,
        outcome => outcome,
    }
}

/// Azure deletes a full container without a word, so whose it is and what it holds is looked at
/// last, and nobody else in this process makes anything in the account meanwhile.
async fn delete_bare(cloud: &Azure, owned: &OwnedBucket) -> Result<AbsentBucket, CloudError> {
    let bucket = owned.name();
    locks::refuse(cloud, bucket, Unseen::Tried).await?;
    let _writer = only_writer(cloud).await;
    if cloud.seen.is_emptied() {
        // That took long enough for somebody to take it over.
        container::get_owned(cloud, DELETE, owned).await?;
    }
    contents::refuse_data(cloud, bucket).await?;
    let own = own_account(cloud, bucket).await?;
    let keeps = match &own {
        Some(_) => what_keeps(cloud, bucket).await?,
        None => Some("it was not made for this bucket".to_owned()),
    };
    let Some(keeps) = keeps else {
        // All that was given on the account goes with it.
        delete_account(cloud).await?;
        return Ok(AbsentBucket::deleted(bucket).for_good());
    };
    shut_out(cloud, bucket).await?;
    policy::remove(cloud, bucket).await?;
    let id = names::container_id(&cloud.place.account_id(), bucket);
    let request = Request::manager(Api::Storage, "DELETE", &id);
    let gone = cloud.send_request(Work::Write, DELETE, bucket, &request);
    gone.await?;
    Ok(AbsentBucket::deleted(bucket).leaving(account::left(&cloud.place, own.is_some(), &keeps)))
}

/// Takes away what was given to anybody for the container, on an account that stays.
async fn shut_out(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    let is_by_key = matches!(cloud.place.entry, Entry::Key(_));
    let before = match roles::get(cloud).await {
        // There are some where a change of the way in has ended half-way, and whoever may not
        // look has given none.
        Err(error) if is_by_key && error.kind == CloudErrorKind::Denied => return Ok(()),
        before => before?,
    };
    roles::take(cloud, bucket, |_| true, &BTreeMap::new(), &before).await
}

/// The account, where it was made for this making of the bucket.
async fn own_account(cloud: &Azure, bucket: &str) -> Result<Option<Account>, CloudError> {
    if !cloud.place.makes_account {
        return Ok(None);
    }
    if cloud.seen.container(bucket).is_none() {
        container::get(cloud, bucket).await?;
    }
    let account = match cloud.seen.account() {
        // It was looked at with the marker, a moment ago.
        Some(account) if !cloud.seen.is_emptied() => account,
        _ => account::get(cloud).await?,
    };
    let generations = cloud.seen.generations();
    let is_own = account.is_own(&cloud.place, bucket, &generations);
    Ok(is_own.then_some(account))
}

/// What else an account of ours holds, in words; nothing where it holds only this container.
async fn what_keeps(cloud: &Azure, bucket: &str) -> Result<Option<String>, CloudError> {
    let (containers, shares, queues, tables) = tokio::join!(
        listing::containers(cloud, true),
        listing::others(cloud, "fileServices", "shares"),
        listing::others(cloud, "queueServices", "queues"),
        listing::others(cloud, "tableServices", "tables"),
    );
    let mut found = Vec::new();
    for other in containers? {
        if other.name != bucket {
            let how = if other.is_deleted {
                "the deleted "
            } else {
                "the "
            };
            found.push(format!("{how}container {:?}", other.name));
        }
    }
    for (count, what) in [
        (shares?, "file share"),
        (queues?, "queue"),
        (tables?, "table"),
    ] {
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            found.push(format!("{count} {what}{plural}"));
        }
    }
    Ok((!found.is_empty()).then(|| format!("it also holds {}", found.join(", "))))
}

async fn delete_account(cloud: &Azure) -> Result<(), CloudError> {
    let target = &cloud.place.account;
    let request = Request::manager(Api::Storage, "DELETE", &cloud.place.account_id());
    // An answer that it is not there is no proof, and is looked at again by whoever calls.
    cloud.finished(DELETE_ACCOUNT, target, &request).await?;
    cloud.seen.note_account_gone();
    Ok(())
}
