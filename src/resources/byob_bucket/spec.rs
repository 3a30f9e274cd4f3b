//! From a fully known model to what the domain calls a spec, and to the outputs that
//! follow from it.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::schema::{Bucket, S3Compatible};
use crate::byob::address::{self, S3Address};
use crate::byob::cloud::CloudKind;
use crate::byob::deployment::Scope;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::marker::Generation;
use crate::byob::spec::{Access, BucketSpec, Encryption, Setting, cors_rule};
use crate::resources::environment::{Configuration, authority};
use crate::sdk::model::{Field, Secret};

/// The origin that stands in for W&B's where the configuration does not tell.
const DEFAULT_ORIGIN: &str = "https://wandb.ai";

/// A map of texts in Terraform's words.
pub fn text_map(map: BTreeMap<String, String>) -> Field<BTreeMap<String, Field<String>>> {
    Field::Known(
        map.into_iter()
            .map(|(key, value)| (key, Field::Known(value)))
            .collect(),
    )
}

/// The known entries of a map; `None` while any is unknown.
pub fn known_map(
    field: &Field<BTreeMap<String, Field<String>>>,
) -> Option<BTreeMap<String, String>> {
    match field {
        Field::Unknown => None,
        Field::Null => Some(BTreeMap::new()),
        Field::Known(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| value.known().map(|value| (key.clone(), value.clone())))
            .collect(),
    }
}

/// All tags: the provider's below the resource's own.
pub fn all_tags(
    own: &Field<BTreeMap<String, Field<String>>>,
    configuration: &Configuration,
) -> Option<BTreeMap<String, String>> {
    let mut all = match &configuration.default_tags {
        Field::Known(tags) => tags.clone(),
        Field::Null => BTreeMap::new(),
        Field::Unknown => return None,
    };
    all.extend(known_map(own)?);
    if let Some(ignored) = configuration.ignore_tags.known() {
        all.retain(|key, _| !ignored.contains(key));
    }
    Some(all)
}

/// What the user asked for by name, in a configuration.
pub fn chosen(config: &Bucket) -> BTreeSet<Setting> {
    let mut chosen = BTreeSet::new();
    let is_set = |set: bool, setting| set.then_some(setting);
    chosen.extend(is_set(!config.versioning.is_null(), Setting::Versioning));
    chosen.extend(is_set(
        !config.noncurrent_version_days.is_null() || !config.abort_multipart_days.is_null(),
        Setting::Lifecycle,
    ));
    chosen.extend(is_set(!config.tags.is_null(), Setting::Tags));
    if let Some(block) = config.s3_compatible.known() {
        let encrypted = !block.sse_algorithm.is_null() || !block.kms_key_name.is_null();
        chosen.extend(is_set(encrypted, Setting::Encryption));
    }
    chosen
}

/// The spec of a known model; `None` when something is not known after all.
pub fn spec(
    bucket: &Bucket,
    generation: Option<&Generation>,
    mut chosen: BTreeSet<Setting>,
    configuration: &Configuration,
) -> Option<BucketSpec> {
    let block = bucket.s3_compatible.known()?;
    let name = bucket.name.known()?.clone();
    let path = bucket.path.known().cloned();
    let origins: Vec<String> = bucket
        .cors_allowed_origins
        .known()?
        .known()?
        .into_iter()
        .collect();
    let max_age = *bucket.cors_max_age_seconds.known()?;
    if origins != ["*"] || max_age != 3600 {
        // Only a rule of the bucket's own can say something special.
        chosen.insert(Setting::Cors);
    }
    let access = match generation {
        Some(generation) if block.create_access_key == Field::Known(true) => {
            Access::MadeKey(Identity::for_bucket(&name, path.as_deref(), generation))
        }
        _ if block.wandb_access_key.known().is_some() => Access::GivenKey,
        _ => Access::Unmanaged,
    };
    let days = |field: &Field<i64>| field.known().and_then(|days| u32::try_from(*days).ok());
    Some(BucketSpec {
        cloud: CloudKind::S3Compatible,
        name,
        path,
        scope: bucket.scope.known().and_then(|name| Scope::parse(name))?,
        deployment: configuration.deployment.known().copied(),
        origin: configuration
            .origin
            .known()
            .cloned()
            .unwrap_or_else(|| DEFAULT_ORIGIN.to_owned()),
        versioning: *bucket.versioning.known()?,
        noncurrent_version_days: days(&bucket.noncurrent_version_days),
        abort_upload_days: days(&bucket.abort_multipart_days),
        cors: cors_rule(origins, max_age),
        encryption: encryption(block),
        access,
        tags: all_tags(&bucket.tags, configuration)?,
        ignored_tags: configuration
            .ignore_tags
            .known()
            .cloned()
            .unwrap_or_default(),
        access_key_id: bucket.access_key_id.known().cloned(),
        chosen,
    })
}

