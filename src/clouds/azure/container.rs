//! Containers, which are the buckets: what one says of itself, and writing it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::Azure;
use super::error::{CONTAINER_NOT_FOUND, is_being_deleted, no_container, not_understood};
use super::names::{self, METADATA};
use super::request::{Api, Request, read};
use crate::byob::marker::{self, Marker, OwnedBucket};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::{Work, until_known_within};

pub(super) const READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
pub(super) const WRITE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/write";
/// How long the name of a container that was deleted may be taken.
const NAME_FREE: Duration = Duration::from_secs(600);

/// A container, as the service told it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Container(Value);

impl Container {
    /// A container of a list.
    pub(super) fn of(told: &Value) -> Self {
        Self(told.clone())
    }

    /// Metadata of others stand beside the marker.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        let metadata = self.0["properties"]["metadata"].as_object();
        let metadata = metadata.into_iter().flatten();
        metadata
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// The marker; names of metadata have no case.
    pub(super) fn marker(&self) -> Option<Marker> {
        let metadata = self.metadata();
        let mut own = metadata.iter();
        let own = own.find(|(key, _)| key.eq_ignore_ascii_case(METADATA))?;
        Marker::parse(own.1)
    }

    /// Whether everybody can read it.
    pub(super) fn is_public(&self) -> bool {
        let access = self.0["properties"]["publicAccess"].as_str();
        access.is_some_and(|access| !access.is_empty() && !access.eq_ignore_ascii_case("none"))
    }

    /// What keeps its blobs from being deleted, in words; empty where nothing does.
    pub(super) fn retention(&self) -> String {
        let properties = &self.0["properties"];
        let mut found = Vec::new();
        if properties["hasLegalHold"] == true {
            found.push("a legal hold");
        }
        if properties["hasImmutabilityPolicy"] == true {
            found.push("an immutability policy");
        }
        found.join(" and ")
    }

    fn is_deleted(&self) -> bool {
        self.0["properties"]["deleted"] == true
    }
}

fn id(cloud: &Azure, bucket: &str) -> String {
    names::container_id(&cloud.place.account_id(), bucket)
}

fn checked(call: &str, bucket: &str, told: Value) -> Result<Container, CloudError> {
    if told["name"].as_str().is_none_or(|name| name != bucket) {
        return Err(not_understood(call, bucket, "it is another container"));
    }
    Ok(Container(told))
}

/// Reads the container; it is an error when it is not there.
pub(super) async fn get(cloud: &Azure, bucket: &str) -> Result<Container, CloudError> {
    let request = Request::manager(Api::Storage, "GET", &id(cloud, bucket));
    let told = cloud.json(Work::Read, READ, bucket, &request).await?;
    let container = checked(READ, bucket, told)?;
    if container.is_deleted() {
        let why = "the container was deleted, and can be brought back for a while";
        let mut error = CloudError::new(CloudErrorKind::NotFound, READ, bucket, why);
        error.code = Some(CONTAINER_NOT_FOUND.to_owned());
        return Err(error);
    }
    cloud.seen.note_container(bucket, &container);
    Ok(container)
}

/// Reads the container, and refuses for `call` one that has another owner by now.
pub(super) async fn get_owned(
    cloud: &Azure,
    call: &str,
    owned: &OwnedBucket,
) -> Result<Container, CloudError> {
    let bucket = owned.name();
    let container = get(cloud, bucket).await?;
    if owned.is_still_ours(container.marker().as_ref()) {
        return Ok(container);
    }
    let why = "somebody else has taken the container over in the meantime";
    Err(CloudError::new(CloudErrorKind::Conflict, call, bucket, why)
        .hint("Keep the bucket in one state only; remove it from this one."))
}

