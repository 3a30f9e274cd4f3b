//! Amazon Web Services, as Terraform meets them.

mod arn;
mod block;
mod connection;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::{ProviderCloud, first};
use crate::byob::Observed;
use crate::byob::cloud::CloudKind;
use crate::byob::deployment::Deployment;
use crate::byob::identity::AccessKey;
use crate::byob::observed::{Reading, Rule};
use crate::byob::permission::Permissions;
use crate::byob::requirements::encryption::same_key;
use crate::byob::spec::Setting;
use crate::clouds::aws;
use crate::resources::account::{About, Account, Blocks, CloudBlock, Outputs, Resolved, Wish};
use crate::resources::trouble::Trouble;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, FromValue as _, Secret, SetOf, ToValue as _};
use crate::sdk::schema::Block;
use crate::sdk::value::Value;

use block::{Arguments, Defaults, WITH_KEY, argument};
use connection::AwsAccount;

/// The cloud.
#[derive(Debug)]
pub(super) struct Aws;

fn read(block: &Value) -> Result<Arguments, Diagnostic> {
    Ok(Arguments::from_value(
        block,
        &Path::of(CloudKind::Aws.block()),
    )?)
}

impl CloudBlock for Aws {
    fn kind(&self) -> CloudKind {
        CloudKind::Aws
    }

    fn schema(&self) -> Block {
        block::bucket()
    }

    fn validate(&self, block: &Value) -> Diagnostics {
        match read(block) {
            Ok(block) => block::validate(&block),
            Err(misfit) => misfit.into(),
        }
    }
}

impl ProviderCloud for Aws {
    fn provider_block(&self) -> Block {
        block::provider()
    }

    fn permissions(&self) -> Permissions {
        aws::PERMISSIONS
    }

    fn account(&self, block: &Value, max_retries: u32) -> Result<Arc<dyn Account>, Diagnostic> {
        let block = Defaults::from_value(block, &Path::of(self.kind().block()))?;
        if block.access_key.known().is_some() != block.secret_key.known().is_some()
            && !block.access_key.is_unknown()
            && !block.secret_key.is_unknown()
        {
            return Err(Trouble::new(
                "The provider's aws block is not complete",
                "access_key and secret_key go together",
            )
            .at(argument("secret_key"))
            .error());
        }
        let own = block.max_retries.known().copied();
        let own = own.and_then(|own| u32::try_from(own).ok());
        Ok(Arc::new(AwsAccount::new(block, own.unwrap_or(max_retries))))
    }
}

/// Who W&B is, where the block does not say so.
fn principals(
    block: &Arguments,
    deployment: &Field<Deployment>,
) -> Result<Field<SetOf>, Diagnostic> {
    let makes_user = &block.create_access_key;
    match (&block.wandb_principal_arns, deployment) {
        (Field::Null, _) if *makes_user == Field::Known(true) => Ok(Field::Known(SetOf::default())),
        (Field::Null, _) if makes_user.is_unknown() => Ok(Field::Unknown),
        (Field::Null, Field::Known(deployment)) => match site::wandb_principal(*deployment) {
            Some(arn) => Ok(Field::Known(SetOf::from(BTreeSet::from([arn.to_owned()])))),
            None => Err(Trouble::new(
                "W&B's principal is not known",
                "on a self-managed instance W&B has the identity that you gave it, and \
                 wandb_principal_arns is not set",
            )
            .what_to_do(
                "Set wandb_principal_arns to the role of the instance's nodes or pods, or \
                 create_access_key = true where it runs on another cloud.",
            )
            .at(argument("wandb_principal_arns"))
            .error()),
        },
        (Field::Null, Field::Null | Field::Unknown) => Ok(Field::Unknown),
        (given, _) => Ok(given.clone()),
    }
}

#[async_trait]
impl Account for AwsAccount {
    fn kind(&self) -> CloudKind {
        CloudKind::Aws
    }

    async fn resolve(&self, blocks: Blocks<'_>) -> Result<Resolved, Diagnostics> {
        let given = read(blocks.given)?;
        let before = blocks.prior.map(read).transpose()?;
        let nothing = Field::Null;
        let prior = before.as_ref().map_or(&nothing, |before| &before.region);
        let region = match first(&given.region, prior) {
            Field::Null => self.default_region().await,
            region => region,
        };
        if region.is_null() {
            return Err(Trouble::new("The bucket's region is not known", "no region is set")
                .what_to_do(
                    "Set region in this block or in the provider's aws block, AWS_REGION in the \
                     environment, or region in the profile.",
                )
                .at(argument("region"))
                .error()
                .into());
        }
        if given.create_access_key == Field::Known(true)
            && blocks.deployment == &Field::Known(Deployment::MultiTenant)
        {
            return Err(Trouble::new(
                "W&B does not take such a bucket",
                "W&B's multi-tenant service reaches buckets by its own identity and takes no keys",
            )
            .what_to_do("Leave create_access_key out.")
            .at(argument("create_access_key"))
            .error()
            .into());
        }
        let planned = read(blocks.planned)?;
        let planned = Arguments {
            wandb_principal_arns: principals(&given, blocks.deployment)?,
            kms_key_arn: match (&planned.sse_algorithm, &given.kms_key_arn) {
                (Field::Known(algorithm), _) if algorithm != WITH_KEY => Field::Null,
                (Field::Unknown, Field::Null) => Field::Unknown,
                (_, Field::Null) if planned.kms_key_arn.is_null() => Field::Unknown,
                _ => planned.kms_key_arn.clone(),
            },
            region: region.clone(),
            ..planned
        };
        let told = arn::check_together(&planned);
        if told.has_errors() {
            return Err(told);
        }
        if planned.https_only == Field::Known(true)
            && let Some(s3) = self.address_without_tls()
        {
            return Err(Trouble::new(
                "https_only does not fit the address of S3",
                format!("requests without TLS are refused, and the address is {s3}"),
            )
            .what_to_do("Set https_only = false for a server without TLS.")
            .at(argument("https_only"))
            .error()
            .into());
        }
        Ok(Resolved {
            place: self.place(&region)?,
            location: region,
            block: planned.to_value(),
        })
    }

