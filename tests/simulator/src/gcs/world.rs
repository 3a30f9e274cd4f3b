//! All that there is: projects, accounts, keys, buckets, tokens. Knows no HTTP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::Config;
use super::access::Principal;
use super::bucket::Bucket;
use super::clock;
use super::crypto::{PrivateKey, random_hex};
use super::faults::{Armed, RequestLog};
use super::policy::{Policed, Policy};

/// The scope of everything.
pub(crate) const EVERYTHING: &str = "https://www.googleapis.com/auth/cloud-platform";

/// A rule of the organization above all projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "constraint", rename_all = "snake_case")]
pub enum Constraint {
    /// `constraints/storage.uniformBucketLevelAccess`.
    UniformAccess,
    /// `constraints/storage.publicAccessPrevention`.
    PublicAccessPrevention,
    /// `constraints/gcp.resourceLocations`.
    Locations {
        /// In upper case, as buckets have them.
        allowed: Vec<String>,
    },
    /// `constraints/iam.allowedPolicyMemberDomains`, whose refusal does not name it.
    Domains {
        /// What addresses may end in.
        allowed: Vec<String>,
    },
    /// `constraints/iam.disableServiceAccountKeyCreation`.
    KeyCreation,
    /// `constraints/iam.disableServiceAccountCreation`.
    AccountCreation,
    /// `constraints/storage.softDeletePolicySeconds`.
    SoftDelete {
        /// The durations that are allowed.
        allowed: Vec<i64>,
    },
    /// `constraints/gcp.restrictNonCmekServices`.
    CustomerKey,
}

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) policy: Policed,
    pub(crate) created: OffsetDateTime,
}

impl Project {
    /// Cloud Storage's own account, which uses the project's keys.
    pub(crate) fn service_agent(&self) -> String {
        format!(
            "service-{}@gs-project-accounts.iam.gserviceaccount.com",
            self.number
        )
    }
}

/// A key of a service account.
pub(crate) struct AccountKey {
    pub(crate) id: String,
    pub(crate) private: PrivateKey,
    pub(crate) created: OffsetDateTime,
    /// Google's own key, which nobody can have.
    pub(crate) system: bool,
}

/// A service account.
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) project: String,
    pub(crate) unique_id: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) disabled: bool,
    pub(crate) keys: Vec<AccountKey>,
    pub(crate) policy: Policed,
    /// From when others than its maker know of it.
    pub(crate) known_from: OffsetDateTime,
}

/// An access token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) principal: Principal,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: OffsetDateTime,
}

/// A key of Cloud KMS.
#[derive(Debug)]
pub(crate) struct CryptoKey {
    /// `ENABLED`, `DISABLED`, `DESTROY_SCHEDULED` or `DESTROYED`: its first version's.
    pub(crate) state: String,
    pub(crate) policy: Policed,
    pub(crate) created: OffsetDateTime,
}

/// An upload that comes in pieces to an address of its own.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) bucket: String,
    pub(crate) name: String,
    pub(crate) metadata: Value,
    pub(crate) conditions: super::object::Conditions,
    pub(crate) data: Vec<u8>,
    pub(crate) owner: Principal,
}

/// A token of another identity provider that is good here.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) audience: String,
    pub(crate) token: String,
    pub(crate) principal: String,
}

/// Everything that changes.
pub(crate) struct World {
    /// Where the instance is.
    pub(crate) url: String,
    pub(crate) config: Config,
    ahead: Duration,
    last_generation: i64,
    pub(crate) projects: BTreeMap<String, Project>,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) deleted_accounts: Vec<Account>,
    pub(crate) roles: BTreeMap<String, Vec<String>>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// What refreshes a person's token, and whose.
    pub(crate) refresh_tokens: BTreeMap<String, String>,
    pub(crate) foreign_tokens: Vec<Foreign>,
    pub(crate) crypto_keys: BTreeMap<String, CryptoKey>,
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) deleted_buckets: Vec<Bucket>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) faults: Vec<Armed>,
    pub(crate) requests: Vec<RequestLog>,
}

impl World {
    pub(crate) fn new(config: Config, url: String) -> Self {
        let owner = format!("owner@{}.iam.gserviceaccount.com", config.project);
        let known: Vec<String> = config.known_accounts.clone();
        let project = config.project.clone();
        let mut world = Self {
            url,
            config,
            ahead: Duration::ZERO,
            last_generation: 0,
            projects: BTreeMap::new(),
            accounts: BTreeMap::new(),
            deleted_accounts: Vec::new(),
            roles: BTreeMap::new(),
            tokens: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            foreign_tokens: Vec::new(),
            crypto_keys: BTreeMap::new(),
            buckets: BTreeMap::new(),
            deleted_buckets: Vec::new(),
            sessions: BTreeMap::new(),
            faults: Vec::new(),
            requests: Vec::new(),
        };
        world.add_project(&project);
        world.add_account(&owner);
        world.grant_project(&project, "roles/owner", &format!("serviceAccount:{owner}"));
        for email in known {
            world.add_account(&email);
        }
        world
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.ahead
    }

    /// Moves the clock.
    pub(crate) fn advance(&mut self, time: std::time::Duration) {
        self.ahead += time;
    }

