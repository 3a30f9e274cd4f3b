//! Users and keys on MinIO: a user without a usable secret, a policy of the same name,
//! and W&B's key as a service account of that user.
//!
//! A user has one secret, and replacing it takes effect at once; service accounts come
//! and go one by one, so a new key can be there before the old one goes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::byob::identity::{AccessKey, Identity};
use crate::byob::observed::{IdentityState, Rule};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::random::alphanumeric;
use crate::clouds::retry::Work;
use crate::clouds::s3::grants::path_below;
use crate::clouds::s3::iam::half_there;
use crate::clouds::s3::policy::{self, Document};

use super::admin_minio::{Body, Call, Sent};
use super::{PARTITION, S3Compatible};

/// A user as the server tells it.
struct User {
    enabled: bool,
    policies: BTreeSet<String>,
}

impl User {
    /// Made by us: nobody else attaches a policy of that name, and between making the
    /// user and attaching it there is none.
    fn is_ours(&self, identity: &Identity) -> bool {
        self.policies.is_empty() || self.policies.contains(&identity.name)
    }
}

/// The identity with rights and keys; `None` when there is no such user. `key` is tried
/// where it is given: the server encrypts its list of keys, at the price of 64 MiB and a
/// twentieth of a second on either side (decision 0019).
pub(super) async fn observe(
    cloud: &S3Compatible,
    bucket: &str,
    identity: &Identity,
    key: Option<&AccessKey>,
) -> Result<Option<IdentityState>, CloudError> {
    let name = identity.name.as_str();
    let keys = async {
        match key {
            Some(key) => tried(cloud, bucket, key).await,
            None => keys(cloud, name).await,
        }
    };
    let (user, rights, keys) = tokio::join!(user(cloud, name), rights(cloud, name), keys);
    let mut keys = keys?;
    let Some(user) = user? else {
        // A key goes with its user.
        return match keys.into_keys().next() {
            None => Ok(None),
            Some(_) => Err(half_there("minio:user-info", name)),
        };
    };
    if keys.is_empty() && key.is_some() {
        // Its secret is nowhere but in the state: one refusal is not enough to forget it.
        keys = self::keys(cloud, name).await?;
        if key.is_some_and(|key| keys.get(&key.id) == Some(&true)) {
            return Err(half_there("s3:GetBucketLocation", name));
        }
    }
    let attached = user.policies.contains(name);
    let found = rights?.filter(|_| attached);
    let rights = match &found {
        Some(found) => policy::compared(&policy::of_user(PARTITION, &identity.rights), Some(found)),
        None => Rule::Missing,
    };
    let other_rights = user.policies.into_iter().filter(|policy| policy != name);
    Ok(Some(IdentityState {
        enabled: user.enabled,
        rights,
        other_rights: other_rights.collect(),
        keys,
        keys_made: BTreeMap::new(),
        path: found
            .iter()
            .flat_map(|document| &document.statements)
            .find_map(path_below),
        ..IdentityState::default()
    }))
}

