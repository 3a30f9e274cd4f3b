//! Whether a container is not there: the second question, once something has said so.

use serde_json::Value;

use super::account::{self, Account};
use super::error::no_container;
use super::listing::{Named, containers};
use super::request::{Api, Request};
use super::{Azure, Entry, container, roles};
use crate::byob::absence::{AbsentBucket, SecondAnswer};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::{confirmed, contradiction, may_not_list};

const LIST: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
const LIST_ACCOUNTS: &str = "Microsoft.Storage/storageAccounts/read";

/// Confirms what an answer has said: the list of the account's containers must not name it; and
/// where the account is not there either, the list of the subscription's accounts must not
/// name that, in whichever group.
pub(super) async fn confirm(cloud: &Azure, bucket: &str) -> Result<AbsentBucket, CloudError> {
    let account = account::get(cloud).await;
    let seen = account.as_ref().ok().cloned();
    let (call, second, told) = match account {
        Ok(_) => match containers(cloud, false).await {
            Ok(found) if found.iter().any(|one| one.name == bucket) => {
                (LIST, SecondAnswer::Present, "names it".to_owned())
            }
            Ok(_) => (LIST, SecondAnswer::Absent, String::new()),
            Err(error) if no_container(&error) => {
                let why = "one answer was that there is such an account, and another one the \
                           contrary";
                return Err(contradiction(LIST, bucket, why));
            }
            Err(error) if may_not_list(&error) => again(cloud, bucket).await?,
            Err(error) => return Err(error),
        },
        Err(error) if no_container(&error) => match elsewhere(cloud).await {
            Ok(Some(place)) => {
                let told = format!("names its account, at {place}");
                (LIST_ACCOUNTS, SecondAnswer::Present, told)
            }
            Ok(None) => (LIST_ACCOUNTS, SecondAnswer::Absent, String::new()),
            Err(error) if may_not_list(&error) => again(cloud, bucket).await?,
            Err(error) => return Err(error),
        },
        Err(error) if error.kind == CloudErrorKind::Denied => again(cloud, bucket).await?,
        Err(error) => return Err(error),
    };
    let absent = confirmed(call, bucket, second, &told)?;
    let is_own = |account: &Account| cloud.place.makes_account && account.is_for(bucket);
    // What was deleted softly can be brought back from it, so it is left to people.
    let place = &cloud.place;
    Ok(match seen {
        Some(account) if is_own(&account) => {
            absent.leaving(account::left(place, true, "the container went without it"))
        }
        Some(_) => match still_in(cloud, bucket).await? {
            Some(who) => absent.leaving(format!(
                "the roles that {who} was given on the storage account {:?} for this bucket",
                place.account
            )),
            None => absent,
        },
        None => absent,
    })
}

/// Which principal of W&B's own still has the roles that it was given for the container: with
/// another's account they stay. An identity that was made here is looked for by its name.
async fn still_in(cloud: &Azure, bucket: &str) -> Result<Option<String>, CloudError> {
    if !matches!(cloud.place.entry, Entry::Principal) {
        return Ok(None);
    }
    match roles::get(cloud).await {
        Ok(given) => Ok(given.principals_for(bucket).pop_first()),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(None),
        Err(error) => Err(error),
    }
}

/// The second question before a container is made, for Azure's `PUT` writes onto one that is
/// there: the list of the account's containers must not name it. Who may not ask for the list
/// has the first answer alone.
pub(super) async fn confirm_unlisted(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    match containers(cloud, false).await {
        Ok(found) => refuse_listed(bucket, &found),
        Err(error) if may_not_list(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The same of a list that is at hand.
pub(super) fn refuse_listed(bucket: &str, found: &[Named]) -> Result<(), CloudError> {
    if found.iter().all(|one| one.name != bucket) {
        return Ok(());
    }
    let why = "one answer was that there is no such container, and the list of the account's \
               containers names it; nothing was made";
    Err(contradiction(LIST, bucket, why))
}

/// Where the subscription has an account of this name; names of accounts are the world's.
async fn elsewhere(cloud: &Azure) -> Result<Option<String>, CloudError> {
    let place = &cloud.place;
    let id = format!(
        "/subscriptions/{}/providers/Microsoft.Storage/storageAccounts",
        place.subscription
    );
    let request = Request::manager(Api::Storage, "GET", &id);
    let told = cloud
        .all(LIST_ACCOUNTS, &place.subscription, &request)
        .await?;
    let is_it = |one: &&Value| {
        let name = one["name"].as_str();
        name.is_some_and(|name| name.eq_ignore_ascii_case(&place.account))
    };
    let found = told.iter().find(is_it);
    Ok(found.map(|one| one["id"].as_str().unwrap_or("an unknown place").to_owned()))
}

/// Asks for the container itself once more.
async fn again(
    cloud: &Azure,
    bucket: &str,
) -> Result<(&'static str, SecondAnswer, String), CloudError> {
    let call = container::READ;
    match container::get(cloud, bucket).await {
        Ok(_) => Ok((
            call,
            SecondAnswer::Present,
            "is that it is there".to_owned(),
        )),
        Err(error) if no_container(&error) => Ok((call, SecondAnswer::Absent, String::new())),
        Err(error) if error.kind == CloudErrorKind::Denied => {
            let told = format!("is a refusal: {}", error.message);
            Ok((call, SecondAnswer::Present, told))
        }
        Err(error) => Err(error),
    }
}

/// Refuses to take over a container as one with an account of its own when the account was made
/// by somebody else, or for another bucket.
pub(super) async fn confirm_place(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    if !cloud.place.makes_account {
        return Ok(());
    }
    if matches!(&cloud.place.entry, Entry::Identity(of) if of.issuer.is_empty()) {
        // It is imported, and the account itself will say whose it is.
        return Ok(());
    }
    let account = account::get(cloud).await?;
    if account.is_for(bucket) {
        return Ok(());
    }
    let why = "the storage account was not made for this bucket";
    let kind = CloudErrorKind::Invalid;
    Err(
        CloudError::new(kind, account::READ, &cloud.place.account, why)
            .hint("Set create_storage_account = false, and the account is used as it is."),
    )
}
