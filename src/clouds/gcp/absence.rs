//! Whether a bucket is not there: the second question, once something has said so.

use super::listing::{Page, Position, Walk};
use super::request::Request;
use super::{Gcp, observe, resource};
use crate::byob::absence::{AbsentBucket, SecondAnswer};
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::absence::{confirmed, may_not_list};
use crate::clouds::retry::Work;

pub(super) const LIST: &str = "storage.buckets.list";

/// Confirms what an answer has said: the list of the project's buckets, where it is to be
/// had, must not name the bucket, and another look must not find it.
pub(super) async fn confirm(cloud: &Gcp, bucket: &str) -> Result<AbsentBucket, CloudError> {
    // It was made by this very operation, and somebody does not know it yet.
    if cloud.made_here() {
        return Err(observe::not_known_yet(bucket));
    }
    let (call, second, told) = match listed(cloud, bucket).await {
        Ok(true) => (LIST, SecondAnswer::Present, "names it".to_owned()),
        // A list holds one project's buckets, and this may be another one's.
        Ok(false) => again(cloud, bucket).await?,
        Err(error) if may_not_list(&error) => again(cloud, bucket).await?,
        Err(error) => return Err(error),
    };
    confirmed(call, bucket, second, &told)
}

/// Refuses a bucket that the list of the project's buckets does not name. Names are the whole
/// world's, so a bucket is found whichever project it is in.
pub(super) async fn confirm_project(cloud: &Gcp, bucket: &str) -> Result<(), CloudError> {
    let project = &cloud.place.project;
    match listed(cloud, bucket).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            let why = format!("the bucket is not one of project {project:?}");
            let mut error = CloudError::new(CloudErrorKind::Invalid, LIST, bucket, why);
            error.hint = Some("Name the project that the bucket is in.".to_owned());
            Err(error)
        }
        Err(error) if may_not_list(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Names of buckets of the project that begin so, from one page or from all of them.
pub(super) async fn names(
    cloud: &Gcp,
    prefix: Option<&str>,
    all_pages: bool,
) -> Result<Vec<String>, CloudError> {
    let project = cloud.place.project.as_str();
    let mut found = Vec::new();
    let mut walk = Walk::default();
    loop {
        let request = Request::storage("GET", "b")
            .with("project", project)
            .with("fields", "nextPageToken,items(name)")
            .with_some("prefix", prefix)
            .with_some("pageToken", walk.token());
        let told = cloud.json(Work::Read, LIST, project, &request).await?;
        let items = told["items"].as_array().into_iter().flatten();
        let page = Page {
            entries: items
                .filter_map(|one| one["name"].as_str().map(str::to_owned))
                .collect(),
            next: Position::of(&told),
        };
        let more = walk.follow(LIST, project, &page)?;
        found.extend(page.entries);
        if !(all_pages && more) {
            return Ok(found);
        }
    }
}

async fn listed(cloud: &Gcp, bucket: &str) -> Result<bool, CloudError> {
    let names = names(cloud, Some(bucket), true).await?;
    Ok(names.iter().any(|name| name == bucket))
}

/// Asks for the bucket itself once more: a 404 in the service's own form is an answer; a
/// refusal or a success is the contrary.
async fn again(
    cloud: &Gcp,
    bucket: &str,
) -> Result<(&'static str, SecondAnswer, String), CloudError> {
    let call = resource::GET;
    match resource::get(cloud, bucket).await {
        Ok(None) => Ok((call, SecondAnswer::Absent, String::new())),
        Ok(Some(_)) => Ok((
            call,
            SecondAnswer::Present,
            "is that it is there".to_owned(),
        )),
        Err(error) if error.kind == CloudErrorKind::Denied => {
            let told = format!("is a refusal: {}", error.message);
            Ok((call, SecondAnswer::Present, told))
        }
        Err(error) => Err(error),
    }
}
