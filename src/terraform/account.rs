//! A cloud as Terraform meets it: the block of the bucket resource, and the account
//! that the provider block describes. The provider has one of each for every cloud, so
//! that no resource knows which clouds there are.
//!
//! A cloud implements [`CloudAccount`] for the type of its own block. Resources see
//! [`Account`] and [`ResolvedBlock`], which [`TypedAccount`] makes of it: there, and nowhere
//! else, a block is read from Terraform's values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::byob::deployment::Deployment;
use crate::byob::identity::AccessKey;
use crate::byob::marker::Generation;
use crate::byob::spec::{Access, Encryption, Grants, KeySpec, Setting};
use crate::byob::{Cloud, CloudError, CloudKind, Observed};
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, Model, Secret, ToValue as _};
use crate::sdk::schema::Block;
use crate::sdk::value::Value;

pub use super::way_in::{
    ACCESS, BY_IDENTITY, BY_KEY, CREATE_KEY, IDENTITY_NAME, KEY_CHOICE, KEY_ROTATION, chooses_key,
    key_version, makes_identity, makes_key,
};

/// One cloud's block in the bucket resource.
pub trait CloudSchema: fmt::Debug + Send + Sync {
    /// Which cloud it is; its name is [`CloudKind::block`].
    fn kind(&self) -> CloudKind;

    /// What may be said in it.
    fn schema(&self) -> Block;

    /// What can be said about a block without the provider's. Anything may be unknown.
    fn validate(&self, block: &Value) -> Diagnostics;
}

/// What is said about a bucket outside its cloud's block.
#[derive(Clone, Copy, Debug)]
pub struct CommonArguments<'a> {
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
pub struct BlockSources<'a, B> {
    /// As somebody wrote it: in the configuration, or, where that is not at hand, in the
    /// plan or the state. What is null here was left open.
    pub given: &'a B,
    /// With Terraform's own defaults; this is what is filled in.
    pub planned: &'a B,
    /// In the state. What it says of the bucket's location is kept, so that a new default
    /// moves no bucket.
    pub prior: Option<&'a B>,
    /// How the W&B instance is run, where that is known.
    pub deployment: &'a Field<Deployment>,
    /// Who stores in the bucket.
    pub scope: &'a Field<String>,
}

/// A block with the provider's defaults and the state's values in it.
#[derive(Clone, Debug)]
pub struct Resolved<B> {
    /// The block as it is planned.
    pub block: B,
    /// What stands between the cloud and the bucket's name in an import id.
    pub location: Field<String>,
    /// The way in; unknown while any part of it is.
    pub connector: Field<Arc<dyn Connector>>,
}

/// The way in to a place where buckets are, with the credentials for it.
pub trait Connector: fmt::Debug + Send + Sync {
    /// Opens it for one operation that ends with `stop`. Sends nothing yet.
    fn open(&self, stop: &CancellationToken) -> Result<Arc<dyn Cloud>, CloudError>;
}

/// What a block asks of the domain: its part of a spec.
#[derive(Clone, Debug)]
pub struct CloudSpec {
    /// Encryption at rest; `None` is "as the server has it".
    pub encryption: Option<Encryption>,
    /// The key in the cloud's key service.
    pub key: Option<KeySpec>,
    /// The bucket's own access rules.
    pub grants: Option<Grants>,
    /// Whether it is made impossible to make anything public; `None` is "not managed".
    pub blocks_public: Option<bool>,
    /// The bucket's owner owns every object.
    pub owns_objects: bool,
    /// How objects are kept that do not say it themselves; `None` is "not managed".
    pub storage_class: Option<String>,
    /// The settings belong to others' buckets as well: see [`crate::byob::BucketSpec::shares_settings`].
    pub shares_settings: bool,
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

/// One cloud as the provider block describes it: credentials and defaults.
#[async_trait]
pub trait CloudAccount: fmt::Debug + Send + Sync + 'static {
    /// The block of a bucket.
    type Block: Model;

    /// Which cloud it is.
    const KIND: CloudKind;

