//! The managed identity that W&B becomes: its trust in the instance's tokens, and its roles on
//! the account. Where W&B comes by a key of the account, there is no identity to make.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::error::{no_account, not_understood};
use super::federation::{self, Credential};
use super::key;
use super::names::{
    container_id, default_identity, identity_id, is_managed, is_related, plain_location,
};
use super::request::{Api, Request};
use super::roles::{self, Assignments};
use super::service::only_writer;
use super::trial::{self, Trial};
use super::{Azure, Entry, Federation, LIST};
use crate::byob::identity::{AccessKey, Identity, IdentityService};
use crate::byob::marker::{self, Marker};
use crate::byob::observed::{IdentityState, Reading, Rule};
use crate::byob::rights::Rights;
use crate::byob::{CloudError, CloudErrorKind, Generation};
use crate::clouds::absence::contradiction;
use crate::clouds::reading::{is_missing, missing, reading};
use crate::clouds::retry::Work;

const READ: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/read";
pub(super) const WRITE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/write";
const DELETE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/delete";

/// A managed identity.
#[derive(Clone, Debug)]
pub(super) struct Managed {
    resource: Value,
    principal: String,
}

impl Managed {
    fn tags(&self) -> BTreeMap<String, String> {
        let tags = self.resource["tags"].as_object().into_iter().flatten();
        tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// The generations of the marker, where it was made for this very container.
    fn generations(&self, container: &str) -> Option<Vec<Generation>> {
        let tags = self.tags();
        let named = tags.get(marker::CONTAINER)?;
        if !named.eq_ignore_ascii_case(container) {
            return None;
        }
        Some(Marker::parse(tags.get(marker::KEY)?)?.generations())
    }

    /// The id by which a token names it.
    pub(super) fn client(&self) -> Option<&str> {
        self.resource["properties"]["clientId"].as_str()
    }

    /// The tenant that it is in.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.resource["properties"]["tenantId"].as_str()
    }
}

fn container_of(cloud: &Azure, identity: &Identity) -> String {
    container_id(&cloud.place.account_id(), &identity.rights.bucket)
}

/// Whether it was made for this bucket, in this making or one that the bucket's marker names
/// beside it. A marker that names none of ours is somebody else's.
fn is_ours(cloud: &Azure, identity: &Identity, managed: &Managed) -> bool {
    let mut ours = identity.serves.clone();
    let seen = cloud.seen.generations();
    if ours.is_empty() || is_related(&seen, &ours) {
        ours.extend(seen);
    }
    let marked = managed.generations(&container_of(cloud, identity));
    marked.is_some_and(|marked| is_related(&marked, &ours))
}

async fn find(cloud: &Azure, name: &str) -> Result<Option<Managed>, CloudError> {
    let request = Request::manager(Api::Identity, "GET", name);
    let told = missing(cloud.json(Work::Read, READ, name, &request).await)?;
    told.map(|resource| {
        let principal = roles::principal_of(&resource, name)?;
        Ok(Managed {
            resource,
            principal,
        })
    })
    .transpose()
}

/// What was read of W&B's identity.
pub(super) enum Found {
    /// There is none to look at.
    Nothing,
    /// A key of the account.
    Key(Trial),
    /// A managed identity, where it is there, with its credentials.
    Managed(Option<(Managed, Vec<Credential>)>),
}

/// Reads W&B's identity.
pub(super) async fn read(
    cloud: &Azure,
    bucket: &str,
    identity: Option<&Identity>,
    key: Option<&AccessKey>,
) -> Result<Reading<Found>, CloudError> {
    let Some(identity) = identity else {
        return Ok(Reading::Known(Found::Nothing));
    };
    if !is_managed(&identity.name) {
        let trial = match key {
            Some(key) => trial::try_out(cloud, bucket, key).await?,
            None => trial::read(cloud).await?,
        };
        return Ok(Reading::Known(Found::Key(trial)));
    }
    let (managed, credentials) = tokio::join!(
        find(cloud, &identity.name),
        federation::get(cloud, &identity.name),
    );
    let both = both(&identity.name, managed, credentials);
    reading(both.map(Found::Managed))
}

fn both(
    name: &str,
    managed: Result<Option<Managed>, CloudError>,
    credentials: Result<Vec<Credential>, CloudError>,
) -> Result<Option<(Managed, Vec<Credential>)>, CloudError> {
    match (managed?, missing(credentials)?) {
        (Some(managed), Some(credentials)) => Ok(Some((managed, credentials))),
        (None, None) => Ok(None),
        (_, _) => Err(contradiction(
            READ,
            name,
            "one answer was that there is no such identity, and another one the contrary",
        )),
    }
}

