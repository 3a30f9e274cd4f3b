//! A cloud as Terraform meets it: the block of the bucket resource, and the account
//! that the provider block describes. The provider has one of each for every cloud, so
//! that no resource knows which clouds there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::cloud::CloudKind;
use crate::byob::deployment::Deployment;
use crate::byob::identity::AccessKey;
use crate::byob::marker::Generation;
use crate::byob::spec::{Access, Encryption, Grants, KeySpec, Setting};
use crate::byob::{Cloud, CloudError, Observed, name};
use crate::sdk::diagnostic::{Diagnostics, Path};
use crate::sdk::model::{Field, Secret};
use crate::sdk::schema::Block;
use crate::sdk::value::Value;

/// One cloud's block in the bucket resource.
pub trait CloudBlock: fmt::Debug + Send + Sync {
    /// Which cloud it is; its name is [`CloudKind::block`].
    fn kind(&self) -> CloudKind;

    /// What may be said in it.
    fn schema(&self) -> Block;

    /// What can be said about a block without the provider's. Anything may be unknown.
    fn validate(&self, block: &Value) -> Diagnostics;

    /// Why the cloud would not take this bucket name, as the end of a sentence.
    fn check_name(&self, bucket: &str) -> Result<(), String> {
        name::check_bucket(self.kind(), bucket)
    }
}

/// What is said about a bucket outside its cloud's block.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// The part of it that is W&B's.
    pub path: Option<&'a str>,
    /// Which making of the bucket this is, once it is made.
    pub generation: Option<&'a Generation>,
    /// Tags, the provider's included.
    pub tags: &'a BTreeMap<String, String>,
}

/// One bucket's block as it stands in several places.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    /// As somebody wrote it: in the configuration, or, where that is not at hand, in the
    /// plan or the state. What is null here was left open.
    pub given: &'a Value,
    /// With Terraform's own defaults; this is what is filled in.
    pub planned: &'a Value,
    /// In the state. What it says of the bucket's place is kept, so that a new default
    /// moves no bucket.
    pub prior: Option<&'a Value>,
    /// How the W&B instance is run, where that is known.
    pub deployment: &'a Field<Deployment>,
}

/// A block with the provider's defaults and the state's values in it.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The block as it is planned.
    pub block: Value,
    /// What stands between the cloud and the bucket's name in an import id.
    pub location: Field<String>,
    /// The way in; unknown while any part of it is.
    pub place: Field<Arc<dyn Place>>,
}

/// A place where buckets are, with the credentials to get in.
pub trait Place: fmt::Debug + Send + Sync {
    /// Opens it for one operation that ends with `stop`. Sends nothing yet.
    fn open(&self, stop: &CancellationToken) -> Result<Arc<dyn Cloud>, CloudError>;
}

/// What a block asks of the domain.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Encryption at rest; `None` is "as the server has it".
    pub encryption: Option<Encryption>,
    /// The key in the cloud's key service.
    pub key: Option<KeySpec>,
    /// The bucket's own access rules.
    pub grants: Option<Grants>,
    /// Nothing can be made public, and the bucket's owner owns every object.
    pub closed: bool,
    /// How W&B gets at the objects.
    pub access: Access,
    /// What the configuration asks for by name; nothing without one.
    pub chosen: BTreeSet<Setting>,
}

/// The outputs that follow from a bucket's name and its block alone.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The region or location.
    pub region: Field<String>,
    /// The cloud's own full name of the bucket.
    pub full_name: Field<String>,
    /// The full address, without any secret.
    pub storage_address: Field<String>,
    /// What W&B is told the bucket is called, unless the user says otherwise.
    pub registration_name: Field<String>,
    /// What a team's registration takes besides name, provider and path; unknown while its
    /// keys are.
    pub storage: Field<BTreeMap<String, Field<String>>>,
    /// The values of `global.bucket` in W&B's Helm chart; unknown while its keys are.
    pub instance_bucket: Field<BTreeMap<String, Field<String>>>,
}

impl Outputs {
    /// Nothing can be said yet.
    pub fn unknown() -> Self {
        Self {
            region: Field::Unknown,
            full_name: Field::Unknown,
            storage_address: Field::Unknown,
            registration_name: Field::Unknown,
            storage: Field::Unknown,
            instance_bucket: Field::Unknown,
        }
    }
}

/// One cloud as the provider block describes it: credentials and defaults.
#[async_trait]
pub trait Account: fmt::Debug + Send + Sync {
    /// Which cloud it is.
    fn kind(&self) -> CloudKind;

    /// Fills in what a block leaves out.
    ///
    /// # Errors
    /// What is missing or does not fit, with the attribute's path.
    async fn resolve(&self, blocks: Blocks<'_>) -> Result<Resolved, Diagnostics>;

    /// What a resolved block asks of the domain; `None` while it is not wholly known.
    /// `config` is the block as the user wrote it.
    fn wish(&self, block: &Value, config: Option<&Value>, about: &About<'_>) -> Option<Wish>;

    /// The outputs of a resolved block.
    fn outputs(&self, block: &Value, about: &About<'_>) -> Outputs;

    /// Whether W&B reaches the bucket by a key, so that its instance has to know it.
    fn is_reached_by_key(&self, block: &Value) -> bool;

    /// The address with W&B's key inside: the entry for `GORILLA_SUPPORTED_FILE_STORES`.
    fn address_with_key(&self, block: &Value, bucket: &str, key: &AccessKey) -> Field<Secret>;

    /// W&B's key, where the block gives one. `config` holds write-only values.
    fn given_key(&self, block: &Value, config: Option<&Value>) -> Field<AccessKey> {
        let _ = (block, config);
        Field::Null
    }

    /// Arguments whose change makes another bucket of it, of those that differ.
    fn moved(&self, before: &Value, after: &Value) -> Vec<Path>;

    /// The block without the arguments that say only how the cloud is reached.
    fn without_credentials(&self, block: &Value) -> Value;

    /// The block with everything that has changed behind Terraform's back.
    fn drifted(&self, block: &Value, observed: &Observed) -> Value;

    /// The block of the bucket's own key, now that it has this name.
    fn with_key(&self, block: &Value, key: &str) -> Value {
        let _ = key;
        block.clone()
    }

    /// The argument that asks for a setting, if the block has one.
    fn argument_of(&self, setting: Setting) -> Option<Path>;

    /// The block of a bucket at this location of an import id.
    ///
    /// # Errors
    /// When the account has no such location.
    async fn imported(&self, location: &str) -> Result<Value, Diagnostics>;
}

/// The argument of a block that asks for a key to be made. The same on every cloud.
pub const CREATE_KEY: &str = "create_access_key";
/// The argument of a block whose change makes a new key. The same on every cloud.
pub const KEY_ROTATION: &str = "access_key_rotation";

/// Whether a block asks for a key of W&B's to be made.
pub fn makes_key(block: &Value) -> Field<bool> {
    match block.attribute(CREATE_KEY) {
        Value::Bool(wanted) => Field::Known(*wanted),
        Value::Unknown => Field::Unknown,
        _ => Field::Known(false),
    }
}
