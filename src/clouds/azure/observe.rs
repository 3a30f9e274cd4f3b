//! Reads a container, its account with the settings that it has from there, W&B's identity and
//! its roles, all at once. Writes nothing.

use std::collections::BTreeMap;

use super::account::{self, Account, PUBLIC};
use super::container::{self, Container};
use super::error::{CONTAINER_NOT_FOUND, has_code, no_account, no_container};
use super::names;
use super::policy::{self, Policy};
use super::roles::{self, Assignments};
use super::service::{self, Service};
use super::{Azure, Entry, identity, listing};
use crate::byob::cloud::{LookAt, Sighting};
use crate::byob::marker::{self, Generation};
use crate::byob::observed::{GrantState, Observed, PublicAccess, Rule};
use crate::byob::spec::Grants;
use crate::byob::{CloudError, CloudErrorKind, CloudKind, Reading};
use crate::clouds::absence::contradiction;
use crate::clouds::reading::reading;

/// Names of what the block says besides, in an observation.
pub mod argument {
    /// Where the account is.
    pub const LOCATION: &str = "location";
    /// How it keeps its copies.
    pub const REPLICATION: &str = "replication";
    /// The oldest TLS that it takes.
    pub const MIN_TLS_VERSION: &str = "min_tls_version";
    /// Whether it takes keys: `true` or `false`.
    pub const SHARED_KEY_ENABLED: &str = "shared_key_enabled";
    /// Whether it was made for this bucket.
    pub const CREATE_STORAGE_ACCOUNT: &str = "create_storage_account";
    /// The id by which a token names W&B's identity.
    pub const MANAGED_IDENTITY_CLIENT_ID: &str = "managed_identity_client_id";
    /// The tenant of W&B's identity.
    pub const TENANT_ID: &str = "tenant_id";
    /// The issuer whose tokens it trusts.
    pub const OIDC_ISSUER_URL: &str = "oidc_issuer_url";
    /// The namespace of the instance, by those.
    pub const KUBERNETES_NAMESPACE: &str = "kubernetes_namespace";
    /// The service accounts of the instance, by those.
    pub const KUBERNETES_SERVICE_ACCOUNTS: &str = "kubernetes_service_accounts";
    /// The roles that W&B has.
    pub const WANDB_ROLES: &str = "wandb_roles";
    /// The principal that was let in for this bucket.
    pub const WANDB_PRINCIPAL_ID: &str = "wandb_principal_id";
}

/// Versions of TLS, the oldest first.
const VERSIONS: [&str; 4] = ["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"];

