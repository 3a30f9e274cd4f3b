//! Storage accounts: what one says of itself, whose it is, and writing it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::{GROUP_NOT_FOUND, has_code, no_account, not_understood};
use super::names::{self, is_related};
use super::request::{Api, Request, read};
use super::{Azure, Place};
use crate::byob::marker::{self, Marker};
use crate::byob::{CloudError, CloudErrorKind, Generation};
use crate::clouds::retry::{Work, until_known_within};

pub(super) const READ: &str = "Microsoft.Storage/storageAccounts/read";
pub(super) const WRITE: &str = "Microsoft.Storage/storageAccounts/write";
const CHECK: &str = "Microsoft.Storage/checkNameAvailability/read";
const GROUP: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";
/// The account can be opened to everybody.
pub(super) const PUBLIC: &str = "allowBlobPublicAccess";
/// How long a new account is waited for that is there, and says that it is on its way.
const PROVISIONED: Duration = Duration::from_secs(60);

/// A storage account, as the service told it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account(Value);

impl Account {
    pub(super) fn read(told: Value) -> Result<Self, &'static str> {
        if told["properties"].is_object() && told["location"].is_string() {
            Ok(Self(told))
        } else {
            Err("it is no storage account")
        }
    }

    fn property(&self, name: &str) -> &Value {
        &self.0["properties"][name]
    }

    /// Where it is, in Azure's plain spelling.
    pub(super) fn location(&self) -> String {
        names::plain_location(self.0["location"].as_str().unwrap_or_default())
    }

    /// How it keeps its copies: `ZRS` and the like.
    pub(super) fn replication(&self) -> String {
        let sku = self.0["sku"]["name"].as_str().unwrap_or_default();
        let (_, kind) = sku.split_once('_').unwrap_or(("", sku));
        kind.to_owned()
    }

    pub(super) fn min_tls_version(&self) -> String {
        let version = self.property("minimumTlsVersion").as_str();
        version.unwrap_or("TLS1_0").to_owned()
    }

    /// Whether it takes nothing without TLS.
    pub(super) fn is_https_only(&self) -> bool {
        *self.property("supportsHttpsTrafficOnly") == true
    }

    /// Whether it takes keys; where it does not say, it does.
    pub(super) fn takes_keys(&self) -> bool {
        *self.property("allowSharedKeyAccess") != false
    }

    /// Whether a container of it can be opened to everybody.
    pub(super) fn may_be_public(&self) -> bool {
        *self.property(PUBLIC) == true
    }

    /// Whether its blobs are files in directories.
    pub(super) fn is_hierarchical(&self) -> bool {
        *self.property("isHnsEnabled") == true
    }

    pub(super) fn is_provisioned(&self) -> bool {
        matches!(
            self.property("provisioningState").as_str(),
            None | Some("Succeeded")
        )
    }

    /// All of its tags.
    pub(super) fn all_tags(&self) -> BTreeMap<String, String> {
        let tags = self.0["tags"].as_object().into_iter().flatten();
        tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Its tags without ours.
    pub(super) fn tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.all_tags();
        tags.retain(|key, _| !names::is_reserved(key));
        tags
    }

    pub(super) fn marker(&self) -> Option<Marker> {
        let tags = self.all_tags();
        Marker::parse(tags.get(marker::KEY)?)
    }

    /// Whether it was made for this container, by whichever run.
    pub(super) fn is_for(&self, bucket: &str) -> bool {
        let tags = self.all_tags();
        self.marker().is_some() && tags.get(marker::CONTAINER).is_some_and(|one| one == bucket)
    }

    /// Whether it was made for this making of the container: then it goes with it.
    pub(super) fn is_own(&self, place: &Place, bucket: &str, generations: &[Generation]) -> bool {
        let marked = self.marker().map(|marker| marker.generations());
        place.makes_account
            && self.is_for(bucket)
            && marked.is_some_and(|marked| is_related(&marked, generations))
    }
}

impl Account {
    /// Refuses an account that is there and was made by nobody here.
    fn check_unclaimed(&self, cloud: &Azure) -> Result<(), CloudError> {
        if self.marker().is_some() {
            // Ours, of another run, or about to go with the bucket that it was made for.
            return Ok(());
        }
        Err(not_for(cloud))
    }
}

