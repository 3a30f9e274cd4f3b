//! What was made for a bucket and is to be given up some day, as the private data remembers
//! it: the arguments may have changed since, and a refresh sees other people's changes.

use super::private::{MADE_IDENTITY, MADE_KEY, PLACE};
use super::schema::Bucket;
use crate::byob::identity::Identity;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, BucketSpec};
use crate::sdk::private::Private;

/// The spec with the identity by the name that it was made with.
pub fn with_identity(mut spec: BucketSpec, private: &Private) -> BucketSpec {
    if let (Access::MadeKey(identity), Some(name)) = (&mut spec.access, private.text(MADE_IDENTITY))
    {
        name.clone_into(&mut identity.name);
    }
    spec
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
    for name in [MADE_KEY, MADE_IDENTITY, PLACE] {
        if let Some(value) = private.get(name) {
            carried.set(name, value.clone());
        }
    }
    carried
}