    /// Forgets what is due.
    pub(crate) fn expire(&mut self) {
        let now = self.now();
        for bucket in self.buckets.values_mut() {
            bucket.expire(now);
        }
        self.deleted_buckets
            .retain(|one| one.deleted.is_none_or(|(_, end)| end > now));
    }

    /// A number that is larger than all before.
    pub(crate) fn next_generation(&mut self) -> i64 {
        self.last_generation = clock::microseconds(self.now()).max(self.last_generation + 1);
        self.last_generation
    }

    /// When a policy that is written now is felt.
    pub(crate) fn felt(&self) -> OffsetDateTime {
        self.now() + self.config.propagation
    }

    /// The project of that id or number.
    pub(crate) fn project(&self, name: &str) -> Option<&Project> {
        let by_number = || {
            let number: u64 = name.parse().ok()?;
            self.projects.values().find(|one| one.number == number)
        };
        self.projects.get(name).or_else(by_number)
    }

    pub(crate) fn add_project(&mut self, id: &str) {
        if self.projects.contains_key(id) {
            return;
        }
        let now = self.now();
        let project = Project {
            id: id.to_owned(),
            number: 100_000_000_001 + 7 * self.projects.len() as u64,
            policy: Policed::new(Policy::default(), now),
            created: now,
        };
        self.projects.insert(id.to_owned(), project);
    }

    /// Makes a service account, with its project when that is not there.
    pub(crate) fn add_account(&mut self, email: &str) {
        if self.accounts.contains_key(email) {
            return;
        }
        let project = email
            .split_once('@')
            .and_then(|(_, domain)| domain.strip_suffix(".iam.gserviceaccount.com"))
            .unwrap_or(&self.config.project)
            .to_owned();
        self.add_project(&project);
        let account = self.new_account(email, &project);
        self.accounts.insert(email.to_owned(), account);
    }

    pub(crate) fn new_account(&self, email: &str, project: &str) -> Account {
        let now = self.now();
        let number = u64::from_str_radix(&random_hex(15), 16).unwrap_or(7);
        Account {
            email: email.to_owned(),
            project: project.to_owned(),
            unique_id: format!("1{number:020}"),
            display_name: String::new(),
            description: String::new(),
            disabled: false,
            keys: Vec::new(),
            policy: Policed::new(Policy::default(), now),
            known_from: now,
        }
    }

    pub(crate) fn new_key(&self, system: bool) -> anyhow::Result<AccountKey> {
        Ok(AccountKey {
            id: random_hex(40),
            private: PrivateKey::generate()?,
            created: self.now(),
            system,
        })
    }

    /// Sees to it that an account has Google's own key.
    pub(crate) fn ensure_system_key(&mut self, email: &str) -> anyhow::Result<()> {
        let lacks = |one: &Account| one.keys.iter().all(|key| !key.system);
        if self.accounts.get(email).is_some_and(lacks) {
            let key = self.new_key(true)?;
            if let Some(account) = self.accounts.get_mut(email) {
                account.keys.insert(0, key);
            }
        }
        Ok(())
    }

    /// Binds a role on a project, at once.
    pub(crate) fn grant_project(&mut self, project: &str, role: &str, member: &str) {
        let now = self.now();
        if let Some(project) = self.projects.get_mut(project) {
            grant(&mut project.policy, role, member, now, now);
        }
    }

    /// A token for somebody, for an hour.
    pub(crate) fn issue(&mut self, principal: Principal, scopes: Vec<String>) -> String {
        self.issue_for(principal, scopes, Duration::HOUR)
    }

    pub(crate) fn issue_for(
        &mut self,
        principal: Principal,
        scopes: Vec<String>,
        lifetime: Duration,
    ) -> String {
        let token = format!("ya29.{}", random_hex(64));
        let expires = self.now() + lifetime;
        self.tokens.insert(
            token.clone(),
            Token {
                principal,
                scopes,
                expires,
            },
        );
        token
    }

    /// The account or person of an address.
    pub(crate) fn principal(&self, email: &str) -> Principal {
        if self.accounts.contains_key(email) {
            Principal::Account(email.to_owned())
        } else {
            Principal::User(email.to_owned())
        }
    }

    /// A key file, as Google gives it out.
    pub(crate) fn key_file(&self, email: &str, key: &AccountKey) -> Value {
        let account = self.accounts.get(email);
        let mut file = Map::new();
        let mut line = |name: &str, value: String| file.insert(name.to_owned(), Value::from(value));
        line("type", "service_account".to_owned());
        line(
            "project_id",
            account.map(|one| one.project.clone()).unwrap_or_default(),
        );
        line("private_key_id", key.id.clone());
        line("private_key", key.private.pem());
        line("client_email", email.to_owned());
        line(
            "client_id",
            account.map(|one| one.unique_id.clone()).unwrap_or_default(),
        );
        line("auth_uri", format!("{}/o/oauth2/auth", self.url));
        line("token_uri", format!("{}/token", self.url));
        line("universe_domain", "googleapis.com".to_owned());
        Value::Object(file)
    }
}

/// Adds a member to a role.
pub(crate) fn grant(
    policy: &mut Policed,
    role: &str,
    member: &str,
    now: OffsetDateTime,
    felt: OffsetDateTime,
) {
    let changed = policy.latest().clone().bind(role, &[member.to_owned()]);
    policy.set(changed, now, felt);
}
