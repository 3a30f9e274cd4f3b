//! From a fully known model to what the domain calls a spec.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::Bucket;
use crate::byob::deployment::Scope;
use crate::byob::identity::Identity;
use crate::byob::marker::Generation;
use crate::byob::spec::{BucketSpec, KeySpec, Setting, cors_rule_on};
use crate::sdk::model::Field;
use crate::terraform::account::{CommonArguments, ResolvedBlock};
use crate::terraform::configuration::Configuration;

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
        is_set(!config.soft_delete_days.is_null(), Setting::SoftDelete),
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
    block: &dyn ResolvedBlock,
    generation: Option<&Generation>,
    configuration: &Configuration,
) -> Option<BucketSpec> {
    if bucket.path.is_unknown() {
        return None;
    }
    let mut tags = all_tags(&bucket.tags, configuration)?;
    if !block.has_tags() {
        tags.clear();
    }
    let common = CommonArguments {
        name: bucket.name.known()?,
        path: bucket.path.known().map(String::as_str),
        generation,
        tags: &tags,
    };
    let cloud = block.spec(&common)?;
    let ignored_tags = configuration.ignore_tags.known().cloned();
    let ignored_tags = ignored_tags.unwrap_or_default();
    let key = cloud.key.map(|key| KeySpec {
        ignored_tags: ignored_tags.clone(),
        ..key
    });
    let mut chosen = config.map(chosen).unwrap_or_default();
    chosen.extend(cloud.chosen);
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
    let origin = configuration.origin.known().cloned();
    Some(BucketSpec {
        cloud: block.kind(),
        name: common.name.to_owned(),
        path: common.path.map(str::to_owned),
        scope: bucket.scope.known().and_then(|name| Scope::parse(name))?,
        deployment: configuration.deployment.known().copied(),
        origin: origin.unwrap_or_else(|| DEFAULT_ORIGIN.to_owned()),
        versioning: *bucket.versioning.known()?,
        noncurrent_version_days: days(&bucket.noncurrent_version_days),
        abort_upload_days: days(&bucket.abort_multipart_days),
        cors: cors_rule_on(block.kind(), origins, max_age),
        written_cors: None,
        written_lifecycle: Vec::new(),
        encryption: cloud.encryption,
        key,
        grants: cloud.grants,
        blocks_public: cloud.blocks_public,
        owns_objects: cloud.owns_objects,
        soft_delete_days: days(&bucket.soft_delete_days),
        storage_class: cloud.storage_class,
        shares_settings: cloud.shares_settings,
        access: cloud.access,
        ignored_tags,
        access_key_id: bucket.access_key_id.known().cloned(),
        chosen,
        tags,
    })
}

/// The identity that is made for a bucket, if one is.
pub fn made_identity(spec: BucketSpec) -> Option<Identity> {
    spec.access.identity().cloned()
}

/// The generation that the state knows.
pub fn generation(bucket: &Bucket) -> Option<Generation> {
    Generation::parse(bucket.generation.known()?)
}
