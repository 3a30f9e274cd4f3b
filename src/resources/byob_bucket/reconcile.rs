//! From a bucket that is there to one that is as configured, proven and registered.
//! Create, adoption and update all end here.

use super::private::{APPLIED_KEY, UNFINISHED};
use super::work::{Origin, Progress, Work};
use super::{
    absence, access_keys, encryption_key, findings, half_made, made, outputs, ownership,
    retirement, settings, verify,
};
use crate::byob::change::Changes;
use crate::byob::diff;
use crate::byob::marker::{Generation, Marker};
use crate::byob::spec::{BucketSpec, Encryption, Setting};
use crate::byob::{Observed, Reading};
use crate::sdk::diagnostic::{Diagnostic, Path, Severity};
use crate::sdk::model::Field;
use crate::terraform::diagnostics::Explanation;

/// Does everything that is left to do, and says how far it came.
pub async fn reconcile(work: &Work<'_>, progress: &mut Progress) {
    progress.bucket.generation = Field::Known(work.generation.to_string());
    // Whatever stops this run: the next one is planned, and does the rest.
    progress.private.set(UNFINISHED, true);
    let outcome = steps(work, progress).await;
    if outcome.is_ok() {
        ownership::note_seen(&mut progress.private);
    }
    match outcome {
        Ok(End::Done) if !progress.diagnostics.has_errors() => progress.private.remove(UNFINISHED),
        Ok(End::Done | End::Owing) => {}
        Err(diagnostic) => progress.diagnostics.push(diagnostic),
    }
    absence::note_server(&mut progress.private, &work.cloud);
}

/// What is left of the work on a bucket that is as it should be.
enum End {
    /// Nothing.
    Done,
    /// Something that the next apply does.
    Owing,
}

async fn steps(work: &Work<'_>, progress: &mut Progress) -> Result<End, Diagnostic> {
    let mut wanted = work.spec(progress)?;
    let before = match work.fresh() {
        Some(fresh) => fresh.clone(),
        None => work.observe(&wanted, progress).await?,
    };
    let taken = before.marker.clone();
    made::note_let_in(&mut progress.private, &wanted);
    let has_put_key = encryption_key::put(work, &mut wanted, &before, progress).await?;
    let changes = diff::changes(&wanted, &before);
    let mut unwritable = settings::write(work, &changes.settings, &wanted, progress).await?;
    findings::remember_unwritable(&mut progress.private, &wanted, &before, &unwritable);
    if work.was_interrupted() {
        access_keys::recall(&before, &wanted, progress);
    }
    let made = access_keys::put(work, &changes, &mut wanted, progress).await?;

    let mut after = before;
    if has_put_key || has_written(work, &changes, &unwritable) {
        after = work.observe(&wanted, progress).await?;
    }
    findings::remember_unwritable(&mut progress.private, &wanted, &after, &unwritable);
    if work.fresh().is_some() {
        after = write_rest(work, after, &wanted, &mut unwritable, progress).await?;
    }
    complete_block(work, &after, progress);
    let answer = verify::verify(work, &wanted, &after, progress).await?;
    retirement::note_answer(&mut progress.private, answer);
    let has_failed = progress.diagnostics.has_errors();
    // A key that works is kept until another one is proven. Of a bucket that is still
    // being made nobody has the older keys: their secrets went with the run.
    if !has_failed || work.is_new() {
        let seen = (&after, answer);
        access_keys::retire(work, &wanted, seen, made, progress).await?;
    }
    if has_failed {
        return Ok(End::Done);
    }
    let end = conclude(work, &wanted, &after, taken, progress).await?;
    made::note_applied(&mut progress.private, &wanted);
    match wanted.encryption.as_ref().and_then(Encryption::key_name) {
        Some(key) => progress.private.set(APPLIED_KEY, key),
        None => progress.private.remove(APPLIED_KEY),
    }
    Ok(end)
}

