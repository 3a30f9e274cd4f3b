//! A bucket that counts as half made until something else stands as well: a run that dies in
//! between leaves nothing in the state, and the marker is all that the next one can tell by.

use tokio_util::sync::CancellationToken;

use super::schema::Bucket;
use super::{ByobBucket, location, not_configured};
use crate::byob::change::Change;
use crate::byob::marker::{self, Marker, Stage};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::private::Private;
use crate::terraform::diagnostics::Explanation;

/// A create, and a state: something is made on this bucket once it stands, and only then it
/// is finished. Whoever makes that writes so.
pub const AWAITS_TEAM: &str = "awaits_team";

/// The marker at the end of the work on a bucket that `is_new` or was there before.
pub fn last_marker(private: &mut Private, is_new: bool, ready: &Marker) -> Marker {
    if is_new && private.get(AWAITS_TEAM).is_some() {
        return Marker::creating(ready.generation.clone());
    }
    private.remove(AWAITS_TEAM);
    ready.clone()
}

impl ByobBucket {
    /// Whether the bucket of a plan is there, half made by this provider. False as well where
    /// that cannot be told.
    pub async fn is_half_made(&self, cx: &Context, planned: &Bucket) -> bool {
        let Some(configuration) = self.environment.configuration() else {
            return false;
        };
        let summary = "The bucket was not looked at";
        let opened = location::open(cx, planned, None, &configuration, summary).await;
        let (Ok((cloud, _)), Some(name)) = (opened, planned.name.known()) else {
            return false;
        };
        let sighting = cloud.look(name).await.ok().flatten();
        let marker = sighting.and_then(|sighting| sighting.marker);
        marker.is_some_and(|marker| marker.is_creating())
    }

    /// Marks a bucket as finished whose team stands, or is waited for by a state. What is
    /// left of that stays due in the private data.
    pub async fn close(&self, bucket: &Bucket, private: &mut Private) -> Result<(), Diagnostics> {
        self.mark_ready(bucket).await?;
        private.remove(AWAITS_TEAM);
        Ok(())
    }

    async fn mark_ready(&self, bucket: &Bucket) -> Result<(), Diagnostics> {
        let configuration = self
            .environment
            .configuration()
            .ok_or_else(not_configured)?;
        let summary = "The bucket's marker was not written";
        // Whatever has happened to the operation: what exists must be known for what it is.
        let cx = Context::new(CancellationToken::new(), false);
        let (cloud, _) = location::open(&cx, bucket, None, &configuration, summary).await?;
        let name = bucket.name.known().cloned().unwrap_or_default();
        let failed = |error| -> Diagnostic { Explanation::cloud(summary, error).error() };
        let Some(sighting) = cloud.look(&name).await.map_err(failed)? else {
            return Ok(());
        };
        let Some(found) = sighting.marker else {
            return Ok(());
        };
        let is_ours =
            bucket.generation.known().map(String::as_str) == Some(found.generation.as_str());
        if !is_ours || !found.is_creating() {
            return Ok(());
        }
        let marker = Marker {
            stage: Stage::Ready,
            ..found
        };
        let mut tags = sighting.tags;
        tags.insert(marker::KEY.to_owned(), marker.to_string());
        let change = Change::Tags(tags);
        Ok(cloud.change(&name, &change).await.map_err(failed)?)
    }
}
