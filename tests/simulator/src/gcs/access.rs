//! Who asks, and whether they may.

use super::crypto::WebToken;
use super::policy::{Policy, holds};
use super::refusal::{Kind, Refusal};
use super::request::Request;
use super::roles;
use super::world::World;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    Anonymous,
    /// A service account, by its address.
    Account(String),
    /// A person, by the address.
    User(String),
    /// Somebody of another identity provider: `principal://…`.
    Federated(String),
}

impl Principal {
    /// How refusals name it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anonymous => "Anonymous caller",
            Self::Account(name) | Self::User(name) | Self::Federated(name) => name,
        }
    }

    fn member(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Account(email) => Some(format!("serviceAccount:{email}")),
            Self::User(email) => Some(format!("user:{email}")),
            Self::Federated(name) => Some(name.clone()),
        }
    }
}

/// What a permission is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource<'a> {
    Project(&'a str),
    Bucket(&'a str),
    Object(&'a str, &'a str),
    Account(&'a str),
    CryptoKey(&'a str),
}

impl Resource<'_> {
    fn words(self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Object(..) => "Storage object",
            Self::Bucket(_) | Self::Account(_) | Self::CryptoKey(_) => "Storage bucket",
        }
    }

    /// The name that conditions speak of.
    fn name(self) -> String {
        match self {
            Self::Project(name) | Self::Account(name) | Self::CryptoKey(name) => name.to_owned(),
            Self::Bucket(bucket) => format!("projects/_/buckets/{bucket}"),
            Self::Object(bucket, name) => format!("projects/_/buckets/{bucket}/objects/{name}"),
        }
    }
}

/// A caller with what its token is good for.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) scopes: Vec<String>,
}

impl Caller {
    pub(crate) fn has_scope(&self, wanted: &[&str]) -> bool {
        self.principal == Principal::Anonymous
            || self.scopes.iter().any(|scope| {
                let short = scope
                    .strip_prefix("https://www.googleapis.com/auth/")
                    .unwrap_or(scope);
                short == "cloud-platform" || wanted.contains(&short)
            })
    }
}