    /// What stands between the cloud and the bucket's name in an import id, part by part.
    const LOCATION: &'static [&'static str];

    /// Arguments that are the provider's, whenever a block leaves them out: also at a refresh
    /// and a destroy, where nobody sees the configuration.
    const FOLLOWS_PROVIDER: &'static [&'static str];

    /// Fills in what a block leaves out.
    ///
    /// # Errors
    /// What is missing or does not fit, with the attribute's path.
    async fn resolve(
        &self,
        sources: BlockSources<'_, Self::Block>,
    ) -> Result<Resolved<Self::Block>, Diagnostics>;

    /// What a resolved block asks of the domain; `None` while it is not wholly known.
    /// `config` is the block as the user wrote it.
    fn spec(
        &self,
        block: &Self::Block,
        config: Option<&Self::Block>,
        common: &CommonArguments<'_>,
    ) -> Option<CloudSpec>;

    /// The outputs of a resolved block.
    fn outputs(&self, block: &Self::Block, common: &CommonArguments<'_>) -> Outputs;

    /// Whether W&B reaches the bucket by a key, so that its instance has to know it.
    fn is_reached_by_key(&self, block: &Self::Block) -> bool;

    /// The address with W&B's key inside: the entry for `GORILLA_SUPPORTED_FILE_STORES`.
    fn address_with_key(&self, block: &Self::Block, bucket: &str, key: &AccessKey)
    -> Field<Secret>;

    /// Whose key one of the identity of this name is, in the cloud's spelling; `None` where
    /// keys say so themselves.
    fn key_holder(&self, block: &Self::Block, identity: &str) -> Option<String>;

    /// W&B's key, where the block gives one. `config` holds write-only values.
    fn given_key(&self, block: &Self::Block, config: Option<&Self::Block>) -> Field<AccessKey>;

    /// Arguments whose change makes another bucket of it, of those that differ.
    fn moved(&self, before: &Self::Block, after: &Self::Block) -> Vec<Path>;

    /// The block without the arguments that say only how the cloud is reached.
    fn without_credentials(&self, block: Self::Block) -> Self::Block;

    /// The block with everything that has changed behind Terraform's back.
    fn drifted(&self, block: Self::Block, observed: &Observed) -> Self::Block;

    /// The block of a bucket that is imported, with what stands on the bucket and nobody else
    /// can say: whom it lets in, and by which rules.
    fn found(&self, block: Self::Block, observed: &Observed) -> Self::Block;

    /// The block of a bucket that was just worked on, with what only the cloud could say.
    fn completed(&self, block: Self::Block, observed: &Observed) -> Self::Block;

    /// Whether the bucket has tags of its own in this block.
    fn has_tags(&self, block: &Self::Block) -> bool;

    /// The block of a bucket whose own encryption key has this name now.
    fn with_encryption_key(&self, block: Self::Block, key: &str) -> Self::Block;

    /// The argument that asks for a setting, if the block has one.
    fn argument_of(&self, setting: Setting) -> Option<Path>;

    /// The block of a bucket at this location of an import id.
    ///
    /// # Errors
    /// When the account has no such location.
    async fn imported(&self, location: &str) -> Result<Self::Block, Diagnostics>;
}

/// A [`CloudAccount`] as resources see it, whichever cloud it is.
#[async_trait]
pub trait Account: fmt::Debug + Send + Sync {
    /// Which cloud it is.
    fn kind(&self) -> CloudKind;

    /// See [`CloudAccount::LOCATION`].
    fn location(&self) -> &'static [&'static str];

    /// See [`CloudAccount::FOLLOWS_PROVIDER`].
    fn follows_provider(&self) -> &'static [&'static str];

    /// See [`CloudAccount::resolve`]. `config` is the block as the user wrote it, where it is
    /// at hand.
    async fn resolve(
        &self,
        sources: BlockSources<'_, Value>,
        config: Option<&Value>,
    ) -> Result<Arc<dyn ResolvedBlock>, Diagnostics>;

    /// See [`CloudAccount::without_credentials`].
    fn without_credentials(&self, block: &Value) -> Value;

    /// See [`CloudAccount::argument_of`].
    fn argument_of(&self, setting: Setting) -> Option<Path>;

    /// See [`CloudAccount::imported`].
    async fn imported(&self, location: &str) -> Result<Value, Diagnostics>;
}

