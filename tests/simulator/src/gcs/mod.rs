//! Google Cloud on a loopback address, as far as buckets need it: Cloud Storage by JSON
//! and XML, IAM, Cloud KMS, Resource Manager, sign-in, and the metadata server. It checks
//! what the real services check, policies really decide, and signatures are looked at.
//!
//! Nothing is kept on disk, and nobody is contacted.
//!
//! What is guessed, because nothing public says it: most words of refusals for values
//! (400), whose status and reason are known; that the tag of a bucket's policy is the
//! bucket's own; that a name that nobody knows in a bucket's body is refused, not
//! overlooked; that an origin of `*` is answered with `*`; the tag of an object that was
//! uploaded in parts; that open uploads in parts do not keep a bucket; and what a signature
//! for an account that is not there is told.

mod access;
mod billing;
mod bucket;
mod clock;
mod constraints;
mod control;
mod crypto;
mod faults;
mod iam;
mod instance;
mod json;
mod kms;
mod metadata;
mod names;
mod oauth;
mod object;
mod policies;
mod policy;
mod projects;
mod refusal;
mod request;
mod roles;
mod service;
mod settings;
mod store;
mod world;
mod xml;

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use world::World;

pub(crate) use crypto::{PrivateKey, WebToken, base64, hex, md5, random_hex, sha256, unbase64};
pub use faults::{Fault, RequestLog};
pub use instance::{Instance, ObjectView};
pub(crate) use object::encode;
pub use world::Constraint;

/// How the instance is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens; must be a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The project of those who use it. Its owner is the service account `owner` there.
    pub project: String,
    /// Service accounts of other people's projects.
    pub known_accounts: Vec<String>,
    /// The account that the metadata server speaks for; without it there is none.
    pub metadata_account: Option<String>,
    /// How long it takes until a new policy is felt.
    pub propagation: Duration,
    /// The same for keys.
    pub key_propagation: Duration,
    /// How long a new service account is unknown to everybody else.
    pub account_delay: Duration,
    /// Seconds of soft delete that a bucket gets when nobody says anything.
    pub soft_delete_default: i64,
    /// The rules of the organization.
    pub constraints: Vec<Constraint>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            project: "simulated-project".to_owned(),
            known_accounts: vec![
                "deploy@wandb-production.iam.gserviceaccount.com".to_owned(),
                "wandb-integration@wandb-production.iam.gserviceaccount.com".to_owned(),
            ],
            metadata_account: None,
            propagation: Duration::ZERO,
            key_propagation: Duration::ZERO,
            account_delay: Duration::ZERO,
            soft_delete_default: 604_800,
            constraints: Vec::new(),
        }
    }
}

/// What all request handlers share.
struct Shared {
    url: String,
    world: Mutex<World>,
}

impl Shared {
    /// The state; never held across an `await`.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
