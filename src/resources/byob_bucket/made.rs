//! What was made for a bucket and is to be given up some day, as the private data remembers
//! it: the arguments may have changed since, and a refresh sees other people's changes.

use super::private::{APPLIED_CORS, MADE_IDENTITY, MADE_KEY, SERVER};
use super::schema::Bucket;
use crate::byob::identity::Identity;
use crate::byob::observed::CorsRule;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, BucketSpec, cors_rule};
use crate::sdk::private::Private;

/// The spec with what only the last apply can say: the name that the identity was made with,
/// and the rule for web pages that it has written.
pub fn with_remembered(mut spec: BucketSpec, private: &Private) -> BucketSpec {
    spec.written_cors = written_cors(private);
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
