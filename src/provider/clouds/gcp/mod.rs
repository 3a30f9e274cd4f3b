//! Google Cloud, as Terraform meets it.

mod account;
mod address;
mod block;
mod connection;
mod credentials;
mod meaning;
mod validate;

use super::{Common, Definition};
use crate::byob::permission::Permissions;
use crate::clouds::gcp;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::schema::Block;

use block::{Arguments, Defaults};
use connection::GcpAccount;

/// The cloud.
#[derive(Debug)]
pub(super) struct Gcp;

impl Definition for Gcp {
    type Defaults = Defaults;
    type Account = GcpAccount;

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
        gcp::PERMISSIONS
    }

    fn account(defaults: Defaults, common: &Common) -> Result<GcpAccount, Diagnostic> {
        let retries = common.retries(&defaults.max_retries);
        Ok(GcpAccount::new(defaults, retries, common.stop.clone()))
    }
}
