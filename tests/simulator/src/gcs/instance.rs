//! A running instance, and the switches by which a test changes it behind everybody's
//! back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::serving::{Address, Serving};

use super::access::Principal;
use super::faults::{Armed, Fault, RequestLog, serve};
use super::object::State;
use super::policy::{Policed, Policy, Sent};
use super::settings::Surroundings;
use super::store::{NewObject, store};
use super::world::{Constraint, CryptoKey, EVERYTHING, Foreign, World, grant};
use super::{Config, Shared, control};

/// A generation of an object as tests see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectView {
    /// Its name.
    pub name: String,
    /// Its generation.
    pub generation: i64,
    /// `live`, `noncurrent` or `soft_deleted`.
    pub state: &'static str,
    /// How many bytes it has.
    pub size: usize,
}

/// A running instance. Dropping it stops it as well.
pub struct Instance {
    shared: Arc<Shared>,
    serving: Serving,
}

impl Instance {
    /// Starts an instance.
    ///
    /// # Errors
    /// When the address is not a loopback address or is taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let address = Address::listen(config.listen).await?;
        let url = address.url.clone();
        let shared = Arc::new(Shared {
            url: url.clone(),
            world: Mutex::new(World::new(config, url)),
        });
        let app = Router::new()
            .nest("/_simulator", control::router())
            .fallback(serve)
            .with_state(shared.clone());
        let serving = address.serve(app);
        Ok(Self { shared, serving })
    }

    /// The address of the instance, without a slash at the end: the endpoint of every
    /// service.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// Stops the instance: answers in the making are given two seconds.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// The address of the project's owner.
    #[must_use]
    pub fn owner(&self) -> String {
        let project = self.shared.world().config.project.clone();
        format!("owner@{project}.iam.gserviceaccount.com")
    }

    /// The requests, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestLog> {
        self.shared.world().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.world().requests.clear();
    }

    /// Breaks something until [`Instance::clear_faults`] or the end of its count.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().faults.push(Armed::new(fault));
    }

    /// Mends everything.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Moves the clock of all services.
    pub fn advance(&self, time: Duration) {
        self.shared.world().advance(time);
    }

    /// Sets how long policies, and those of keys, take to be felt.
    pub fn set_propagation(&self, policies: Duration, keys: Duration) {
        let mut world = self.shared.world();
        world.config.propagation = policies;
        world.config.key_propagation = keys;
    }

    /// Adds a rule of the organization.
    pub fn constrain(&self, constraint: Constraint) {
        self.shared.world().config.constraints.push(constraint);
    }

    /// Takes the rules of the organization away.
    pub fn lift_constraints(&self) {
        self.shared.world().config.constraints.clear();
    }

    /// Makes a service account, with its project when that is not there.
    pub fn add_account(&self, email: &str) {
        self.shared.world().add_account(email);
    }

    /// Makes a role of somebody's own, such as `projects/p/roles/r`.
    pub fn add_role(&self, name: &str, permissions: &[&str]) {
        let permissions = permissions.iter().map(|one| (*one).to_owned()).collect();
        self.shared
            .world()
            .roles
            .insert(name.to_owned(), permissions);
    }

    /// An access token of an account or a person, good for an hour.
    #[must_use]
    pub fn token(&self, email: &str) -> String {
        let mut world = self.shared.world();
        let principal = world.principal(email);
        world.issue(principal, vec![EVERYTHING.to_owned()])
    }

    /// A new key file of a service account that is there.
    ///
    /// # Errors
    /// When there is no such account, or no key can be made.
    pub fn key_file(&self, email: &str) -> anyhow::Result<String> {
        let mut world = self.shared.world();
        let key = world.new_key(false)?;
        let file = world.key_file(email, &key).to_string();
        let account = world.accounts.get_mut(email).context("no such account")?;
        account.keys.push(key);
        Ok(file)
    }

    /// A file of a person's credentials, with a refresh token.
    #[must_use]
    pub fn user_file(&self, email: &str) -> String {
        let token = format!("1//{}", super::crypto::random_hex(40));
        let mut world = self.shared.world();
        world.refresh_tokens.insert(token.clone(), email.to_owned());
        json!({
            "type": "authorized_user",
            "client_id": "simulated.apps.googleusercontent.com",
            "client_secret": "simulated-secret",
            "refresh_token": token,
            "token_uri": format!("{}/token", world.url),
        })
        .to_string()
    }

    /// Makes a token of another identity provider good for an audience. `principal` is
    /// `principal://iam.googleapis.com/…`.
    pub fn add_foreign_token(&self, audience: &str, token: &str, principal: &str) {
        self.shared.world().foreign_tokens.push(Foreign {
            audience: audience.to_owned(),
            token: token.to_owned(),
            principal: principal.to_owned(),
        });
    }

    /// Binds a role on a project, at once.
    pub fn grant_project(&self, project: &str, role: &str, member: &str) {
        self.shared.world().grant_project(project, role, member);
    }

    /// Binds a role on a service account, at once.
    pub fn grant_account(&self, email: &str, role: &str, member: &str) {
        let mut world = self.shared.world();
        let now = world.now();
        if let Some(account) = world.accounts.get_mut(email) {
            grant(&mut account.policy, role, member, now, now);
        }
    }

    /// Binds a role on a key, at once.
    pub fn grant_crypto_key(&self, name: &str, role: &str, member: &str) {
        let mut world = self.shared.world();
        let now = world.now();
        if let Some(key) = world.crypto_keys.get_mut(name) {
            grant(&mut key.policy, role, member, now, now);
        }
    }

    /// Makes a key of Cloud KMS by its full name, with its project.
    pub fn add_crypto_key(&self, name: &str) {
        let mut world = self.shared.world();
        if let Some(project) = name.split('/').nth(1) {
            world.add_project(project);
        }
        let now = world.now();
        let key = CryptoKey {
            state: "ENABLED".to_owned(),
            policy: Policed::new(Policy::default(), now),
            created: now,
        };
        world.crypto_keys.insert(name.to_owned(), key);
    }

    /// Sets the state of a key: `ENABLED`, `DISABLED`, `DESTROY_SCHEDULED`, `DESTROYED`.
    pub fn set_crypto_key_state(&self, name: &str, state: &str) {
        if let Some(key) = self.shared.world().crypto_keys.get_mut(name) {
            state.clone_into(&mut key.state);
        }
    }

    /// Cloud Storage's own account in a project.
    #[must_use]
    pub fn service_agent(&self, project: &str) -> Option<String> {
        let world = self.shared.world();
        world
            .project(project)
            .map(super::world::Project::service_agent)
    }

    /// A bucket in JSON.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Option<Value> {
        let world = self.shared.world();
        world
            .buckets
            .get(name)
            .map(|bucket| bucket.view(&world.url))
    }

    /// The policy of a bucket, at version 3.
    #[must_use]
    pub fn bucket_policy(&self, name: &str) -> Option<Value> {
        let world = self.shared.world();
        let bucket = world.buckets.get(name)?;
        Some(bucket.policy.latest().view(3, &bucket.etag()))
    }

    /// The policy of a key, at version 3.
    #[must_use]
    pub fn crypto_key_policy(&self, name: &str) -> Option<Value> {
        let world = self.shared.world();
        let key = world.crypto_keys.get(name)?;
        Some(key.policy.latest().view(3, &key.policy.etag))
    }

    /// The names of the service accounts in a project.
    #[must_use]
    pub fn accounts(&self, project: &str) -> Vec<String> {
        let world = self.shared.world();
        let accounts = world.accounts.values();
        accounts
            .filter(|one| one.project == project)
            .map(|one| one.email.clone())
            .collect()
    }

    /// The names of the buckets.
    #[must_use]
    pub fn buckets(&self) -> Vec<String> {
        self.shared.world().buckets.keys().cloned().collect()
    }

    /// Every generation in a bucket, in the order of their making.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> Vec<ObjectView> {
        let world = self.shared.world();
        let objects = world.buckets.get(bucket).map(|one| one.objects.as_slice());
        let view = |one: &super::object::Object| ObjectView {
            name: one.name.clone(),
            generation: one.generation,
            state: match one.state {
                State::Live => "live",
                State::Noncurrent(_) => "noncurrent",
                State::SoftDeleted(..) => "soft_deleted",
            },
            size: one.data.len(),
        };
        objects.unwrap_or_default().iter().map(view).collect()
    }

    /// Changes a bucket as a patch does, whoever may.
    ///
    /// # Errors
    /// When there is no such bucket, or the service would refuse it.
    pub fn patch_bucket(&self, name: &str, change: &Value) -> anyhow::Result<()> {
        let mut world = self.shared.world();
        let now = world.now();
        let soft_delete = world.config.soft_delete_default;
        let bucket = world.buckets.get_mut(name).context("no such bucket")?;
        let around = Surroundings {
            bucket: name,
            now,
            soft_delete,
        };
        let none = Map::new();
        let change = change.as_object().unwrap_or(&none);
        bucket.settings = bucket
            .settings
            .patched(change, around)
            .map_err(|refusal| anyhow::anyhow!(refusal.message))?;
        bucket.touch(now);
        Ok(())
    }

    /// Replaces the policy of a bucket at once, whoever may.
    ///
    /// # Errors
    /// When there is no such bucket, or the policy cannot be read.
    pub fn set_bucket_policy(&self, name: &str, policy: &Value) -> anyhow::Result<()> {
        let mut world = self.shared.world();
        let now = world.now();
        let sent = Sent::parse(policy).map_err(|refusal| anyhow::anyhow!(refusal.message))?;
        let bucket = world.buckets.get_mut(name).context("no such bucket")?;
        bucket.policy.set(sent.policy, now, now);
        bucket.touch(now);
        Ok(())
    }

    /// Puts an object into a bucket, whoever may.
    ///
    /// # Errors
    /// When the service would refuse it.
    pub fn put_object(&self, bucket: &str, name: &str, data: &[u8]) -> anyhow::Result<()> {
        let mut world = self.shared.world();
        let object = NewObject {
            name: name.to_owned(),
            metadata: json!({}),
            data: Bytes::copy_from_slice(data),
            components: None,
            owner: Principal::User("somebody@example.com".to_owned()),
        };
        store(&mut world, bucket, object)
            .map(|_| ())
            .map_err(|refusal| anyhow::anyhow!(refusal.message))
    }

    /// Removes a bucket and all that is in it at once, as nobody can.
    pub fn remove_bucket(&self, name: &str) -> bool {
        self.shared.world().buckets.remove(name).is_some()
    }
}
