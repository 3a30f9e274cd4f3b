//! A subscription of Azure: what it adds to a bucket's block, and what becomes of one.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::super::{first, read};
use super::block::{
    Arguments, BY_PRINCIPAL, DEFAULT_KEY, DEFAULT_NAMESPACE, DEFAULT_REPLICATION, DEFAULT_TLS,
    SERVICE_ACCOUNTS, argument,
};
use super::connection::{AzureAccount, no_subscription};
use super::meaning;
use crate::byob::address::AzureAddress;
use crate::byob::identity::AccessKey;
use crate::byob::spec::Setting;
use crate::byob::{CloudKind, Observed, Reading};
use crate::clouds::azure::{LIST, argument as told, names};
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::value::Value;
use crate::terraform::account::{
    BY_IDENTITY, BY_KEY, BlockSources, CloudAccount, CloudSpec, CommonArguments, Outputs, Resolved,
};
use crate::terraform::diagnostics::Explanation;

fn is_same_location(one: &str, other: &str) -> bool {
    names::plain_location(one) == names::plain_location(other)
}

/// Whether two names are the same to Azure, which keeps a case and tells nothing by it.
fn is_same_name(one: &Field<String>, other: &Field<String>) -> bool {
    match (one, other) {
        (Field::Known(one), Field::Known(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    }
}

/// A list that an observation tells in one text; nothing for an empty one.
fn list(text: Option<String>) -> Option<Field<SetOf>> {
    let text = text.filter(|text| !text.is_empty())?;
    let names: BTreeSet<String> = text.split(LIST).map(str::to_owned).collect();
    Some(Field::Known(SetOf::from(names)))
}

/// Whether a bucket is imported, and nobody has said yet what the cloud does not tell.
fn is_imported(sources: &BlockSources<'_, Arguments>) -> bool {
    sources.prior.is_none() && sources.planned.location.is_null()
}

/// How W&B gets in, where the block does not say so.
fn access(sources: &BlockSources<'_, Arguments>) -> Field<String> {
    match (&sources.given.access, sources.scope) {
        (Field::Null, Field::Known(scope)) if scope == "instance" => BY_KEY.into(),
        (Field::Null, Field::Unknown) => Field::Unknown,
        (Field::Null, _) => BY_IDENTITY.into(),
        (given, _) => given.clone(),
    }
}

fn roles(given: &Field<SetOf>, access: &Field<String>) -> Field<SetOf> {
    match (given, access) {
        (Field::Null, Field::Unknown) => Field::Unknown,
        (Field::Null, Field::Known(access)) => {
            meaning::default_roles(access).map(SetOf::from).into()
        }
        (Field::Null, Field::Null) => Field::Null,
        (given, _) => given.clone(),
    }
}

/// What only the way in says: it is nothing with another one.
fn where_access_is<T: Clone>(wanted: &str, access: &Field<String>, value: Field<T>) -> Field<T> {
    match access {
        Field::Known(access) if access == wanted => value,
        Field::Unknown => Field::Unknown,
        Field::Known(_) | Field::Null => Field::Null,
    }
}

/// What Azure tells of an identity once it is made, and it stays the same for as long as the
/// identity is.
fn told_of_identity(
    of: fn(&Arguments) -> &Field<String>,
    block: &Arguments,
    prior: Option<&Arguments>,
) -> Field<String> {
    let value = match prior {
        Some(prior) => {
            let is_same = is_same_name(&prior.identity_name, &block.identity_name)
                && is_same_name(&prior.resource_group_name, &block.resource_group_name);
            match of(prior) {
                Field::Known(value) if is_same => Field::Known(value.clone()),
                _ => Field::Unknown,
            }
        }
        None => of(block).clone(),
    };
    where_access_is(BY_IDENTITY, &block.access, value)
}

fn missing(name: &str, why: &str) -> Diagnostic {
    Explanation::new("W&B's access to the bucket is not known", why.to_owned())
        .what_to_do(format!("Set {name}, or access to another value."))
        .at(argument(name))
        .error()
}

/// What a way in needs and nobody has said.
fn check_access(given: &Arguments, block: &Arguments) -> Result<(), Diagnostic> {
    match block.access.known().map(String::as_str) {
        Some(BY_IDENTITY) if block.oidc_issuer_url.is_null() => Err(missing(
            "oidc_issuer_url",
            "access is \"workload_identity\", and the issuer of the instance's tokens is not set",
        )),
        Some(BY_PRINCIPAL) if block.wandb_principal_id.is_null() => Err(missing(
            "wandb_principal_id",
            "access is \"principal\", and W&B's principal is not set",
        )),
        // Where it is written out, the check of the configuration has said so; a state names what
        // somebody has done to the account, which the next apply mends.
        Some(BY_KEY)
            if given.access.is_null() && block.shared_key_enabled == Field::Known(false) =>
        {
            Err(Explanation::new(
                "shared_key_enabled does not fit the other arguments",
                "W&B gets in by a key of the account with access = \"access_key\"",
            )
            .at(argument("shared_key_enabled"))
            .error())
        }
        _ => Ok(()),
    }
}

/// How an account keeps its copies is changed by Azure only, which takes days.
fn check_replication(block: &Arguments, prior: Option<&Arguments>) -> Result<(), Diagnostic> {
    let before = prior.and_then(|prior| prior.replication.known());
    let (Some(before), Some(wanted)) = (before, block.replication.known()) else {
        return Ok(());
    };
    let is_moved = prior.is_some_and(|prior| {
        prior.storage_account_name != block.storage_account_name
            || !is_same_name(&prior.resource_group_name, &block.resource_group_name)
    });
    if before == wanted || is_moved || block.create_storage_account != Field::Known(true) {
        return Ok(());
    }
    Err(Explanation::new(
        "The account's replication cannot be changed here",
        format!("it is {before}, and {wanted} is asked for"),
    )
    .what_to_do(format!(
        "Have Azure change it (az storage account migration start, or az storage account update \
         --sku Standard_{wanted} where Azure allows it at once), then apply; or set replication \
         back."
    ))
    .at(argument("replication"))
    .error())
}

impl AzureAccount {
    fn filled(&self, sources: &BlockSources<'_, Arguments>) -> Arguments {
        let given = sources.given;
        let access = access(sources);
        let prior_location = sources.prior.map(|prior| &prior.location);
        let location = match first(&given.location, prior_location.unwrap_or(&Field::Null)) {
            Field::Null if is_imported(sources) => Field::Null,
            // Azure says where the group or the account is.
            Field::Null => Field::Unknown,
            location => location,
        };
        let shared_key_enabled = match (&given.shared_key_enabled, &given.create_storage_account) {
            (Field::Null, Field::Known(false)) => Field::Null,
            (Field::Null, _) => access.clone().map(|access| access == BY_KEY),
            (given, _) => given.clone(),
        };
        let identity_name = match &given.identity_name {
            Field::Null => given
                .storage_account_name
                .clone()
                .map(|name| names::default_identity(&name)),
            given => given.clone(),
        };
        let mut block = Arguments {
            location,
            shared_key_enabled,
            identity_name: where_access_is(BY_IDENTITY, &access, identity_name),
            wandb_roles: roles(&given.wandb_roles, &access),
            access,
            ..sources.planned.clone()
        };
        block.managed_identity_client_id =
            told_of_identity(|one| &one.managed_identity_client_id, &block, sources.prior);
        block.tenant_id = told_of_identity(|one| &one.tenant_id, &block, sources.prior);
        block
    }
}

#[async_trait]
impl CloudAccount for AzureAccount {
    type Block = Arguments;

    const KIND: CloudKind = CloudKind::Azure;
    const LOCATION: &'static [&'static str] = &["subscription", "group", "account"];
    /// A bucket stays in the account that the state names.
    const FOLLOWS_PROVIDER: &'static [&'static str] = &[];

    async fn resolve(
        &self,
        sources: BlockSources<'_, Arguments>,
    ) -> Result<Resolved<Arguments>, Diagnostics> {
        let subscription = self.subscription()?;
        if subscription.is_null() {
            return Err(no_subscription().into());
        }
        let block = self.filled(&sources);
        if !is_imported(&sources) {
            check_access(sources.given, &block)?;
        }
        check_replication(&block, sources.prior)?;
        let location = match (
            &subscription,
            &block.resource_group_name,
            &block.storage_account_name,
        ) {
            (Field::Known(subscription), Field::Known(group), Field::Known(account)) => {
                Field::Known(format!("{subscription}/{group}/{account}"))
            }
            _ => Field::Unknown,
        };
        Ok(Resolved {
            connector: self.connector(&block, &subscription)?,
            location,
            block,
        })
    }

    fn spec(
        &self,
        block: &Arguments,
        _: Option<&Arguments>,
        common: &CommonArguments<'_>,
    ) -> Option<CloudSpec> {
        let subscription = self.subscription().ok()?;
        meaning::spec(block, common, subscription.known()?)
    }

    fn outputs(&self, block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
        let subscription = self.subscription().unwrap_or(Field::Unknown);
        meaning::outputs(block, common, &subscription)
    }

    fn is_reached_by_key(&self, block: &Arguments) -> bool {
        block.access.known().is_some_and(|access| access == BY_KEY)
    }

    fn address_with_key(&self, block: &Arguments, bucket: &str, key: &AccessKey) -> Field<Secret> {
        block.storage_account_name.as_ref().map(|account| {
            let address = AzureAddress {
                account: account.clone(),
                container: bucket.to_owned(),
            };
            Secret::new(address.with_key(key))
        })
    }

    fn key_holder(&self, block: &Arguments, _: &str) -> Option<String> {
        block.storage_account_name.known().cloned()
    }

    /// W&B's key is the account's, which is read.
    fn given_key(&self, _: &Arguments, _: Option<&Arguments>) -> Field<AccessKey> {
        Field::Null
    }

    fn moved(&self, before: &Arguments, after: &Arguments) -> Vec<Path> {
        let mut moved = Vec::new();
        let mut compare = |name: &str,
                           before: &Field<String>,
                           after: &Field<String>,
                           same: fn(&str, &str) -> bool| {
            if let (Some(before), Some(after)) = (before.known(), after.known())
                && !same(before, after)
            {
                moved.push(argument(name));
            }
        };
        compare(
            "resource_group_name",
            &before.resource_group_name,
            &after.resource_group_name,
            |one, other| one.eq_ignore_ascii_case(other),
        );
        compare(
            "storage_account_name",
            &before.storage_account_name,
            &after.storage_account_name,
            |one, other| one == other,
        );
        if after.create_storage_account == Field::Known(true) {
            compare(
                "location",
                &before.location,
                &after.location,
                is_same_location,
            );
        }
        moved
    }

    /// How a location is spelled says nothing to Azure.
    fn without_credentials(&self, block: Arguments) -> Arguments {
        Arguments {
            location: block
                .location
                .map(|location| names::plain_location(&location)),
            ..block
        }
    }

    fn drifted(&self, mut block: Arguments, observed: &Observed) -> Arguments {
        block = self.completed(block, observed);
        let text = |name: &str| observed.arguments.get(name).cloned();
        let is_own = text(told::CREATE_STORAGE_ACCOUNT).as_deref() == Some("true");
        if is_own && block.create_storage_account == Field::Known(true) {
            if let Some(actual) = text(told::REPLICATION) {
                block.replication = Field::Known(actual);
            }
            if let Some(actual) = text(told::MIN_TLS_VERSION) {
                block.min_tls_version = Field::Known(actual);
            }
            if let Some(actual) = text(told::SHARED_KEY_ENABLED) {
                block.shared_key_enabled = Field::Known(actual == "true");
            }
        }
        if observed.identity == Reading::Known(None) {
            // Made anew, it is another one.
            block.managed_identity_client_id = Field::Null;
            block.tenant_id = Field::Null;
        }
        block
    }

    fn found(&self, block: Arguments, observed: &Observed) -> Arguments {
        let text = |name: &str| observed.arguments.get(name).cloned();
        let is_own = text(told::CREATE_STORAGE_ACCOUNT).as_deref() == Some("true");
        let mut block = self.drifted(block, observed);
        // It is told of an account that is asked for as one's own only.
        block.create_storage_account = Field::Known(is_own);
        if !is_own {
            block.shared_key_enabled = Field::Null;
        }
        let has_identity = text(told::MANAGED_IDENTITY_CLIENT_ID).is_some();
        if has_identity {
            block.oidc_issuer_url = text(told::OIDC_ISSUER_URL).into();
            if let Some(namespace) = text(told::KUBERNETES_NAMESPACE) {
                block.kubernetes_namespace = Field::Known(namespace);
            }
            if let Some(accounts) = list(text(told::KUBERNETES_SERVICE_ACCOUNTS)) {
                block.kubernetes_service_accounts = accounts;
            }
            if let Some(roles) = list(text(told::WANDB_ROLES)) {
                block.wandb_roles = roles;
            }
            return block;
        }
        let principal = text(told::WANDB_PRINCIPAL_ID);
        let access = if principal.is_some() {
            BY_PRINCIPAL
        } else {
            BY_KEY
        };
        block.wandb_principal_id = principal.into();
        block.wandb_roles = match list(text(told::WANDB_ROLES)) {
            Some(roles) if access == BY_PRINCIPAL => roles,
            _ => meaning::default_roles(access).map(SetOf::from).into(),
        };
        block.access = access.into();
        block.identity_name = Field::Null;
        block
    }

    fn completed(&self, mut block: Arguments, observed: &Observed) -> Arguments {
        // Where another's account is, nobody says here.
        let is_said =
            block.create_storage_account == Field::Known(false) && block.location.known().is_some();
        if let Some(actual) = &observed.location
            && !is_said
            && block
                .location
                .known()
                .is_none_or(|known| !is_same_location(known, actual))
        {
            block.location = Field::Known(actual.clone());
        }
        let is_by_identity = block.access.known().is_some_and(|one| one == BY_IDENTITY);
        for (name, field) in [
            (
                told::MANAGED_IDENTITY_CLIENT_ID,
                &mut block.managed_identity_client_id,
            ),
            (told::TENANT_ID, &mut block.tenant_id),
        ] {
            match observed.arguments.get(name) {
                Some(value) if is_by_identity => *field = Field::Known(value.clone()),
                _ if field.is_unknown() => *field = Field::Null,
                _ => {}
            }
        }
        block
    }

    fn has_tags(&self, block: &Arguments) -> bool {
        block.create_storage_account != Field::Known(false)
    }

    /// Azure's own keys encrypt.
    fn with_encryption_key(&self, block: Arguments, _: &str) -> Arguments {
        block
    }

    fn argument_of(&self, setting: Setting) -> Option<Path> {
        match setting {
            Setting::Grants | Setting::Identity => Some(argument("access")),
            _ => None,
        }
    }

    async fn imported(&self, location: &str) -> Result<Arguments, Diagnostics> {
        let summary = "The bucket was not imported";
        let refuse = |why: String| Explanation::new(summary, format!("of the id, {why}")).error();
        let parts: Vec<&str> = location.split('/').collect();
        let [subscription, group, account] = parts[..] else {
            return Err(refuse("its location has not three parts".to_owned()).into());
        };
        names::check_guid(subscription).map_err(refuse)?;
        names::check_group(group).map_err(refuse)?;
        names::check_account(account).map_err(refuse)?;
        match self.subscription()? {
            Field::Known(own) if own.eq_ignore_ascii_case(subscription) => {}
            Field::Known(own) => {
                let why =
                    format!("the id names subscription {subscription}, and the provider has {own}");
                return Err(Explanation::new(summary, why)
                    .what_to_do("Set subscription_id of the provider's azure block to it.")
                    .error()
                    .into());
            }
            Field::Null => return Err(no_subscription().into()),
            Field::Unknown => {
                let why = "subscription_id of the provider's azure block is not known yet";
                return Err(Explanation::new(summary, why).error().into());
            }
        }
        let block: Arguments = read(&Value::Map(Default::default()), Self::KIND)?;
        let accounts: BTreeSet<String> = SERVICE_ACCOUNTS
            .iter()
            .map(|one| (*one).to_owned())
            .collect();
        Ok(Arguments {
            resource_group_name: group.into(),
            storage_account_name: account.into(),
            create_storage_account: Field::Known(true),
            replication: DEFAULT_REPLICATION.into(),
            min_tls_version: DEFAULT_TLS.into(),
            access: BY_IDENTITY.into(),
            account_key: DEFAULT_KEY.into(),
            kubernetes_namespace: DEFAULT_NAMESPACE.into(),
            kubernetes_service_accounts: Field::Known(SetOf::from(accounts)),
            ..block
        })
    }
}
