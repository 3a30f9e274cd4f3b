//! The bucket's own encryption key: made, or mended, before the settings that name it.

use super::outputs;
use super::work::{Origin, Progress, Work};
use crate::byob::diff;
use crate::byob::marker::Marker;
use crate::byob::spec::{BucketSpec, Key};
use crate::byob::{CloudError, CloudErrorKind, Observed};
use crate::sdk::diagnostic::Diagnostic;

/// Makes the bucket's own key what it should be, and names it in the bucket's block and in
/// what is wanted of the bucket.
pub async fn put(
    work: &Work<'_>,
    wanted: &mut BucketSpec,
    before: &Observed,
    progress: &mut Progress,
) -> Result<(), Diagnostic> {
    let is_due = diff::changes(wanted, before).key;
    let (true, Some(mut key)) = (is_due, wanted.key.clone()) else {
        return Ok(());
    };
    if key.name.is_none() && work.fresh().is_none() {
        key.unnamed_of = Some(match &work.origin {
            Origin::Continued(began) => began.clone(),
            Origin::Made(_) | Origin::Adopted | Origin::Managed { .. } => work.generation.clone(),
        });
    }
    let summary = "The bucket's key was not made";
    let failed = |error| work.explain(summary, error).error();
    let service = work.cloud.key_service().ok_or_else(|| {
        let kind = CloudErrorKind::NotSupported;
        let why = "this cloud makes no keys";
        failed(CloudError::new(kind, "CreateKey", &wanted.name, why))
    })?;
    let marker = Marker::creating(work.generation.clone());
    let name = service
        .put_encryption_key(&wanted.name, &key, &marker)
        .await
        .map_err(failed)?;
    progress.block = progress.block.with_encryption_key(&name);
    let block = progress.block.as_ref();
    progress.bucket.set_block(block.kind(), block.block());
    outputs::fill(&mut progress.bucket, work.config, block);
    work.cx.exists(&progress.bucket, &progress.private);
    let access_key_id = wanted.access_key_id.take();
    *wanted = work.spec(progress)?;
    wanted.access_key_id = access_key_id;
    Ok(())
}

/// A bucket that was taken over may use the key of another bucket of ours, which has to know.
pub async fn claim(work: &Work<'_>, wanted: &BucketSpec) -> Result<(), Diagnostic> {
    let key = wanted.encryption.as_ref().map(|encryption| &encryption.key);
    let (true, Some(service), Some(Key::Named(key))) =
        (work.takes_over(), work.cloud.key_service(), key)
    else {
        return Ok(());
    };
    service
        .claim_encryption_key(&wanted.name, key)
        .await
        .map_err(|error| work.explain("The key was not claimed", error).error())
}
