//! Servers that speak Amazon's S3 protocol, as Terraform meets them.

mod account;
mod block;
mod meaning;

use tokio_util::sync::CancellationToken;

use super::Definition;
use crate::byob::permission::Permissions;
use crate::clouds::s3_compatible;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::schema::Block;

use account::S3Account;
use block::{Arguments, Defaults};

/// The cloud.
#[derive(Debug)]
pub(super) struct S3Compatible;

impl Definition for S3Compatible {
    type Defaults = Defaults;
    type Account = S3Account;

    fn provider_block() -> Block {
        block::provider()
    }

    fn bucket_block() -> Block {
        block::bucket()
    }

    fn validate(block: &Arguments) -> Diagnostics {
        block::validate(block)
    }

    fn permissions() -> Permissions {
        s3_compatible::PERMISSIONS
    }

    fn account(
        defaults: Defaults,
        max_retries: u32,
        _: &CancellationToken,
    ) -> Result<S3Account, Diagnostic> {
        Ok(S3Account::new(defaults, max_retries))
    }
}
