//! The clouds as Terraform meets them: for each one the block of the provider, the block
//! of the bucket resource, and the way in. The one list of all clouds is [`all`].

mod aws;
mod azure;
mod connections;
mod gcp;
mod s3_compatible;

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::byob::CloudKind;
use crate::byob::deployment::Deployment;
use crate::byob::permission::Permissions;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, Model};
use crate::sdk::schema::Block;
use crate::sdk::value::Value;
use crate::terraform::account::{Account, CREATE_KEY, CloudAccount, CloudSchema, TypedAccount};
use crate::terraform::diagnostics::Explanation;

/// What the provider says to all clouds.
#[derive(Clone, Debug)]
pub(super) struct Common {
    /// How often a failed request is sent again.
    pub(super) max_retries: u32,
    /// Certificates to trust besides the system's, in PEM.
    pub(super) ca_bundle: Field<String>,
    /// Ends what is asked before an operation has begun.
    pub(super) stop: CancellationToken,
}

impl Common {
    /// How often a failed request of a cloud is sent again, whose own block may say it.
    fn retries(&self, own: &Field<i64>) -> u32 {
        let own = own.known().and_then(|own| u32::try_from(*own).ok());
        own.unwrap_or(self.max_retries)
    }
}

/// A cloud with its block in the provider.
pub(super) trait ProviderCloud: CloudSchema {
    /// What may be said in the provider's block.
    fn provider_block(&self) -> Block;

    /// What the caller needs of the cloud and W&B gets of it, for the documentation.
    fn permissions(&self) -> Permissions;

    /// The account that the provider's block, null when absent, and the environment
    /// describe. Opens nothing and asks nobody: most runs use one cloud only.
    fn account(&self, block: &Value, common: &Common) -> Result<Arc<dyn Account>, Diagnostic>;
}

/// A cloud as its own folder defines it, for its own types.
trait Definition: fmt::Debug + Send + Sync + 'static {
    /// The block of the provider.
    type Defaults: Model;
    /// The cloud as that block describes it.
    type Account: CloudAccount;

    /// What may be said in the provider's block.
    fn provider_block() -> Block;

    /// What may be said in a bucket's block.
    fn bucket_block() -> Block;

    /// What can be said about a bucket's block alone. Anything may be unknown.
    fn validate(block: &<Self::Account as CloudAccount>::Block) -> Diagnostics;

    /// See [`ProviderCloud::permissions`].
    fn permissions() -> Permissions;

    /// See [`ProviderCloud::account`].
    fn account(defaults: Self::Defaults, common: &Common) -> Result<Self::Account, Diagnostic>;
}

impl<D: Definition> CloudSchema for D {
    fn kind(&self) -> CloudKind {
        D::Account::KIND
    }

    fn schema(&self) -> Block {
        D::bucket_block()
    }

    fn validate(&self, block: &Value) -> Diagnostics {
        match read(block, self.kind()) {
            Ok(block) => D::validate(&block),
            Err(diagnostic) => diagnostic.into(),
        }
    }
}

impl<D: Definition> ProviderCloud for D {
    fn provider_block(&self) -> Block {
        D::provider_block()
    }

    fn permissions(&self) -> Permissions {
        D::permissions()
    }

    fn account(&self, block: &Value, common: &Common) -> Result<Arc<dyn Account>, Diagnostic> {
        let account = D::account(read(block, self.kind())?, common)?;
        Ok(Arc::new(TypedAccount::new(account)))
    }
}

/// Reads a cloud's block, be it of the provider or of a bucket.
fn read<B: Model>(block: &Value, kind: CloudKind) -> Result<B, Diagnostic> {
    B::from_value(block, &Path::of(kind.block())).map_err(Diagnostic::from)
}

/// Every cloud, in the order of the documentation.
pub(super) fn all() -> Vec<Arc<dyn ProviderCloud>> {
    vec![
        Arc::new(aws::Aws),
        Arc::new(gcp::Gcp),
        Arc::new(azure::Azure),
        Arc::new(s3_compatible::S3Compatible),
    ]
}

/// Refuses to make a key for W&B where W&B takes none.
fn refuse_key_where_none_is_taken(
    kind: CloudKind,
    create_access_key: &Field<bool>,
    deployment: &Field<Deployment>,
) -> Result<(), Diagnostic> {
    if *create_access_key != Field::Known(true)
        || *deployment != Field::Known(Deployment::MultiTenant)
    {
        return Ok(());
    }
    Err(Explanation::new(
        "W&B does not take such a bucket",
        "W&B's multi-tenant service reaches buckets by its own identity and takes no keys",
    )
    .what_to_do("Leave create_access_key out.")
    .at(Path::of(kind.block()).attribute(CREATE_KEY))
    .error())
}

/// The first of the two that is set; unknown hides what comes after it.
fn first<T: Clone>(own: &Field<T>, default: &Field<T>) -> Field<T> {
    if own.is_null() {
        default.clone()
    } else {
        own.clone()
    }
}
