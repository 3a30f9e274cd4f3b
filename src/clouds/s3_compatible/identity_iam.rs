//! Users and keys on servers with the IAM interface of AWS, such as SeaweedFS: a user,
//! a managed policy of the same name, and the user's access keys.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use crate::byob::identity::{AccessKey, Identity};
use crate::byob::observed::{IdentityState, Rule};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::missing;
use crate::clouds::retry::Work;
use crate::clouds::s3::grants::path_below;
use crate::clouds::s3::iam::{Iam, half_there, state_of};
use crate::clouds::s3::policy::{self, Document};

use super::PARTITION;

/// The identity with rights and keys; `None` when there is no such user. One list that lacks
/// its `key` is no proof that the key is gone.
pub(super) async fn observe(
    iam: &Iam<'_>,
    identity: &Identity,
    key: Option<&AccessKey>,
) -> Result<Option<IdentityState>, CloudError> {
    let name = identity.name.as_str();
    let (attached, keys) = tokio::join!(attached(iam, name), iam.access_keys(name));
    let (attached, keys) = match (attached?, keys?) {
        (Some(attached), Some(keys)) => (attached, keys),
        // Some servers list no keys of users that are not there.
        (None, keys) if keys.as_ref().is_none_or(BTreeMap::is_empty) => return Ok(None),
        _ => return Err(half_there("iam:ListAttachedUserPolicies", name)),
    };
    let rights = match attached.get(name) {
        Some(arn) => rights(iam, name, arn).await?,
        None => None,
    };
    let (keys, keys_made) = state_of(keys);
    if let Some(key) = key {
        iam.confirm_list(name, &keys, &key.id).await?;
    }
    Ok(Some(IdentityState {
        enabled: true,
        rights: policy::compared(
            &policy::of_user(PARTITION, &identity.rights),
            rights.as_ref(),
        ),
        other_rights: attached
            .into_keys()
            .filter(|policy| policy != name)
            .collect(),
        keys,
        keys_made,
        path: rights
            .iter()
            .flat_map(|document| &document.statements)
            .find_map(path_below),
        ..IdentityState::default()
    }))
}

/// Names and ARNs of the user's policies; `None` without such a user.
async fn attached(
    iam: &Iam<'_>,
    name: &str,
) -> Result<Option<BTreeMap<String, String>>, CloudError> {
    let client = iam.client;
    let outcome = iam
        .s3
        .sdk(Work::Read, "iam:ListAttachedUserPolicies", name, || {
            client.list_attached_user_policies().user_name(name).send()
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

async fn rights(iam: &Iam<'_>, name: &str, arn: &str) -> Result<Option<Document>, CloudError> {
    let client = iam.client;
    let policy = missing(
        iam.s3
            .sdk(Work::Read, "iam:GetPolicy", name, || {
                client.get_policy().policy_arn(arn).send()
            })
            .await,
    )?;
    let version = policy
        .and_then(|answer| answer.policy?.default_version_id)
        .unwrap_or_else(|| "v1".to_owned());
    let answer = missing(
        iam.s3
            .sdk(Work::Read, "iam:GetPolicyVersion", name, || {
                client
                    .get_policy_version()
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
pub(super) async fn put(iam: &Iam<'_>, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let client = iam.client;
    let before = observe(iam, identity, None).await?;
    if let Some(before) = &before
        && before.rights == Rule::Missing
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
        iam.s3
            .sdk(Work::Write, "iam:CreateUser", name, || {
                client.create_user().user_name(name).send()
            })
            .await?;
    }
    let holds = before
        .as_ref()
        .is_some_and(|state| state.rights == Rule::AsWanted);
    if !holds {
        let arn = put_policy(iam, identity, before.as_ref()).await?;
        iam.s3
            .sdk(Work::Write, "iam:AttachUserPolicy", name, || {
                client
                    .attach_user_policy()
                    .user_name(name)
                    .policy_arn(&arn)
                    .send()
            })
            .await?;
    }
    if before.is_some_and(|state| !state.other_rights.is_empty()) {
        for (policy, arn) in attached(iam, name).await?.unwrap_or_default() {
            if policy != name {
                detach(iam, name, &arn).await?;
            }
        }
    }
    Ok(())
}

/// Writes the policy anew; these servers do not keep versions of one.
async fn put_policy(
    iam: &Iam<'_>,
    identity: &Identity,
    before: Option<&IdentityState>,
) -> Result<String, CloudError> {
    let name = identity.name.as_str();
    let client = iam.client;
    let text = policy::of_user(PARTITION, &identity.rights).to_json();
    if before.is_some_and(|state| state.rights != Rule::Missing) {
        remove_policy(iam, name).await?;
    }
    let create = || {
        client
            .create_policy()
            .policy_name(name)
            .policy_document(&text)
            .send()
    };
    let made = iam
        .s3
        .sdk(Work::Write, "iam:CreatePolicy", name, create)
        .await;
    let made = match made {
        // Left by a create that did not come to its end.
        Err(error) if error.kind == CloudErrorKind::AlreadyExists => {
            delete_policy(iam, name, &default_arn(name)).await?;
            iam.s3
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

async fn detach(iam: &Iam<'_>, name: &str, arn: &str) -> Result<(), CloudError> {
    let client = iam.client;
    let outcome = iam
        .s3
        .sdk(Work::Write, "iam:DetachUserPolicy", name, || {
            client
                .detach_user_policy()
                .user_name(name)
                .policy_arn(arn)
                .send()
        })
        .await;
    missing(outcome).map(|_| ())
}

async fn delete_policy(iam: &Iam<'_>, name: &str, arn: &str) -> Result<(), CloudError> {
    let client = iam.client;
    let outcome = iam
        .s3
        .sdk(Work::Write, "iam:DeletePolicy", name, || {
            client.delete_policy().policy_arn(arn).send()
        })
        .await;
    missing(outcome).map(|_| ())
}

async fn remove_policy(iam: &Iam<'_>, name: &str) -> Result<(), CloudError> {
    let found = attached(iam, name).await?.unwrap_or_default();
    if let Some(arn) = found.get(name) {
        detach(iam, name, arn).await?;
        delete_policy(iam, name, arn).await?;
    }
    Ok(())
}

/// Whether it is somebody else's user.
pub(super) fn is_foreign(state: &IdentityState) -> bool {
    state.rights == Rule::Missing && !state.other_rights.is_empty()
}

/// Removes the user, its keys and its policy.
pub(super) async fn remove(iam: &Iam<'_>, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let Some(state) = observe(iam, identity, None).await? else {
        return Ok(());
    };
    if is_foreign(&state) {
        return Ok(());
    }
    iam.delete_access_keys(identity, &BTreeSet::new()).await?;
    let mut own = default_arn(name);
    for (policy, arn) in attached(iam, name).await?.unwrap_or_default() {
        detach(iam, name, &arn).await?;
        if policy == name {
            own = arn;
        }
    }
    // Attached or not: a run may have ended between the two.
    delete_policy(iam, name, &own).await?;
    iam.delete_user(name).await
}