/// The identity in our words, and what only its resource says.
pub(super) fn state(
    cloud: &Azure,
    identity: &Identity,
    found: Reading<Found>,
    takes_keys: bool,
    assignments: &Reading<Assignments>,
    roles: &BTreeMap<String, String>,
) -> (
    Reading<Option<IdentityState>>,
    BTreeMap<&'static str, String>,
) {
    let nothing = BTreeMap::new();
    let found = match found {
        Reading::Known(found) => found,
        other => return (other.map(|_| None), nothing),
    };
    match found {
        Found::Nothing => (Reading::Skipped, nothing),
        Found::Key(trial) => {
            let state = key_state(cloud, trial, takes_keys);
            (Reading::Known(Some(state)), nothing)
        }
        Found::Managed(Some((managed, credentials))) if is_ours(cloud, identity, &managed) => {
            let trusted = federation::told(&credentials);
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let told = [
                ("managed_identity_client_id", owned(managed.client())),
                ("tenant_id", owned(managed.tenant())),
            ];
            let told = told.into_iter();
            let mut told: BTreeMap<_, _> = told
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
            told.extend(trusted.map(told_of_trust).into_iter().flatten());
            let assignments = match assignments {
                Reading::Known(assignments) => assignments,
                other => return (other.clone().map(|_| None), told),
            };
            let held = assignments.written_of(&managed.principal, &cloud.place.subscription);
            told.insert("wandb_roles", held);
            let state = managed_state(cloud, &managed, &credentials, assignments, roles);
            (Reading::Known(Some(state)), told)
        }
        Found::Managed(_) => (Reading::Known(None), nothing),
    }
}