/// What is left of a bucket whose account stays, as a sentence.
pub(super) fn left(place: &Place, is_own: bool, keeps: &str) -> String {
    let account = &place.account;
    let cors = "with its CORS rule for W&B, old versions and soft delete as they are";
    if is_own {
        format!("the storage account {account:?}, which was made for this bucket, {cors}: {keeps}")
    } else {
        format!("the storage account {account:?}, {cors}: {keeps}")
    }
}

/// The account is there, and is somebody else's.
pub(super) fn not_for(cloud: &Azure) -> CloudError {
    let why = "the storage account is there, and was not made for this bucket";
    let kind = CloudErrorKind::Invalid;
    CloudError::new(kind, WRITE, &cloud.place.account, why).hint(
        "Set create_storage_account = false to use it as it is, or choose another \
         storage_account_name.",
    )
}

/// Refuses an account that cannot be made: it is there and somebody else's, or the name is
/// taken elsewhere.
pub(super) async fn confirm_room(cloud: &Azure) -> Result<(), CloudError> {
    match cloud.seen.account() {
        _ if !cloud.place.makes_account => Ok(()),
        Some(account) => account.check_unclaimed(cloud),
        None => check_free(cloud).await,
    }
}

/// Refuses a name of an account that somebody else has, in whichever subscription.
async fn check_free(cloud: &Azure) -> Result<(), CloudError> {
    let place = &cloud.place;
    let id = format!(
        "/subscriptions/{}/providers/Microsoft.Storage/checkNameAvailability",
        place.subscription
    );
    let body = json!({"name": place.account, "type": "Microsoft.Storage/storageAccounts"});
    let request = Request::manager(Api::Storage, "POST", &id).json(&body);
    let told = cloud
        .json(Work::Read, CHECK, &place.account, &request)
        .await;
    // Who may not ask finds out by trying.
    let Ok(told) = told else {
        return Ok(());
    };
    if told["nameAvailable"] != false || told["reason"] != "AlreadyExists" {
        return Ok(());
    }
    let why = told["message"].as_str().unwrap_or("the name is taken");
    let kind = CloudErrorKind::Invalid;
    Err(CloudError::new(kind, CHECK, &place.account, why).hint(
        "The names of storage accounts are shared by everybody on Azure. Choose another \
         storage_account_name; or set resource_group_name to the group that the account is in, \
         and create_storage_account = false.",
    ))
}

/// Keeps in mind what an answer said.
fn note(cloud: &Azure, call: &str, told: Value) -> Result<Account, CloudError> {
    let account = Account::read(told);
    let account = account.map_err(|why| not_understood(call, &cloud.place.account, why))?;
    cloud.seen.note_account(&account);
    Ok(account)
}

/// Reads the account; it is an error when it is not there.
pub(super) async fn get(cloud: &Azure) -> Result<Account, CloudError> {
    let request = Request::manager(Api::Storage, "GET", &cloud.place.account_id());
    let told = cloud
        .json(Work::Read, READ, &cloud.place.account, &request)
        .await?;
    note(cloud, READ, told)
}

