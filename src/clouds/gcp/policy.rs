//! Policies of IAM: read, changed and written back with the tag that they were read with.
//!
//! Other people's bindings, those with conditions and those of deleted members among them,
//! go back as they came; see `docs/dev/decisions/0025-documents-of-others-as-text.md`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::endpoints::Service;
use super::error::{not_understood, was_outrun};
use super::request::Request;
use super::{Gcp, resource};
use crate::byob::observed::{GrantState, Rule};
use crate::byob::spec::Grants;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

/// The version that knows conditions.
const VERSION: u8 = 3;
/// How long a change of a policy may take to be felt.
///
/// Source: Google's page on the propagation of changes of access, which says two minutes.
pub(super) const FELT: Duration = Duration::from_secs(150);
/// Members that are everybody.
const EVERYBODY: [&str; 2] = ["allUsers", "allAuthenticatedUsers"];

/// A service account as policies name it.
pub(super) fn member(email: &str) -> String {
    format!("serviceAccount:{email}")
}

/// What a policy is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holder<'a> {
    Bucket(&'a str),
    /// A key of Cloud KMS, by its full name.
    Key(&'a str),
}

impl Holder<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Bucket(name) | Self::Key(name) => name,
        }
    }

    fn bucket(&self) -> Option<&str> {
        match self {
            Self::Bucket(name) => Some(name),
            Self::Key(_) => None,
        }
    }

    fn calls(&self) -> (&'static str, &'static str) {
        match self {
            Self::Bucket(_) => (
                "storage.buckets.getIamPolicy",
                "storage.buckets.setIamPolicy",
            ),
            Self::Key(_) => (
                "cloudkms.cryptoKeys.getIamPolicy",
                "cloudkms.cryptoKeys.setIamPolicy",
            ),
        }
    }

    fn get(&self) -> Request {
        let version = VERSION.to_string();
        match self {
            Self::Bucket(name) => Request::bucket("GET", name)
                .part("/iam")
                .with("optionsRequestedPolicyVersion", &version),
            Self::Key(name) => Request::v1(Service::Kms, "GET", name)
                .part(":getIamPolicy")
                .with("options.requestedPolicyVersion", &version),
        }
    }

    fn set(&self, policy: &Policy) -> Request {
        match self {
            Self::Bucket(name) => Request::bucket("PUT", name)
                .part("/iam")
                .body(policy.0.clone()),
            Self::Key(name) => Request::v1(Service::Kms, "POST", name)
                .part(":setIamPolicy")
                .body(json!({"policy": policy.0})),
        }
    }
}

/// One policy, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy(Value);

impl Policy {
    fn bindings(&self) -> impl Iterator<Item = &Value> {
        self.0["bindings"].as_array().into_iter().flatten()
    }

    /// The roles that a member has without a condition.
    pub(super) fn roles_of(&self, member: &str) -> BTreeSet<String> {
        self.bindings()
            .filter(|binding| is_unconditional(binding) && names(binding, member))
            .filter_map(|binding| binding["role"].as_str().map(str::to_owned))
            .collect()
    }

    /// Gives a member these roles and takes every other one away that it has without a
    /// condition. Whether anything was changed.
    pub(super) fn set_roles(&mut self, member: &str, roles: &BTreeSet<String>) -> bool {
        let there = self.roles_of(member);
        if there == *roles {
            return false;
        }
        self.edit(|bindings| {
            for binding in bindings.iter_mut().filter(|one| is_unconditional(one)) {
                let role = binding["role"].as_str().unwrap_or_default();
                if roles.contains(role) || !names(binding, member) {
                    continue;
                }
                if let Some(members) = binding["members"].as_array_mut() {
                    members.retain(|one| !is_same(one, member));
                }
            }
            bindings.retain(|binding| {
                let is_left_empty = binding["members"].as_array().is_some_and(Vec::is_empty);
                !is_left_empty
                    || binding["role"]
                        .as_str()
                        .is_some_and(|role| !there.contains(role))
            });
        });
        self.add_roles(member, roles);
        true
    }

    /// Gives a member these roles besides those that it has. Whether anything was changed.
    pub(super) fn add_roles(&mut self, member: &str, roles: &BTreeSet<String>) -> bool {
        let there = self.roles_of(member);
        let missing: Vec<&String> = roles.difference(&there).collect();
        if missing.is_empty() {
            return false;
        }
        self.edit(|bindings| {
            for role in missing {
                let same = |one: &&mut Value| is_unconditional(one) && one["role"] == **role;
                let members = bindings.iter_mut().find(same);
                match members.and_then(|binding| binding["members"].as_array_mut()) {
                    Some(members) => members.push(json!(member)),
                    None => bindings.push(json!({"role": role, "members": [member]})),
                }
            }
        });
        true
    }

