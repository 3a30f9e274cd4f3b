//! One W&B instance on a loopback address: SCIM, GraphQL, the bucket check, and the
//! switches by which a test changes it behind the provider's back.
//!
//! Nothing is kept on disk, and nothing is contacted but file stores on the list and, by
//! the addresses that it was given, Google and Azure.

mod address;
mod auth;
mod azure;
mod check;
mod control;
mod faults;
mod filter;
mod google;
mod graphql;
mod groups;
mod replies;
mod schema;
mod users;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::serving::{Address, Serving};
use world::World;

pub use azure::Azure;
pub use faults::{Fault, Severity};
pub use google::Google;
pub use world::{RequestLog, TeamView, UserView};

/// How the instance is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; must be a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The one key that it accepts.
    pub api_key: String,
    /// The name of the key's owner, who is an administrator.
    pub username: String,
    /// Whether SCIM takes bearer tokens; `false` is an instance older than 0.79.
    pub bearer: bool,
    /// The version that it claims to be.
    pub version: String,
    /// The entries of `GORILLA_SUPPORTED_FILE_STORES`.
    pub stores: Vec<String>,
    /// The origin that browsers send when they upload to a team's bucket; empty for the
    /// instance's own address.
    pub origin: String,
    /// Whether the GraphQL schema lacks the storage test and the storage read-back.
    pub old_schema: bool,
    /// How it reaches Google Cloud Storage; without it buckets there pass by being on the
    /// list of file stores.
    pub google: Option<Google>,
    /// How it reaches Azure; without it containers there pass by being on the list of file
    /// stores.
    pub azure: Option<Azure>,
    /// Certificates that the instance trusts besides the system's, in PEM.
    pub certificates: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_key: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            username: "admin".to_owned(),
            bearer: true,
            version: "0.80.0".to_owned(),
            stores: Vec::new(),
            origin: String::new(),
            old_schema: false,
            google: None,
            azure: None,
            certificates: None,
        }
    }
}

/// What all request handlers share.
struct Shared {
    config: Config,
    url: String,
    http: reqwest::Client,
    world: Mutex<World>,
}

impl Shared {
    /// The state of the instance; never held across an `await`.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        let address = Address::listen(config.listen).await?;
        let url = address.url.clone();
        if config.origin.is_empty() {
            config.origin.clone_from(&url);
        }
        let mut http = reqwest::Client::builder()
            // Stores are named by the tests: a proxy of the machine has no say.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20));
        if let Some(pem) = &config.certificates {
            http = http.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?);
        }
        let http = http.build()?;
        let world = World::new(&config);
        let shared = Arc::new(Shared {
            config,
            url,
            http,
            world: Mutex::new(world),
        });
        let app = router(&shared);
        let serving = address.serve(app);
        Ok(Self { shared, serving })
    }

    /// The address of the instance, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// Stops the instance: answers in the making are given two seconds.
    pub async fn stop(self) {
        self.serving.stop().await;
    }

    /// The teams, in the order of their creation.
    #[must_use]
    pub fn teams(&self) -> Vec<TeamView> {
        self.shared.world().team_views()
    }

    /// The requests to SCIM and GraphQL, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestLog> {
        self.shared.world().requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.world().clear_requests();
    }

    /// Adds an entry to `GORILLA_SUPPORTED_FILE_STORES`, as after a restart.
    pub fn add_store(&self, entry: &str) {
        self.shared.world().stores.push(entry.to_owned());
    }

    /// Empties `GORILLA_SUPPORTED_FILE_STORES`.
    pub fn clear_stores(&self) {
        self.shared.world().stores.clear();
    }

    /// Adds a user.
    pub fn add_user(&self, id: &str, user_name: &str, email: &str) {
        self.shared.world().add_user(id, user_name, email);
    }

    /// Breaks something until [`Instance::clear_faults`] or the end of its count.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().add_fault(fault);
    }

    /// Mends everything.
    pub fn clear_faults(&self) {
        self.shared.world().clear_faults();
    }

    /// Makes a team as somebody else would, without the bucket check; returns its id.
    /// `members` are user ids, `storage` is in SCIM's spelling (`kmsKeyId`).
    pub fn add_team(
        &self,
        name: &str,
        members: &[&str],
        storage: BTreeMap<String, String>,
    ) -> String {
        let members = members.iter().map(|id| (*id).to_owned()).collect();
        self.shared.world().add_team(name, members, storage)
    }

    /// Replaces the members (user ids) of a team; `false` when there is no such team.
    pub fn set_members(&self, team: &str, members: &[&str]) -> bool {
        let members = members.iter().map(|id| (*id).to_owned()).collect();
        self.shared.world().set_members(team, members)
    }

    /// Removes a team by its name; `false` when there is no such team.
    pub fn remove_team(&self, team: &str) -> bool {
        self.shared.world().remove_team(team)
    }
}

fn router(shared: &Arc<Shared>) -> Router {
    let instance = Router::new()
        .route("/scim/Groups", get(groups::list).post(groups::create))
        .route(
            "/scim/Groups/{id}",
            get(groups::read)
                .patch(groups::patch)
                .put(groups::put)
                .delete(groups::delete),
        )
        .route("/scim/Users", get(users::list))
        .route("/scim/Users/{id}", get(users::read))
        .route("/graphql", post(graphql::execute))
        .fallback(replies::unknown_path)
        .layer(from_fn_with_state(shared.clone(), faults::observe));
    Router::new()
        .nest("/_simulator", control::router())
        .merge(instance)
        .with_state(shared.clone())
}
