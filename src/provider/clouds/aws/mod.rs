//! Amazon Web Services, as Terraform meets them.

mod account;
mod arn;
mod block;
mod connection;
mod meaning;
mod validate;

use super::{Common, Definition};
use crate::byob::permission::Permissions;
use crate::clouds::aws;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::schema::Block;
use crate::terraform::diagnostics::Explanation;

use block::{Arguments, Defaults, argument};
use connection::AwsAccount;

/// The cloud.
#[derive(Debug)]
pub(super) struct Aws;

impl Definition for Aws {
    type Defaults = Defaults;
    type Account = AwsAccount;

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
        aws::PERMISSIONS
    }

    fn account(defaults: Defaults, common: &Common) -> Result<AwsAccount, Diagnostic> {
        if defaults.access_key.known().is_some() != defaults.secret_key.known().is_some()
            && !defaults.access_key.is_unknown()
            && !defaults.secret_key.is_unknown()
        {
            return Err(Explanation::new(
                "The provider's aws block is not complete",
                "access_key and secret_key go together",
            )
            .at(argument("secret_key"))
            .error());
        }
        let retries = common.retries(&defaults.max_retries);
        Ok(AwsAccount::new(defaults, retries))
    }
}