async fn user(cloud: &S3Compatible, name: &str) -> Result<Option<User>, CloudError> {
    let call = Call {
        method: "GET",
        path: "user-info",
        query: &[("accessKey", name)],
        body: None,
        answer: Body::Plain,
        target: name,
    };
    let told = match cloud.admin(call).await {
        Ok(told) => told,
        Err(error) if error.kind == CloudErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
    Ok(Some(User {
        enabled: text("status") != "disabled",
        policies: text("policyName")
            .split(',')
            .map(str::trim)
            .filter(|policy| !policy.is_empty())
            .map(str::to_owned)
            .collect(),
    }))
}

async fn rights(cloud: &S3Compatible, name: &str) -> Result<Option<Document>, CloudError> {
    let call = Call {
        method: "GET",
        path: "info-canned-policy",
        query: &[("name", name)],
        body: None,
        answer: Body::Plain,
        target: name,
    };
    match cloud.admin(call).await {
        Ok(told) => Ok(Document::parse(&told.to_string()).ok()),
        Err(error) if error.kind == CloudErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the server takes the key for one of its own, whatever the key may do.
async fn tried(
    cloud: &S3Compatible,
    bucket: &str,
    key: &AccessKey,
) -> Result<BTreeMap<String, bool>, CloudError> {
    let theirs = cloud.s3.clients.s3_as(key);
    let outcome = cloud
        .s3
        .sdk(Work::Read, "s3:GetBucketLocation", bucket, || {
            theirs.get_bucket_location().bucket(bucket).send()
        })
        .await;
    match outcome {
        Err(error) if error.code.as_deref() == Some("InvalidAccessKeyId") => {
            // The same code for a key that is disabled.
            let is_there = error.message.contains("disabled");
            Ok(is_there
                .then(|| (key.id.clone(), false))
                .into_iter()
                .collect())
        }
        // It has another secret now.
        Err(error) if error.code.as_deref() == Some("SignatureDoesNotMatch") => {
            Ok(BTreeMap::from([(key.id.clone(), false)]))
        }
        Err(error)
            if !matches!(
                error.kind,
                CloudErrorKind::Denied | CloudErrorKind::NotFound
            ) =>
        {
            Err(error)
        }
        Ok(_) | Err(_) => Ok(BTreeMap::from([(key.id.clone(), true)])),
    }
}

/// The user's service accounts: id to "is it enabled".
async fn keys(cloud: &S3Compatible, name: &str) -> Result<BTreeMap<String, bool>, CloudError> {
    let call = Call {
        method: "GET",
        path: "list-service-accounts",
        query: &[("user", name)],
        body: None,
        answer: Body::Encrypted,
        target: name,
    };
    let told = match cloud.admin(call).await {
        Ok(told) => told,
        Err(error) if error.kind == CloudErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let accounts = told
        .get("accounts")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    Ok(accounts
        .iter()
        .filter_map(|account| {
            let id = account.get("accessKey")?.as_str()?.to_owned();
            let status = account
                .get("accountStatus")
                .and_then(Value::as_str)
                .unwrap_or("on");
            Some((id, !matches!(status, "off" | "disabled")))
        })
        .collect())
}

/// Makes the user and its policy what they should be. The look before it is left out for a
/// name that nobody can have: `add-user` would need it only for one that somebody has.
pub(super) async fn put(
    cloud: &S3Compatible,
    identity: &Identity,
    is_new: bool,
) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    if is_new {
        return write(cloud, identity, None).await;
    }
    let before = user(cloud, name).await?;
    if let Some(before) = &before
        && !before.is_ours(identity)
    {
        return Err(CloudError::new(
            CloudErrorKind::AlreadyExists,
            "minio:add-user",
            name,
            "a user of this name is there, with rights that are not W&B's",
        )
        .hint("Remove or rename that user; it was not touched."));
    }
    write(cloud, identity, before).await
}

async fn write(
    cloud: &S3Compatible,
    identity: &Identity,
    before: Option<User>,
) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let rights = policy::of_user(PARTITION, &identity.rights);
    let spelled = rights.respelled(|action| match action {
        // The server's own spelling; it refuses the one of AWS.
        "s3:GetBucketCORS" => "s3:GetBucketCors".to_owned(),
        other => other.to_owned(),
    });
    send(
        cloud,
        "PUT",
        "add-canned-policy",
        &[("name", name)],
        Some(Sent::Plain(spelled.to_json())),
        name,
    )
    .await?;
    match &before {
        None => {
            // Nobody keeps this secret: only service accounts of the user are used.
            let secret = alphanumeric::<40>()?;
            let body = json!({"secretKey": secret, "status": "enabled"}).to_string();
            let body = Some(Sent::Encrypted(body));
            send(cloud, "PUT", "add-user", &[("accessKey", name)], body, name).await?;
        }
        Some(before) if !before.enabled => {
            let query = [("accessKey", name), ("status", "enabled")];
            send(cloud, "PUT", "set-user-status", &query, None, name).await?;
        }
        Some(_) => {}
    }
    let attached = before
        .as_ref()
        .map(|user| user.policies.clone())
        .unwrap_or_default();
    if !attached.contains(name) {
        attach(cloud, name).await?;
    }
    let others: Vec<&String> = attached
        .iter()
        .filter(|policy| policy.as_str() != name)
        .collect();
    if !others.is_empty() {
        let body = json!({"policies": others, "user": name}).to_string();
        let body = Some(Sent::Encrypted(body));
        send(cloud, "POST", "idp/builtin/policy/detach", &[], body, name).await?;
    }
    Ok(())
}

async fn attach(cloud: &S3Compatible, name: &str) -> Result<(), CloudError> {
    let body = json!({"policies": [name], "user": name}).to_string();
    let body = Some(Sent::Encrypted(body));
    match send(cloud, "POST", "idp/builtin/policy/attach", &[], body, name).await {
        Err(error) if error.code.as_deref() == Some("XMinioAdminPolicyChangeAlreadyApplied") => {
            Ok(())
        }
        // Servers of before 2023 know the older call only.
        Err(error) if error.kind == CloudErrorKind::NotSupported || error.code.is_none() => {
            let query = [
                ("policyName", name),
                ("userOrGroup", name),
                ("isGroup", "false"),
            ];
            send(cloud, "PUT", "set-user-or-group-policy", &query, None, name).await
        }
        outcome => outcome,
    }
}

async fn send(
    cloud: &S3Compatible,
    method: &'static str,
    path: &str,
    query: &[(&str, &str)],
    body: Option<Sent>,
    target: &str,
) -> Result<(), CloudError> {
    let call = Call {
        method,
        path,
        query,
        body,
        answer: Body::Unread,
        target,
    };
    cloud.admin(call).await.map(|_| ())
}

/// A new service account of the user.
pub(super) async fn create_access_key(
    cloud: &S3Compatible,
    identity: &Identity,
) -> Result<AccessKey, CloudError> {
    let key = AccessKey::new(alphanumeric::<20>()?, alphanumeric::<40>()?);
    let body = json!({
        "accessKey": key.id,
        "secretKey": key.expose_secret(),
        "targetUser": identity.name,
    });
    let body = Some(Sent::Encrypted(body.to_string()));
    send(
        cloud,
        "PUT",
        "add-service-account",
        &[],
        body,
        &identity.name,
    )
    .await?;
    Ok(key)
}

/// Removes every service account of the user but those in `keep`.
pub(super) async fn delete_access_keys(
    cloud: &S3Compatible,
    identity: &Identity,
    keep: &BTreeSet<String>,
) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let mut unknown = BTreeSet::new();
    let found = keys(cloud, name).await?;
    for id in found.into_keys().filter(|id| !keep.contains(id)) {
        let query = [("accessKey", id.as_str())];
        let path = "delete-service-account";
        if !gone(send(cloud, "DELETE", path, &query, None, &id).await)? {
            unknown.insert(id);
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    match keys(cloud, name)
        .await?
        .into_keys()
        .find(|id| unknown.contains(id))
    {
        None => Ok(()),
        Some(id) => Err(half_there("minio:delete-service-account", &id)),
    }
}

/// Whether the user or its policy is there, and ours; that there is no such user takes two
/// answers.
pub(super) async fn survives(
    cloud: &S3Compatible,
    identity: &Identity,
) -> Result<bool, CloudError> {
    let name = identity.name.as_str();
    match user(cloud, name).await? {
        Some(user) => Ok(user.is_ours(identity)),
        None => {
            no_user(cloud, name).await?;
            Ok(rights(cloud, name).await?.is_some())
        }
    }
}

/// Confirms that there is no such user: then it has no keys either.
async fn no_user(cloud: &S3Compatible, name: &str) -> Result<(), CloudError> {
    match keys(cloud, name).await?.is_empty() {
        true => Ok(()),
        false => Err(half_there("minio:user-info", name)),
    }
}

/// Removes the user, its service accounts and its policy.
pub(super) async fn remove(cloud: &S3Compatible, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    match user(cloud, name).await? {
        Some(user) if !user.is_ours(identity) => return Ok(()),
        // The service accounts go with their user.
        Some(_) => {
            let query = [("accessKey", name)];
            let is_done = gone(send(cloud, "DELETE", "remove-user", &query, None, name).await)?;
            if !is_done && self::user(cloud, name).await?.is_some() {
                return Err(half_there("minio:remove-user", name));
            }
        }
        None => no_user(cloud, name).await?,
    }
    let query = [("name", name)];
    let path = "remove-canned-policy";
    let is_done = gone(send(cloud, "DELETE", path, &query, None, name).await)?;
    if !is_done && rights(cloud, name).await?.is_some() {
        return Err(half_there("minio:remove-canned-policy", name));
    }
    Ok(())
}

/// Whether it was deleted in this call; false where the server says that there is no such
/// thing.
fn gone(outcome: Result<(), CloudError>) -> Result<bool, CloudError> {
    match outcome {
        Err(error) if error.kind == CloudErrorKind::NotFound => Ok(false),
        outcome => outcome.map(|()| true),
    }
}