/// One bucket's block, read and resolved.
pub trait ResolvedBlock: fmt::Debug + Send + Sync {
    /// Which cloud it is.
    fn kind(&self) -> CloudKind;

    /// The block as it is planned or stored.
    fn block(&self) -> Value;

    /// What stands between the cloud and the bucket's name in an import id.
    fn location(&self) -> &Field<String>;

    /// The way in; unknown while any part of it is.
    fn connector(&self) -> &Field<Arc<dyn Connector>>;

    /// The argument that asks for a setting, or the block where none does.
    fn argument_of(&self, setting: Setting) -> Path;

    /// See [`CloudAccount::spec`].
    fn spec(&self, common: &CommonArguments<'_>) -> Option<CloudSpec>;

    /// See [`CloudAccount::outputs`].
    fn outputs(&self, common: &CommonArguments<'_>) -> Outputs;

    /// See [`CloudAccount::is_reached_by_key`].
    fn is_reached_by_key(&self) -> bool;

    /// See [`CloudAccount::address_with_key`].
    fn address_with_key(&self, bucket: &str, key: &AccessKey) -> Field<Secret>;

    /// See [`CloudAccount::key_holder`].
    fn key_holder(&self, identity: &str) -> Option<String>;

    /// W&B's key, where the block gives one, write-only values included.
    fn given_key(&self) -> Field<AccessKey>;

    /// W&B's key, where the block gives one whose secret is kept in the state.
    fn kept_key(&self) -> Field<AccessKey>;

    /// See [`CloudAccount::moved`].
    fn moved_from(&self, before: &Value) -> Vec<Path>;

    /// See [`CloudAccount::drifted`].
    fn drifted(&self, observed: &Observed) -> Arc<dyn ResolvedBlock>;

    /// See [`CloudAccount::found`].
    fn found(&self, observed: &Observed) -> Arc<dyn ResolvedBlock>;

    /// See [`CloudAccount::completed`].
    fn completed(&self, observed: &Observed) -> Arc<dyn ResolvedBlock>;

    /// See [`CloudAccount::has_tags`].
    fn has_tags(&self) -> bool;

    /// See [`CloudAccount::with_encryption_key`].
    fn with_encryption_key(&self, key: &str) -> Arc<dyn ResolvedBlock>;
}

/// The one implementation of [`Account`].
#[derive(Debug)]
pub struct TypedAccount<C>(Arc<C>);

impl<C: CloudAccount> TypedAccount<C> {
    /// An account as resources see it.
    pub fn new(account: C) -> Self {
        Self(Arc::new(account))
    }
}

/// Reads a cloud's block.
fn read<B: Model>(kind: CloudKind, block: &Value) -> Result<B, Diagnostics> {
    let read = B::from_value(block, &Path::of(kind.block()));
    Ok(read.map_err(Diagnostic::from)?)
}

#[async_trait]
impl<C: CloudAccount> Account for TypedAccount<C> {
    fn kind(&self) -> CloudKind {
        C::KIND
    }

    fn location(&self) -> &'static [&'static str] {
        C::LOCATION
    }

    fn follows_provider(&self) -> &'static [&'static str] {
        C::FOLLOWS_PROVIDER
    }

    async fn resolve(
        &self,
        sources: BlockSources<'_, Value>,
        config: Option<&Value>,
    ) -> Result<Arc<dyn ResolvedBlock>, Diagnostics> {
        let given = read(C::KIND, sources.given)?;
        let planned = read(C::KIND, sources.planned)?;
        let prior = sources
            .prior
            .map(|prior| read(C::KIND, prior))
            .transpose()?;
        let config = config.map(|config| read(C::KIND, config)).transpose()?;
        let resolved = self
            .0
            .resolve(BlockSources {
                given: &given,
                planned: &planned,
                prior: prior.as_ref(),
                deployment: sources.deployment,
                scope: sources.scope,
            })
            .await?;
        Ok(Arc::new(TypedBlock {
            account: Arc::clone(&self.0),
            resolved,
            config,
        }))
    }

