//! Azure on loopback addresses, as far as a bucket for W&B needs it: the authority that
//! signs in, Resource Manager with storage accounts, managed identities, role assignments
//! and locks, the Blob service, the two managed identity endpoints, and an OIDC issuer to
//! federate with. All but the managed identity endpoints and the tests' own switches is
//! behind TLS with an authority of its own. It checks what the real services check, roles
//! really decide, and signatures are looked at.
//!
//! Blobs are held here and not in Azurite. Versions, soft delete, snapshots, holds and
//! blocks that are not committed yet depend on each other and on what the management side
//! says from one request to the next; Azurite knows versions not at all and keeps a
//! setting of soft delete without heeding it, so that a store in front of it would have to
//! hold a second copy of nearly everything. Azurite is asked for its opinion instead, in a
//! test that sends both the same requests.
//!
//! Nothing is kept on disk but the authority's certificate, and nobody is contacted.
//!
//! What is not simulated is refused as such (501, or 405 by Resource Manager): leases,
//! copies, append and page blobs, tags, batches, static sites. A stored access policy is
//! kept and never good for a signature. An account that is not there is told `InvalidUri`,
//! where the real service has no such host. Groups and their contents are gone at once,
//! blocks that nobody commits stay.
//!
//! What is guessed, because nothing public says it: the words of refusals for values of a
//! body (400), whose code is known; that a second PUT of a container changes its
//! properties; which sections a PUT of a service's properties leaves alone; the code for a
//! second credential of the same issuer and subject, and for the twenty-first; the code
//! for a container's name in Resource Manager.

mod access;
mod arm;
mod authority;
mod blob;
mod clock;
mod control;
mod faults;
mod instance;
mod metadata;
mod refusal;
mod request;
mod roles;
mod tls;
mod tokens;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use world::World;

pub use faults::{Fault, RequestLog};
pub use instance::{Addresses, BlobView, Instance};

/// How the instance is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the switches and the managed identity endpoints listen; must be a loopback
    /// address. Port 0 takes a free one. Everything else takes free ports there.
    pub listen: SocketAddr,
    /// Where the authority's certificate is written; a folder of the system's for
    /// temporary files without it.
    pub folder: Option<PathBuf>,
    /// The directory.
    pub tenant: String,
    /// The subscription, whose owner is the application of [`Instance::owner`].
    pub subscription: String,
    /// A resource group that is there from the start.
    pub group: String,
    /// Where it is.
    pub location: String,
    /// How often a client asks for a long operation until it is over.
    pub polls: u32,
    /// Seconds that it is told to wait in between.
    pub retry_after: u64,
    /// How long it takes until a role is felt, given or taken.
    pub role_delay: Duration,
    /// How long it takes until sign-in knows a federated credential.
    pub federation_delay: Duration,
    /// How long a new identity is unknown to those who give roles.
    pub principal_delay: Duration,
    /// How long it takes to write a federated credential; another write to the same
    /// identity meanwhile is refused.
    pub credential_write: Duration,
    /// How long the name of a deleted container stays taken.
    pub container_deletion: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder: None,
            tenant: "11111111-1111-4111-a111-111111111111".to_owned(),
            subscription: "22222222-2222-4222-a222-222222222222".to_owned(),
            group: "simulated-group".to_owned(),
            location: "westeurope".to_owned(),
            polls: 1,
            retry_after: 0,
            role_delay: Duration::ZERO,
            federation_delay: Duration::ZERO,
            principal_delay: Duration::ZERO,
            credential_write: Duration::from_millis(20),
            container_deletion: Duration::ZERO,
        }
    }
}

/// What all request handlers share.
struct Shared {
    world: Mutex<World>,
}

impl Shared {
    /// The state; never held across an `await`.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
