//! An account of AWS: what it adds to a bucket's block, and what becomes of one.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::super::{first, read, refuse_key_where_none_is_taken};
use super::arn::check_region;
use super::block::{Arguments, WITH_KEY, argument};
use super::connection::AwsAccount;
use super::{meaning, validate};
use crate::byob::deployment::Deployment;
use crate::byob::identity::AccessKey;
use crate::byob::observed::Rule;
use crate::byob::spec::Setting;
use crate::byob::{CloudKind, Observed, Reading};
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::value::Value;
use crate::terraform::account::{
    BlockSources, CloudAccount, CloudSpec, CommonArguments, Outputs, Resolved,
};
use crate::terraform::diagnostics::Explanation;

/// Who W&B is, where the block does not say so.
fn principals(
    block: &Arguments,
    deployment: &Field<Deployment>,
) -> Result<Field<SetOf>, Diagnostic> {
    let makes_user = &block.create_access_key;
    match (&block.wandb_principal_arns, deployment) {
        (Field::Null, _) if *makes_user == Field::Known(true) => Ok(Field::Known(SetOf::default())),
        (Field::Null, _) if makes_user.is_unknown() => Ok(Field::Unknown),
        (Field::Null, Field::Known(deployment)) => match meaning::wandb_principal(*deployment) {
            Some(arn) => Ok(Field::Known(SetOf::from(BTreeSet::from([arn.to_owned()])))),
            None => Err(Explanation::new(
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
impl CloudAccount for AwsAccount {
    type Block = Arguments;

    const KIND: CloudKind = CloudKind::Aws;
    const LOCATION: &'static [&'static str] = &["region"];
    /// A bucket stays in the region that the state names.
    const FOLLOWS_PROVIDER: &'static [&'static str] = &[];

    async fn resolve(
        &self,
        sources: BlockSources<'_, Arguments>,
    ) -> Result<Resolved<Arguments>, Diagnostics> {
        let given = sources.given;
        let nothing = Field::Null;
        let prior = sources.prior.map_or(&nothing, |before| &before.region);
        let region = match first(&given.region, prior) {
            Field::Null => self.default_region().await?,
            region => region,
        };
        if region.is_null() {
            return Err(Explanation::new("The bucket's region is not known", "no region is set")
                .what_to_do(
                    "Set region in this block or in the provider's aws block, AWS_REGION in the \
                     environment, or region in the profile.",
                )
                .at(argument("region"))
                .error()
                .into());
        }
        refuse_key_where_none_is_taken(Self::KIND, &given.create_access_key, sources.deployment)?;
        let planned = sources.planned.clone();
        let planned = Arguments {
            wandb_principal_arns: principals(given, sources.deployment)?,
            kms_key_arn: match (&planned.sse_algorithm, &given.kms_key_arn) {
                (Field::Known(algorithm), _) if algorithm != WITH_KEY => Field::Null,
                (Field::Unknown, Field::Null) => Field::Unknown,
                (_, Field::Null) if planned.kms_key_arn.is_null() => Field::Unknown,
                _ => planned.kms_key_arn.clone(),
            },
            region: region.clone(),
            ..planned
        };
        let diagnostics = validate::check_together(&planned);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        if planned.https_only == Field::Known(true)
            && let Some(s3) = self.address_without_tls()?
        {
            return Err(Explanation::new(
                "https_only does not fit the address of S3",
                format!("requests without TLS are refused, and the address is {s3}"),
            )
            .what_to_do("Set https_only = false for a server without TLS.")
            .at(argument("https_only"))
            .error()
            .into());
        }
        Ok(Resolved {
            connector: self.connector(&region)?,
            location: region,
            block: planned,
        })
    }

    fn spec(
        &self,
        block: &Arguments,
        config: Option<&Arguments>,
        common: &CommonArguments<'_>,
    ) -> Option<CloudSpec> {
        meaning::spec(block, config, common)
    }

    fn outputs(&self, block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
        meaning::outputs(block, common)
    }

    fn is_reached_by_key(&self, block: &Arguments) -> bool {
        block.create_access_key == Field::Known(true)
    }

    fn address_with_key(&self, block: &Arguments, bucket: &str, key: &AccessKey) -> Field<Secret> {
        let region = block.region.as_ref();
        region.map(|region| Secret::new(meaning::address(region, bucket).with_key(key)))
    }

    /// Who asks with a key is known by its id.
    fn key_holder(&self, _: &Arguments, _: &str) -> Option<String> {
        None
    }

    /// W&B has no key of its own on AWS: it has an identity, or a key that is made.
    fn given_key(&self, _: &Arguments, _: Option<&Arguments>) -> Field<AccessKey> {
        Field::Null
    }

    fn moved(&self, before: &Arguments, after: &Arguments) -> Vec<Path> {
        match (before.region.known(), after.region.known()) {
            (Some(before), Some(after)) if before != after => vec![argument("region")],
            _ => Vec::new(),
        }
    }

    /// How long a key lingers is said when it is given up, not before.
    fn without_credentials(&self, block: Arguments) -> Arguments {
        Arguments {
            kms_deletion_window_days: Field::Null,
            ..block
        }
    }

    fn drifted(&self, mut block: Arguments, observed: &Observed) -> Arguments {
        if let Reading::Known(state) = &observed.encryption {
            if state.algorithm.is_some() {
                block.sse_algorithm = state.algorithm.clone().into();
            }
            let with_key = state.algorithm.as_deref() == Some(WITH_KEY);
            if with_key {
                block.bucket_key_enabled = Field::Known(state.bucket_key);
            }
            let same = match (block.kms_key_arn.known(), state.key.as_deref()) {
                (Some(wanted), Some(actual)) => wanted == actual,
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
        block
    }

    fn found(&self, block: Arguments, observed: &Observed) -> Arguments {
        let mut block = self.drifted(block, observed);
        let set = |names: &[String]| SetOf::from(names.iter().cloned().collect::<BTreeSet<_>>());
        if let Reading::Known(grants) = &observed.grants {
            block.wandb_principal_arns = Field::Known(set(&grants.principals));
        }
        if let Reading::Known(Some(key)) = &observed.key
            && key.marker.is_some()
            && !key.named_admins.is_empty()
        {
            block.kms_admin_arns = Field::Known(set(&key.named_admins));
        }
        block
    }

    /// Nothing of the block is for the cloud to say.
    fn completed(&self, block: Arguments, _: &Observed) -> Arguments {
        block
    }

    fn has_tags(&self, _: &Arguments) -> bool {
        true
    }

    fn with_encryption_key(&self, block: Arguments, key: &str) -> Arguments {
        Arguments {
            kms_key_arn: key.into(),
            ..block
        }
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

    async fn imported(&self, location: &str) -> Result<Arguments, Diagnostics> {
        check_region(location).map_err(|why| {
            Explanation::new("The bucket was not imported", format!("of the id, {why}")).error()
        })?;
        let block: Arguments = read(&Value::Map(Default::default()), Self::KIND)?;
        Ok(Arguments {
            region: location.into(),
            sse_algorithm: WITH_KEY.into(),
            kms_key_rotation: Field::Known(true),
            kms_deletion_window_days: Field::Known(30),
            bucket_key_enabled: Field::Known(true),
            https_only: Field::Known(self.address_without_tls()?.is_none()),
            exclusive_policy: Field::Known(false),
            create_access_key: Field::Known(false),
            // Who is let in stands on the bucket.
            wandb_principal_arns: Field::Known(SetOf::default()),
            ..block
        })
    }
}
