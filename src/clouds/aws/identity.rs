//! The IAM user that stands for W&B where it comes from another cloud: one inline policy
//! of the user's own name, and its keys.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_iam::types::Tag;
use percent_encoding::percent_decode_str;

use crate::byob::cloud::LookAt;
use crate::byob::identity::{AccessKey, Identity, IdentityService};
use crate::byob::marker;
use crate::byob::observed::{IdentityState, Rule};
use crate::byob::{CloudError, CloudErrorKind, Reading};
use crate::clouds::reading::{self, is_missing, missing};
use crate::clouds::retry::Work;
use crate::clouds::s3::grants::path_below;
use crate::clouds::s3::iam::{Iam, half_there, is_half_there, state_of};
use crate::clouds::s3::policy::{self as document, Document};
use crate::clouds::s3::variant::explained;

use super::{Aws, policy};

/// A user without its rights.
struct User {
    is_ours: bool,
    boundary: Option<String>,
}

/// The identity, if one is asked for.
pub(super) async fn reading(
    cloud: &Aws,
    look_at: &LookAt,
) -> Result<Reading<Option<IdentityState>>, CloudError> {
    let Some(identity) = &look_at.identity else {
        return Ok(Reading::Skipped);
    };
    let outcome = observe(cloud, identity).await;
    let outcome = outcome.map(|state| state.map(|(_, state)| state));
    if let (Ok(Some(state)), Some(key)) = (&outcome, &look_at.access_key) {
        let (iam, name) = (cloud.iam(), identity.name.as_str());
        iam.confirm_list(name, &state.keys, &key.id).await?;
    }
    reading::reading(outcome)
}

async fn observe(
    cloud: &Aws,
    identity: &Identity,
) -> Result<Option<(User, IdentityState)>, CloudError> {
    let attempt = || observe_once(cloud, identity);
    let name = identity.name.as_str();
    cloud
        .s3
        .once_known("iam:GetUser", name, is_half_there, attempt)
        .await
}

async fn observe_once(
    cloud: &Aws,
    identity: &Identity,
) -> Result<Option<(User, IdentityState)>, CloudError> {
    let (name, iam) = (identity.name.as_str(), &cloud.iam());
    let (user, rights, inline, attached, keys) = tokio::join!(
        user(iam, name),
        rights(iam, name),
        inline(iam, name),
        attached(iam, name),
        iam.access_keys(name),
    );
    let (user, keys) = match (user?, keys?) {
        (Some(user), Some(keys)) => (user, keys),
        (None, None) => return Ok(None),
        // A user that was made a moment ago, or an answer that is not Amazon's.
        _ => return Err(half_there("iam:GetUser", name)),
    };
    let rights = rights?;
    let mut other_rights: Vec<String> = inline?
        .into_iter()
        .filter(|policy| policy != name)
        .chain(attached?)
        .collect();
    if user.boundary != identity.boundary {
        let boundary = user.boundary.as_deref().unwrap_or("no");
        other_rights.push(format!("{boundary} permissions boundary"));
    }
    let (keys, keys_made) = state_of(keys);
    let state = IdentityState {
        enabled: true,
        rights: document::compared(&wanted_rights(cloud, identity), rights.as_ref()),
        other_rights,
        keys,
        keys_made,
        path: rights
            .iter()
            .flat_map(|document| &document.statements)
            .find_map(path_below),
        ..IdentityState::default()
    };
    Ok(Some((user, state)))
}

fn wanted_rights(cloud: &Aws, identity: &Identity) -> Document {
    policy::of_user(cloud.clients.partition(), &identity.rights)
}

async fn user(iam: &Iam<'_>, name: &str) -> Result<Option<User>, CloudError> {
    let outcome = iam
        .s3
        .sdk(Work::Read, "iam:GetUser", name, || {
            iam.client.get_user().user_name(name).send()
        })
        .await;
    Ok(missing(outcome)?
        .and_then(|answer| answer.user)
        .map(|user| User {
            is_ours: user.tags().iter().any(|tag| tag.key() == marker::KEY),
            boundary: user
                .permissions_boundary
                .and_then(|boundary| boundary.permissions_boundary_arn),
        }))
}

async fn rights(iam: &Iam<'_>, name: &str) -> Result<Option<Document>, CloudError> {
    let outcome = iam
        .s3
        .sdk(Work::Read, "iam:GetUserPolicy", name, || {
            iam.client
                .get_user_policy()
                .user_name(name)
                .policy_name(name)
                .send()
        })
        .await;
    Ok(missing(outcome)?.and_then(|answer| {
        let text = answer.policy_document();
        let decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
        Document::parse(text)
            .or_else(|_| Document::parse(&decoded))
            .ok()
    }))
}

async fn inline(iam: &Iam<'_>, name: &str) -> Result<Vec<String>, CloudError> {
    let outcome = iam
        .s3
        .sdk(Work::Read, "iam:ListUserPolicies", name, || {
            iam.client.list_user_policies().user_name(name).send()
        })
        .await;
    Ok(missing(outcome)?
        .map(|answer| answer.policy_names)
        .unwrap_or_default())
}

/// ARNs of managed policies.
async fn attached(iam: &Iam<'_>, name: &str) -> Result<Vec<String>, CloudError> {
    let outcome = iam
        .s3
        .sdk(Work::Read, "iam:ListAttachedUserPolicies", name, || {
            iam.client
                .list_attached_user_policies()
                .user_name(name)
                .send()
        })
        .await;
    let policies = missing(outcome)?.and_then(|answer| answer.attached_policies);
    Ok(policies
        .unwrap_or_default()
        .into_iter()
        .filter_map(|policy| policy.policy_arn)
        .collect())
}

