//! Finding the bucket of an import id.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::location::{self, ImportId};
use super::private::{IMPORTED, UNSEEN};
use super::schema::Bucket;
use super::work::look_at;
use super::{absence, made, ownership, spec};
use crate::byob::cloud::LookAt;
use crate::byob::marker::Generation;
use crate::byob::{Cloud, CloudError, Reading};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::Diagnostics;
use crate::sdk::model::{Field, SetOf};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;
use crate::sdk::value::Value;
use crate::terraform::account::CREATE_KEY;
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// The provider-side settings of an imported bucket.
fn import_defaults(bucket: &mut Bucket) {
    bucket.scope = "team".into();
    bucket.versioning = Field::Known(true);
    bucket.cors_allowed_origins = Field::Known(SetOf::from(BTreeSet::from(["*".to_owned()])));
    bucket.cors_max_age_seconds = Field::Known(3600);
    bucket.on_destroy = "delete_if_empty".into();
    bucket.adopt = Field::Known(false);
    bucket.verify = "probe".into();
}

/// Finds the bucket of an import id.
pub async fn import(
    cx: &Context,
    configuration: &Configuration,
    id: &str,
    empty: Bucket,
) -> Outcome<Bucket> {
    match imported(cx, configuration, id, empty).await {
        Ok((bucket, private)) => Outcome::exists(bucket, private),
        Err(problems) => Outcome::gone().with(problems),
    }
}

async fn imported(
    cx: &Context,
    configuration: &Configuration,
    id: &str,
    mut bucket: Bucket,
) -> Result<(Bucket, Private), Diagnostics> {
    let summary = "The bucket was not imported";
    let parts = location::parse_id(id, configuration).map_err(|forms| {
        Explanation::new(summary, format!("{id:?} is no import id"))
            .what_to_do(format!("Use another id: {forms}."))
            .error()
    })?;
    let ImportId {
        account,
        location,
        name,
    } = parts;
    bucket.name = name.into();
    import_defaults(&mut bucket);
    bucket.set_block(account.kind(), account.imported(location).await?);
    let (cloud, _) = location::open(cx, &bucket, None, configuration, summary).await?;
    let sighting = cloud
        .look(name)
        .await
        .map_err(|error| Explanation::cloud(summary, error).error())?;
    let Some(sighting) = sighting else {
        let why = format!("there is no bucket {name:?} at {location}");
        return Err(Explanation::new(summary, why).error().into());
    };
    cloud
        .confirm_place(name)
        .await
        .map_err(|error| Explanation::cloud(summary, error).error())?;
    bucket.id = id.into();
    let mut private = Private::default();
    private.set(IMPORTED, true);
    absence::note_server(&mut private, &cloud);
    ownership::note_seen(&mut private);
    made::recall_key(&cloud, name, &mut private)
        .await
        .map_err(|error| Explanation::cloud(summary, error).error())?;
    location::note_all_open(&mut private, account.as_ref());
    if let Some(marker) = &sighting.marker {
        bucket.generation = Field::Known(marker.generation.to_string());
        // A takeover has left the bucket the user of its owner before.
        for generation in marker.generations() {
            if generation == Generation::nobodys() {
                continue;
            }
            let of = (&generation, configuration);
            let found = own_key(&cloud, &mut bucket, &mut private, of).await;
            let found = found.map_err(|error| Explanation::cloud(summary, error).timed(cx).error());
            if let Some(name) = found? {
                bucket.access_key_owner = Field::Known(name);
                break;
            }
        }
    }
    as_it_stands(cx, &cloud, &mut bucket, &private, configuration).await?;
    Ok((bucket, private))
}

/// Takes into the state what stands on the bucket and nobody else can say: the path, and whom
/// it lets in. An apply of what Terraform writes by itself must not widen W&B's rights.
async fn as_it_stands(
    cx: &Context,
    cloud: &Arc<dyn Cloud>,
    bucket: &mut Bucket,
    private: &Private,
    configuration: &Configuration,
) -> Result<(), Diagnostics> {
    // The first look finds the key, the second one what stands on the key.
    for _ in 0..2 {
        let block = location::resolve(bucket, bucket, None, None, configuration).await?;
        let generation = spec::generation(bucket);
        let wanted = block.as_ref().and_then(|block| {
            spec::spec(
                bucket,
                None,
                block.as_ref(),
                generation.as_ref(),
                configuration,
            )
            .map(|spec| made::with_remembered(spec, bucket, private))
        });
        let (Some(block), Some(wanted)) = (block, wanted) else {
            return Ok(());
        };
        let observed = cloud.observe(&wanted.name, &look_at(&wanted, None)).await;
        let observed = observed.map_err(|error| {
            Explanation::cloud("The bucket was not imported", error)
                .timed(cx)
                .error()
        })?;
        let Some(observed) = observed else {
            return Ok(());
        };
        let by_rule = observed
            .grants
            .known()
            .and_then(|grants| grants.path.clone());
        let by_key = || match &observed.identity {
            Reading::Known(Some(identity)) => identity.path.clone(),
            _ => None,
        };
        bucket.path = by_rule.or_else(by_key).into();
        bucket.set_block(block.kind(), block.found(&observed).block());
        if wanted.key.is_none_or(|key| key.name.is_some()) {
            break;
        }
    }
    Ok(())
}

/// Finds the identity that was made with the bucket, and returns its name. A server that does
/// not tell leaves the bucket without one.
async fn own_key(
    cloud: &Arc<dyn Cloud>,
    bucket: &mut Bucket,
    private: &mut Private,
    (generation, configuration): (&Generation, &Configuration),
) -> Result<Option<String>, CloudError> {
    let Some((kind, Value::Map(block))) = bucket.block() else {
        return Ok(None);
    };
    let mut with_key = block.clone();
    if let Some(create) = with_key.get_mut(CREATE_KEY) {
        *create = Value::Bool(true);
    }
    let mut assumed = bucket.clone();
    assumed.set_block(kind, Value::Map(with_key));
    assumed.generation = Field::Known(generation.to_string());
    let Ok(Some(resolved)) = location::resolve(&assumed, &assumed, None, None, configuration).await
    else {
        return Ok(None);
    };
    let generation = Some(generation);
    let assumed_spec = spec::spec(&assumed, None, resolved.as_ref(), generation, configuration);
    let Some(identity) = assumed_spec.and_then(spec::made_identity) else {
        return Ok(None);
    };
    let identity_name = identity.name.clone();
    let look_at = LookAt {
        identity: Some(identity),
        ..LookAt::default()
    };
    let name = assumed.name.known().cloned().unwrap_or_default();
    // The first change removes the user that is not known here, so what was not answered is
    // not taken for "none".
    let Some(observed) = cloud.observe(&name, &look_at).await? else {
        return Ok(None);
    };
    if matches!(observed.identity, Reading::Denied(_)) {
        private.set(UNSEEN, true);
    }
    if let Reading::Known(Some(state)) = &observed.identity {
        let mut enabled = state.keys.iter().filter(|(_, enabled)| **enabled);
        if let (Some((id, _)), None) = (enabled.next(), enabled.next()) {
            assumed.access_key_id = Field::Known(id.clone());
        }
        assumed.generation = bucket.generation.clone();
        *bucket = assumed;
        return Ok(Some(identity_name));
    }
    Ok(None)
}
