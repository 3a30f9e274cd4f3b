//! The bucket's own encryption key: made, or mended, before the settings that name it.

use super::private::MADE_KEY;
use super::work::{Progress, Work, argument_of};
use super::{made, outputs};
use crate::byob::diff;
use crate::byob::key_service::KeyService;
use crate::byob::marker::Marker;
use crate::byob::spec::{BucketSpec, Setting};
use crate::byob::{CloudError, CloudErrorKind, Observed, Reading};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::private::Private;
use crate::terraform::diagnostics::Explanation;

/// Makes the bucket's own key what it should be, and names it in the bucket's block and in
/// what is wanted of the bucket. Returns whether there was anything to do.
pub async fn put(
    work: &Work<'_>,
    wanted: &mut BucketSpec,
    before: &Observed,
    progress: &mut Progress,
) -> Result<bool, Diagnostic> {
    refuse_anothers(wanted, before, progress)?;
    let is_due = diff::changes(wanted, before).key;
    let (true, Some(mut key)) = (is_due, wanted.key.clone()) else {
        return Ok(false);
    };
    if key.name.is_none() && work.fresh().is_none() {
        key.unnamed_of = match &before.marker {
            Some(marker) => marker.generations(),
            None => vec![work.generation.clone()],
        };
    }
    let summary = "The bucket's key was not made";
    let failed = |error| work.explain(summary, error).error();
    let service = work.cloud.key_service().ok_or_else(|| {
        let kind = CloudErrorKind::NotSupported;
        let why = "this cloud makes no keys";
        failed(CloudError::new(kind, "CreateKey", &wanted.name, why))
    })?;
    let marker = Marker::creating(work.generation.clone());
    let ensured = service
        .ensure_encryption_key(&wanted.name, &key, &marker)
        .await
        .map_err(failed)?;
    progress.block = progress.block.with_encryption_key(&ensured.name);
    progress.private.set(MADE_KEY, ensured.name.as_str());
    let block = progress.block.as_ref();
    progress.bucket.set_block(block.kind(), block.block());
    outputs::fill(&mut progress.bucket, work.config, block);
    work.cx.exists(&progress.bucket, &progress.private);
    let access_key_id = wanted.access_key_id.take();
    *wanted = work.spec(progress)?;
    wanted.access_key_id = access_key_id;
    let summary = "The bucket's key is not as configured";
    service
        .configure_encryption_key(&wanted.name, &ensured, &key)
        .await
        .map_err(|error| work.explain(summary, error).error())?;
    Ok(true)
}

/// Refuses a key that was made for another bucket: it goes when that one goes, and nobody
/// can know all who use it.
fn refuse_anothers(
    wanted: &BucketSpec,
    before: &Observed,
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let (Some(key), Reading::Known(Some(state))) = (&wanted.key, &before.key) else {
        return Ok(());
    };
    if key.name.is_none() || !state.is_anothers(&wanted.name, key.generation.as_ref()) {
        return Ok(());
    }
    let owner = match &state.bucket {
        Some(owner) if *owner != wanted.name => format!("the bucket {owner:?}"),
        _ => "another making of this bucket".to_owned(),
    };
    let why = format!("{} was made for {owner} and goes with it", state.name);
    let left = "the bucket and the key as they were";
    Err(Explanation::new("The key is another bucket's", why)
        .left_behind(left)
        .what_to_do("Give a key that no bucket of this provider has made, or none.")
        .at(argument_of(Setting::Key, progress.block.as_ref()))
        .error())
}

/// Marks the bucket's own key as this making's: the last thing but the bucket's own marker,
/// so that a key that is taken over stays its former owner's until all is done.
pub async fn finish(
    work: &Work<'_>,
    wanted: &BucketSpec,
    after: &Observed,
) -> Result<(), Diagnostic> {
    let ready = Marker::ready(work.generation.clone());
    let (Some(service), Reading::Known(Some(key))) = (work.cloud.key_service(), &after.key) else {
        return Ok(());
    };
    let is_own = key.bucket.as_ref() == Some(&wanted.name);
    if !is_own || key.marker.as_ref().is_none_or(|marker| *marker == ready) {
        return Ok(());
    }
    mark(work, service, &key.name, &ready).await
}

/// The same for a key that was made for the bucket and encrypts nothing new any more: it goes
/// with the bucket all the same, and by the marker of its owner.
pub async fn finish_unused(
    work: &Work<'_>,
    after: &Observed,
    private: &Private,
) -> Result<(), Diagnostic> {
    let (Some(service), Some(made)) = (work.cloud.key_service(), made::key(private)) else {
        return Ok(());
    };
    if matches!(&after.key, Reading::Known(Some(key)) if key.name == made) {
        return Ok(());
    }
    mark(work, service, made, &Marker::ready(work.generation.clone())).await
}

async fn mark(
    work: &Work<'_>,
    service: &dyn KeyService,
    key: &str,
    ready: &Marker,
) -> Result<(), Diagnostic> {
    let summary = "The key was not marked as finished";
    let marked = service.mark_encryption_key(key, ready).await;
    marked.map_err(|error| work.explain(summary, error).error())
}