/// Makes the user what it should be, with exactly its rights.
async fn put(cloud: &Aws, identity: &Identity) -> Result<(), CloudError> {
    let (name, iam) = (identity.name.as_str(), &cloud.iam());
    let rights = wanted_rights(cloud, identity);
    let Some((user, state)) = observe(cloud, identity).await? else {
        create(iam, identity).await?;
        return iam
            .s3
            .once_known("iam:PutUserPolicy", name, is_missing, || {
                put_rights(iam, name, &rights)
            })
            .await;
    };
    if !user.is_ours {
        return Err(CloudError::new(
            CloudErrorKind::AlreadyExists,
            "iam:CreateUser",
            name,
            "a user of this name is there, and this provider did not make it",
        )
        .hint("Remove or rename that user; it was not touched."));
    }
    if user.boundary != identity.boundary {
        bound(iam, identity).await?;
    }
    if state.rights != Rule::AsWanted {
        put_rights(iam, name, &rights).await?;
    }
    remove_other_rights(iam, name, true).await
}

async fn create(iam: &Iam<'_>, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    let call = "iam:CreateUser";
    let tag = Tag::builder()
        .key(marker::KEY)
        .value("made for W&B")
        .build()
        .map_err(|error| CloudError::new(CloudErrorKind::Invalid, call, name, error.to_string()))?;
    iam.s3
        .sdk(Work::Write, call, name, || {
            iam.client
                .create_user()
                .user_name(name)
                .set_permissions_boundary(identity.boundary.clone())
                .tags(tag.clone())
                .send()
        })
        .await
        .map(drop)
}

async fn bound(iam: &Iam<'_>, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    match &identity.boundary {
        Some(boundary) => iam
            .s3
            .sdk(Work::Write, "iam:PutUserPermissionsBoundary", name, || {
                iam.client
                    .put_user_permissions_boundary()
                    .user_name(name)
                    .permissions_boundary(boundary)
                    .send()
            })
            .await
            .map(drop),
        None => iam
            .s3
            .sdk(
                Work::Write,
                "iam:DeleteUserPermissionsBoundary",
                name,
                || {
                    iam.client
                        .delete_user_permissions_boundary()
                        .user_name(name)
                        .send()
                },
            )
            .await
            .map(drop),
    }
}

/// Replaces the rights in one call, so that W&B is never without them.
async fn put_rights(iam: &Iam<'_>, name: &str, rights: &Document) -> Result<(), CloudError> {
    let text = rights.to_json();
    iam.s3
        .sdk(Work::Write, "iam:PutUserPolicy", name, || {
            iam.client
                .put_user_policy()
                .user_name(name)
                .policy_name(name)
                .policy_document(&text)
                .send()
        })
        .await
        .map(drop)
}

/// Removes every policy; the user's own one only when `keep_own` is false.
async fn remove_other_rights(iam: &Iam<'_>, name: &str, keep_own: bool) -> Result<(), CloudError> {
    for policy in inline(iam, name).await? {
        if keep_own && policy == name {
            continue;
        }
        let outcome = iam
            .s3
            .sdk(Work::Write, "iam:DeleteUserPolicy", name, || {
                iam.client
                    .delete_user_policy()
                    .user_name(name)
                    .policy_name(&policy)
                    .send()
            })
            .await;
        missing(outcome)?;
    }
    for arn in attached(iam, name).await? {
        let outcome = iam
            .s3
            .sdk(Work::Write, "iam:DetachUserPolicy", name, || {
                iam.client
                    .detach_user_policy()
                    .user_name(name)
                    .policy_arn(&arn)
                    .send()
            })
            .await;
        missing(outcome)?;
    }
    Ok(())
}

/// Whether the user is there and ours; that it is not there takes two answers.
async fn survives(iam: &Iam<'_>, name: &str) -> Result<bool, CloudError> {
    if let Some(user) = user(iam, name).await? {
        return Ok(user.is_ours);
    }
    match iam.access_keys(name).await? {
        None => Ok(false),
        Some(_) => Err(half_there("iam:GetUser", name)),
    }
}

/// Removes the user with its keys and rights; one that is not ours stays.
async fn remove(iam: &Iam<'_>, identity: &Identity) -> Result<(), CloudError> {
    let name = identity.name.as_str();
    if !survives(iam, name).await? {
        return Ok(());
    }
    iam.delete_access_keys(identity, &BTreeSet::new()).await?;
    remove_other_rights(iam, name, false).await?;
    iam.delete_user(name).await
}

#[async_trait]
impl IdentityService for Aws {
    /// IAM refuses a second creation, so a new identity needs no other way.
    async fn put_identity(&self, identity: &Identity, _: bool) -> Result<(), CloudError> {
        explained(self, put(self, identity).await).await
    }

    fn makes_access_keys(&self) -> bool {
        true
    }

    fn chooses_access_key_ids(&self) -> bool {
        false
    }

    async fn create_access_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        let iam = self.iam();
        let call = "iam:CreateAccessKey";
        let outcome = self
            .s3
            .once_known(call, &identity.name, is_missing, || {
                iam.create_access_key(identity)
            })
            .await;
        explained(self, outcome).await
    }

    async fn delete_access_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        explained(self, self.iam().delete_access_keys(identity, keep).await).await
    }

    async fn survives(&self, identity: &Identity) -> Result<bool, CloudError> {
        explained(self, survives(&self.iam(), &identity.name).await).await
    }

    /// Its name says it.
    async fn mark_identity(&self, _: &Identity) -> Result<(), CloudError> {
        Ok(())
    }

    async fn withdraw_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        self.delete_identity(identity).await
    }

    async fn delete_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        explained(self, remove(&self.iam(), identity).await).await
    }
}
