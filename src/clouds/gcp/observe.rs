//! Reads a bucket, its policy, W&B's service account and the customer's key at once. Writes
//! nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bucket::{Document, PREVENTION};
use super::error::{NOT_FOUND, no_bucket, not_understood};
use super::policy::{self, Holder, Policy};
use super::request::Request;
use super::{ENCRYPTION, Gcp, identity, key, names};
use crate::byob::change::Change;
use crate::byob::cloud::{LookAt, Sighting};
use crate::byob::marker::{self, Marker};
use crate::byob::observed::{
    EncryptionState, GrantState, Observed, PublicAccess, Rule, Versioning,
};
use crate::byob::requirements::data::days;
use crate::byob::spec::Key;
use crate::byob::{CloudError, CloudErrorKind, CloudKind, Reading};
use crate::clouds::absence::contradiction;
use crate::clouds::reading::reading;
use crate::clouds::retry::Work;

pub(super) const GET: &str = "storage.buckets.get";

/// Reads a bucket's resource and keeps it in mind; `None` when the server says that there
/// is no such bucket.
pub(super) async fn get(cloud: &Gcp, bucket: &str) -> Result<Option<Document>, CloudError> {
    let request = Request::bucket("GET", bucket).with("projection", "noAcl");
    match cloud.json(Work::Read, GET, bucket, &request).await {
        Ok(resource) => {
            let document = Document::read(resource, bucket);
            let document = document.map_err(|why| not_understood(GET, bucket, why))?;
            cloud.remember(bucket, &document);
            Ok(Some(document))
        }
        Err(error) if no_bucket(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A refusal to look at a name may mean that the name is another project's.
fn not_ours(error: CloudError, bucket: &str) -> CloudError {
    if error.kind != CloudErrorKind::Denied || error.call != GET {
        return error;
    }
    let hint = format!(
        "Bucket names are shared by everybody on Google Cloud, and {bucket:?} is taken. If another \
         project has it, choose another name; if it is yours, give the caller a role with {GET} on it."
    );
    error.hint(hint)
}

/// Whether a bucket is there, and whose marker it carries.
pub(super) async fn look(cloud: &Gcp, bucket: &str) -> Result<Option<Sighting>, CloudError> {
    let found = get(cloud, bucket).await;
    let found = found.map_err(|error| not_ours(error, bucket))?;
    Ok(found.map(|document| {
        cloud.note_look(bucket, &document);
        Sighting {
            marker: document.marker(),
            created: document.created(),
            date_holds: false,
            tags: document.labels(),
        }
    }))
}

/// Reads the bucket; `None` when all answers say that it is not there.
pub(super) async fn observe(
    cloud: &Gcp,
    bucket: &str,
    look_at: &LookAt,
) -> Result<Option<Observed>, CloudError> {
    cloud.note_own_rules(&look_at.lifecycle);
    let (document, policy, account, key) = tokio::join!(
        get(cloud, bucket),
        policy::read(cloud, Holder::Bucket(bucket)),
        identity::account(cloud, look_at.identity.as_ref()),
        key::observe(cloud, look_at.key.as_ref()),
    );
    let document = document.map_err(|error| not_ours(error, bucket))?;
    let is_policy_gone = policy.as_ref().is_err_and(no_bucket);
    let document = match (document, is_policy_gone) {
        (Some(document), false) => document,
        (None, true) => return Ok(None),
        _ => return Err(half_there(bucket)),
    };
    let policy: Reading<Policy> = reading(policy)?;
    let grants = look_at.grants.as_ref();
    let identity = identity::state(cloud, look_at.identity.as_ref(), account, &policy)?;
    Ok(Some(Observed {
        grants: policy.map(|policy| policy.state(grants)),
        identity,
        key: key?,
        ..document.observed(bucket, &look_at.lifecycle)
    }))
}

/// One answer is that there is no such bucket, and another one the contrary.
fn half_there(bucket: &str) -> CloudError {
    let why = "one answer was that there is no such bucket, and another one the contrary";
    let mut error = contradiction(GET, bucket, why);
    error.code = Some(NOT_FOUND.to_owned());
    error
}

/// Whether one answer said that there is no such bucket, and another one the contrary.
pub(super) fn is_half_there(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::Unexpected && error.code.as_deref() == Some(NOT_FOUND)
}

/// The error of a bucket that this operation has made and that is not known everywhere yet.
pub(super) fn not_known_yet(bucket: &str) -> CloudError {
    let mut error = CloudError::new(
        CloudErrorKind::NotFound,
        GET,
        bucket,
        "the bucket was made a moment ago and is not known everywhere yet",
    );
    error.code = Some(NOT_FOUND.to_owned());
    error
}

/// What a bucket is like the moment that it was made with these settings. How long deleted
/// objects are kept where nobody says so is the organization's to decide, so it is always
/// said.
pub(super) fn fresh(
    cloud: &Gcp,
    bucket: &str,
    tags: &BTreeMap<String, String>,
    settings: &[Change],
) -> Observed {
    let mut own = tags.clone();
    own.retain(|key, _| !marker::is_reserved(key));
    let mut observed = Observed {
        location: Some(cloud.place.location.to_ascii_uppercase()),
        marker: tags.get(marker::KEY).and_then(|text| Marker::parse(text)),
        tags: Reading::Known(own),
        versioning: Reading::Known(Versioning::Off),
        soft_delete: Reading::Known(Duration::ZERO),
        storage_class: Reading::Known(cloud.place.storage_class.to_ascii_uppercase()),
        default_retention: Reading::Known(String::new()),
        cors: Reading::Known(Vec::new()),
        encryption: Reading::Known(EncryptionState {
            algorithm: Some(ENCRYPTION.to_owned()),
            key: None,
            bucket_key: false,
        }),
        lifecycle: Reading::Known(Vec::new()),
        grants: Reading::Known(GrantState {
            https_only: Rule::AsWanted,
            ..GrantState::default()
        }),
        public_access: Reading::Known(PublicAccess {
            open: vec![PREVENTION.to_owned()],
        }),
        other_owner: Reading::Known("unknown".to_owned()),
        ..Observed::unread(CloudKind::Gcp, names::bucket_full_name(bucket))
    };
    for change in settings {
        set(&mut observed, change);
    }
    observed
}

/// The same bucket with one more setting.
fn set(observed: &mut Observed, change: &Change) {
    match change {
        // Not in the call that makes a bucket, or there already.
        Change::Tags(_) | Change::Grants(_) => {}
        Change::Versioning(on) => {
            let state = if *on {
                Versioning::Enabled
            } else {
                Versioning::Off
            };
            observed.versioning = Reading::Known(state);
        }
        Change::StorageClass(class) => observed.storage_class = Reading::Known(class.clone()),
        Change::SoftDelete(count) => observed.soft_delete = Reading::Known(days(*count)),
        Change::PublicAccess(on) => {
            let open = (!on).then(|| PREVENTION.to_owned()).into_iter().collect();
            observed.public_access = Reading::Known(PublicAccess { open });
        }
        Change::Ownership => observed.other_owner = Reading::Known(String::new()),
        Change::Encryption(wanted) => {
            let key = match &wanted.key {
                Key::Named(name) => Some(name.clone()),
                Key::Server | Key::ToMake => None,
            };
            observed.encryption = Reading::Known(EncryptionState {
                algorithm: Some(ENCRYPTION.to_owned()),
                key,
                bucket_key: false,
            });
        }
        Change::Cors(rules) => observed.cors = Reading::Known(rules.clone()),
        Change::Lifecycle(rules) => observed.lifecycle = Reading::Known(rules.clone()),
    }
}