fn told_of_trust(of: Federation) -> [(&'static str, String); 3] {
    let accounts: Vec<String> = of.service_accounts.into_iter().collect();
    [
        ("oidc_issuer_url", of.issuer),
        ("kubernetes_namespace", of.namespace),
        ("kubernetes_service_accounts", accounts.join(LIST)),
    ]
}

fn key_state(cloud: &Azure, trial: Trial, takes_keys: bool) -> IdentityState {
    let name = cloud.place.key_name().unwrap_or_default().to_owned();
    let (works, current_key) = match trial {
        Trial::Replaced(key) => (true, Some(key)),
        Trial::Lost => (false, None),
        Trial::Holds => (true, None),
    };
    IdentityState {
        enabled: takes_keys,
        rights: Rule::AsWanted,
        keys: BTreeMap::from([(name, works)]),
        current_key,
        ..IdentityState::default()
    }
}

fn managed_state(
    cloud: &Azure,
    managed: &Managed,
    credentials: &[Credential],
    assignments: &Assignments,
    roles: &BTreeMap<String, String>,
) -> IdentityState {
    let wanted = match &cloud.place.entry {
        Entry::Identity(federation) => federation::wanted(federation),
        Entry::Key(_) | Entry::Principal => Vec::new(),
    };
    IdentityState {
        enabled: true,
        rights: assignments.rule(&managed.principal, roles),
        other_rights: assignments.others_of(&managed.principal, roles),
        trust: Some(federation::rule(&wanted, credentials)),
        trusts_others: federation::others(&wanted, credentials),
        ..IdentityState::default()
    }
}

fn strangers(name: &str) -> CloudError {
    CloudError::new(
        CloudErrorKind::AlreadyExists,
        WRITE,
        name,
        "a managed identity of this name is there, and this provider did not make it for this bucket",
    )
    .hint("Set identity_name to another name; the identity was not touched.")
}

fn own_tags(cloud: &Azure, identity: &Identity, before: &BTreeMap<String, String>) -> Value {
    let mut tags = before.clone();
    if let Some(generation) = identity.serves.first() {
        let text = Marker::ready(generation.clone()).to_string();
        tags.insert(marker::KEY.to_owned(), text);
    }
    tags.insert(marker::CONTAINER.to_owned(), container_of(cloud, identity));
    json!(tags)
}

/// Makes the identity with its tags, in the account's location.
async fn make(cloud: &Azure, identity: &Identity) -> Result<Managed, CloudError> {
    let account = match cloud.seen.account() {
        Some(account) => account,
        None => super::account::get(cloud).await?,
    };
    let body = json!({
        "location": plain_location(&account.location()),
        "tags": own_tags(cloud, identity, &BTreeMap::new()),
    });
    let request = Request::manager(Api::Identity, "PUT", &identity.name).json(&body);
    let resource = cloud
        .json(Work::Write, WRITE, &identity.name, &request)
        .await?;
    let principal = roles::principal_of(&resource, &identity.name)?;
    Ok(Managed {
        resource,
        principal,
    })
}

/// Writes the generation that the bucket has now.
async fn mark(cloud: &Azure, identity: &Identity, managed: &Managed) -> Result<(), CloudError> {
    let tags = own_tags(cloud, identity, &managed.tags());
    if json!(managed.tags()) == tags {
        return Ok(());
    }
    let request = Request::manager(Api::Identity, "PATCH", &identity.name);
    let request = request.json(&json!({ "tags": tags }));
    let written = cloud.send_request(Work::Write, WRITE, &identity.name, &request);
    written.await.map(drop)
}

async fn put(cloud: &Azure, identity: &Identity) -> Result<(), CloudError> {
    let federation = match &cloud.place.entry {
        Entry::Identity(federation) => federation,
        Entry::Key(_) | Entry::Principal => return Ok(()),
    };
    if !is_managed(&identity.name) {
        return Ok(());
    }
    let wanted = federation::wanted(federation);
    federation::check_issuer(cloud, &federation.issuer).await?;
    let (managed, credentials, is_made) = match find(cloud, &identity.name).await? {
        Some(managed) if !is_ours(cloud, identity, &managed) => {
            return Err(strangers(&identity.name));
        }
        Some(managed) => {
            let credentials = federation::get(cloud, &identity.name).await?;
            (managed, credentials, false)
        }
        None => {
            // Azure's `PUT` writes onto what is there.
            confirm_gone(cloud, identity).await?;
            (make(cloud, identity).await?, Vec::new(), true)
        }
    };
    federation::put(cloud, &identity.name, &wanted, &credentials).await?;
    let roles = roles::ids(cloud, &identity.rights.roles).await?;
    let _writer = only_writer(cloud).await;
    let before = if is_made {
        Assignments::default()
    } else {
        roles::get(cloud).await?
    };
    let (bucket, principal) = (&identity.rights.bucket, &managed.principal);
    roles::give(cloud, bucket, principal, &roles, &before).await?;
    roles::take_all(cloud, principal, &roles, &before).await
}

/// Deletes the identity, its roles before it: they would stay under the id of nobody.
async fn delete(cloud: &Azure, identity: &Identity) -> Result<(), CloudError> {
    let Some(managed) = find(cloud, &identity.name).await? else {
        return confirm_gone(cloud, identity).await;
    };
    if !is_ours(cloud, identity, &managed) {
        return Ok(());
    }
    if !cloud.seen.is_account_gone() {
        let _writer = only_writer(cloud).await;
        match roles::get(cloud).await {
            // With the account all went that was given on it.
            Err(error) if no_account(&error) => {}
            before => {
                let nothing = BTreeMap::new();
                roles::take_all(cloud, &managed.principal, &nothing, &before?).await?;
            }
        }
    }
    let request = Request::manager(Api::Identity, "DELETE", &identity.name);
    let gone = cloud
        .send_request(Work::Write, DELETE, &identity.name, &request)
        .await;
    match missing(gone)? {
        Some(_) => Ok(()),
        None => confirm_gone(cloud, identity).await,
    }
}

/// The second question of an identity that is said not to be there.
async fn confirm_gone(cloud: &Azure, identity: &Identity) -> Result<(), CloudError> {
    match federation::get(cloud, &identity.name).await {
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(contradiction(
            READ,
            &identity.name,
            "one answer was that there is no such identity, and another one the contrary",
        )),
    }
}

#[async_trait]
impl IdentityService for Azure {
    fn identity_of(&self, bucket: &str, path: Option<&str>, generation: &Generation) -> Identity {
        let place = &self.place;
        let name = default_identity(&place.account);
        Identity {
            name: identity_id(&place.subscription, &place.group, &name),
            ..Identity::for_bucket(bucket, Rights::on(bucket, path), generation)
        }
    }

    /// A name is the user's own, so whatever was drawn, somebody's identity may have it.
    async fn put_identity(&self, identity: &Identity, _: bool) -> Result<(), CloudError> {
        put(self, identity).await
    }

    fn chooses_access_key_ids(&self) -> bool {
        false
    }

    fn makes_access_keys(&self) -> bool {
        false
    }

    async fn create_access_key(&self, identity: &Identity) -> Result<AccessKey, CloudError> {
        match self.place.key_name() {
            Some(name) => key::read(self, name).await,
            None => Err(not_understood(
                key::LIST,
                &identity.name,
                "no key of the account is asked for",
            )),
        }
    }

    /// None of the account's keys is ours.
    async fn delete_access_keys(
        &self,
        _: &Identity,
        _: &BTreeSet<String>,
    ) -> Result<(), CloudError> {
        Ok(())
    }

    async fn survives(&self, identity: &Identity) -> Result<bool, CloudError> {
        if !is_managed(&identity.name) {
            return Ok(false);
        }
        let found = find(self, &identity.name).await?;
        Ok(found.is_some_and(|managed| is_ours(self, identity, &managed)))
    }

    async fn mark_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if !is_managed(&identity.name) {
            return Ok(());
        }
        match find(self, &identity.name).await? {
            Some(managed) if is_ours(self, identity, &managed) => {
                mark(self, identity, &managed).await
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn withdraw_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if !is_managed(&identity.name) {
            return Ok(());
        }
        let container = container_of(self, identity);
        let found = find(self, &identity.name).await?;
        let made = found.and_then(|managed| managed.generations(&container));
        let is_made_here = made.as_deref() == identity.serves.get(..1);
        if !is_made_here {
            return Ok(());
        }
        delete(self, identity).await
    }

    async fn delete_identity(&self, identity: &Identity) -> Result<(), CloudError> {
        if !is_managed(&identity.name) {
            return Ok(());
        }
        delete(self, identity).await
    }
}