    fn wish(&self, block: &Value, config: Option<&Value>, about: &About<'_>) -> Option<Wish> {
        let config = config.and_then(|config| read(config).ok());
        site::wish(&read(block).ok()?, config.as_ref(), about)
    }

    fn outputs(&self, block: &Value, about: &About<'_>) -> Outputs {
        match read(block) {
            Ok(block) => site::outputs(&block, about),
            Err(_) => Outputs::unknown(),
        }
    }

    fn is_reached_by_key(&self, block: &Value) -> bool {
        crate::resources::account::makes_key(block) == Field::Known(true)
    }

    fn address_with_key(&self, block: &Value, bucket: &str, key: &AccessKey) -> Field<Secret> {
        let region = read(block).map_or(Field::Unknown, |block| block.region);
        region.map(|region| Secret::new(site::address(&region, bucket).with_key(key)))
    }

    fn moved(&self, before: &Value, after: &Value) -> Vec<Path> {
        let region = |block: &Value| read(block).ok().and_then(|block| block.region.into_known());
        match (region(before), region(after)) {
            (Some(before), Some(after)) if before != after => vec![argument("region")],
            _ => Vec::new(),
        }
    }

    fn without_credentials(&self, block: &Value) -> Value {
        // How long a key lingers is said when it is given up, not before.
        let Value::Map(map) = block else {
            return block.clone();
        };
        let mut map: BTreeMap<String, Value> = map.clone();
        map.insert("kms_deletion_window_days".to_owned(), Value::Null);
        Value::Map(map)
    }

    fn drifted(&self, block: &Value, observed: &Observed) -> Value {
        let Ok(mut block) = read(block) else {
            return block.clone();
        };
        if let Reading::Known(state) = &observed.encryption {
            if state.algorithm.is_some() {
                block.sse_algorithm = state.algorithm.clone().into();
            }
            let with_key = state.algorithm.as_deref() == Some(WITH_KEY);
            if with_key {
                block.bucket_key_enabled = Field::Known(state.bucket_key);
            }
            let same = match (block.kms_key_arn.known(), state.key.as_deref()) {
                (Some(wanted), Some(actual)) => same_key(wanted, actual),
                (None, None) => true,
                _ => false,
            };
            // A key in a bucket that has another algorithm now is still the bucket's own.
            if !same && with_key && state.key.is_some() {
                block.kms_key_arn = state.key.clone().into();
            }
        }
        match &observed.key {
            Reading::Known(None) => block.kms_key_arn = Field::Null,
            Reading::Known(Some(key)) if key.marker.is_some() => {
                if let Reading::Known(rotation) = &key.rotation {
                    block.kms_key_rotation = Field::Known(*rotation);
                }
            }
            // Made by nobody yet: a create that ended before the key.
            _ if block.kms_key_arn.is_unknown() => block.kms_key_arn = Field::Null,
            _ => {}
        }
        if let Reading::Known(grants) = &observed.grants
            && block.https_only == Field::Known(true)
            && grants.https_only == Rule::Missing
        {
            block.https_only = Field::Known(false);
        }
        block.to_value()
    }

    fn with_key(&self, block: &Value, key: &str) -> Value {
        let Ok(mut arguments) = read(block) else {
            return block.clone();
        };
        arguments.kms_key_arn = key.into();
        arguments.to_value()
    }

    fn argument_of(&self, setting: Setting) -> Option<Path> {
        match setting {
            Setting::Encryption => Some(argument("sse_algorithm")),
            Setting::Key => Some(argument("kms_key_arn")),
            Setting::Grants => Some(argument("wandb_principal_arns")),
            Setting::Identity => Some(argument("create_access_key")),
            _ => None,
        }
    }

    async fn imported(&self, location: &str) -> Result<Value, Diagnostics> {
        let empty = Value::Map(Default::default());
        let block = read(&empty)?;
        Ok(Arguments {
            region: location.into(),
            sse_algorithm: WITH_KEY.into(),
            kms_key_rotation: Field::Known(true),
            kms_deletion_window_days: Field::Known(30),
            bucket_key_enabled: Field::Known(true),
            https_only: Field::Known(self.address_without_tls().is_none()),
            exclusive_policy: Field::Known(false),
            create_access_key: Field::Known(false),
            ..block
        }
        .to_value())
    }
}
