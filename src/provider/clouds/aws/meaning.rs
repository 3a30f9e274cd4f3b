//! What a block means: to the domain, and to W&B.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Arguments, WITH_KEY};
use crate::byob::address::{self, S3Address};
use crate::byob::deployment::Deployment;
use crate::byob::identity::Identity;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, Encryption, Grants, Key, KeySpec, Setting};
use crate::clouds::aws::partition;
use crate::sdk::model::{Field, SetOf};
use crate::terraform::account::{CloudSpec, CommonArguments, Outputs};

/// W&B's principal where W&B runs the instance.
///
/// Source: W&B's page on bringing your own bucket.
pub(super) fn wandb_principal(deployment: Deployment) -> Option<&'static str> {
    match deployment {
        Deployment::MultiTenant => Some("arn:aws:iam::725579432336:role/WandbIntegration"),
        Deployment::Dedicated => Some("arn:aws:iam::830241207209:root"),
        Deployment::SelfManaged => None,
    }
}

fn known_set(field: &Field<SetOf>) -> Option<Vec<String>> {
    match field {
        Field::Known(set) => Some(set.known()?.into_iter().collect()),
        Field::Null => Some(Vec::new()),
        Field::Unknown => None,
    }
}

/// What the block asks of the domain.
pub(super) fn spec(
    block: &Arguments,
    config: Option<&Arguments>,
    common: &CommonArguments<'_>,
) -> Option<CloudSpec> {
    // Nothing is known of a bucket without its region.
    block.region.known()?;
    let principals = known_set(&block.wandb_principal_arns)?;
    let makes_user = *block.create_access_key.known()?;
    let algorithm = block.sse_algorithm.known()?.clone();
    let key_name = block.kms_key_arn.known().cloned();
    let has_key = algorithm == WITH_KEY;
    let key = has_key
        .then(|| key(block, config, common, &principals, key_name.as_ref()))
        .flatten();
    let access = match common.generation {
        Some(generation) if makes_user => {
            let rights = Rights {
                key: key_name.clone().filter(|_| has_key),
                ..Rights::on(common.name, common.path)
            };
            let mut identity = Identity::for_bucket(common.name, rights, generation);
            identity.boundary = block.permissions_boundary_arn.known().cloned();
            Access::MadeKey(identity)
        }
        _ => Access::Unmanaged,
    };
    Some(CloudSpec {
        encryption: Some(Encryption {
            algorithm,
            key: match (has_key, key_name) {
                (false, _) => Key::Server,
                (true, Some(name)) => Key::Named(name),
                (true, None) => Key::ToMake,
            },
            bucket_key: has_key
                .then(|| block.bucket_key_enabled.known().copied())
                .flatten(),
        }),
        key,
        grants: Some(Grants {
            principals,
            former: BTreeSet::new(),
            rights: Rights::on(common.name, common.path),
            https_only: *block.https_only.known()?,
            exclusive: *block.exclusive_policy.known()?,
        }),
        blocks_public: Some(true),
        owns_objects: true,
        storage_class: None,
        shares_settings: false,
        access,
        chosen: BTreeSet::from([Setting::Encryption, Setting::Grants]),
    })
}

fn key(
    block: &Arguments,
    config: Option<&Arguments>,
    common: &CommonArguments<'_>,
    principals: &[String],
    name: Option<&String>,
) -> Option<KeySpec> {
    let days = block.kms_deletion_window_days.known().copied();
    Some(KeySpec {
        name: name.cloned(),
        given: config.is_some_and(|config| config.kms_key_arn.known().is_some()),
        admins: known_set(&block.kms_admin_arns)?,
        users: principals.to_vec(),
        rotation: block.kms_key_rotation.known().copied().unwrap_or(true),
        deletion_days: days.and_then(|days| u32::try_from(days).ok()).unwrap_or(30),
        unnamed_of: Vec::new(),
        tags: common.tags.clone(),
        ignored_tags: BTreeSet::new(),
        generation: common.generation.cloned(),
        lets_in: false,
    })
}

/// The bucket's address as an instance that comes by a key is told.
pub(super) fn address(region: &str, bucket: &str) -> S3Address {
    S3Address {
        authority: partition::s3_host(region),
        bucket: bucket.to_owned(),
        region: region.to_owned(),
        tls: true,
    }
}

/// The outputs that follow from name and block.
pub(super) fn outputs(block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
    let region = block.region.known();
    let name = common.name.to_owned();
    let full = region.map(|region| address(region, common.name).plain());
    let key = match &block.sse_algorithm {
        Field::Known(algorithm) if algorithm == WITH_KEY => block.kms_key_arn.clone(),
        Field::Known(_) | Field::Null => Field::Null,
        Field::Unknown => Field::Unknown,
    };
    // A value that is not known may turn out to be none; the key of a bucket never does.
    let is_certain = !block.sse_algorithm.is_unknown();
    let storage = if is_certain && !block.aws_external_id.is_unknown() {
        let parts = [
            ("kms_key_id", &key),
            ("aws_external_id", &block.aws_external_id),
        ];
        let set = parts.into_iter().filter(|(_, value)| !value.is_null());
        Field::Known(
            set.map(|(entry, value)| (entry.to_owned(), value.clone()))
                .collect(),
        )
    } else {
        Field::Unknown
    };
    let known = |text: Option<String>| text.map_or(Field::Unknown, Field::Known);
    Outputs {
        region: block.region.clone(),
        full_name: known(
            region.map(|region| format!("arn:{}:s3:::{name}", partition::of_region(region).name)),
        ),
        storage_address: match (&block.create_access_key, &full) {
            (Field::Known(true), full) => known(full.clone()),
            (Field::Unknown, _) => Field::Unknown,
            _ => Field::Known(format!("s3://{name}")),
        },
        registration_name: match (&block.create_access_key, full) {
            (Field::Known(true), full) => known(full),
            (Field::Unknown, _) => Field::Unknown,
            _ => Field::Known(name.clone()),
        },
        storage,
        instance_bucket: if is_certain {
            Field::Known(instance_bucket(&name, common.path, &block.region, key))
        } else {
            Field::Unknown
        },
    }
}

fn instance_bucket(
    name: &str,
    path: Option<&str>,
    region: &Field<String>,
    key: Field<String>,
) -> BTreeMap<String, Field<String>> {
    let mut values: BTreeMap<String, Field<String>> = address::native_bucket("s3", name, path)
        .into_iter()
        .map(|(key, value)| (key, Field::Known(value)))
        .collect();
    values.insert("region".to_owned(), region.clone());
    if !key.is_null() {
        values.insert("kmsKey".to_owned(), key);
    }
    values
}