/// Whether a bucket is there, and whose marker it carries.
pub(super) async fn look(cloud: &Azure, bucket: &str) -> Result<Option<Sighting>, CloudError> {
    let (container, account) = tokio::join!(container::get(cloud, bucket), async {
        // In another's account there are no tags of ours.
        match cloud.place.makes_account {
            true => Some(account::get(cloud).await),
            false => None,
        }
    });
    let container = match container {
        Ok(container) => container,
        Err(error) if no_container(&error) => {
            check_absent(bucket, &error, account.as_ref())?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut tags = match account.transpose() {
        Ok(Some(account)) if is_own(cloud, bucket, &account, &container) => account.tags(),
        Ok(_) => BTreeMap::new(),
        Err(error) if no_account(&error) => return Err(half_there(bucket)),
        Err(error) => return Err(error),
    };
    let marker = container.marker();
    let mut deleted = Vec::new();
    match &marker {
        Some(marker) => {
            tags.insert(marker::KEY.to_owned(), marker.to_string());
        }
        None => deleted = generations_deleted(cloud, bucket).await?,
    }
    Ok(Some(Sighting {
        marker,
        created: None,
        deleted,
        tags,
    }))
}

/// The generations of containers of this name that were deleted softly.
async fn generations_deleted(cloud: &Azure, bucket: &str) -> Result<Vec<Generation>, CloudError> {
    let all = match listing::containers(cloud, true).await {
        // Who may not list them cannot tell.
        Err(error) if error.kind == CloudErrorKind::Denied => Vec::new(),
        all => all?,
    };
    let deleted = all
        .into_iter()
        .filter(|one| one.is_deleted && one.name == bucket);
    Ok(deleted
        .filter_map(|one| one.marker)
        .flat_map(|marker| marker.generations())
        .collect())
}

fn is_own(cloud: &Azure, bucket: &str, account: &Account, container: &Container) -> bool {
    let generations = container.marker().map(|marker| marker.generations());
    generations.is_some_and(|generations| account.is_own(&cloud.place, bucket, &generations))
}

/// Whether the two answers say the same of a container that is not there: that it is not in its
/// account, or that there is no such account.
fn check_absent(
    bucket: &str,
    of_container: &CloudError,
    account: Option<&Result<Account, CloudError>>,
) -> Result<(), CloudError> {
    let in_account = has_code(of_container, CONTAINER_NOT_FOUND);
    match account {
        Some(Ok(_)) if !in_account => Err(half_there(bucket)),
        Some(Err(error)) if in_account && no_account(error) => Err(half_there(bucket)),
        Some(Err(error)) if error.kind == CloudErrorKind::Stopped => Err(error.clone()),
        _ => Ok(()),
    }
}

/// One answer is that there is no such container or account, and another one the contrary.
fn half_there(bucket: &str) -> CloudError {
    let why = "one answer was that there is no such container or account, and another one the \
               contrary";
    contradiction(container::READ, bucket, why)
}

/// Reads the bucket; `None` when all answers say that it is not there.
pub(super) async fn observe(
    cloud: &Azure,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    let (container, account, service, policy, assignments, found) = tokio::join!(
        container::get(cloud, bucket),
        account::get(cloud),
        service::get(cloud),
        policy::get(cloud),
        assignments(cloud, look_at),
        identity::read(
            cloud,
            bucket,
            look_at.identity.as_ref(),
            look_at.access_key.as_ref()
        ),
    );
    let container = match container {
        Ok(container) => container,
        Err(error) if no_container(&error) => {
            check_absent(bucket, &error, Some(&account))?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let gone = [
        account.as_ref().err(),
        service.as_ref().err(),
        policy.as_ref().err(),
    ];
    if gone.into_iter().flatten().any(no_account) {
        return Err(half_there(bucket));
    }
    let parts = Parts {
        account: reading(account)?,
        service: reading(service)?,
        policy: reading(policy)?,
        assignments: assignments?,
        container,
    };
    let mut observed = parts.observed(cloud, bucket);
    observed.grants = parts.grants(cloud, bucket, look_at.grants.as_ref()).await?;
    if let Some(wanted) = &look_at.identity {
        let takes_keys = parts.account.known().is_none_or(Account::takes_keys);
        let roles = roles::known_ids(cloud, &wanted.rights.roles).await?;
        let (state, told) = identity::state(
            cloud,
            wanted,
            found?,
            takes_keys,
            &parts.assignments,
            &roles,
        );
        observed.identity = state;
        observed.arguments.extend(told);
    }
    if let Some(assignments) = parts.assignments.known()
        && !observed
            .arguments
            .contains_key(argument::MANAGED_IDENTITY_CLIENT_ID)
        && let Some(principal) = assignments.principals_for(bucket).pop_first()
    {
        let held = assignments.written_of(&principal, &cloud.place.subscription);
        let told = [
            (argument::WANDB_ROLES, held),
            (argument::WANDB_PRINCIPAL_ID, principal),
        ];
        observed.arguments.extend(told);
    }
    Ok(Some(observed))
}

/// Roles are looked at where W&B gets in by some, or did.
async fn assignments(cloud: &Azure, look_at: &LookAt) -> Result<Reading<Assignments>, CloudError> {
    let grants = look_at.grants.as_ref();
    let has_former = grants.is_some_and(|grants| !grants.former.is_empty());
    match &cloud.place.entry {
        Entry::Key(_) if !has_former => Ok(Reading::Skipped),
        _ => reading(roles::get(cloud).await),
    }
}

/// What was read.
struct Parts {
    container: Container,
    account: Reading<Account>,
    service: Reading<Service>,
    policy: Reading<Policy>,
    assignments: Reading<Assignments>,
}

impl Parts {
    fn is_own(&self, cloud: &Azure, bucket: &str) -> bool {
        let account = self.account.known();
        account.is_some_and(|account| is_own(cloud, bucket, account, &self.container))
    }

    fn observed(&self, cloud: &Azure, bucket: &str) -> Observed {
        let full_name = names::container_id(&cloud.place.account_id(), bucket);
        let account = self.account.as_ref();
        let service = self.service.as_ref();
        let is_own = self.is_own(cloud, bucket);
        let tags = account.clone().map(|account| {
            if is_own {
                account.tags()
            } else {
                BTreeMap::new()
            }
        });
        let retention = self.container.retention();
        Observed {
            location: account.known().map(|account| account.location()),
            marker: self.container.marker(),
            // Without an account nobody could tell, and the marker is the container's own.
            tags: match tags {
                Reading::Denied(_) if !cloud.place.makes_account => Reading::Known(BTreeMap::new()),
                tags => tags,
            },
            versioning: service.clone().map(Service::versioning),
            soft_delete: service.clone().map(Service::blobs_kept),
            soft_delete_containers: service.clone().map(Service::containers_kept),
            default_retention: Reading::Known(retention),
            cors: service.map(Service::cors),
            lifecycle: self.policy.as_ref().map(|policy| policy.of(bucket)),
            public_access: account.map(|account| self.public_access(account)),
            arguments: self.arguments(is_own),
            ..Observed::unread(CloudKind::Azure, full_name)
        }
    }

    fn public_access(&self, account: &Account) -> PublicAccess {
        let mut open = Vec::new();
        if account.may_be_public() {
            open.push(PUBLIC.to_owned());
        }
        if self.container.is_public() {
            open.push("the container's own publicAccess".to_owned());
        }
        PublicAccess { open }
    }

    fn arguments(&self, is_own: bool) -> BTreeMap<&'static str, String> {
        let Some(account) = self.account.known() else {
            return BTreeMap::new();
        };
        BTreeMap::from([
            (argument::LOCATION, account.location()),
            (argument::REPLICATION, account.replication()),
            (argument::MIN_TLS_VERSION, account.min_tls_version()),
            (
                argument::SHARED_KEY_ENABLED,
                account.takes_keys().to_string(),
            ),
            (argument::CREATE_STORAGE_ACCOUNT, is_own.to_string()),
        ])
    }

    async fn grants(
        &self,
        cloud: &Azure,
        bucket: &str,
        wanted: Option<&Grants>,
    ) -> Result<Reading<GrantState>, CloudError> {
        let account = match &self.account {
            Reading::Known(account) => account,
            other => return Ok(other.as_ref().map(|_| GrantState::default())),
        };
        let is_own = self.is_own(cloud, bucket);
        let mut state = GrantState {
            wandb: Rule::AsWanted,
            https_only: tls_rule(cloud, account, is_own),
            ..GrantState::default()
        };
        if is_own && account.takes_keys() != cloud.place.shared_key_enabled {
            let are = if account.takes_keys() { "on" } else { "off" };
            state.wandb = Rule::Different(format!("shared keys are {are}"));
        }
        let Some(wanted) = wanted else {
            return Ok(Reading::Known(state));
        };
        if wanted.principals.is_empty() && wanted.former.is_empty() {
            return Ok(Reading::Known(state));
        }
        let assignments = match &self.assignments {
            Reading::Known(assignments) => assignments,
            other => return Ok(other.as_ref().map(|_| state)),
        };
        let roles = roles::known_ids(cloud, &wanted.rights.roles).await?;
        for principal in &wanted.principals {
            let there = assignments.names_of(principal, &roles);
            if !there.is_empty() {
                state.principals.push(principal.clone());
            }
            state.roles.extend(there);
            match assignments.rule(principal, &roles) {
                Rule::AsWanted => {}
                fault if state.wandb == Rule::AsWanted => state.wandb = fault,
                _ => {}
            }
        }
        let mut former = roles::former(wanted).into_iter();
        let still = former.find(|former| assignments.lets_in(former, bucket));
        if let (Some(former), Rule::AsWanted) = (still, &state.wandb) {
            state.wandb = Rule::Different(format!("{former} is still let in"));
        }
        Ok(Reading::Known(state))
    }
}

fn rank(version: &str) -> usize {
    let known = VERSIONS.iter().position(|one| *one == version);
    // One that is not known here is a new one.
    known.unwrap_or(VERSIONS.len())
}

/// Whether requests without TLS, or with an old one, are refused.
pub(super) fn tls_rule(cloud: &Azure, account: &Account, is_own: bool) -> Rule {
    let (there, wanted) = (account.min_tls_version(), &cloud.place.min_tls_version);
    let holds = if is_own {
        there == *wanted
    } else {
        rank(&there) >= rank(wanted)
    };
    if account.is_https_only() && holds {
        return Rule::AsWanted;
    }
    if !is_own {
        return Rule::Missing;
    }
    let plain = if account.is_https_only() {
        ""
    } else {
        ", and plain HTTP"
    };
    Rule::Different(format!("{there}{plain}"))
}
