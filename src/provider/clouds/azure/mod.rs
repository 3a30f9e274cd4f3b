//! Azure, as Terraform meets it.

mod account;
mod address;
mod block;
mod connection;
mod meaning;
mod sign_in;
mod validate;

use super::{Common, Definition};
use crate::byob::permission::Permissions;
use crate::clouds::azure;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::schema::Block;

use block::{Arguments, Defaults};
use connection::AzureAccount;

/// The cloud.
#[derive(Debug)]
pub(super) struct Azure;

impl Definition for Azure {
    type Defaults = Defaults;
    type Account = AzureAccount;

    fn provider_block() -> Block {
        block::provider()
    }

    fn bucket_block() -> Block {
        block::bucket()
    }

    fn validate(block: &Arguments) -> Diagnostics {
        validate::validate(block)
    }

    fn permissions() -> Permissions {
        azure::PERMISSIONS
    }

    fn account(defaults: Defaults, common: &Common) -> Result<AzureAccount, Diagnostic> {
        let retries = common.retries(&defaults.max_retries);
        Ok(AzureAccount::new(
            defaults,
            retries,
            common.ca_bundle.clone(),
        ))
    }
}