    fn without_credentials(&self, block: &Value) -> Value {
        match read(C::KIND, block) {
            Ok(read) => self.0.without_credentials(read).to_value(),
            // Then every change of it counts.
            Err(_) => block.clone(),
        }
    }

    fn argument_of(&self, setting: Setting) -> Option<Path> {
        self.0.argument_of(setting)
    }

    async fn imported(&self, location: &str) -> Result<Value, Diagnostics> {
        Ok(self.0.imported(location).await?.to_value())
    }
}

/// The one implementation of [`ResolvedBlock`].
#[derive(Debug)]
struct TypedBlock<C: CloudAccount> {
    account: Arc<C>,
    resolved: Resolved<C::Block>,
    config: Option<C::Block>,
}

impl<C: CloudAccount> TypedBlock<C> {
    /// The same place with another block.
    fn with(&self, block: C::Block) -> Arc<dyn ResolvedBlock> {
        Arc::new(Self {
            account: Arc::clone(&self.account),
            resolved: Resolved {
                block,
                ..self.resolved.clone()
            },
            config: self.config.clone(),
        })
    }
}

impl<C: CloudAccount> ResolvedBlock for TypedBlock<C> {
    fn kind(&self) -> CloudKind {
        C::KIND
    }

    fn block(&self) -> Value {
        self.resolved.block.to_value()
    }

    fn location(&self) -> &Field<String> {
        &self.resolved.location
    }

    fn connector(&self) -> &Field<Arc<dyn Connector>> {
        &self.resolved.connector
    }

    fn argument_of(&self, setting: Setting) -> Path {
        let argument = self.account.argument_of(setting);
        argument.unwrap_or_else(|| Path::of(C::KIND.block()))
    }

    fn spec(&self, common: &CommonArguments<'_>) -> Option<CloudSpec> {
        let config = self.config.as_ref();
        self.account.spec(&self.resolved.block, config, common)
    }

    fn outputs(&self, common: &CommonArguments<'_>) -> Outputs {
        self.account.outputs(&self.resolved.block, common)
    }

    fn is_reached_by_key(&self) -> bool {
        self.account.is_reached_by_key(&self.resolved.block)
    }

    fn address_with_key(&self, bucket: &str, key: &AccessKey) -> Field<Secret> {
        self.account
            .address_with_key(&self.resolved.block, bucket, key)
    }

    fn key_holder(&self, identity: &str) -> Option<String> {
        self.account.key_holder(&self.resolved.block, identity)
    }

    fn given_key(&self) -> Field<AccessKey> {
        self.account
            .given_key(&self.resolved.block, self.config.as_ref())
    }

    fn kept_key(&self) -> Field<AccessKey> {
        self.account.given_key(&self.resolved.block, None)
    }

    fn moved_from(&self, before: &Value) -> Vec<Path> {
        match read(C::KIND, before) {
            Ok(before) => self.account.moved(&before, &self.resolved.block),
            Err(_) => Vec::new(),
        }
    }

    fn drifted(&self, observed: &Observed) -> Arc<dyn ResolvedBlock> {
        let block = self.resolved.block.clone();
        self.with(self.account.drifted(block, observed))
    }

    fn found(&self, observed: &Observed) -> Arc<dyn ResolvedBlock> {
        let block = self.resolved.block.clone();
        self.with(self.account.found(block, observed))
    }

    fn completed(&self, observed: &Observed) -> Arc<dyn ResolvedBlock> {
        let block = self.resolved.block.clone();
        self.with(self.account.completed(block, observed))
    }

    fn has_tags(&self) -> bool {
        self.account.has_tags(&self.resolved.block)
    }

    fn with_encryption_key(&self, key: &str) -> Arc<dyn ResolvedBlock> {
        let block = self.resolved.block.clone();
        self.with(self.account.with_encryption_key(block, key))
    }
}
