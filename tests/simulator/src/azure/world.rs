//! Everything that the simulated Azure holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::blob::store::Container;
use super::clock::guid;
use super::faults::{Armed, RequestLog};
use super::roles::{Definition, built_in};
use super::tokens::Issuer;
use super::{Addresses, Config};

/// A subscription and the directory that it trusts.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) tenant: String,
    /// The namespaces that are registered, in lower case.
    pub(crate) registered: BTreeSet<String>,
}

/// A resource group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) subscription: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Value,
    pub(crate) managed_by: Value,
}

/// What an application or an identity can sign in with besides a secret.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) written: OffsetDateTime,
}

/// Whoever can be given a role.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(crate) object_id: String,
    pub(crate) app_id: String,
    pub(crate) tenant: String,
    /// `ServicePrincipal`, `User` or `Group`.
    pub(crate) kind: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) secrets: Vec<String>,
    pub(crate) credentials: Vec<Credential>,
}

/// A user-assigned identity; its principal is apart.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Value,
    pub(crate) object_id: String,
    /// When the last write to its credentials ends.
    pub(crate) busy_until: OffsetDateTime,
}

/// A role that somebody has.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) scope: String,
    /// The last part of the definition's id.
    pub(crate) role: String,
    pub(crate) principal: String,
    /// As it was sent, with what the service adds.
    pub(crate) properties: Map<String, Value>,
    pub(crate) created: OffsetDateTime,
    pub(crate) removed: Option<OffsetDateTime>,
}

/// A lock.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lock {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) level: String,
    pub(crate) notes: Option<String>,
}

/// A key of an account.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) value: String,
    pub(crate) created: OffsetDateTime,
}

/// A storage account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) kind: String,
    pub(crate) sku: String,
    pub(crate) tags: Value,
    pub(crate) identity: Value,
    /// What can be written, and what nobody knows.
    pub(crate) properties: Map<String, Value>,
    pub(crate) created: OffsetDateTime,
    /// The operation that makes it.
    pub(crate) operation: Option<String>,
    pub(crate) keys: [Key; 2],
    /// The properties of its services, by their kind in lower case: `blobservices`, ….
    pub(crate) services: BTreeMap<String, Map<String, Value>>,
    /// The names of shares, queues and tables, by their kind in lower case.
    pub(crate) others: BTreeMap<String, BTreeSet<String>>,
    pub(crate) policy: Option<(Value, OffsetDateTime)>,
    pub(crate) containers: Vec<Container>,
}

/// A long operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) polls_left: u32,
    /// The account that it makes.
    pub(crate) account: String,
}

/// The state.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) at: Addresses,
    skew: Duration,
    /// Signs the tokens of the directory.
    pub(crate) authority: Issuer,
    /// Signs the tokens of every cluster.
    pub(crate) cluster: Issuer,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    pub(crate) groups: Vec<Group>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) identities: Vec<Identity>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) locks: Vec<Lock>,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) operations: BTreeMap<String, Operation>,
    /// What the document of a cluster says its issuer is, where that is not its address.
    pub(crate) issuers: BTreeMap<String, String>,
    /// The object ids of the identities of the machine that the metadata endpoint is on.
    pub(crate) machine: Vec<String>,
    /// What the App Service form wants in its header.
    pub(crate) identity_header: String,
    /// How many writes to the credentials of an identity are under way, by its path.
    pub(crate) writers: BTreeMap<String, u32>,
    pub(crate) faults: Vec<Armed>,
    pub(crate) requests: Vec<RequestLog>,
}

