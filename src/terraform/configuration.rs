//! What the provider block says, as resources see it, and what the resources of one run tell
//! each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::account::Account;
use crate::byob::CloudKind;
use crate::byob::deployment::Deployment;
use crate::byob::identity::AccessKey;
use crate::byob::marker::Generation;
use crate::sdk::model::Field;
use crate::sdk::value::Value;
use crate::wandb::Client;

/// How long a look counts as one of this moment.
const MOMENT: Duration = Duration::from_secs(2);

/// The provider block, with the environment's defaults filled in.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// How the W&B instance is run; null when nothing tells.
    pub deployment: Field<Deployment>,
    /// The origin of W&B's web application.
    pub origin: Field<String>,
    /// A client of the W&B instance; null without an `api_key`.
    pub wandb: Field<Client>,
    /// Tags below a resource's own.
    pub default_tags: Field<BTreeMap<String, String>>,
    /// Keys of tags that are neither read nor written.
    pub ignore_tags: Field<BTreeSet<String>>,
    /// One for each cloud.
    pub accounts: Vec<Arc<dyn Account>>,
}

impl Configuration {
    /// The account on this cloud.
    pub fn account(&self, kind: CloudKind) -> Option<Arc<dyn Account>> {
        self.accounts
            .iter()
            .find(|account| account.kind() == kind)
            .cloned()
    }
}

/// What the deleting half of a replacement hands over to the creating half.
#[derive(Debug)]
pub struct Handover {
    /// Which making of the bucket it is.
    pub generation: Generation,
    /// W&B's key, whose secret is told once and which the instance may know by now.
    pub key: Option<AccessKey>,
    /// The `access_key_rotation` that the key was made for.
    pub rotation: Value,
}

/// What all resources of one provider share.
#[derive(Clone, Debug, Default)]
pub struct Environment(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    configuration: Option<Arc<Configuration>>,
    /// Ids of buckets that this run plans to make.
    claimed: BTreeSet<String>,
    /// Ids of buckets that were found not to be there, and when.
    absent: BTreeMap<String, Instant>,
    /// Half-made buckets that the creating half of a replacement goes on with.
    handovers: BTreeMap<String, Handover>,
}

impl Environment {
    /// Takes a provider block. A process that serves several runs is told several.
    pub fn configure(&self, configuration: Configuration) {
        *self.shared() = Shared {
            configuration: Some(Arc::new(configuration)),
            ..Shared::default()
        };
    }

    /// The provider block; `None` before Terraform has sent it.
    pub fn configuration(&self) -> Option<Arc<Configuration>> {
        self.shared().configuration.clone()
    }

    /// Notes that a resource of this run will make the bucket `id`; false when
    /// another one will.
    pub fn claim(&self, id: &str) -> bool {
        self.shared().claimed.insert(id.to_owned())
    }

    /// Notes that there is no bucket `id` at this moment.
    pub fn note_absent(&self, id: &str) {
        self.shared().absent.insert(id.to_owned(), Instant::now());
    }

    /// Whether a plan has looked for the bucket `id` a moment ago and found none: Terraform
    /// plans once more right before it has a bucket made.
    pub fn was_absent(&self, id: &str) -> bool {
        let seen = self.shared().absent.remove(id);
        seen.is_some_and(|at| at.elapsed() < MOMENT)
    }

    /// Hands the half-made bucket `id` over to the other half of its replacement.
    pub fn hand_over(&self, id: &str, handover: Handover) {
        self.shared().handovers.insert(id.to_owned(), handover);
    }

    /// What was handed over of the bucket `id`.
    pub fn take_over(&self, id: &str) -> Option<Handover> {
        self.shared().handovers.remove(id)
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        // Nothing in there can be half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