impl World {
    /// Whose token a request carries; nobody's when it carries none.
    pub(crate) fn caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let wrong = || Refusal::new(401, Kind::BadCredentials, "Invalid Credentials");
        let Some(header) = request.headers.get("authorization") else {
            return Ok(Caller {
                principal: Principal::Anonymous,
                scopes: Vec::new(),
            });
        };
        let header = header.to_str().map_err(|_| wrong())?;
        let (kind, token) = header.split_once(' ').ok_or_else(wrong)?;
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(wrong());
        }
        if let Some(found) = self.tokens.get(token) {
            let alive = match &found.principal {
                Principal::Account(email) => {
                    self.accounts.get(email).is_some_and(|one| !one.disabled)
                }
                _ => true,
            };
            return if found.expires > self.now() && alive {
                Ok(Caller {
                    principal: found.principal.clone(),
                    scopes: found.scopes.clone(),
                })
            } else {
                Err(wrong())
            };
        }
        self.self_signed(token).ok_or_else(wrong)
    }

    /// A token that a service account has signed for itself.
    fn self_signed(&self, token: &str) -> Option<Caller> {
        let token = WebToken::parse(token)?;
        let email = token.text("iss").to_owned();
        let account = self.accounts.get(&email)?;
        let now = self.now().unix_timestamp();
        let in_time = token.time("exp")? > now && token.time("iat")? <= now + 300;
        if account.disabled || !in_time || token.text("sub") != email {
            return None;
        }
        account
            .keys
            .iter()
            .find(|key| token.is_signed_by(&key.private))?;
        let scopes = if token.text("scope").is_empty() {
            token
                .text("aud")
                .starts_with("https://")
                .then(|| "cloud-platform".to_owned())?
        } else {
            token.text("scope").to_owned()
        };
        Some(Caller {
            principal: Principal::Account(email),
            scopes: scopes.split(' ').map(str::to_owned).collect(),
        })
    }

    /// Whether the policies permit it now.
    pub(crate) fn may(&self, who: &Principal, permission: &str, what: Resource<'_>) -> bool {
        let name = what.name();
        let now = self.now();
        let project = match what {
            Resource::Project(id) => Some(id.to_owned()),
            Resource::Bucket(bucket) | Resource::Object(bucket, _) => {
                self.buckets.get(bucket).map(|one| one.project.clone())
            }
            Resource::Account(email) => self.accounts.get(email).map(|one| one.project.clone()),
            Resource::CryptoKey(key) => key.split('/').nth(1).map(str::to_owned),
        };
        let own = match what {
            Resource::Bucket(bucket) | Resource::Object(bucket, _) => self
                .buckets
                .get(bucket)
                .map(|one| one.policy.effective(now)),
            Resource::Account(email) => self
                .accounts
                .get(email)
                .map(|one| one.policy.effective(now)),
            Resource::CryptoKey(key) => self
                .crypto_keys
                .get(key)
                .map(|one| one.policy.effective(now)),
            Resource::Project(_) => None,
        };
        let closed = match what {
            Resource::Bucket(bucket) | Resource::Object(bucket, _) => self
                .buckets
                .get(bucket)
                .is_some_and(|one| one.settings.public_access_prevented()),
            _ => false,
        };
        let above = project
            .as_deref()
            .and_then(|id| self.projects.get(id))
            .map(|project| project.policy.effective(now));
        own.into_iter()
            .chain(above)
            .any(|policy| self.permits(policy, who, permission, &name, closed))
            || self.acl_permits(who, permission, what)
    }

    fn permits(
        &self,
        policy: &Policy,
        who: &Principal,
        permission: &str,
        name: &str,
        closed: bool,
    ) -> bool {
        policy.bindings.iter().any(|binding| {
            let includes = match roles::permissions(&binding.role) {
                Some(list) => roles::includes(list, permission),
                None => self
                    .roles
                    .get(&binding.role)
                    .is_some_and(|list| roles::includes(list, permission)),
            };
            includes
                && binding
                    .members
                    .iter()
                    .any(|member| self.is_member(who, member, closed))
                && binding
                    .condition
                    .as_ref()
                    .is_none_or(|condition| holds(condition, name, self.now()))
        })
    }

    fn is_member(&self, who: &Principal, member: &str, closed: bool) -> bool {
        match member {
            "allUsers" => return !closed,
            "allAuthenticatedUsers" => return !closed && *who != Principal::Anonymous,
            _ => {}
        }
        let role = match member.split_once(':') {
            Some(("projectOwner", project)) => Some(("roles/owner", project)),
            Some(("projectEditor", project)) => Some(("roles/editor", project)),
            Some(("projectViewer", project)) => Some(("roles/viewer", project)),
            _ => None,
        };
        if let Some((role, project)) = role {
            let Some(project) = self.projects.get(project) else {
                return false;
            };
            let bindings = &project.policy.effective(self.now()).bindings;
            return bindings
                .iter()
                .filter(|one| one.role == role && one.condition.is_none())
                .flat_map(|one| &one.members)
                .any(|one| who.member().as_deref() == Some(one));
        }
        if let Principal::Federated(name) = who
            && let Some(pool) = member
                .strip_prefix("principalSet:")
                .and_then(|set| set.strip_suffix("/*"))
        {
            return name
                .strip_prefix("principal:")
                .is_some_and(|name| name.starts_with(pool));
        }
        who.member().as_deref() == Some(member)
    }

    /// Without uniform access a bucket's objects have lists of their own: those that are
    /// made without one let in the project's owners and editors, and who made them.
    fn acl_permits(&self, who: &Principal, permission: &str, what: Resource<'_>) -> bool {
        let Resource::Object(bucket, name) = what else {
            return false;
        };
        let Some(bucket) = self
            .buckets
            .get(bucket)
            .filter(|one| !one.settings.uniform_access())
        else {
            return false;
        };
        let own = [
            "get",
            "getIamPolicy",
            "setIamPolicy",
            "update",
            "setRetention",
            "overrideUnlockedRetention",
        ];
        let own = permission
            .strip_prefix("storage.objects.")
            .is_some_and(|name| own.contains(&name));
        let project = &bucket.project;
        own && (self.is_member(who, &format!("projectOwner:{project}"), false)
            || self.is_member(who, &format!("projectEditor:{project}"), false)
            || bucket
                .objects
                .iter()
                .any(|one| one.name == name && one.owner == *who))
    }

    /// Refuses in Cloud Storage's words.
    pub(crate) fn require(
        &self,
        who: &Principal,
        permission: &str,
        what: Resource<'_>,
    ) -> Result<(), Refusal> {
        if self.may(who, permission, what) {
            return Ok(());
        }
        let message = format!(
            "{} does not have {permission} access to the Google Cloud {}. Permission \
             '{permission}' denied on resource (or it may not exist).",
            who.name(),
            what.words()
        );
        Err(if *who == Principal::Anonymous {
            Refusal::new(401, Kind::Anonymous, message)
        } else {
            Refusal::forbidden(message)
        })
    }
}
