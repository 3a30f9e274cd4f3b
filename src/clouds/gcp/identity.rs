//! The service account that stands for W&B where it comes by a key: its roles on the one
//! bucket, and its keys.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Gcp;
use super::endpoints::Service;
use super::error::{CREATE_ACCOUNT, no_bucket, not_understood};
use super::names::{account_description, account_display_name, email_of, id_of_identity};
use super::policy::{self, Holder, Policy, member};
use super::request::{Request, encoded};
use crate::byob::identity::{AccessKey, Identity, IdentityService};
use crate::byob::observed::{IdentityState, Reading, Rule};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::contradiction;
use crate::clouds::reading::{is_missing, missing, reading};
use crate::clouds::retry::{Work, until_known_within};

const GET: &str = "iam.serviceAccounts.get";
const GET_KEY: &str = "iam.serviceAccountKeys.get";
const LIST_KEYS: &str = "iam.serviceAccountKeys.list";
const CREATE_KEY: &str = "iam.serviceAccountKeys.create";
/// As many keys as an account may hold.
///
/// Source: Google's page on creating keys of service accounts.
const MOST_KEYS: usize = 10;
/// How long a new account may be unknown to the rest of Google Cloud.
///
/// Source: Google's page on creating service accounts, which says a minute or more.
const KNOWN: Duration = Duration::from_secs(120);

/// A service account with its keys.
#[derive(Debug)]
pub(super) struct Account {
    is_ours: bool,
    enabled: bool,
    keys: BTreeMap<String, Listed>,
}

/// A key as a list tells it.
#[derive(Debug)]
struct Listed {
    enabled: bool,
    /// When it was made, in seconds since 1970.
    made: Option<i64>,
}

fn email(cloud: &Gcp, identity: &Identity) -> String {
    email_of(&id_of_identity(&identity.name), &cloud.place.project)
}

fn description(identity: &Identity) -> String {
    account_description(&id_of_identity(&identity.name), &identity.rights.bucket)
}

/// Whether an account of our id, which carries a generation that was drawn, is the one that
/// was made for the bucket: it is called so, or it says so. People edit descriptions.
fn is_ours(account: &Value, identity: &Identity) -> bool {
    account["description"] == description(identity).as_str()
        || account["displayName"] == account_display_name(&identity.rights.bucket).as_str()
}

fn request(cloud: &Gcp, method: &'static str, email: &str) -> Request {
    let path = format!("projects/{}/serviceAccounts/{email}", cloud.place.project);
    Request::v1(Service::Iam, method, &path)
}

/// The account of an identity, if one is asked for; `Known(None)` when it is not there. One
/// list that lacks its `key` is no proof that the key is gone.
pub(super) async fn account(
    cloud: &Gcp,
    identity: Option<&Identity>,
    key: Option<&AccessKey>,
) -> Result<Reading<Option<Account>>, CloudError> {
    let Some(identity) = identity else {
        return Ok(Reading::Skipped);
    };
    let found = match (find(cloud, identity).await, key) {
        (Ok(Some(account)), Some(key)) if account.is_ours => {
            let email = email(cloud, identity);
            let confirmed = confirm_list(cloud, &email, &account.keys, &key.id).await;
            confirmed.map(|()| Some(account))
        }
        (found, _) => found,
    };
    reading(found)
}

/// Asks for a key that a list lacks by its id: it must not be there.
async fn confirm_list(
    cloud: &Gcp,
    email: &str,
    keys: &BTreeMap<String, Listed>,
    id: &str,
) -> Result<(), CloudError> {
    if keys.contains_key(id) {
        return Ok(());
    }
    let get = request(cloud, "GET", email).part(&format!("/keys/{}", encoded(id)));
    match missing(cloud.json(Work::Read, GET_KEY, email, &get).await)? {
        None => Ok(()),
        Some(_) => {
            let why = format!("the list of its keys lacks the key {id}, which is there");
            Err(contradiction(LIST_KEYS, email, why))
        }
    }
}

async fn find(cloud: &Gcp, identity: &Identity) -> Result<Option<Account>, CloudError> {
    let email = email(cloud, identity);
    let get = request(cloud, "GET", &email);
    let (account, keys) = tokio::join!(
        cloud.json(Work::Read, GET, &email, &get),
        keys(cloud, &email),
    );
    match (missing(account)?, missing(keys)?) {
        (Some(account), Some(keys)) => Ok(Some(Account {
            is_ours: is_ours(&account, identity),
            enabled: account["disabled"] != true,
            keys,
        })),
        (None, None) => Ok(None),
        (_, _) => Err(contradiction(
            GET,
            &email,
            "one answer was that there is no such service account, and another one the contrary",
        )),
    }
}

