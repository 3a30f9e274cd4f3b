//! The outputs that follow from a bucket's arguments and its block, and W&B's key.

use std::collections::BTreeMap;

use super::schema::Bucket;
use super::{location, spec};
use crate::byob::address;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::rights::Rights;
use crate::sdk::model::{Field, Secret};
use crate::terraform::account::{CommonArguments, ResolvedBlock, makes_key};

/// W&B's key, as far as it is known here: made, or given.
pub fn wandb_key(bucket: &Bucket, block: &dyn ResolvedBlock) -> Field<AccessKey> {
    made_key(bucket, block).unwrap_or_else(|| block.given_key())
}

/// The key of the state, where the block asks for one to be made.
fn made_key(bucket: &Bucket, block: &dyn ResolvedBlock) -> Option<Field<AccessKey>> {
    if makes_key(&block.block()) != Field::Known(true) {
        return None;
    }
    let (id, secret) = (
        bucket.access_key_id.known(),
        bucket.secret_access_key.known(),
    );
    Some(match (id, secret) {
        (Some(id), Some(secret)) => {
            let key = AccessKey::new(id.as_str(), secret.expose());
            Field::Known(match holder(bucket, block) {
                Some(holder) => key.held_by(holder),
                None => key,
            })
        }
        _ => Field::Null,
    })
}

/// Whose key the made one is, on clouds whose keys do not say so themselves.
fn holder(bucket: &Bucket, block: &dyn ResolvedBlock) -> Option<String> {
    let name = match bucket.access_key_owner.known() {
        Some(name) => name.clone(),
        None => {
            let generation = spec::generation(bucket)?;
            Identity::for_bucket(bucket.name.known()?, Rights::default(), &generation).name
        }
    };
    block.key_holder(&name)
}

/// Fills in every output that follows from name, path and location alone. `config` is what
/// the user wrote.
pub fn fill(bucket: &mut Bucket, config: &Bucket, block: &dyn ResolvedBlock) {
    let Some(name) = bucket.name.known().cloned() else {
        return;
    };
    bucket.id = location::id(block, &name);
    let path = bucket.path.known().cloned();
    let outputs = block.outputs(&CommonArguments {
        name: &name,
        path: path.as_deref(),
        generation: None,
        tags: &BTreeMap::new(),
    });
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
        (Field::Known(name), Field::Known(own)) => {
            let mut storage: BTreeMap<String, Field<String>> =
                address::storage(block.kind(), name, path.as_deref())
                    .into_iter()
                    .map(|(key, value)| (key, Field::Known(value)))
                    .collect();
            // A cloud that has more than a name leads the path by it.
            storage.extend(own);
            Field::Known(storage)
        }
        _ => Field::Unknown,
    };
    bucket.instance_bucket = outputs.instance_bucket;
}

/// The entry for `GORILLA_SUPPORTED_FILE_STORES`: only with a key that is W&B's and
/// whose secret is in the state anyway.
pub fn file_store(bucket: &Bucket, block: &dyn ResolvedBlock) -> Field<Secret> {
    let key = made_key(bucket, block).unwrap_or_else(|| block.kept_key());
    match (&bucket.name, key) {
        (Field::Known(name), Field::Known(key)) => block.address_with_key(name, &key),
        (Field::Unknown, _) | (_, Field::Unknown) => Field::Unknown,
        (Field::Null, _) | (_, Field::Null) => Field::Null,
    }
}
