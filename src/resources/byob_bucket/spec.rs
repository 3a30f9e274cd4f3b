//! From a fully known model to what the domain calls a spec, and to the outputs that
//! follow from it.

use std::collections::{BTreeMap, BTreeSet};

use super::place::{self, Site};
use super::schema::Bucket;
use crate::byob::address;
use crate::byob::deployment::Scope;
use crate::byob::identity::AccessKey;
use crate::byob::marker::Generation;
use crate::byob::spec::{BucketSpec, KeySpec, Setting, cors_rule};
use crate::resources::account::{self, About};
use crate::resources::environment::Configuration;
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
    match &configuration.ignore_tags {
        Field::Known(ignored) => all.retain(|key, _| !ignored.contains(key)),
        Field::Null => {}
        Field::Unknown => return None,
    }
    Some(all)
}

/// What the user asked for by name outside the cloud's block, in a configuration.
fn chosen(config: &Bucket) -> BTreeSet<Setting> {
    let is_set = |set: bool, setting| set.then_some(setting);
    [
        is_set(!config.versioning.is_null(), Setting::Versioning),
        is_set(
            !config.noncurrent_version_days.is_null() || !config.abort_multipart_days.is_null(),
            Setting::Lifecycle,
        ),
        is_set(!config.tags.is_null(), Setting::Tags),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The spec of a known model; `None` when something is not known after all. `config` is
/// what the user wrote, where it is at hand.
pub fn spec(
    bucket: &Bucket,
    config: Option<&Bucket>,
    site: &Site,
    generation: Option<&Generation>,
    configuration: &Configuration,
) -> Option<BucketSpec> {
    let tags = all_tags(&bucket.tags, configuration)?;
    let about = place::about(bucket, generation, &tags)?;
    let wish = site
        .account
        .wish(site.block(), config.and_then(Bucket::known_block), &about)?;
    let ignored_tags = configuration.ignore_tags.known().cloned();
    let ignored_tags = ignored_tags.unwrap_or_default();
    let key = wish.key.map(|key| KeySpec {
        ignored_tags: ignored_tags.clone(),
        ..key
    });
    let mut chosen = config.map(chosen).unwrap_or_default();
    chosen.extend(wish.chosen);
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
    let days = |field: &Field<i64>| field.known().and_then(|days| u32::try_from(*days).ok());
    Some(BucketSpec {
        cloud: site.account.kind(),
        name: about.name.to_owned(),
        path: about.path.map(str::to_owned),
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
        encryption: wish.encryption,
        key,
        grants: wish.grants,
        closed: wish.closed,
        access: wish.access,
        ignored_tags,
        access_key_id: bucket.access_key_id.known().cloned(),
        chosen,
        tags,
    })
}

/// W&B's key, as far as it is known here: made, or given.
pub fn wandb_key(bucket: &Bucket, config: Option<&Bucket>, site: &Site) -> Field<AccessKey> {
    if account::makes_key(site.block()) == Field::Known(true) {
        return match (
            bucket.access_key_id.known(),
            bucket.secret_access_key.known(),
        ) {
            (Some(id), Some(secret)) => Field::Known(AccessKey::new(id.as_str(), secret.expose())),
            _ => Field::Null,
        };
    }
    site.account
        .given_key(site.block(), config.and_then(Bucket::known_block))
}

/// Fills in every output that follows from name, path and place alone.
pub fn fill_outputs(bucket: &mut Bucket, config: &Bucket, site: &Site) {
    let Some(name) = bucket.name.known().cloned() else {
        return;
    };
    bucket.id = site.id(&name);
    let path = bucket.path.known().cloned();
    let none = BTreeMap::new();
    let outputs = site.account.outputs(
        site.block(),
        &About {
            name: &name,
            path: path.as_deref(),
            generation: None,
            tags: &none,
        },
    );
    bucket.region = outputs.region;
    bucket.arn = outputs.full_name;
    bucket.storage_address = outputs.storage_address;
    if config.registration_name.is_null() {
        bucket.registration_name = outputs.registration_name;
    }
    if bucket.path.is_unknown() {
        bucket.storage = Field::Unknown;
        bucket.instance_bucket = Field::Unknown;
        return;
    }
    bucket.storage = match (&bucket.registration_name, outputs.storage) {
        (Field::Known(name), Field::Known(mut storage)) => {
            let kind = site.account.kind();
            storage.extend(
                address::storage(kind, name, path.as_deref())
                    .into_iter()
                    .map(|(key, value)| (key, Field::Known(value))),
            );
            Field::Known(storage)
        }
        _ => Field::Unknown,
    };
    bucket.instance_bucket = outputs.instance_bucket;
}

/// The entry for `GORILLA_SUPPORTED_FILE_STORES`: only with a key that is W&B's and
/// whose secret is in the state anyway.
pub fn file_store(bucket: &Bucket, site: &Site) -> Field<Secret> {
    match (&bucket.name, wandb_key(bucket, None, site)) {
        (Field::Known(name), Field::Known(key)) => {
            site.account.address_with_key(site.block(), name, &key)
        }
        (Field::Unknown, _) | (_, Field::Unknown) => Field::Unknown,
        (Field::Null, _) | (_, Field::Null) => Field::Null,
    }
}