    fn edit(&mut self, with: impl FnOnce(&mut Vec<Value>)) {
        self.0["version"] = json!(VERSION);
        if !self.0["bindings"].is_array() {
            self.0["bindings"] = json!([]);
        }
        if let Some(bindings) = self.0["bindings"].as_array_mut() {
            with(bindings);
        }
    }

    /// What the policy gives to W&B and to others, compared with what is wanted.
    pub(super) fn state(&self, wanted: Option<&Grants>) -> GrantState {
        let principals = wanted.map_or(&[][..], |wanted| &wanted.principals);
        let ours: Vec<String> = principals.iter().map(|email| member(email)).collect();
        let public = self.bindings().flat_map(|binding| {
            let members = EVERYBODY.iter().filter(|one| names(binding, one));
            members.map(|one| format!("{} for {one}", role_of(binding)))
        });
        let foreign = self.bindings().filter(|binding| {
            let members = binding["members"].as_array().into_iter().flatten();
            let mut others = members.filter(|one| !ours.iter().any(|own| is_same(one, own)));
            !is_unconditional(binding) || others.next().is_some()
        });
        GrantState {
            wandb: wanted.map_or(Rule::AsWanted, |wanted| self.rule(wanted)),
            // Google Cloud serves buckets by TLS alone.
            https_only: Rule::AsWanted,
            public: public.collect(),
            foreign: foreign.map(|binding| role_of(binding).to_owned()).collect(),
            principals: principals
                .iter()
                .filter(|email| !self.roles_of(&member(email)).is_empty())
                .cloned()
                .collect(),
            path: None,
            roles: ours.iter().flat_map(|own| self.roles_of(own)).collect(),
        }
    }

    fn rule(&self, wanted: &Grants) -> Rule {
        let roles = &wanted.rights.roles;
        let shut_out = wanted.former.iter();
        if let Some(former) = shut_out
            .filter(|former| !self.roles_of(&member(former)).is_empty())
            .map(String::as_str)
            .next()
        {
            return Rule::Different(format!("{former} is still let in"));
        }
        let mut all_missing = !wanted.principals.is_empty();
        let mut different = None;
        for principal in &wanted.principals {
            let there = self.roles_of(&member(principal));
            all_missing &= there.is_empty();
            if there != *roles {
                different = Some(there);
            }
        }
        match different {
            None => Rule::AsWanted,
            Some(_) if all_missing => Rule::Missing,
            Some(there) if there.is_empty() => Rule::Different("not for all of them".to_owned()),
            Some(there) => Rule::Different(there.into_iter().collect::<Vec<_>>().join(", ")),
        }
    }
}

fn role_of(binding: &Value) -> &str {
    binding["role"].as_str().unwrap_or_default()
}

fn is_unconditional(binding: &Value) -> bool {
    binding.get("condition").is_none_or(Value::is_null)
}

/// Google writes addresses in lower case, whoever wrote them how.
fn is_same(found: &Value, member: &str) -> bool {
    found
        .as_str()
        .is_some_and(|found| found.eq_ignore_ascii_case(member))
}

fn names(binding: &Value, member: &str) -> bool {
    let members = binding["members"].as_array();
    members.is_some_and(|members| members.iter().any(|one| is_same(one, member)))
}

/// Reads a policy.
pub(super) async fn read(cloud: &Gcp, holder: Holder<'_>) -> Result<Policy, CloudError> {
    let (call, _) = holder.calls();
    let request = holder.get();
    let policy = cloud
        .json(Work::Read, call, holder.name(), &request)
        .await?;
    if !policy.is_object() || policy["etag"].as_str().is_none_or(str::is_empty) {
        // Without its tag a write would put everything back that others change meanwhile.
        return Err(not_understood(
            call,
            holder.name(),
            "the policy has no etag",
        ));
    }
    Ok(Policy(policy))
}

