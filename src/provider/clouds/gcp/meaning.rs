//! What a block means: to the domain, and to W&B.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Arguments, ENFORCED};
use crate::byob::address::{self, GoogleAddress};
use crate::byob::deployment::Deployment;
use crate::byob::identity::Identity;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, Encryption, Grants, Key, KeySpec, Setting};
use crate::clouds::gcp;
use crate::sdk::model::{Field, SetOf};
use crate::terraform::account::{CloudSpec, CommonArguments, Outputs};

/// W&B's service account where W&B runs the instance.
///
/// Source: W&B's page on bringing your own bucket.
pub(super) fn wandb_service_account(deployment: Deployment) -> Option<&'static str> {
    match deployment {
        Deployment::MultiTenant => {
            Some("wandb-integration@wandb-production.iam.gserviceaccount.com")
        }
        Deployment::Dedicated => Some("deploy@wandb-production.iam.gserviceaccount.com"),
        Deployment::SelfManaged => None,
    }
}

fn roles(field: &Field<SetOf>) -> Option<BTreeSet<String>> {
    match field {
        Field::Known(set) => set.known(),
        Field::Null => Some(BTreeSet::new()),
        Field::Unknown => None,
    }
}

/// What the block asks of the domain.
pub(super) fn spec(block: &Arguments, common: &CommonArguments<'_>) -> Option<CloudSpec> {
    // Nothing is known of a bucket without its project.
    block.project.known()?;
    let roles = roles(&block.wandb_roles)?;
    let rights = Rights {
        roles,
        ..Rights::on(common.name, common.path)
    };
    let principals = match &block.wandb_service_account {
        Field::Known(account) => vec![account.clone()],
        Field::Null => Vec::new(),
        Field::Unknown => return None,
    };
    let key = match &block.kms_key_name {
        Field::Known(name) => Some(name.clone()),
        Field::Null => None,
        Field::Unknown => return None,
    };
    let access = match common.generation {
        Some(generation) if *block.create_access_key.known()? => Access::MadeKey(
            Identity::for_bucket(common.name, rights.clone(), generation),
        ),
        _ => Access::Unmanaged,
    };
    let mut chosen = BTreeSet::from([Setting::Grants, Setting::PublicAccess]);
    if key.is_some() {
        chosen.insert(Setting::Encryption);
    }
    Some(CloudSpec {
        encryption: Some(Encryption {
            algorithm: gcp::ENCRYPTION.to_owned(),
            key: key.clone().map_or(Key::Server, Key::Named),
            bucket_key: None,
        }),
        key: key.map(given_key),
        grants: Some(Grants {
            principals,
            former: BTreeSet::new(),
            rights,
            https_only: false,
            exclusive: false,
        }),
        blocks_public: Some(block.public_access_prevention.known()? == ENFORCED),
        owns_objects: true,
        storage_class: Some(block.storage_class.known()?.clone()),
        shares_settings: false,
        access,
        chosen,
    })
}

/// A key that is somebody else's: Cloud Storage is let use it, and nothing else is changed.
fn given_key(name: String) -> KeySpec {
    KeySpec {
        name: Some(name),
        given: true,
        admins: Vec::new(),
        users: Vec::new(),
        rotation: false,
        deletion_days: 0,
        unnamed_of: Vec::new(),
        tags: BTreeMap::new(),
        ignored_tags: BTreeSet::new(),
        generation: None,
        lets_in: true,
    }
}

/// The outputs that follow from name and block.
pub(super) fn outputs(block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
    let name = common.name.to_owned();
    let address = GoogleAddress {
        bucket: name.clone(),
    };
    Outputs {
        region: block.location.clone(),
        full_name: Field::Known(gcp::names::bucket_full_name(&name)),
        storage_address: Field::Known(address.plain()),
        registration_name: match &block.create_access_key {
            Field::Known(true) => Field::Known(address.plain()),
            Field::Unknown => Field::Unknown,
            Field::Known(false) | Field::Null => Field::Known(name.clone()),
        },
        storage: Field::Known(BTreeMap::new()),
        instance_bucket: Field::Known(
            address::native_bucket("gcs", &name, common.path)
                .into_iter()
                .map(|(key, value)| (key, Field::Known(value)))
                .collect(),
        ),
    }
}
