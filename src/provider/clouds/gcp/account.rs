//! A project of Google Cloud: what it adds to a bucket's block, and what becomes of one.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::super::{first, read, refuse_key_where_none_is_taken};
use super::block::{
    Arguments, DEFAULT_CLASS, DEFAULT_LOCATION, DEFAULT_ROLE, ENFORCED, INHERITED, argument,
};
use super::connection::GcpAccount;
use super::{meaning, validate};
use crate::byob::address::GoogleAddress;
use crate::byob::identity::AccessKey;
use crate::byob::spec::Setting;
use crate::byob::{CloudKind, Observed, Reading};
use crate::clouds::gcp::names::{account_of_identity, check_project};
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::value::Value;
use crate::terraform::account::{
    BlockSources, CloudAccount, CloudSpec, CommonArguments, Outputs, Resolved,
};
use crate::terraform::diagnostics::Explanation;

/// Whether two names are of one location: Google writes it in upper case, and takes both.
fn is_same_location(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Who W&B is, where the block does not say so.
fn service_account(sources: &BlockSources<'_, Arguments>) -> Result<Field<String>, Diagnostic> {
    let given = sources.given;
    let makes_key = &given.create_access_key;
    // A bucket that is imported, and of which nobody has said yet who W&B is.
    let is_state = sources.prior.is_none() && sources.planned.wandb_service_account.is_null();
    match (&given.wandb_service_account, sources.deployment) {
        (Field::Null, _) if *makes_key == Field::Known(true) => Ok(Field::Null),
        (Field::Null, _) if makes_key.is_unknown() => Ok(Field::Unknown),
        (Field::Null, Field::Known(deployment)) => {
            match meaning::wandb_service_account(*deployment) {
                Some(account) => Ok(account.into()),
                None if is_state => Ok(Field::Null),
                None => Err(Explanation::new(
                    "W&B's service account is not known",
                    "on a self-managed instance W&B has the identity that you gave it, and \
                     wandb_service_account is not set",
                )
                .what_to_do(
                    "Set wandb_service_account to the service account of the instance's nodes or \
                     pods, or create_access_key = true where it runs on another cloud.",
                )
                .at(argument("wandb_service_account"))
                .error()),
            }
        }
        (Field::Null, Field::Null | Field::Unknown) if is_state => Ok(Field::Null),
        (Field::Null, Field::Null | Field::Unknown) => Ok(Field::Unknown),
        (given, _) => Ok(given.clone()),
    }
}

fn no_project() -> Diagnostic {
    Explanation::new("The bucket's project is not known", "no project is set")
        .what_to_do(
            "Set project in this block or in the provider's gcp block, or GOOGLE_PROJECT in the \
             environment.",
        )
        .at(argument("project"))
        .error()
}

#[async_trait]
impl CloudAccount for GcpAccount {
    type Block = Arguments;

    const KIND: CloudKind = CloudKind::Gcp;
    const LOCATION: &'static [&'static str] = &["project"];
    /// A bucket stays in the project that the state names.
    const FOLLOWS_PROVIDER: &'static [&'static str] = &[];

    async fn resolve(
        &self,
        sources: BlockSources<'_, Arguments>,
    ) -> Result<Resolved<Arguments>, Diagnostics> {
        let given = sources.given;
        let nothing = Field::Null;
        let prior = |of: fn(&Arguments) -> &Field<String>| sources.prior.map_or(&nothing, of);
        let project = match first(&given.project, prior(|block| &block.project)) {
            Field::Null => self.default_project().await?,
            project => project,
        };
        if project.is_null() {
            return Err(no_project().into());
        }
        let location = match first(&given.location, prior(|block| &block.location)) {
            // Where an imported bucket is, it says itself.
            Field::Null if sources.planned.location.is_null() => Field::Null,
            Field::Null => DEFAULT_LOCATION.into(),
            location => location,
        };
        refuse_key_where_none_is_taken(Self::KIND, &given.create_access_key, sources.deployment)?;
        let planned = Arguments {
            wandb_service_account: service_account(&sources)?,
            project: project.clone(),
            location,
            ..sources.planned.clone()
        };
        let diagnostics = validate::check_together(&planned);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        Ok(Resolved {
            connector: self.connector(&planned)?,
            location: project,
            block: planned,
        })
    }

    fn spec(
        &self,
        block: &Arguments,
        _: Option<&Arguments>,
        common: &CommonArguments<'_>,
    ) -> Option<CloudSpec> {
        meaning::spec(block, common)
    }

    fn outputs(&self, block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
        meaning::outputs(block, common)
    }

    fn is_reached_by_key(&self, block: &Arguments) -> bool {
        block.create_access_key == Field::Known(true)
    }

    fn address_with_key(&self, _: &Arguments, bucket: &str, key: &AccessKey) -> Field<Secret> {
        let address = GoogleAddress {
            bucket: bucket.to_owned(),
        };
        address.with_key(key).map(Secret::new).into()
    }

    fn key_holder(&self, block: &Arguments, identity: &str) -> Option<String> {
        let project = block.project.known()?;
        Some(account_of_identity(identity, project))
    }

    /// W&B has no key of its own here: it has an identity, or a key that is made.
    fn given_key(&self, _: &Arguments, _: Option<&Arguments>) -> Field<AccessKey> {
        Field::Null
    }

    fn moved(&self, before: &Arguments, after: &Arguments) -> Vec<Path> {
        let mut moved = Vec::new();
        if let (Some(before), Some(after)) = (before.project.known(), after.project.known())
            && before != after
        {
            moved.push(argument("project"));
        }
        if let (Some(before), Some(after)) = (before.location.known(), after.location.known())
            && !is_same_location(before, after)
        {
            moved.push(argument("location"));
        }
        moved
    }

    /// The case of a location says nothing to Google.
    fn without_credentials(&self, block: Arguments) -> Arguments {
        Arguments {
            location: block.location.map(|location| location.to_ascii_uppercase()),
            ..block
        }
    }

    fn drifted(&self, mut block: Arguments, observed: &Observed) -> Arguments {
        if let Some(actual) = &observed.location
            && block
                .location
                .known()
                .is_none_or(|known| !is_same_location(known, actual))
        {
            block.location = Field::Known(actual.clone());
        }
        if let Reading::Known(class) = &observed.storage_class {
            block.storage_class = Field::Known(class.clone());
        }
        if let Reading::Known(state) = &observed.encryption {
            block.kms_key_name = state.key.clone().into();
        }
        if let Reading::Known(state) = &observed.public_access {
            let actual = if state.open.is_empty() {
                ENFORCED
            } else {
                INHERITED
            };
            block.public_access_prevention = actual.into();
        }
        block
    }

    /// Whom W&B is on a self-managed instance no bucket says: anybody may have its roles.
    fn found(&self, block: Arguments, observed: &Observed) -> Arguments {
        self.drifted(block, observed)
    }

    /// Nothing of the block is for the cloud to say.
    fn completed(&self, block: Arguments, _: &Observed) -> Arguments {
        block
    }

    fn has_tags(&self, _: &Arguments) -> bool {
        true
    }

    /// Keys are the customer's: one is named, none is made.
    fn with_encryption_key(&self, block: Arguments, _: &str) -> Arguments {
        block
    }

    fn argument_of(&self, setting: Setting) -> Option<Path> {
        match setting {
            Setting::StorageClass => Some(argument("storage_class")),
            Setting::Encryption | Setting::Key => Some(argument("kms_key_name")),
            Setting::PublicAccess => Some(argument("public_access_prevention")),
            Setting::Grants => Some(argument("wandb_service_account")),
            Setting::Identity => Some(argument("create_access_key")),
            _ => None,
        }
    }

    async fn imported(&self, location: &str) -> Result<Arguments, Diagnostics> {
        check_project(location).map_err(|why| {
            Explanation::new("The bucket was not imported", format!("of the id, {why}")).error()
        })?;
        let block: Arguments = read(&Value::Map(Default::default()), Self::KIND)?;
        Ok(Arguments {
            project: location.into(),
            storage_class: DEFAULT_CLASS.into(),
            wandb_roles: Field::Known(SetOf::from(BTreeSet::from([DEFAULT_ROLE.to_owned()]))),
            public_access_prevention: ENFORCED.into(),
            create_access_key: Field::Known(false),
            ..block
        })
    }
}
