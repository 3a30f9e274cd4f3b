//! What a block means: to the domain, and to W&B.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Arguments, BY_PRINCIPAL};
use crate::byob::address::{self, AzureAddress};
use crate::byob::identity::Identity;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, Grants, Setting};
use crate::clouds::azure::names;
use crate::sdk::model::{Field, SetOf};
use crate::terraform::account::{BY_IDENTITY, BY_KEY, CloudSpec, CommonArguments, Outputs};

/// The roles that W&B gets on the account where nobody says so.
///
/// Source: W&B's own Terraform module for Azure, and its page on keyless access.
pub(super) fn default_roles(access: &str) -> Option<BTreeSet<String>> {
    let roles: &[&str] = match access {
        BY_IDENTITY => &["Storage Account Contributor", "Storage Blob Data Owner"],
        BY_PRINCIPAL => &["Reader", "Storage Blob Data Contributor"],
        _ => return None,
    };
    Some(roles.iter().map(|role| (*role).to_owned()).collect())
}

fn set(field: &Field<SetOf>) -> Option<BTreeSet<String>> {
    match field {
        Field::Known(set) => set.known(),
        Field::Null => Some(BTreeSet::new()),
        Field::Unknown => None,
    }
}

/// The full name of W&B's identity.
fn identity_id(block: &Arguments, subscription: &str) -> Option<String> {
    Some(names::identity_id(
        subscription,
        block.resource_group_name.known()?,
        block.identity_name.known()?,
    ))
}

/// What the block asks of the domain, in this subscription.
pub(super) fn spec(
    block: &Arguments,
    common: &CommonArguments<'_>,
    subscription: &str,
) -> Option<CloudSpec> {
    let account = block.storage_account_name.known()?;
    block.resource_group_name.known()?;
    let makes_account = *block.create_storage_account.known()?;
    let rights = Rights {
        roles: set(&block.wandb_roles)?,
        ..Rights::on(common.name, common.path)
    };
    let mut principals = Vec::new();
    let identity = |name: String| Identity {
        name,
        rights: rights.clone(),
        boundary: None,
        serves: Vec::from_iter(common.generation.cloned()),
    };
    let access = match block.access.known()?.as_str() {
        BY_KEY if common.generation.is_some() => Access::MadeKey(identity(account.clone())),
        BY_IDENTITY => {
            let name = identity_id(block, subscription)?;
            match common.generation {
                Some(_) => Access::MadeIdentity(identity(name)),
                None => Access::Unmanaged,
            }
        }
        BY_PRINCIPAL => {
            principals.push(block.wandb_principal_id.known()?.clone());
            Access::Unmanaged
        }
        _ => Access::Unmanaged,
    };
    Some(CloudSpec {
        encryption: None,
        key: None,
        grants: Some(Grants {
            principals,
            former: BTreeSet::new(),
            rights,
            // In another's account it is its owner's to say.
            https_only: makes_account,
            exclusive: false,
        }),
        blocks_public: makes_account.then_some(true),
        owns_objects: false,
        storage_class: None,
        shares_settings: !makes_account,
        access,
        chosen: BTreeSet::from([Setting::Grants]),
    })
}

/// The container, and what of it is W&B's.
fn path(container: &str, below: Option<&str>) -> String {
    match below {
        Some(below) => format!("{container}/{below}"),
        None => container.to_owned(),
    }
}

/// The outputs that follow from name and block.
pub(super) fn outputs(
    block: &Arguments,
    common: &CommonArguments<'_>,
    subscription: &Field<String>,
) -> Outputs {
    let account = &block.storage_account_name;
    let container = common.name;
    let full_name = match (subscription, &block.resource_group_name, account) {
        (Field::Known(subscription), Field::Known(group), Field::Known(account)) => {
            let account = names::account_id(subscription, group, account);
            Field::Known(names::container_id(&account, container))
        }
        _ => Field::Unknown,
    };
    let mut storage = BTreeMap::from([(
        "path".to_owned(),
        Field::Known(path(container, common.path)),
    )]);
    for (name, value) in [
        ("azure_client_id", &block.managed_identity_client_id),
        ("azure_tenant_id", &block.tenant_id),
    ] {
        if !value.is_null() {
            storage.insert(name.to_owned(), value.clone());
        }
    }
    Outputs {
        region: block.location.clone(),
        full_name,
        storage_address: account.as_ref().map(|account| {
            let address = AzureAddress {
                account: account.clone(),
                container: container.to_owned(),
            };
            address.plain()
        }),
        registration_name: account.clone(),
        // Whether there is an identity is not known before the way in is.
        storage: if block.access.is_unknown() {
            Field::Unknown
        } else {
            Field::Known(storage)
        },
        instance_bucket: account.as_ref().map(|account| {
            let path = path(container, common.path);
            let values = address::native_bucket("az", account, Some(&path));
            values
                .into_iter()
                .map(|(key, value)| (key, Field::Known(value)))
                .collect()
        }),
    }
}
