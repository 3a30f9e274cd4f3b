//! What a container holds, and deleting it.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::data::{self, Ask};
use super::error::no_container;
use super::listing::{self, ABREAST, Entry, LIST, PAGE, Walk};
use super::{Azure, absence, container, key, locks};
use crate::byob::contents::Contents;
use crate::byob::marker::OwnedBucket;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::{is_missing, missing};
use crate::clouds::retry::Work;
use crate::clouds::survey::{Leftovers, Listing, comes_back, survey};

const DELETE_BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete";
const DELETE_VERSION: &str =
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action";
const WRITE_BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";

impl Listing for Azure {
    type Object = Entry;
    type Walk = Walk;

    async fn objects(
        &self,
        bucket: &str,
        walk: &mut Walk,
        most: u64,
    ) -> Result<(Vec<Entry>, bool), CloudError> {
        if walk.is_at_start() {
            self.seen.forget_live();
            if listing::holds_nothing(self, bucket).await? {
                self.seen.note_nothing();
                return Ok((Vec::new(), false));
            }
        }
        let page = listing::blobs(self, bucket, walk, most).await?;
        let more = walk.follow(bucket, &page)?;
        Ok((page.entries, more))
    }

    async fn uploads(
        &self,
        bucket: &str,
        walk: &mut Walk,
        most: u64,
    ) -> Result<(Vec<(String, String)>, bool), CloudError> {
        if self.seen.holds_nothing() {
            return Ok((Vec::new(), false));
        }
        let page = listing::unfinished(self, bucket, walk, most).await?;
        let more = walk.follow(bucket, &page)?;
        let names = page.entries.into_iter();
        Ok((names.map(|one| (one.name, String::new())).collect(), more))
    }

    fn name(object: &Entry) -> &str {
        &object.name
    }

    fn count(counted: &mut Contents, object: &Entry) {
        if object.is_live {
            counted.objects += 1;
        } else {
            counted.versions += 1;
        }
        counted.bytes += object.bytes;
    }
}

/// A caller who may not look into the container by its token is told which role it lacks; one
/// who may not read the account's key lacks another one, which is told already.
fn may_not_look(error: CloudError) -> CloudError {
    if error.kind != CloudErrorKind::Denied || error.call == key::LIST {
        return error;
    }
    error.hint(
        "Give the caller Storage Blob Data Owner on the account: rights on the account itself, \
         such as Owner's, say nothing about what is in it. It takes minutes to have an effect.",
    )
}

/// Counts up to `limit` entries.
pub(super) async fn contents(
    cloud: &Azure,
    bucket: &str,
    limit: u64,
) -> Result<Contents, CloudError> {
    Ok(surveyed(cloud, bucket, limit).await?.0)
}

/// The same, with what killed probes have left.
pub(super) async fn surveyed(
    cloud: &Azure,
    bucket: &str,
    limit: u64,
) -> Result<(Contents, Leftovers<Entry>), CloudError> {
    survey(cloud, bucket, limit, PAGE)
        .await
        .map_err(may_not_look)
}

fn conflict(call: &str, bucket: &str, why: String) -> CloudError {
    CloudError::new(CloudErrorKind::Conflict, call, bucket, why)
}

/// Refuses with `Conflict` when something cannot be deleted, or is not ours, before anything is
/// deleted.
pub(super) async fn refuse_locked(cloud: &Azure, owned: &OwnedBucket) -> Result<(), CloudError> {
    let bucket = owned.name();
    locks::refuse(cloud, bucket, locks::Unseen::Refused).await?;
    let container = container::get_owned(cloud, DELETE_BLOB, owned).await?;
    let retention = container.retention();
    if !retention.is_empty() {
        let why = format!("the container is under {retention}");
        return Err(conflict(DELETE_BLOB, bucket, why)
            .hint("Wait until the policy ends, or clear the hold, and try again."));
    }
    let mut walk = Walk::default();
    loop {
        let page = listing::blobs(cloud, bucket, &walk, PAGE)
            .await
            .map_err(may_not_look)?;
        if let Some(why) = page.entries.iter().find_map(|one| one.lock.clone()) {
            return Err(conflict(DELETE_BLOB, bucket, why)
                .hint("Wait until the policy ends, or release the blob, and try again."));
        }
        let mut names = page.entries.iter().map(|one| &one.name);
        if let Some(error) = names.find_map(|name| leads_elsewhere(bucket, name)) {
            return Err(error);
        }
        if !walk.follow(bucket, &page)? {
            return Ok(());
        }
    }
}

/// Deletes everything, page by page, from the front: what an earlier run deleted is not seen
/// again. A container that is gone holds nothing, once that is proven.
pub(super) async fn empty(cloud: &Azure, owned: &OwnedBucket) -> Result<Contents, CloudError> {
    match delete_all(cloud, owned).await {
        Err(error) if no_container(&error) => {
            absence::confirm(cloud, owned.name()).await?;
            Ok(Contents::default())
        }
        Ok(gone) => {
            cloud.seen.note_emptied();
            Ok(gone)
        }
        Err(error) => Err(error),
    }
}

async fn delete_all(cloud: &Azure, owned: &OwnedBucket) -> Result<Contents, CloudError> {
    refuse_locked(cloud, owned).await?;
    let bucket = owned.name();
    let mut gone = Contents::default();
    delete_blobs(cloud, bucket, &mut gone).await?;
    cloud.seen.forget_live();
    delete_unfinished(cloud, bucket, &mut gone).await?;
    Ok(gone)
}

