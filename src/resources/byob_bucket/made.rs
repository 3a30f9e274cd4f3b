//! What was made for a bucket and is to be given up some day, as the last apply has left it:
//! the arguments may have changed since, and a refresh sees other people's changes.

use std::sync::Arc;

use super::private::{APPLIED_CORS, MADE_KEY, SERVER};
use super::schema::Bucket;
use crate::byob::identity::Identity;
use crate::byob::observed::CorsRule;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, BucketSpec, cors_rule};
use crate::byob::{Cloud, CloudError};
use crate::sdk::private::Private;

/// The spec with what only the last apply can say: the name that the identity of `bucket` was
/// made with, and the rule for web pages that it has written.
pub fn with_remembered(mut spec: BucketSpec, bucket: &Bucket, private: &Private) -> BucketSpec {
    spec.written_cors = written_cors(private);
    if let (Access::MadeKey(identity), Some(name)) =
        (&mut spec.access, bucket.access_key_owner.known())
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

/// The identity that was made for the bucket of a state, also where nobody wants it any more.
/// Its name is in the state until the server has confirmed that it is gone.
pub fn identity(bucket: &Bucket) -> Option<Identity> {
    let name = bucket.access_key_owner.known()?;
    let path = bucket.path.known().map(String::as_str);
    Some(Identity {
        name: name.clone(),
        rights: Rights::on(bucket.name.known()?, path),
        boundary: None,
    })
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
    for name in [MADE_KEY, SERVER] {
        if let Some(value) = private.get(name) {
            carried.set(name, value.clone());
        }
    }
    carried
}