/// The end: the user's tags, and whose the bucket is. Of a bucket that is taken over all that
/// may be refused comes before the former owners lose their users, for a bucket that is given
/// back has to be what it was.
async fn conclude(
    work: &Work<'_>,
    wanted: &BucketSpec,
    after: &Observed,
    taken: Option<Marker>,
    progress: &mut Progress,
) -> Result<End, Diagnostic> {
    let (own, taken_from) = taken.map_or_else(Default::default, |marker| {
        (marker.former, marker.taken_from)
    });
    let mut former: Vec<Generation> = own.iter().chain(&taken_from).cloned().collect();
    former.retain(|one| *one != Generation::nobodys());
    let ready = work.ready(wanted);
    let last = half_made::last_marker(&mut progress.private, work.is_new(), &ready);
    if former.is_empty() {
        encryption_key::finish(work, wanted, after).await?;
        finish(work, wanted, after, &last).await?;
        if matches!(work.origin, Origin::Adopted(_)) {
            work.read_back(wanted).await?;
        }
        return Ok(End::Done);
    }
    access_keys::refuse_former(work, wanted, &former, progress).await?;
    let still = Marker {
        former: own,
        taken_from,
        ..last.clone()
    };
    finish(work, wanted, after, &still).await?;
    work.read_back(wanted).await?;
    let mut after = after.clone();
    after.marker = Some(still);
    match part(work, wanted, &after, (&former, &last), progress).await {
        Ok(()) => Ok(End::Done),
        // There is no way back any more, so this is no failure of the adoption.
        Err(mut diagnostic) if matches!(work.origin, Origin::Adopted(_)) => {
            diagnostic.severity = Severity::Warning;
            progress.diagnostics.push(diagnostic);
            Ok(End::Owing)
        }
        Err(diagnostic) => Err(diagnostic),
    }
}

/// Parts a bucket from its former owners, who are not in its last marker.
async fn part(
    work: &Work<'_>,
    wanted: &BucketSpec,
    after: &Observed,
    (former, last): (&[Generation], &Marker),
    progress: &mut Progress,
) -> Result<(), Diagnostic> {
    access_keys::retire_former(work, wanted, former, progress).await?;
    encryption_key::finish(work, wanted, after).await?;
    encryption_key::finish_unused(work, after, &progress.private).await?;
    access_keys::finish(work, wanted).await?;
    finish(work, wanted, after, last).await?;
    work.read_back(wanted).await
}

/// Fills in what only the cloud could say of the block, and what follows from it.
fn complete_block(work: &Work<'_>, after: &Observed, progress: &mut Progress) {
    progress.block = progress.block.completed(after);
    let (kind, block) = (progress.block.kind(), progress.block.block());
    progress.bucket.set_block(kind, block);
    outputs::fill(&mut progress.bucket, work.config, progress.block.as_ref());
}

/// Whether the bucket may look different by now.
fn has_written(work: &Work<'_>, changes: &Changes, unwritable: &[Setting]) -> bool {
    changes.settings.len() > unwritable.len()
        || changes.key
        || changes.identity
        || work.rotates()
        || work.fresh().is_some()
}

/// A new bucket was taken for what new buckets are like; what the server says now may
/// ask for more. Returns the bucket as it is then.
async fn write_rest(
    work: &Work<'_>,
    seen: Observed,
    wanted: &BucketSpec,
    unwritable: &mut Vec<Setting>,
    progress: &mut Progress,
) -> Result<Observed, Diagnostic> {
    let mut rest = diff::changes(wanted, &seen).settings;
    rest.retain(|change| !unwritable.contains(&change.setting()));
    let unwritable_either = settings::write(work, &rest, wanted, progress).await?;
    let has_written = rest.len() > unwritable_either.len();
    unwritable.extend(unwritable_either);
    findings::remember_unwritable(&mut progress.private, wanted, &seen, unwritable);
    if has_written {
        return work.observe(wanted, progress).await;
    }
    Ok(seen)
}

/// The last step: the user's tags, and the marker that says how far the bucket is.
async fn finish(
    work: &Work<'_>,
    wanted: &BucketSpec,
    after: &Observed,
    last: &Marker,
) -> Result<(), Diagnostic> {
    let summary = "The bucket's tags were not set";
    // Whoever may not look at them would leave a half-made bucket, which the next who comes
    // goes on with.
    if let (true, Reading::Denied(why)) = (work.is_new(), &after.tags) {
        let why = format!("the caller may not look at them: {why}");
        return Err(Explanation::new(summary, why)
            .left_behind("the bucket, half made; the next apply goes on with it")
            .what_to_do("Allow the caller to read the bucket's tags, then apply again.")
            .at(Path::of("tags"))
            .error());
    }
    let Some(change) = diff::tags(wanted, after, Some(last)) else {
        return Ok(());
    };
    work.cloud
        .change(&wanted.name, &change)
        .await
        .map_err(|error| work.explain(summary, error).at(Path::of("tags")).error())
}
