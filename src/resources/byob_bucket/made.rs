//! What was made for a bucket and is to be given up some day, as the last apply has left it:
//! the arguments may have changed since, and a refresh sees other people's changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::private::{
    APPLIED_CORS, APPLIED_LIFECYCLE, GONE, INTERRUPTED, LET_IN, MADE_KEY, SEEN, SERVER, TAKEN,
    UNSEEN, UNWANTED,
};
use super::schema::Bucket;
use super::spec;
use crate::byob::CloudKind;
use crate::byob::change::lifecycle_rules;
use crate::byob::identity::Identity;
use crate::byob::marker::Generation;
use crate::byob::observed::{CorsRule, LifecycleRule};
use crate::byob::rights::Rights;
use crate::byob::spec::{BucketSpec, cors_rule_on};
use crate::byob::{Cloud, CloudError};
use crate::sdk::private::Private;

/// The spec with what only the last apply can say: the name that the identity of `bucket` was
/// made with, the rules that it has written, and whom it has let in.
pub fn with_remembered(mut spec: BucketSpec, bucket: &Bucket, private: &Private) -> BucketSpec {
    spec.written_cors = written_cors(spec.cloud, private);
    spec.written_lifecycle = written_lifecycle(private).unwrap_or_default();
    if let Some(grants) = &mut spec.grants {
        grants.former = let_in(private);
        grants
            .former
            .retain(|former| !grants.principals.contains(former));
    }
    if let (Some(identity), Some(name)) =
        (spec.access.identity_mut(), bucket.access_key_owner.known())
    {
        // A name without a generation is the user's own, and follows the configuration.
        if identity.generation().is_some() {
            name.clone_into(&mut identity.name);
        }
    }
    spec
}

fn written_cors(cloud: CloudKind, private: &Private) -> Option<CorsRule> {
    let written = private.get(APPLIED_CORS)?;
    let origins = written.get("origins")?.as_array()?.iter();
    let origins = origins.filter_map(|one| one.as_str().map(str::to_owned));
    Some(cors_rule_on(
        cloud,
        origins.collect(),
        written.get("max_age")?.as_i64()?,
    ))
}

fn written_lifecycle(private: &Private) -> Option<Vec<LifecycleRule>> {
    let written = private.get(APPLIED_LIFECYCLE)?;
    let days = |name: &str| {
        let days = written.get(name).and_then(|days| days.as_u64());
        days.and_then(|days| u32::try_from(days).ok())
    };
    let path = written.get("path").and_then(|path| path.as_str());
    Some(lifecycle_rules(path, days("noncurrent"), days("uploads")))
}

/// The texts of an entry that is a list.
fn texts<'a>(private: &'a Private, entry: &str) -> impl Iterator<Item = &'a str> {
    let noted = private.get(entry).and_then(|noted| noted.as_array());
    noted.into_iter().flatten().filter_map(|one| one.as_str())
}

fn let_in(private: &Private) -> BTreeSet<String> {
    texts(private, LET_IN).map(str::to_owned).collect()
}

/// Remembers whom an apply is about to let in, besides those that are still to be shut out.
pub fn note_let_in(private: &mut Private, spec: &BucketSpec) {
    let Some(grants) = &spec.grants else {
        return;
    };
    let mut noted = grants.former.clone();
    noted.extend(grants.principals.iter().cloned());
    private.set(LET_IN, serde_json::json!(noted));
}

/// Recalls from the state what the last apply has written and whom it has let in, where the
/// private data does not say so: that of an import does not, and that of a provider which died
/// is lost.
pub fn recall(private: &mut Private, before: &BucketSpec) {
    let mut written = Private::default();
    note_applied(&mut written, before);
    for name in [APPLIED_CORS, APPLIED_LIFECYCLE] {
        if let (None, Some(noted)) = (private.get(name), written.get(name)) {
            private.set(name, noted.clone());
        }
    }
    let mut all = let_in(private);
    all.extend(let_in(&written));
    if !all.is_empty() {
        private.set(LET_IN, serde_json::json!(all));
    }
}

/// Remembers the rules that an apply has written, and whom it has let in and nobody else.
pub fn note_applied(private: &mut Private, spec: &BucketSpec) {
    let (origins, max_age) = (&spec.cors.origins, spec.cors.max_age_seconds);
    let noted = serde_json::json!({"origins": origins, "max_age": max_age});
    private.set(APPLIED_CORS, noted);
    let noted = serde_json::json!({
        "path": spec.path,
        "noncurrent": spec.noncurrent_version_days,
        "uploads": spec.abort_upload_days,
    });
    private.set(APPLIED_LIFECYCLE, noted);
    match &spec.grants {
        Some(grants) => private.set(LET_IN, serde_json::json!(grants.principals)),
        None => private.remove(LET_IN),
    }
}

