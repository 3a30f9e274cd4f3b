//! Users and keys on servers with the IAM interface of AWS, such as SeaweedFS: a user,
//! a managed policy of the same name, and the user's access keys.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::StatusType;
use percent_encoding::percent_decode_str;

use crate::byob::identity::{AccessKey, Identity};
use crate::byob::observed::IdentityState;
use crate::byob::policy::Document;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

use super::S3Compatible;

/// The identity with rights and keys; `None` when there is no such user.
pub(super) async fn observe(
    cloud: &S3Compatible,
    identity: &Identity,
) -> Result<Option<IdentityState>, CloudError> {
    let name = identity.name.as_str();
    let (attached, keys) = tokio::join!(attached(cloud, name), keys(cloud, name));
    let (Some(attached), Some(keys)) = (attached?, keys?) else {
        return Ok(None);
    };
    let rights = match attached.get(name) {
        Some(arn) => rights(cloud, name, arn).await?,
        None => None,
    };
    Ok(Some(IdentityState {
        enabled: true,
        rights,
        other_rights: attached
            .into_keys()
            .filter(|policy| policy != name)
            .collect(),
        keys,
    }))
}

fn missing<T>(outcome: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == CloudErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names and ARNs of the user's policies; `None` without such a user.
async fn attached(
    cloud: &S3Compatible,
    name: &str,
) -> Result<Option<BTreeMap<String, String>>, CloudError> {
    let iam = cloud.clients.iam();
    let outcome = cloud
        .sdk(Work::Read, "iam:ListAttachedUserPolicies", name, || {
            iam.list_attached_user_policies().user_name(name).send()
        })
        .await
        .map(|answer| {
            answer
                .attached_policies()
                .iter()
                .filter_map(|policy| {
                    Some((
                        policy.policy_name()?.to_owned(),
                        policy.policy_arn()?.to_owned(),
                    ))
                })
                .collect()
        });
    missing(outcome)
}

async fn keys(
    cloud: &S3Compatible,
    name: &str,
) -> Result<Option<BTreeMap<String, bool>>, CloudError> {
    let iam = cloud.clients.iam();
    let outcome = cloud
        .sdk(Work::Read, "iam:ListAccessKeys", name, || {
            iam.list_access_keys().user_name(name).send()
        })
        .await
        .map(|answer| {
            answer
                .access_key_metadata()
                .iter()
                .filter_map(|key| {
                    let enabled = key.status() != Some(&StatusType::Inactive);
                    Some((key.access_key_id()?.to_owned(), enabled))
                })
                .collect()
        });
    missing(outcome)
}

async fn rights(
    cloud: &S3Compatible,
    name: &str,
    arn: &str,
) -> Result<Option<Document>, CloudError> {
    let iam = cloud.clients.iam();
    let policy = missing(
        cloud
            .sdk(Work::Read, "iam:GetPolicy", name, || {
                iam.get_policy().policy_arn(arn).send()
            })
            .await,
    )?;
    let version = policy
        .and_then(|answer| answer.policy?.default_version_id)
        .unwrap_or_else(|| "v1".to_owned());
    let answer = missing(
        cloud
            .sdk(Work::Read, "iam:GetPolicyVersion", name, || {
                iam.get_policy_version()
                    .policy_arn(arn)
                    .version_id(&version)
                    .send()
            })
            .await,
    )?;
    Ok(answer
        .and_then(|answer| answer.policy_version?.document)
        .and_then(|text| {
            // AWS sends the document percent-encoded, others as it is.
            let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
            Document::parse(&text)
                .or_else(|_| Document::parse(&decoded))
                .ok()
        }))
}

/// Makes the user and its policy what they should be.
pub(super) async fn put(cloud: &S3Compatible, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let iam = cloud.clients.iam();
    let before = observe(cloud, identity).await?;
    if let Some(before) = &before
        && before.rights.is_none()
        && !before.other_rights.is_empty()
    {
        return Err(CloudError::new(
            CloudErrorKind::AlreadyExists,
            "iam:CreateUser",
            name,
            "a user of this name is there, with rights that are not W&B's",
        )
        .hint("Remove or rename that user; it was not touched."));
    }
    if before.is_none() {
        cloud
            .sdk(Work::Write, "iam:CreateUser", name, || {
                iam.create_user().user_name(name).send()
            })
            .await?;
    }
    let holds = before.as_ref().and_then(|state| state.rights.as_ref());
    if !holds.is_some_and(|rights| rights.means_the_same(&identity.rights)) {
        let arn = put_policy(cloud, identity, before.as_ref()).await?;
        cloud
            .sdk(Work::Write, "iam:AttachUserPolicy", name, || {
                iam.attach_user_policy()
                    .user_name(name)
                    .policy_arn(&arn)
                    .send()
            })
            .await?;
    }
    if before.is_some_and(|state| !state.other_rights.is_empty()) {
        for (policy, arn) in attached(cloud, name).await?.unwrap_or_default() {
            if policy != name {
                detach(cloud, name, &arn).await?;
            }
        }
    }
    Ok(())
}

/// Writes the policy anew; these servers do not keep versions of one.
async fn put_policy(
    cloud: &S3Compatible,
    identity: &Identity,
    before: Option<&IdentityState>,
) -> Result<String, CloudError> {
    let name = identity.name.as_str();
    let iam = cloud.clients.iam();
    let text = identity.rights.to_json();
    if before.is_some_and(|state| state.rights.is_some()) {
        remove_policy(cloud, name).await?;
    }
    let create = || {
        iam.create_policy()
            .policy_name(name)
            .policy_document(&text)
            .send()
    };
    let made = cloud
        .sdk(Work::Write, "iam:CreatePolicy", name, create)
        .await;
    let made = match made {
        // Left by a create that did not come to its end.
        Err(error) if error.kind == CloudErrorKind::AlreadyExists => {
            delete_policy(cloud, name, &default_arn(name)).await?;
            cloud
                .sdk(Work::Write, "iam:CreatePolicy", name, create)
                .await
        }
        made => made,
    };
    let arn = made?.policy.and_then(|policy| policy.arn);
    Ok(arn.unwrap_or_else(|| default_arn(name)))
}

/// The ARN of a policy on servers that have no accounts.
fn default_arn(name: &str) -> String {
    format!("arn:aws:iam:::policy/{name}")
}

async fn detach(cloud: &S3Compatible, name: &str, arn: &str) -> Result<(), CloudError> {
    let iam = cloud.clients.iam();
    let outcome = cloud
        .sdk(Work::Write, "iam:DetachUserPolicy", name, || {
            iam.detach_user_policy()
                .user_name(name)
                .policy_arn(arn)
                .send()
        })
        .await;
    missing(outcome).map(|_| ())
}

async fn delete_policy(cloud: &S3Compatible, name: &str, arn: &str) -> Result<(), CloudError> {
    let iam = cloud.clients.iam();
    let outcome = cloud
        .sdk(Work::Write, "iam:DeletePolicy", name, || {
            iam.delete_policy().policy_arn(arn).send()
        })
        .await;
    missing(outcome).map(|_| ())
}

async fn remove_policy(cloud: &S3Compatible, name: &str) -> Result<(), CloudError> {
    let found = attached(cloud, name).await?.unwrap_or_default();
    if let Some(arn) = found.get(name) {
        detach(cloud, name, arn).await?;
        delete_policy(cloud, name, arn).await?;
    }
    Ok(())
}

/// A new access key of the user.
pub(super) async fn make_key(
    cloud: &S3Compatible,
    identity: &Identity,
) -> Result<AccessKey, CloudError> {
    let name = identity.name.as_str();
    let iam = cloud.clients.iam();
    let call = "iam:CreateAccessKey";
    let made = cloud
        .sdk(Work::Once, call, name, || {
            iam.create_access_key().user_name(name).send()
        })
        .await?;
    made.access_key
        .map(|key| AccessKey::new(key.access_key_id, key.secret_access_key))
        .ok_or_else(|| {
            CloudError::new(
                CloudErrorKind::Unexpected,
                call,
                name,
                "the answer holds no key",
            )
        })
}

/// Removes every key of the user but those in `keep`.
pub(super) async fn remove_keys(
    cloud: &S3Compatible,
    identity: &Identity,
    keep: &BTreeSet<String>,
) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let iam = cloud.clients.iam();
    for id in keys(cloud, name).await?.unwrap_or_default().into_keys() {
        if keep.contains(&id) {
            continue;
        }
        let outcome = cloud
            .sdk(Work::Write, "iam:DeleteAccessKey", &id, || {
                iam.delete_access_key()
                    .user_name(name)
                    .access_key_id(&id)
                    .send()
            })
            .await;
        missing(outcome)?;
    }
    Ok(())
}

/// Removes the user, its keys and its policy.
pub(super) async fn remove(cloud: &S3Compatible, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let Some(state) = observe(cloud, identity).await? else {
        return Ok(());
    };
    if state.rights.is_none() && !state.other_rights.is_empty() {
        // Somebody else's user.
        return Ok(());
    }
    remove_keys(cloud, identity, &BTreeSet::new()).await?;
    for (policy, arn) in attached(cloud, name).await?.unwrap_or_default() {
        detach(cloud, name, &arn).await?;
        if policy == name {
            delete_policy(cloud, name, &arn).await?;
        }
    }
    let iam = cloud.clients.iam();
    let outcome = cloud
        .sdk(Work::Write, "iam:DeleteUser", name, || {
            iam.delete_user().user_name(name).send()
        })
        .await;
    missing(outcome).map(|_| ())
}