/// Azure writes onto a container that is there, so it is looked once more.
pub(super) async fn refuse_taken(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    match get(cloud, bucket).await {
        Ok(_) => Err(CloudError::new(
            CloudErrorKind::AlreadyExists,
            WRITE,
            bucket,
            "a container of this name is there",
        )),
        Err(error) if no_container(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes the container with its marker. Azure writes onto one that is there, so whoever calls has
/// looked a moment ago.
pub(super) async fn make(
    cloud: &Azure,
    bucket: &str,
    marker: Option<&String>,
) -> Result<(), CloudError> {
    let metadata: BTreeMap<&str, &String> =
        marker.map(|text| (METADATA, text)).into_iter().collect();
    let body = json!({"properties": {"publicAccess": "None", "metadata": metadata}});
    let request = Request::manager(Api::Storage, "PUT", &id(cloud, bucket)).json(&body);
    let waiting = |outcome: &Result<_, CloudError>| outcome.as_ref().is_err_and(is_being_deleted);
    let stop = cloud.patience.stop();
    let is_first = AtomicBool::new(true);
    let made = until_known_within(NAME_FREE, stop, WRITE, bucket, waiting, || async {
        // Somebody else may have waited for the name as well.
        if !is_first.swap(false, Ordering::Relaxed) {
            refuse_taken(cloud, bucket).await?;
        }
        Ok(cloud
            .send_request(Work::Write, WRITE, bucket, &request)
            .await)
    })
    .await?;
    let answer = made.map_err(|error| {
        if is_being_deleted(&error) {
            return error.hint(
                "A container of this name is on its way out, which takes minutes. Run again, or \
                 choose another name.",
            );
        }
        error
    })?;
    let container = checked(WRITE, bucket, read(WRITE, bucket, &answer)?)?;
    cloud.seen.note_container(bucket, &container);
    Ok(())
}

/// Writes the marker among the metadata of others.
pub(super) async fn mark(
    cloud: &Azure,
    bucket: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let seen = match cloud.seen.container(bucket) {
        Some(seen) => seen,
        None => get(cloud, bucket).await?,
    };
    let mut metadata = seen.metadata();
    metadata.retain(|key, _| !key.eq_ignore_ascii_case(METADATA));
    if let Some(marker) = tags.get(marker::KEY) {
        metadata.insert(METADATA.to_owned(), marker.clone());
    }
    patch(cloud, bucket, json!({"metadata": metadata})).await
}

/// Closes the container to everybody.
pub(super) async fn close(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    patch(cloud, bucket, json!({"publicAccess": "None"})).await
}

async fn patch(cloud: &Azure, bucket: &str, properties: Value) -> Result<(), CloudError> {
    let body = json!({ "properties": properties });
    let request = Request::manager(Api::Storage, "PATCH", &id(cloud, bucket)).json(&body);
    let told = cloud.json(Work::Write, WRITE, bucket, &request).await?;
    let container = checked(WRITE, bucket, told)?;
    if container.0["properties"]["metadata"].is_object() {
        cloud.seen.note_container(bucket, &container);
    } else {
        // It does not say all, so it is asked for again when somebody needs it.
        get(cloud, bucket).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(properties: Value) -> Container {
        Container(json!({"name": "box", "properties": properties}))
    }

    #[test]
    fn a_marker_is_found_in_any_case() {
        let found = container(json!({"metadata": {
            "Terraform_Provider_Wandb": "ready-00c0ffee", "team": "ml"}}));
        assert_eq!(found.marker(), Marker::parse("ready-00c0ffee"));
        assert_eq!(container(json!({})).marker(), None);
    }

    #[test]
    fn what_keeps_blobs_is_told() {
        for (properties, expected) in [
            (json!({}), ""),
            (json!({"hasLegalHold": true}), "a legal hold"),
            (
                json!({"hasLegalHold": true, "hasImmutabilityPolicy": true}),
                "a legal hold and an immutability policy",
            ),
        ] {
            assert_eq!(container(properties).retention(), expected);
        }
        assert!(container(json!({"publicAccess": "Blob"})).is_public());
        assert!(!container(json!({"publicAccess": "None"})).is_public());
    }
}
