//! Servers that speak Amazon's S3 protocol, as Terraform meets them.

mod account;
mod block;
mod meaning;

use super::{Definition, or_variable};
use crate::byob::permission::Permissions;
use crate::clouds::s3_compatible;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::{Field, Secret};
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

    fn account(defaults: Defaults, max_retries: u32) -> Result<S3Account, Diagnostic> {
        let secret_key = match defaults.secret_key {
            Field::Null => or_variable(Field::Null, "AWS_SECRET_ACCESS_KEY").map(Secret::new),
            given => given,
        };
        let defaults = Defaults {
            endpoint: or_variable(defaults.endpoint, "AWS_ENDPOINT_URL_S3"),
            region: or_variable(defaults.region, "AWS_REGION"),
            access_key: or_variable(defaults.access_key, "AWS_ACCESS_KEY_ID"),
            secret_key,
            ..defaults
        };
        Ok(S3Account::new(defaults, max_retries))
    }
}