/// The keys of an account that people can have, by id.
async fn keys(cloud: &Gcp, email: &str) -> Result<BTreeMap<String, Listed>, CloudError> {
    let list = request(cloud, "GET", email)
        .part("/keys")
        .with("keyTypes", "USER_MANAGED");
    let told = cloud.json(Work::Read, LIST_KEYS, email, &list).await?;
    let keys = told["keys"].as_array().into_iter().flatten();
    let listed = |key: &Value| {
        let id = id_of(key);
        let id = id.ok_or_else(|| not_understood(LIST_KEYS, email, "a key has no name"))?;
        let made = key["validAfterTime"].as_str();
        let made = made.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let listed = Listed {
            enabled: key["disabled"] != true,
            made: made.map(OffsetDateTime::unix_timestamp),
        };
        Ok((id, listed))
    };
    keys.map(listed).collect()
}

/// The last part of a key's name.
fn id_of(key: &Value) -> Option<String> {
    let id = key["name"].as_str()?.rsplit('/').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// The identity in our words: its account, and its roles on the bucket.
pub(super) fn state(
    cloud: &Gcp,
    identity: Option<&Identity>,
    account: Result<Reading<Option<Account>>, CloudError>,
    policy: &Reading<Policy>,
) -> Result<Reading<Option<IdentityState>>, CloudError> {
    let (Some(identity), account) = (identity, account?) else {
        return Ok(Reading::Skipped);
    };
    let account = match account {
        Reading::Known(Some(account)) if account.is_ours => account,
        other => return Ok(other.map(|_| None)),
    };
    let policy = match policy {
        Reading::Known(policy) => policy,
        Reading::Denied(why) => return Ok(Reading::Denied(why.clone())),
        _ => return Ok(Reading::Skipped),
    };
    let wanted = &identity.rights.roles;
    let there = policy.roles_of(&member(&email(cloud, identity)));
    let rights = match (there.is_superset(wanted), there.is_disjoint(wanted)) {
        (true, _) => Rule::AsWanted,
        (false, true) => Rule::Missing,
        (false, false) => Rule::Different("not all of its roles".to_owned()),
    };
    Ok(Reading::Known(Some(IdentityState {
        enabled: account.enabled,
        rights,
        other_rights: there.difference(wanted).cloned().collect(),
        keys_made: account
            .keys
            .iter()
            .filter_map(|(id, key)| Some((id.clone(), key.made?)))
            .collect(),
        keys: account
            .keys
            .into_iter()
            .map(|(id, key)| (id, key.enabled))
            .collect(),
        path: None,
        ..IdentityState::default()
    })))
}

/// Repeats something about an account that was made a moment ago while it is not known
/// everywhere.
async fn once_known<T, Calling>(
    cloud: &Gcp,
    call: &str,
    email: &str,
    mut attempt: impl FnMut() -> Calling,
) -> Result<T, CloudError>
where
    Calling: Future<Output = Result<T, CloudError>>,
{
    let waiting = |outcome: &Result<T, CloudError>| outcome.as_ref().is_err_and(is_unknown);
    until_known_within(KNOWN, cloud.patience.stop(), call, email, waiting, || {
        let calling = Box::pin(attempt());
        async move { Ok(calling.await) }
    })
    .await?
}

/// Whether the account is unknown, be it for this moment only.
fn is_unknown(error: &CloudError) -> bool {
    let is_refused = error.kind == CloudErrorKind::Invalid
        && error.message.contains("ervice account")
        && error.message.contains("does not exist");
    is_refused || (is_missing(error) && !no_bucket(error))
}

/// Makes the account; `false` when one of that name is there.
async fn create(cloud: &Gcp, identity: &Identity) -> Result<bool, CloudError> {
    let email = email(cloud, identity);
    let path = format!("projects/{}/serviceAccounts", cloud.place.project);
    let request = Request::v1(Service::Iam, "POST", &path).body(json!({
        "accountId": id_of_identity(&identity.name),
        "serviceAccount": {
            "displayName": account_display_name(&identity.rights.bucket),
            "description": description(identity),
        },
    }));
    let made = cloud
        .send_request(Work::Write, CREATE_ACCOUNT, &email, &request)
        .await;
    match made {
        Ok(_) => Ok(true),
        Err(error) if error.kind == CloudErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn strangers(email: &str) -> CloudError {
    CloudError::new(
        CloudErrorKind::AlreadyExists,
        CREATE_ACCOUNT,
        email,
        "a service account of this name is there, and this provider did not make it for this bucket",
    )
    .hint("Delete or rename that service account; it was not touched.")
}

/// Makes the account what it should be, with exactly its roles on the bucket.
async fn put(cloud: &Gcp, identity: &Identity, is_new: bool) -> Result<(), CloudError> {
    let email = email(cloud, identity);
    let found = if is_new {
        None
    } else {
        find(cloud, identity).await?
    };
    let found = match found {
        Some(found) => Some(found),
        None if create(cloud, identity).await? => None,
        None => once_known(cloud, GET, &email, || async {
            let found = find(cloud, identity).await?;
            found.ok_or_else(|| {
                CloudError::new(CloudErrorKind::NotFound, GET, &email, "it is not known yet")
            })
        })
        .await
        .map(Some)?,
    };
    if let Some(found) = &found {
        if !found.is_ours {
            return Err(strangers(&email));
        }
        if !found.enabled {
            let call = "iam.serviceAccounts.enable";
            let enable = request(cloud, "POST", &email)
                .part(":enable")
                .body(json!({}));
            cloud
                .send_request(Work::Write, call, &email, &enable)
                .await?;
        }
    }
    let (holder, own) = (Holder::Bucket(&identity.rights.bucket), member(&email));
    let (roles, call) = (&identity.rights.roles, "storage.buckets.setIamPolicy");
    // Both may have been made a moment ago: the bucket, and the account.
    cloud
        .once_made(call, &identity.rights.bucket, || {
            once_known(cloud, call, &email, || {
                policy::update(cloud, holder, |policy| policy.set_roles(&own, roles))
            })
        })
        .await
        .map(drop)
}

/// Makes a key, whose secret is given this one time.
async fn create_key(cloud: &Gcp, identity: &Identity) -> Result<AccessKey, CloudError> {
    let email = email(cloud, identity);
    let create = request(cloud, "POST", &email).part("/keys").body(json!({
        "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
    }));
    let told = once_known(cloud, CREATE_KEY, &email, || {
        cloud.json(Work::Once, CREATE_KEY, &email, &create)
    })
    .await;
    let told = match told {
        Err(error) if error.kind == CloudErrorKind::Conflict => {
            return Err(full_or_refused(cloud, &email, error).await);
        }
        outcome => outcome?,
    };
    let file = told["privateKeyData"].as_str();
    let file = file.and_then(|data| STANDARD.decode(data).ok());
    let file: Value = file
        .and_then(|file| serde_json::from_slice(&file).ok())
        .unwrap_or_default();
    match (id_of(&told), file["private_key"].as_str()) {
        (Some(id), Some(secret)) => {
            cloud.note_access();
            Ok(AccessKey::new(id, secret).held_by(email))
        }
        _ => Err(not_understood(CREATE_KEY, &email, "it holds no key")),
    }
}

/// What a refusal of a key means that does not say so itself. Keys are deleted where there is
/// no room for another one, so it is looked whether that is so.
async fn full_or_refused(cloud: &Gcp, email: &str, error: CloudError) -> CloudError {
    match keys(cloud, email).await {
        Ok(keys) if keys.len() >= MOST_KEYS => error
            .hint("A service account holds ten keys at most. Delete keys of it that nobody uses."),
        _ => CloudError {
            kind: CloudErrorKind::Invalid,
            ..error
        },
    }
}

async fn delete_key(cloud: &Gcp, email: &str, id: &str) -> Result<(), CloudError> {
    let call = "iam.serviceAccountKeys.delete";
    let delete = request(cloud, "DELETE", email).part(&format!("/keys/{id}"));
    let gone = cloud.send_request(Work::Write, call, email, &delete).await;
    missing(gone).map(drop)
}

/// Deletes the account with its keys, and its roles before: the policy would keep them
/// under the name of a deleted account else.
async fn delete(cloud: &Gcp, identity: &Identity) -> Result<(), CloudError> {
    let Some(found) = find(cloud, identity).await? else {
        return Ok(());
    };
    if !found.is_ours {
        return Ok(());
    }
    let email = email(cloud, identity);
    let own = member(&email);
    let bare = policy::update(cloud, Holder::Bucket(&identity.rights.bucket), |policy| {
        policy.set_roles(&own, &BTreeSet::new())
    })
    .await;
    match bare {
        Ok(_) => {}
        // The bucket went before, and its policy with it.
        Err(error) if no_bucket(&error) => {}
        Err(error) => return Err(error),
    }
    let call = "iam.serviceAccounts.delete";
    let gone = cloud
        .send_request(Work::Write, call, &email, &request(cloud, "DELETE", &email))
        .await;
    missing(gone).map(drop)
}

#[async_trait]
impl IdentityService for Gcp {
    async fn put_identity(&self, identity: &Identity, is_new: bool) -> Result<(), CloudError> {
        put(self, identity, is_new).await
    }

    fn makes_access_keys(&self) -> bool {
        true
    }

    fn chooses_access_key_ids(&self) -> bool {
        false
    }

    async fn create_access_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        create_key(self, identity).await
    }

    async fn delete_access_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        // Another's account has keys that are none of ours.
        let found = find(self, identity).await?.filter(|found| found.is_ours);
        let email = email(self, identity);
        if let Some(found) = &found {
            for id in keep {
                confirm_list(self, &email, &found.keys, id).await?;
            }
        }
        for id in found.iter().flat_map(|found| found.keys.keys()) {
            if !keep.contains(id) {
                delete_key(self, &email, id).await?;
            }
        }
        Ok(())
    }

    async fn survives(&self, identity: &Identity) -> Result<bool, CloudError> {
        let found = find(self, identity).await?;
        Ok(found.is_some_and(|found| found.is_ours))
    }

    /// Its name says it.
    async fn mark_identity(&self, _: &Identity) -> Result<(), CloudError> {
        Ok(())
    }

    async fn withdraw_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        self.delete_identity(identity).await
    }

    async fn delete_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        delete(self, identity).await
    }
}
