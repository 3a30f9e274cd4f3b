//! Access keys of users, by the IAM interface that AWS and some other servers have.
//! What a user may do is written in another way on each.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::StatusType;

use crate::byob::identity::{AccessKey, Identity};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::{contradiction, may_not_list};
use crate::clouds::reading::missing;
use crate::clouds::retry::Work;

use super::S3;

const LAST_USED: &str = "iam:GetAccessKeyLastUsed";

/// The interface, and who makes its calls.
pub(in crate::clouds) struct Iam<'a> {
    pub(in crate::clouds) s3: &'a S3,
    pub(in crate::clouds) client: &'a aws_sdk_iam::Client,
}

/// An access key in the list of its user's.
pub(in crate::clouds) struct Listed {
    /// It is enabled.
    pub(in crate::clouds) enabled: bool,
    /// When it was made, in seconds since 1970.
    pub(in crate::clouds) made: Option<i64>,
}

/// Which keys are enabled, and when they were made.
pub(in crate::clouds) fn state_of(
    keys: BTreeMap<String, Listed>,
) -> (BTreeMap<String, bool>, BTreeMap<String, i64>) {
    let made = keys
        .iter()
        .filter_map(|(id, key)| Some((id.clone(), key.made?)));
    let made = made.collect();
    let enabled = keys.into_iter().map(|(id, key)| (id, key.enabled));
    (enabled.collect(), made)
}

impl Iam<'_> {
    /// The user's keys by their ids; `None` without such a user.
    pub(in crate::clouds) async fn access_keys(
        &self,
        name: &str,
    ) -> Result<Option<BTreeMap<String, Listed>>, CloudError> {
        let outcome = self
            .s3
            .sdk(Work::Read, "iam:ListAccessKeys", name, || {
                self.client.list_access_keys().user_name(name).send()
            })
            .await;
        let Some(answer) = missing(outcome)? else {
            return Ok(None);
        };
        let listed = answer.access_key_metadata().iter().map(|key| {
            let listed = Listed {
                enabled: key.status() != Some(&StatusType::Inactive),
                made: key.create_date().map(|date| date.secs()),
            };
            let why = "a key in the list has no id";
            let id = key.access_key_id();
            let id = id.ok_or_else(|| contradiction("iam:ListAccessKeys", name, why))?;
            Ok((id.to_owned(), listed))
        });
        listed.collect::<Result<_, _>>().map(Some)
    }

    /// Asks about a key that the list of its user's keys lacks: a secret that is forgotten
    /// cannot be had again. A server that cannot be asked says nothing against its list.
    pub(in crate::clouds) async fn confirm_list(
        &self,
        name: &str,
        keys: &BTreeMap<String, bool>,
        id: &str,
    ) -> Result<(), CloudError> {
        if keys.contains_key(id) {
            return Ok(());
        }
        let outcome = self
            .s3
            .sdk(Work::Read, LAST_USED, id, || {
                self.client
                    .get_access_key_last_used()
                    .access_key_id(id)
                    .send()
            })
            .await;
        match outcome {
            Ok(answer) if answer.user_name.as_deref() == Some(name) => {
                let why = format!(
                    "the list of the keys of the user {name:?} lacks a key that is there; nothing \
                     was forgotten for it"
                );
                Err(contradiction(LAST_USED, id, why))
            }
            Err(error) if !may_not_list(&error) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A new access key of the user.
    pub(in crate::clouds) async fn create_access_key(
        &self,
        identity: &Identity,
    ) -> Result<AccessKey, CloudError> {
        let name = identity.name.as_str();
        let call = "iam:CreateAccessKey";
        let made = self
            .s3
            .sdk(Work::Once, call, name, || {
                self.client.create_access_key().user_name(name).send()
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
    pub(in crate::clouds) async fn delete_access_keys(
        &self,
        identity: &Identity,
        keep: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        let name = identity.name.as_str();
        let mut unknown = BTreeSet::new();
        let keys = self.access_keys(name).await?.unwrap_or_default();
        for id in keys.into_keys().filter(|id| !keep.contains(id)) {
            let outcome = self
                .s3
                .sdk(Work::Write, "iam:DeleteAccessKey", &id, || {
                    self.client
                        .delete_access_key()
                        .user_name(name)
                        .access_key_id(&id)
                        .send()
                })
                .await;
            if missing(outcome)?.is_none() {
                unknown.insert(id);
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let left = self.access_keys(name).await?.unwrap_or_default();
        match left.keys().find(|id| unknown.contains(*id)) {
            None => Ok(()),
            Some(id) => Err(half_there("iam:DeleteAccessKey", id)),
        }
    }

    /// Deletes the user. Gone already is success, once its keys say the same.
    pub(in crate::clouds) async fn delete_user(&self, name: &str) -> Result<(), CloudError> {
        let outcome = self
            .s3
            .sdk(Work::Write, "iam:DeleteUser", name, || {
                self.client.delete_user().user_name(name).send()
            })
            .await;
        if missing(outcome)?.is_some() {
            return Ok(());
        }
        let keys = self.access_keys(name).await?.unwrap_or_default();
        if keys.is_empty() {
            return Ok(());
        }
        Err(half_there("iam:DeleteUser", name))
    }
}

/// Whether it is that error.
pub(in crate::clouds) fn is_half_there(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::Unexpected && error.code.is_none() && error.hint.is_some()
}

/// The error of a user or a key that one answer knows and another one does not.
pub(in crate::clouds) fn half_there(call: &str, name: &str) -> CloudError {
    let why = "one answer is that it is not there, and another one tells about it; nothing was \
               forgotten for it";
    contradiction(call, name, why.to_owned())
}