/// Changes a policy: reads it, and writes it back when `edit` has changed something. What
/// others write at the same time is read again. Whether anything was written.
pub(super) async fn update(
    cloud: &Gcp,
    holder: Holder<'_>,
    edit: impl Fn(&mut Policy) -> bool + Send + Sync,
) -> Result<bool, CloudError> {
    let (_, call) = holder.calls();
    let before = holder
        .bucket()
        .and_then(|name| resource::known(cloud, name));
    let mut attempt = 0;
    loop {
        let mut policy = read(cloud, holder).await?;
        if !edit(&mut policy) {
            return Ok(attempt > 0);
        }
        // The policy was read anew, so it may be of a bucket that nobody has looked at.
        if let (Some(bucket), Some(before)) = (holder.bucket(), &before)
            && let Some(now) = resource::get(cloud, bucket).await?
        {
            resource::refuse_taken(before, &now, call, bucket)?;
        }
        let written = cloud
            .send_request(Work::Write, call, holder.name(), &holder.set(&policy))
            .await;
        match written {
            Ok(_) => {
                cloud.note_access();
                return Ok(true);
            }
            Err(error) if was_outrun(&error) => {
                let name = holder.name();
                if !cloud.patience.wait_again(attempt, call, name).await? {
                    return Err(error.hint(
                        "Others change the same policy all the time. Run again when they are done.",
                    ));
                }
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Writes what W&B may do on a bucket, and takes it from those who had it before.
pub(super) async fn write_grants(
    cloud: &Gcp,
    bucket: &str,
    wanted: &Grants,
) -> Result<(), CloudError> {
    if wanted.principals.is_empty() && wanted.former.is_empty() {
        return Ok(());
    }
    let edit = |policy: &mut Policy| {
        let mut changed = false;
        for principal in &wanted.principals {
            changed |= policy.set_roles(&member(principal), &wanted.rights.roles);
        }
        for former in &wanted.former {
            changed |= policy.set_roles(&member(former), &BTreeSet::new());
        }
        changed
    };
    let outcome = update(cloud, Holder::Bucket(bucket), edit).await;
    outcome.map(drop).map_err(|error| {
        if error.kind == CloudErrorKind::Invalid && error.hint.is_none() {
            return error.hint(
                "Check wandb_service_account and wandb_roles: an account or a role of that name may \
                 not be there.",
            );
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byob::rights::Rights;

    const WANDB: &str = "deploy@wandb-production.iam.gserviceaccount.com";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn policy() -> Policy {
        Policy(json!({
            "kind": "storage#policy", "version": 1, "etag": "CAE=",
            "bindings": [
                {"role": "roles/storage.legacyBucketOwner", "members": ["projectOwner:p"]},
                {"role": "roles/storage.admin", "members": ["user:a@example.com",
                    "deleted:serviceAccount:deploy@wandb-production.iam.gserviceaccount.com?uid=1"]},
                {"role": "roles/storage.objectViewer",
                    "members": ["serviceAccount:Deploy@wandb-production.iam.gserviceaccount.com"]},
                {"role": "roles/storage.objectAdmin",
                    "members": ["serviceAccount:deploy@wandb-production.iam.gserviceaccount.com"],
                    "condition": {"title": "t", "expression": "e", "later": 1}},
            ],
        }))
    }

    #[test]
    fn only_bindings_without_conditions_and_of_living_members_count() {
        assert_eq!(
            policy().roles_of(&member(WANDB)),
            set(&["roles/storage.objectViewer"])
        );
    }

    #[test]
    fn everything_that_is_not_ours_goes_back_as_it_came() {
        let mut changed = policy();
        assert!(changed.set_roles(&member(WANDB), &set(&["roles/storage.admin"])));
        assert_eq!(
            changed.0,
            json!({
                "kind": "storage#policy", "version": 3, "etag": "CAE=",
                "bindings": [
                    {"role": "roles/storage.legacyBucketOwner", "members": ["projectOwner:p"]},
                    {"role": "roles/storage.admin", "members": ["user:a@example.com",
                        "deleted:serviceAccount:deploy@wandb-production.iam.gserviceaccount.com?uid=1",
                        "serviceAccount:deploy@wandb-production.iam.gserviceaccount.com"]},
                    {"role": "roles/storage.objectAdmin",
                        "members": ["serviceAccount:deploy@wandb-production.iam.gserviceaccount.com"],
                        "condition": {"title": "t", "expression": "e", "later": 1}},
                ],
            })
        );
        assert!(!changed.set_roles(&member(WANDB), &set(&["roles/storage.admin"])));
        assert!(changed.set_roles(&member(WANDB), &BTreeSet::new()));
        assert!(changed.roles_of(&member(WANDB)).is_empty());
    }

    #[test]
    fn a_policy_says_who_is_let_in() {
        let mut grants = Grants {
            principals: vec![WANDB.to_owned()],
            former: BTreeSet::new(),
            rights: Rights {
                roles: set(&["roles/storage.admin"]),
                ..Rights::on("acme", None)
            },
            https_only: false,
            exclusive: false,
        };
        let rule = |policy: &Policy, grants: &Grants| policy.state(Some(grants)).wandb;
        assert_eq!(
            rule(&policy(), &grants),
            Rule::Different("roles/storage.objectViewer".to_owned())
        );
        let mut good = policy();
        good.set_roles(&member(WANDB), &grants.rights.roles);
        assert_eq!(rule(&good, &grants), Rule::AsWanted);
        let mut gone = policy();
        gone.set_roles(&member(WANDB), &BTreeSet::new());
        assert_eq!(rule(&gone, &grants), Rule::Missing);
        let former = "old@p.iam.gserviceaccount.com";
        good.add_roles(&member(former), &set(&["roles/storage.admin"]));
        grants.former.insert(former.to_owned());
        assert!(matches!(rule(&good, &grants), Rule::Different(_)));
        let mut open = policy();
        open.add_roles("allUsers", &set(&["roles/storage.objectViewer"]));
        let state = open.state(None);
        assert_eq!(state.public, ["roles/storage.objectViewer for allUsers"]);
        assert_eq!(state.wandb, Rule::AsWanted);
    }
}
