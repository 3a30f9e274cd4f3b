//! The clouds as Terraform meets them: for each one the block of the provider, the block
//! of the bucket resource, and the way in. The one list of all clouds is [`all`].

mod aws;
mod s3_compatible;

use std::sync::Arc;

use crate::byob::permission::Permissions;
use crate::resources::account::{Account, CloudBlock};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;
use crate::sdk::schema::Block;
use crate::sdk::value::Value;

/// A cloud with its block in the provider.
pub(super) trait ProviderCloud: CloudBlock {
    /// What may be said in the provider's block.
    fn provider_block(&self) -> Block;

    /// What the caller needs of the cloud and W&B gets of it, for the documentation.
    fn permissions(&self) -> Permissions;

    /// The account that the provider's block, null when absent, and the environment
    /// describe. Opens nothing and asks nobody: most runs use one cloud only.
    fn account(&self, block: &Value, max_retries: u32) -> Result<Arc<dyn Account>, Diagnostic>;
}

/// Every cloud, in the order of the documentation.
pub(super) fn all() -> Vec<Arc<dyn ProviderCloud>> {
    vec![Arc::new(aws::Aws), Arc::new(s3_compatible::S3Compatible)]
}

/// A value, or the environment's in its place.
pub(super) fn or_variable(field: Field<String>, variable: &str) -> Field<String> {
    match field {
        Field::Null => std::env::var(variable)
            .ok()
            .filter(|text| !text.is_empty())
            .into(),
        field => field,
    }
}

/// The first of the two that is set; unknown hides what comes after it.
fn first<T: Clone>(own: &Field<T>, default: &Field<T>) -> Field<T> {
    if own.is_null() {
        default.clone()
    } else {
        own.clone()
    }
}
