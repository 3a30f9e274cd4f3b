//! What was made for a bucket and is to be given up some day, as the private data remembers
//! it: the arguments may have changed since, and a refresh sees other people's changes.

use std::collections::BTreeSet;

use super::private::{APPLIED_CORS, LET_IN, MADE_IDENTITY, MADE_KEY, SERVER};
use super::schema::Bucket;
use crate::byob::identity::Identity;
use crate::byob::observed::CorsRule;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, BucketSpec, cors_rule};
use crate::sdk::private::Private;

/// The spec with what only the last apply can say: the name that the identity was made with,
/// whom it has let in, and the rule for web pages that it has written.
pub fn with_remembered(mut spec: BucketSpec, private: &Private) -> BucketSpec {
    spec.written_cors = written_cors(private);
    if let Some(grants) = &mut spec.grants {
        let wanted: BTreeSet<String> = grants.principals.iter().cloned().collect();
        grants.former = let_in(private).difference(&wanted).cloned().collect();
    }
    if let (Access::MadeKey(identity), Some(name)) = (&mut spec.access, private.text(MADE_IDENTITY))
    {
        name.clone_into(&mut identity.name);
    }
    spec
}

fn written_cors(private: &Private) -> Option<CorsRule> {
    let written = private.get(APPLIED_CORS)?;
    let origins = written.get("origins")?.as_array()?.iter();
    let origins = origins.filter_map(|one| one.as_str().map(str::to_owned));
    Some(cors_rule(
        origins.collect(),
        written.get("max_age")?.as_i64()?,
    ))
}

/// Whom an apply of this state has let in, and nobody has seen to be out again.
fn let_in(private: &Private) -> BTreeSet<String> {
    let list = private.get(LET_IN).and_then(|list| list.as_array());
    let names = list.into_iter().flatten().filter_map(|one| one.as_str());
    names.map(str::to_owned).collect()
}

/// Remembers whom an apply is about to let in, beside those who were let in before.
pub fn note_let_in(private: &mut Private, spec: &BucketSpec) {
    let mut all = let_in(private);
    all.extend(spec.grants.iter().flat_map(|one| one.principals.clone()));
    if !all.is_empty() {
        private.set(LET_IN, all.into_iter().collect::<Vec<_>>());
    }
}

/// Forgets those who are out again, once a bucket is as its configuration wants it.
pub fn note_let_out(private: &mut Private, spec: &BucketSpec) {
    private.remove(LET_IN);
    note_let_in(private, spec);
}

/// Remembers the rule for web pages that an apply has written.
pub fn note_cors(private: &mut Private, rule: &CorsRule) {
    let (origins, max_age) = (&rule.origins, rule.max_age_seconds);
    let noted = serde_json::json!({"origins": origins, "max_age": max_age});
    private.set(APPLIED_CORS, noted);
}

/// The identity that was made for the bucket, also where nobody wants it any more.
pub fn identity(bucket: &Bucket, private: &Private) -> Option<Identity> {
    let name = private.text(MADE_IDENTITY)?;
    let path = bucket.path.known().map(String::as_str);
    Some(Identity {
        name: name.to_owned(),
        rights: Rights::on(bucket.name.known()?, path),
        boundary: None,
    })
}

/// The key that was made for the bucket, also where another one encrypts it by now.
pub fn key(private: &Private) -> Option<&str> {
    private.text(MADE_KEY)
}

/// What the create half of a replacement has to know, for the delete half is given its
/// private data: see [`super::private`].
pub fn carried(private: &Private) -> Private {
    let mut carried = Private::default();
    for name in [MADE_KEY, MADE_IDENTITY, SERVER] {
        if let Some(value) = private.get(name) {
            carried.set(name, value.clone());
        }
    }
    carried
}
