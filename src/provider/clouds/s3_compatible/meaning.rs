//! What a block means: to the domain, and to W&B.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::block::Arguments;
use crate::byob::address::{self, S3Address};
use crate::byob::identity::Identity;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, Encryption, Key, Setting};
use crate::sdk::model::Field;
use crate::terraform::account::{CloudSpec, CommonArguments, Outputs};

/// Host, and port where it is not the scheme's own.
pub(super) fn authority(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    match endpoint.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The server's address; unknown also when it is none.
pub(super) fn endpoint(block: &Arguments) -> Field<Url> {
    match block.endpoint.known().map(|text| Url::parse(text)) {
        Some(Ok(endpoint)) => Field::Known(endpoint),
        Some(Err(_)) | None => Field::Unknown,
    }
}

/// The bucket's address as W&B would be told.
pub(super) fn address(block: &Arguments, bucket: &str) -> Field<S3Address> {
    match (endpoint(block), block.region.clone()) {
        (Field::Known(endpoint), Field::Known(region)) => Field::Known(S3Address {
            authority: authority(&endpoint),
            bucket: bucket.to_owned(),
            region,
            tls: endpoint.scheme() == "https",
        }),
        _ => Field::Unknown,
    }
}

/// What the block asks of the domain.
pub(super) fn spec(
    block: &Arguments,
    config: Option<&Arguments>,
    common: &CommonArguments<'_>,
) -> Option<CloudSpec> {
    let access = match common.generation {
        Some(generation) if block.create_access_key == Field::Known(true) => {
            let rights = Rights::on(common.name, common.path);
            Access::MadeKey(Identity::for_bucket(common.name, rights, generation))
        }
        _ if block.wandb_access_key.known().is_some() => Access::GivenKey,
        _ => Access::Unmanaged,
    };
    if block.sse_algorithm.is_unknown() || block.kms_key_name.is_unknown() {
        return None;
    }
    let is_chosen = config
        .is_some_and(|config| !config.sse_algorithm.is_null() || !config.kms_key_name.is_null());
    Some(CloudSpec {
        encryption: encryption(block),
        key: None,
        grants: None,
        blocks_public: None,
        owns_objects: false,
        storage_class: None,
        shares_settings: false,
        access,
        chosen: if is_chosen {
            BTreeSet::from([Setting::Encryption])
        } else {
            BTreeSet::new()
        },
    })
}

fn encryption(block: &Arguments) -> Option<Encryption> {
    let (algorithm, key) = match (block.sse_algorithm.known(), block.kms_key_name.known()) {
        (None, None) => return None,
        (Some(algorithm), None) => (algorithm.as_str(), Key::Server),
        (algorithm, Some(key)) => (
            algorithm.map_or("aws:kms", String::as_str),
            Key::Named(key.clone()),
        ),
    };
    Some(Encryption {
        algorithm: algorithm.to_owned(),
        key,
        bucket_key: None,
    })
}

fn known(map: BTreeMap<String, String>) -> BTreeMap<String, Field<String>> {
    map.into_iter()
        .map(|(key, value)| (key, Field::Known(value)))
        .collect()
}

/// The outputs that follow from name and block.
pub(super) fn outputs(block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
    let address = address(block, common.name);
    let plain = address.as_ref().map(S3Address::plain);
    let instance_bucket = match (&address, &block.kms_key_name) {
        (Field::Unknown, _) | (_, Field::Unknown) => Field::Unknown,
        (address, key) => {
            let key = key.known().map(String::as_str);
            address
                .as_ref()
                .map(|address| known(address::instance_bucket(address, common.path, key)))
        }
    };
    Outputs {
        region: address.map(|address| address.region),
        full_name: Field::Known(format!("arn:aws:s3:::{}", common.name)),
        storage_address: plain.clone(),
        registration_name: plain,
        storage: Field::Known(BTreeMap::new()),
        instance_bucket,
    }
}