/// The identity that was made for the bucket of a state, also where nobody wants it any more.
/// Its name is in the state until the server has confirmed that it is gone.
pub fn identity(bucket: &Bucket) -> Option<Identity> {
    named(bucket, bucket.access_key_owner.known()?)
}

/// The identities that were made for the bucket, that nobody wants any more, and that no apply
/// has come to remove.
pub fn unwanted(bucket: &Bucket, private: &Private) -> Vec<Identity> {
    let names = texts(private, UNWANTED);
    names.filter_map(|name| named(bucket, name)).collect()
}

/// All identities that were made for the bucket of a state: its own, or the one that `wanted`
/// asks for, and those that nobody wants any more.
pub fn identities(bucket: &Bucket, private: &Private, wanted: Option<BucketSpec>) -> Vec<Identity> {
    let own = identity(bucket).or_else(|| wanted.and_then(spec::made_identity));
    let mut all = Vec::from_iter(own);
    for other in unwanted(bucket, private) {
        if !all.iter().any(|one| one.is_named(&other.name)) {
            all.push(other);
        }
    }
    all
}

/// Notes the identities that an apply is about to remove, and no others.
pub fn note_unwanted(private: &mut Private, identities: &[Identity]) {
    if identities.is_empty() {
        private.remove(UNWANTED);
        return;
    }
    let names: Vec<&str> = identities.iter().map(|one| one.name.as_str()).collect();
    private.set(UNWANTED, names);
}

/// An identity that was made for the bucket of a state.
fn named(bucket: &Bucket, name: &str) -> Option<Identity> {
    let path = bucket.path.known().map(String::as_str);
    Some(Identity {
        name: name.to_owned(),
        rights: Rights::on(bucket.name.known()?, path),
        boundary: None,
        serves: Vec::from_iter(spec::generation(bucket)),
    })
}

/// The generations that what was made for a bucket may carry which is gone, its own first.
pub fn generations(state: &Bucket, private: &Private) -> Vec<Generation> {
    let noted = |entry| -> Vec<Generation> {
        let noted = texts(private, entry);
        noted.filter_map(Generation::parse).collect()
    };
    let (gone, taken) = (noted(GONE), noted(TAKEN));
    let own = spec::generation(state);
    if !gone.is_empty() {
        gone
    } else if taken.first() == own.as_ref() {
        taken
    } else {
        Vec::from_iter(own)
    }
}

/// Notes that the bucket is gone, and which generations what was made for it may carry.
pub fn note_gone(private: &mut Private, generations: &[Generation]) {
    note(private, GONE, generations);
}

/// Notes that the bucket was taken over to be deleted, and which generations what was made for
/// it may carry.
pub fn note_taken(private: &mut Private, generations: &[Generation]) {
    note(private, TAKEN, generations);
}

fn note(private: &mut Private, entry: &str, generations: &[Generation]) {
    let texts: Vec<&str> = generations.iter().map(Generation::as_str).collect();
    private.set(entry, texts);
}

/// The key that was made for the bucket, also where another one encrypts it by now.
pub fn key(private: &Private) -> Option<&str> {
    private.text(MADE_KEY)
}

/// Looks for a key that was made for the bucket where no private data can say so: after an
/// import, or after an apply that was killed.
pub async fn recall_key(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    private: &mut Private,
) -> Result<(), CloudError> {
    let (Some(service), None) = (cloud.key_service(), key(private)) else {
        return Ok(());
    };
    let found = service.find_encryption_key(name).await?;
    if let Some(Some(key)) = found.known() {
        private.set(MADE_KEY, key.as_str());
    }
    Ok(())
}

/// What the create half of a replacement has to know, for the delete half is given its
/// private data: see [`super::private`].
pub fn carried(private: &Private) -> Private {
    let mut carried = Private::default();
    for name in [
        MADE_KEY,
        SERVER,
        INTERRUPTED,
        GONE,
        TAKEN,
        SEEN,
        UNSEEN,
        UNWANTED,
    ] {
        if let Some(value) = private.get(name) {
            carried.set(name, value.clone());
        }
    }
    carried
}