impl World {
    pub(crate) fn new(config: Config, at: Addresses) -> anyhow::Result<Self> {
        let mut world = Self {
            at,
            skew: Duration::ZERO,
            authority: Issuer::new()?,
            cluster: Issuer::new()?,
            subscriptions: BTreeMap::new(),
            groups: Vec::new(),
            principals: Vec::new(),
            identities: Vec::new(),
            assignments: Vec::new(),
            definitions: built_in(),
            locks: Vec::new(),
            accounts: BTreeMap::new(),
            operations: BTreeMap::new(),
            issuers: BTreeMap::new(),
            machine: Vec::new(),
            identity_header: guid(),
            writers: BTreeMap::new(),
            faults: Vec::new(),
            requests: Vec::new(),
            config,
        };
        let config = world.config.clone();
        world.add_subscription(&config.subscription, &config.tenant);
        world.groups.push(Group {
            subscription: config.subscription.clone(),
            name: config.group,
            location: config.location,
            tags: Value::Null,
            managed_by: Value::Null,
        });
        let owner = world.add_principal("ServicePrincipal");
        let scope = format!("/subscriptions/{}", config.subscription);
        world.grant(&owner.object_id, "Owner", &scope);
        Ok(world)
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.skew
    }

    /// When everything was made that is to be felt at once, whatever delays are set later.
    pub(crate) fn long_ago(&self) -> OffsetDateTime {
        self.now() - time::Duration::days(365)
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.skew += time;
    }

    pub(crate) fn add_subscription(&mut self, id: &str, tenant: &str) {
        let namespaces = [
            "microsoft.storage",
            "microsoft.managedidentity",
            "microsoft.authorization",
            "microsoft.resources",
        ];
        let subscription = Subscription {
            tenant: tenant.to_owned(),
            registered: namespaces.map(str::to_owned).into(),
        };
        self.subscriptions.insert(id.to_owned(), subscription);
    }

    /// Makes a principal that everybody knows at once, with one secret.
    pub(crate) fn add_principal(&mut self, kind: &str) -> Principal {
        let created = self.long_ago();
        let principal = Principal {
            object_id: guid(),
            app_id: guid(),
            tenant: self.config.tenant.clone(),
            kind: kind.to_owned(),
            created,
            secrets: vec![format!("secret~{}", crate::gcs::random_hex(32))],
            credentials: Vec::new(),
        };
        self.principals.push(principal.clone());
        principal
    }

    pub(crate) fn principal(&self, object_id: &str) -> Option<&Principal> {
        let mut principals = self.principals.iter();
        principals.find(|one| one.object_id.eq_ignore_ascii_case(object_id))
    }

    /// Gives a role by its name, felt at once; whether there is such a role.
    pub(crate) fn grant(&mut self, principal: &str, role: &str, scope: &str) -> bool {
        let mut definitions = self.definitions.iter();
        let Some(found) = definitions.find(|one| one.name == role || one.id == role) else {
            return false;
        };
        let role = found.id.clone();
        let created = self.long_ago();
        self.assignments.push(Assignment {
            name: guid(),
            scope: scope.trim_end_matches('/').to_owned(),
            role,
            principal: principal.to_owned(),
            properties: Map::new(),
            created,
            removed: None,
        });
        true
    }

    pub(crate) fn group(&self, subscription: &str, name: &str) -> Option<&Group> {
        let mut groups = self.groups.iter();
        groups.find(|one| {
            one.subscription.eq_ignore_ascii_case(subscription)
                && one.name.eq_ignore_ascii_case(name)
        })
    }
}

impl Account {
    /// Its full name.
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
            self.subscription, self.group, self.name
        )
    }

    /// A property of the blob service.
    pub(crate) fn blob_service(&self, name: &str) -> &Value {
        let service = self.services.get("blobservices");
        service
            .and_then(|one| one.get(name))
            .unwrap_or(&Value::Null)
    }

    /// Days of a retention policy of the blob service; `None` where it is off.
    pub(crate) fn retention(&self, name: &str) -> Option<i64> {
        let policy = self.blob_service(name);
        (policy["enabled"] == true).then(|| policy["days"].as_i64().unwrap_or(1))
    }
}

/// A new key, as long as the real ones.
pub(crate) fn new_key(now: OffsetDateTime) -> Key {
    let bytes = crate::gcs::random_hex(64);
    Key {
        value: crate::gcs::base64(bytes.as_bytes()),
        created: now,
    }
}
