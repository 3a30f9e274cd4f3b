//! A customer's key of Cloud KMS: given, never made. Cloud Storage's own account encrypts
//! with it, so that account is let in; it stays let in, for other buckets may need it.

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::Value;

use super::Gcp;
use super::endpoints::Service;
use super::error::not_understood;
use super::policy::{self, FELT, Holder, member};
use super::request::Request;
use crate::byob::observed::{KeyState, Reading, Rule};
use crate::byob::spec::KeySpec;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::{missing, reading};
use crate::clouds::retry::{Work, until_known_within};

/// The role that encrypts and decrypts.
pub(super) const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

/// Cloud Storage's own account in the project, which uses keys for its buckets.
async fn service_agent(cloud: &Gcp) -> Result<String, CloudError> {
    let (call, project) = ("resourcemanager.projects.get", cloud.place.project.as_str());
    let ask = || async {
        let path = format!(
            "projects/{}/serviceAccount",
            super::request::encoded(project)
        );
        let request = Request::storage("GET", &path);
        let told = cloud.json(Work::Read, call, project, &request).await?;
        let email = told["email_address"].as_str();
        let email = email.ok_or_else(|| not_understood(call, project, "it names no account"))?;
        Ok::<_, CloudError>((project.to_owned(), email.to_owned()))
    };
    let known = cloud.clients.service_agent.get_or_try_init(ask).await?;
    if known.0 == project {
        return Ok(known.1.clone());
    }
    // The connection is used for more than one project.
    ask().await.map(|(_, email)| email)
}

fn roles() -> BTreeSet<String> {
    BTreeSet::from([ROLE.to_owned()])
}

/// Lets Cloud Storage's own account use a key.
async fn let_in(cloud: &Gcp, key: &str) -> Result<(), CloudError> {
    let agent = member(&service_agent(cloud).await?);
    policy::update(cloud, Holder::Key(key), |policy| {
        policy.add_roles(&agent, &roles())
    })
    .await
    .map(drop)
}

/// Does something that makes Cloud Storage use a key, if one is named, and waits until it
/// may. Where the caller may not look at the key's policy, Cloud Storage may be let in all
/// the same, so it is tried. Nobody tells since when it is, so it is always waited for.
pub(super) async fn with_use_of<T, Doing>(
    cloud: &Gcp,
    key: Option<&str>,
    mut doing: impl FnMut() -> Doing,
) -> Result<T, CloudError>
where
    Doing: Future<Output = Result<T, CloudError>>,
{
    let Some(key) = key else {
        return doing().await;
    };
    let refusal = match let_in(cloud, key).await {
        Ok(()) => None,
        Err(error) if error.kind == CloudErrorKind::Denied => Some(error),
        Err(error) => return Err(error),
    };
    let outcome = until_known_within(
        FELT,
        cloud.patience.stop(),
        "cloudkms.cryptoKeyVersions.useToEncrypt",
        key,
        |outcome: &Result<T, CloudError>| outcome.as_ref().is_err_and(is_key_refused),
        || {
            let doing = Box::pin(doing());
            async move { Ok(doing.await) }
        },
    )
    .await?;
    outcome.map_err(|error| match refusal {
        Some(refusal) if is_key_refused(&error) => error.hint(format!(
            "Give Cloud Storage's own service account of the project {ROLE} on {key}. This \
             provider does so where its caller may ({}: {}).",
            refusal.call, refusal.message
        )),
        _ if is_key_refused(&error) => error.hint(format!(
            "Cloud Storage's own service account has {ROLE} on {key} and is refused all the same: \
             look for a deny policy, or a key that is not there."
        )),
        _ => error,
    })
}

/// Whether Cloud Storage may not use the key, or not yet.
fn is_key_refused(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::Denied && error.message.contains("Cloud KMS key")
}

/// The key as it is, and whether Cloud Storage may use it.
pub(super) async fn observe(
    cloud: &Gcp,
    key: Option<&KeySpec>,
) -> Result<Reading<Option<KeyState>>, CloudError> {
    let Some(name) = key.and_then(|key| key.name.as_deref()) else {
        return Ok(Reading::Skipped);
    };
    let call = "cloudkms.cryptoKeys.get";
    let request = Request::v1(Service::Kms, "GET", name);
    let (resource, users) = tokio::join!(
        cloud.json(Work::Read, call, name, &request),
        users(cloud, name),
    );
    let resource = reading(missing(resource))?;
    let users = users?;
    Ok(resource.map(|resource| resource.map(|resource| state(name, &resource, users))))
}

fn state(name: &str, resource: &Value, users: (Reading<Rule>, String)) -> KeyState {
    let purpose = resource["purpose"].as_str().unwrap_or_default();
    let (users, remedy) = users;
    KeyState {
        name: name.to_owned(),
        marker: None,
        bucket: None,
        tags: Default::default(),
        other_usage: if purpose == "ENCRYPT_DECRYPT" {
            String::new()
        } else {
            purpose.to_owned()
        },
        enabled: resource["primary"]["state"] == "ENABLED",
        days_to_deletion: None,
        rotation: Reading::Skipped,
        admins: Reading::Skipped,
        users,
        named_admins: Vec::new(),
        alias: true,
        remedy,
    }
}

/// Whether Cloud Storage may use a key, and what to do where it may not.
async fn users(cloud: &Gcp, key: &str) -> Result<(Reading<Rule>, String), CloudError> {
    let (agent, policy) =
        tokio::join!(service_agent(cloud), policy::read(cloud, Holder::Key(key)),);
    let agent = reading(agent)?;
    let policy = reading(missing(policy))?;
    let remedy = match &agent {
        Reading::Known(agent) => format!("{ROLE} for {}", member(agent)),
        _ => ROLE.to_owned(),
    };
    let rule = match (agent, policy) {
        (Reading::Known(agent), Reading::Known(Some(policy))) => {
            let has = policy.roles_of(&member(&agent)).contains(ROLE);
            Reading::Known(if has { Rule::AsWanted } else { Rule::Missing })
        }
        (Reading::Denied(why), _) | (_, Reading::Denied(why)) => Reading::Denied(why),
        _ => Reading::Skipped,
    };
    Ok((rule, remedy))
}