type Seen = BTreeSet<(String, Option<String>, Option<String>, bool)>;

async fn delete_blobs(cloud: &Azure, bucket: &str, gone: &mut Contents) -> Result<(), CloudError> {
    let mut seen = Seen::new();
    let mut walk = Walk::default();
    loop {
        let page = listing::blobs(cloud, bucket, &walk, PAGE).await?;
        let Some(first) = page.entries.first() else {
            // A page may be empty although the list goes on.
            if walk.follow(bucket, &page)? {
                continue;
            }
            return Ok(());
        };
        let (version, snapshot) = (first.version.clone(), first.snapshot.clone());
        if !seen.insert((first.name.clone(), version, snapshot, first.is_live)) {
            return Err(comes_back(DELETE_BLOB, bucket, &first.name));
        }
        page.entries.iter().for_each(|one| Azure::count(gone, one));
        // Snapshots go before their blob, which could not be deleted with them.
        let (live, others): (Vec<Entry>, Vec<Entry>) =
            page.entries.into_iter().partition(|one| one.is_live);
        for group in [others, live] {
            stream::iter(group)
                .map(|one| async move { delete_blob(cloud, bucket, &one).await })
                .buffer_unordered(ABREAST)
                .try_collect::<Vec<()>>()
                .await?;
        }
        walk = Walk::default();
    }
}

/// Why a blob cannot be named in an address: there, these parts of its name lead out of the
/// container.
fn leads_elsewhere(bucket: &str, name: &str) -> Option<CloudError> {
    let mut parts = name.split('/');
    parts.any(|part| part == "." || part == "..").then(|| {
        let why = format!(
            "the blob {name:?} cannot be named in an address, where \".\" and \"..\" between \
             slashes lead to another blob, or to another container"
        );
        conflict(DELETE_BLOB, bucket, why)
            .hint("Remove the blob by other means, or set on_destroy = \"keep\".")
    })
}

/// Deletes what a reader gets; then it is an old version where those are kept, which goes too.
pub(super) async fn delete_blob(
    cloud: &Azure,
    bucket: &str,
    one: &Entry,
) -> Result<(), CloudError> {
    let failed = |error: CloudError| CloudError {
        message: format!("{:?} was not deleted: {}", one.name, error.message),
        ..may_not_look(error)
    };
    if let Some(error) = leads_elsewhere(bucket, &one.name) {
        return Err(error);
    }
    let delete = || Ask::new("DELETE", Some(one.name.as_str()));
    if one.is_live {
        let ask = delete().header("x-ms-delete-snapshots", "include");
        let sent = data::send(cloud, Work::Write, DELETE_BLOB, bucket, &ask);
        missing(sent.await).map_err(failed)?;
    }
    let (call, ask) = match (&one.snapshot, &one.version) {
        (Some(snapshot), _) => (DELETE_BLOB, delete().with("snapshot", snapshot)),
        (None, Some(version)) => (DELETE_VERSION, delete().with("versionid", version)),
        (None, None) => return Ok(()),
    };
    let sent = data::send(cloud, Work::Write, call, bucket, &ask);
    missing(sent.await).map(drop).map_err(failed)
}

async fn delete_unfinished(
    cloud: &Azure,
    bucket: &str,
    gone: &mut Contents,
) -> Result<(), CloudError> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    loop {
        let page = listing::unfinished(cloud, bucket, &Walk::default(), PAGE).await?;
        let Some(first) = page.entries.first() else {
            return Ok(());
        };
        if !seen.insert(first.name.clone()) {
            return Err(comes_back(DELETE_BLOB, bucket, &first.name));
        }
        gone.uploads += page.entries.len() as u64;
        stream::iter(page.entries)
            .map(|one| async move { give_up(cloud, bucket, &one.name).await })
            .buffer_unordered(ABREAST)
            .try_collect::<Vec<()>>()
            .await?;
    }
}

/// Parts that were never put together go when something is written in their place, which is
/// deleted then. Nothing that was finished meanwhile is written over.
pub(super) async fn give_up(cloud: &Azure, bucket: &str, name: &str) -> Result<(), CloudError> {
    if let Some(error) = leads_elsewhere(bucket, name) {
        return Err(error);
    }
    let put = Ask::new("PUT", Some(name))
        .header("x-ms-blob-type", "BlockBlob")
        .header("if-none-match", "*")
        .header("content-length", "0");
    let written = data::send(cloud, Work::Write, WRITE_BLOB, bucket, &put).await;
    let version = match written {
        Ok(answer) => answer.headers.get("x-ms-version-id").cloned(),
        Err(error) if error.kind == CloudErrorKind::Conflict => return Ok(()),
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(may_not_look(error)),
    };
    let empty = Entry {
        name: name.to_owned(),
        version,
        snapshot: None,
        is_live: true,
        bytes: 0,
        lock: None,
    };
    delete_blob(cloud, bucket, &empty).await
}

/// Refuses while there is data; deletes what killed probes have left.
pub(super) async fn refuse_data(cloud: &Azure, bucket: &str) -> Result<(), CloudError> {
    const GLANCE: u64 = 1000;
    if cloud.seen.is_emptied() || listing::holds_nothing(cloud, bucket).await? {
        return Ok(());
    }
    let (held, _) = surveyed(cloud, bucket, GLANCE).await?;
    if held.is_empty() {
        return Ok(());
    }
    let why = format!("the container holds {held}");
    Err(conflict(LIST, bucket, why))
}