/// The account, or nothing where its group says that there is none.
pub(super) async fn find(cloud: &Azure) -> Result<Option<Account>, CloudError> {
    match get(cloud).await {
        Ok(account) => Ok(Some(account)),
        Err(error) if no_account(&error) && !has_code(&error, GROUP_NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tags of an account that is made here. How far the bucket is stands on the container alone, so
/// that the account's tags need not be written again for it.
pub(super) fn own_tags(bucket: &str, tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut own = tags.clone();
    if let Some(text) = own.get_mut(marker::KEY)
        && let Some(marker) = Marker::parse(text)
    {
        *text = marker.finished().to_string();
    }
    own.insert(marker::CONTAINER.to_owned(), bucket.to_owned());
    own
}

async fn location(cloud: &Azure) -> Result<String, CloudError> {
    if let Some(location) = &cloud.place.location {
        return Ok(location.clone());
    }
    let request = Request::manager(Api::Groups, "GET", &cloud.place.group_id());
    let target = &cloud.place.group;
    let group = cloud.json(Work::Read, GROUP, target, &request).await?;
    let location = group["location"].as_str();
    location
        .map(str::to_owned)
        .ok_or_else(|| not_understood(GROUP, target, "the group has no location"))
}

/// Makes the account, closed to everybody, with its tags and all that only an account says.
pub(super) async fn make(
    cloud: &Azure,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<Account, CloudError> {
    let place = &cloud.place;
    let body = json!({
        "location": location(cloud).await?,
        "kind": "StorageV2",
        "sku": { "name": format!("Standard_{}", place.replication) },
        "tags": own_tags(bucket, tags),
        "properties": {
            "minimumTlsVersion": place.min_tls_version,
            "supportsHttpsTrafficOnly": true,
            PUBLIC: false,
            "allowSharedKeyAccess": place.shared_key_enabled,
            "allowCrossTenantReplication": false,
        },
    });
    let request = Request::manager(Api::Storage, "PUT", &place.account_id()).json(&body);
    let made = cloud.finished(WRITE, &place.account, &request).await;
    let answer = made.map_err(|error| match error.kind {
        // It is about the account, and the bucket is the container.
        CloudErrorKind::AlreadyExists => CloudError {
            kind: CloudErrorKind::Invalid,
            ..error
        },
        _ => error,
    })?;
    let told = read(WRITE, &place.account, &answer).ok();
    match told.map(Account::read) {
        Some(Ok(account)) if account.is_provisioned() => {
            cloud.seen.note_account(&account);
            Ok(account)
        }
        _ => provisioned(cloud).await,
    }
}

/// The account, once it is there for good.
async fn provisioned(cloud: &Azure) -> Result<Account, CloudError> {
    let stop = cloud.patience.stop();
    let waiting = |found: &Option<Account>| {
        found
            .as_ref()
            .is_none_or(|account| !account.is_provisioned())
    };
    let target = &cloud.place.account;
    let found = until_known_within(PROVISIONED, stop, READ, target, waiting, || find(cloud));
    found.await?.ok_or_else(|| {
        let why = "the account was made, and is not there";
        CloudError::new(CloudErrorKind::Unexpected, READ, target, why)
    })
}

/// Writes some properties of the account, or its tags.
pub(super) async fn patch(cloud: &Azure, body: Map<String, Value>) -> Result<(), CloudError> {
    let place = &cloud.place;
    let request = Request::manager(Api::Storage, "PATCH", &place.account_id());
    let request = request.json(&Value::Object(body));
    let told = cloud
        .json(Work::Write, WRITE, &place.account, &request)
        .await?;
    note(cloud, WRITE, told).map(drop)
}

/// Writes all tags of the account.
pub(super) async fn patch_tags(
    cloud: &Azure,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    patch(cloud, Map::from_iter([("tags".to_owned(), json!(tags))])).await
}

/// Writes some properties of the account.
pub(super) async fn patch_properties(
    cloud: &Azure,
    properties: Map<String, Value>,
) -> Result<(), CloudError> {
    let body = [("properties".to_owned(), Value::Object(properties))];
    patch(cloud, Map::from_iter(body)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::azure::Entry;

    fn place(makes_account: bool) -> Place {
        Place {
            subscription: "s".into(),
            group: "g".into(),
            account: "acme".into(),
            location: None,
            makes_account,
            replication: "ZRS".into(),
            min_tls_version: "TLS1_2".into(),
            shared_key_enabled: true,
            entry: Entry::Principal,
        }
    }

    fn account(tags: Value) -> Account {
        Account::read(json!({
            "location": "West Europe", "sku": {"name": "Standard_RAGZRS"}, "tags": tags,
            "properties": {"minimumTlsVersion": "TLS1_2", "supportsHttpsTrafficOnly": true},
        }))
        .expect("an account")
    }

    #[test]
    fn an_account_goes_with_the_making_that_it_was_made_for() {
        let generations = |text: &str| Marker::parse(text).expect(text).generations();
        let own = account(json!({
            "terraform-provider-wandb": "ready-00c0ffee",
            "terraform-provider-wandb-container": "box", "team": "ml",
        }));
        let ours = generations("ready-00c0ffee");
        assert!(own.is_own(&place(true), "box", &ours));
        assert!(!own.is_own(&place(false), "box", &ours));
        assert!(!own.is_own(&place(true), "other", &ours));
        assert!(!own.is_own(&place(true), "box", &generations("ready-01020304")));
        // Taken over since: the marker names whose it was.
        assert!(own.is_own(&place(true), "box", &generations("ready-01020304-00c0ffee")));
        assert!(!account(json!({"team": "ml"})).is_own(&place(true), "box", &ours));
        assert_eq!(own.tags().keys().collect::<Vec<_>>(), ["team"]);
    }

    #[test]
    fn what_an_account_leaves_out_is_azures_default() {
        let account = account(json!({}));
        assert_eq!(account.location(), "westeurope");
        assert_eq!(account.replication(), "RAGZRS");
        assert!(account.takes_keys());
        assert!(!account.may_be_public());
        assert!(account.is_provisioned());
    }
}