fn encryption(block: &S3Compatible) -> Encryption {
    match (block.sse_algorithm.known(), block.kms_key_name.known()) {
        (None, None) => Encryption::Unmanaged,
        (Some(algorithm), None) => Encryption::ServerKey(algorithm.clone()),
        (algorithm, Some(key)) => Encryption::NamedKey {
            algorithm: algorithm.cloned().unwrap_or_else(|| "aws:kms".to_owned()),
            key: key.clone(),
        },
    }
}

/// W&B's key, as far as it is known here: made, or given.
pub fn wandb_key(bucket: &Bucket, config: Option<&S3Compatible>) -> Option<AccessKey> {
    let block = bucket.s3_compatible.known()?;
    if block.create_access_key == Field::Known(true) {
        let (id, secret) = (
            bucket.access_key_id.known()?,
            bucket.secret_access_key.known()?,
        );
        return Some(AccessKey::new(id.as_str(), secret.expose()));
    }
    let id = block.wandb_access_key.known()?;
    let secret = block
        .wandb_secret_key
        .known()
        .or_else(|| config.and_then(|config| config.wandb_secret_key_wo.known()))?;
    Some(AccessKey::new(id.as_str(), secret.expose()))
}

/// The bucket's address as W&B would be told.
pub fn address(name: &str, endpoint: &Url, region: &str) -> S3Address {
    S3Address {
        authority: authority(endpoint),
        bucket: name.to_owned(),
        region: region.to_owned(),
        tls: endpoint.scheme() == "https",
    }
}

/// Fills in every output that follows from name, path and place alone.
pub fn fill_outputs(bucket: &mut Bucket, config: &Bucket, endpoint: &Url, region: &str) {
    let Some(name) = bucket.name.known().cloned() else {
        return;
    };
    let address = address(&name, endpoint, region);
    bucket.id = Field::Known(super::place::id(&address.authority, &name));
    bucket.region = Field::Known(region.to_owned());
    bucket.arn = Field::Known(format!("arn:aws:s3:::{name}"));
    bucket.storage_address = Field::Known(address.plain());
    if config.registration_name.is_null() {
        bucket.registration_name = Field::Known(address.plain());
    }
    let path = match &bucket.path {
        Field::Unknown => {
            bucket.storage = Field::Unknown;
            bucket.instance_bucket = Field::Unknown;
            return;
        }
        path => path.known().map(String::as_str),
    };
    bucket.storage = match &bucket.registration_name {
        Field::Known(name) => text_map(address::storage(CloudKind::S3Compatible, name, path)),
        Field::Null | Field::Unknown => Field::Unknown,
    };
    let kms_key = bucket
        .s3_compatible
        .known()
        .and_then(|block| block.kms_key_name.known().cloned());
    bucket.instance_bucket = text_map(address::instance_bucket(&address, path, kms_key.as_deref()));
}

/// The entry for `GORILLA_SUPPORTED_FILE_STORES`: only with a key that is W&B's and
/// whose secret is in the state anyway.
pub fn file_store(bucket: &Bucket, endpoint: &Url, region: &str) -> Field<Secret> {
    match (bucket.name.known(), wandb_key(bucket, None)) {
        (Some(name), Some(key)) => {
            Field::Known(Secret::new(address(name, endpoint, region).with_key(&key)))
        }
        _ => Field::Null,
    }
}
