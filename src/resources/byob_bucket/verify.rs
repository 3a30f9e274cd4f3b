//! Proves that a bucket works, as far as `verify` and `register` ask for it.

use super::findings::{self, is_probed};
use super::outputs;
use super::retirement::Answer;
use super::work::{Progress, Work};
use crate::byob::Observed;
use crate::byob::report::Report;
use crate::byob::requirement::{Evidence, Status, Tried, Verdict};
use crate::byob::requirements::{self, registration};
use crate::byob::spec::BucketSpec;
use crate::probe::Probe;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::terraform::account::makes_key;
use crate::terraform::diagnostics::{Explanation, is_stopped};
use crate::terraform::registration::{Connection, storage, test_connection};
use crate::wandb::{WandbError, WandbErrorKind};

/// Tries the bucket, has the instance try it, and judges it by the catalogue. Returns what the
/// instance has said.
pub async fn verify(
    work: &Work<'_>,
    wanted: &BucketSpec,
    after: &Observed,
    progress: &mut Progress,
) -> Result<Answer, Diagnostic> {
    let tried = probe(work, wanted, progress).await?;
    let (tried, answer) = register(work, tried, progress).await;
    judge(wanted, after, &tried, progress);
    Ok(answer)
}

/// Tries the bucket as a browser and the SDK do.
async fn probe(
    work: &Work<'_>,
    wanted: &BucketSpec,
    progress: &mut Progress,
) -> Result<Tried, Diagnostic> {
    if !is_probed(&progress.bucket) {
        return Ok(Tried::nothing());
    }
    let key = outputs::wandb_key(&progress.bucket, progress.block.as_ref());
    let key = key.into_known();
    let probe = Probe {
        cloud: work.cloud.as_ref(),
        bucket: &wanted.name,
        path: wanted.path.as_deref(),
        origin: &wanted.origin,
        key: key.as_ref(),
        is_new: work.fresh().is_some(),
    };
    let summary = "The bucket was not probed";
    let result = probe.run().await;
    let result = result.map_err(|error| work.explain(summary, error).error())?;
    if !result.left_behind.is_empty() {
        progress.diagnostics.push(
            Explanation::new(
                "Objects of the probe were not removed",
                "deleting them was refused",
            )
            .left_behind(result.left_behind.join(", "))
            .what_to_do("Delete them by hand.")
            .warning(),
        );
    }
    Ok(requirements::probed(&result))
}

/// Has the instance test its connection.
async fn register(work: &Work<'_>, tried: Tried, progress: &mut Progress) -> (Tried, Answer) {
    let bucket = &progress.bucket;
    let Some(client) = work.configuration.wandb.known() else {
        return (tried, Answer::Unasked);
    };
    if bucket.register == Field::Known(false) || bucket.registration_name.known().is_none() {
        return (tried, Answer::Unasked);
    }
    let block = progress.block.as_ref();
    if bucket.path.known().is_some() && makes_key(&block.block()) == Field::Known(true) {
        // The key that was made reaches the path only, and the test knows no paths.
        let why = "W&B's test of a connection tries the whole bucket, and the key that was made \
                   for W&B reaches path only";
        let verdict = Verdict::unknown(why);
        return (
            tried.with(registration::CONNECTION, verdict),
            Answer::Untestable,
        );
    }
    let is_keyed = block.is_reached_by_key();
    let insisted = bucket.register == Field::Known(true) || !is_keyed;
    let client = client.for_operation(work.cx.stop().clone());
    let tested = test_connection(&client, &storage(&bucket.storage)).await;
    let diagnostics = &mut progress.diagnostics;
    let answer = match &tested {
        Ok(Connection::Tested { errors, .. }) if errors.is_empty() => Answer::Reached,
        Ok(Connection::Tested { .. }) => Answer::Lost,
        Ok(Connection::Untested(_)) => Answer::Untestable,
        Err(_) => Answer::Silent,
    };
    let verdict = match tested {
        Ok(Connection::Tested { errors, warnings }) => connection(
            &errors.join("; "),
            &warnings.join("; "),
            insisted,
            is_keyed,
            diagnostics,
        ),
        Ok(Connection::Untested(why)) => Verdict::unknown(why),
        Err(error) => refused(error, insisted, diagnostics),
    };
    (tried.with(registration::CONNECTION, verdict), answer)
}

fn connection(
    errors: &str,
    warnings: &str,
    insisted: bool,
    is_keyed: bool,
    diagnostics: &mut Diagnostics,
) -> Verdict {
    let expected = "a connection without problems";
    if !errors.is_empty() {
        let steps = if is_keyed && insisted {
            "Add the value of supported_file_store to GORILLA_SUPPORTED_FILE_STORES of the \
             instance and restart it (on a dedicated instance W&B does it), then apply again."
        } else if is_keyed {
            "Add the value of supported_file_store to GORILLA_SUPPORTED_FILE_STORES of the \
             instance and restart it (on a dedicated instance W&B does it); the making of a team \
             asks again, and so does the next change of this bucket, such as register = true."
        } else {
            "Compare the instance's own identity with the one that the bucket lets in, then apply \
             again."
        };
        if insisted {
            diagnostics.push(
                Explanation::new("The W&B instance does not reach the bucket", errors)
                    .left_behind("the bucket with all its settings")
                    .what_to_do(steps)
                    .at(Path::of("register"))
                    .error(),
            );
            return Verdict::of(Status::Fail, expected, errors, steps);
        }
        return Verdict::of(Status::Warn, expected, errors, steps);
    }
    if warnings.is_empty() {
        return Verdict::pass();
    }
    diagnostics
        .push(Explanation::new("The W&B instance warns about the bucket", warnings).warning());
    Verdict::of(Status::Warn, expected, warnings, "the instance's own words")
}

fn refused(error: WandbError, insisted: bool, diagnostics: &mut Diagnostics) -> Verdict {
    let words = match error.kind {
        WandbErrorKind::Unauthenticated => "the instance does not accept the api_key",
        WandbErrorKind::Denied => "the api_key may not test connections",
        WandbErrorKind::Transport => "the instance was not reached",
        _ => "the instance refused the test",
    };
    let stopped = is_stopped(&error);
    let explanation = Explanation::wandb("The W&B instance was not asked about the bucket", error)
        .left_behind("the bucket with all its settings")
        .at(Path::of("register"));
    diagnostics.push(if insisted || stopped {
        explanation.error()
    } else {
        explanation.warning()
    });
    Verdict::unknown(words)
}

fn judge(wanted: &BucketSpec, after: &Observed, tried: &Tried, progress: &mut Progress) {
    let bucket = &mut progress.bucket;
    if !findings::is_looked_at(bucket) {
        bucket.findings = Field::Known(Vec::new());
        bucket.verified = Field::Known(false);
        return;
    }
    let report = Report::new(Evidence {
        spec: wanted,
        observed: after,
        tried,
    });
    bucket.findings = findings::findings(&report);
    bucket.verified = findings::verified(bucket, &report);
    if !progress.diagnostics.has_errors() {
        let of_report = findings::diagnostics(&report, &progress.private);
        progress.diagnostics.extend(of_report);
    }
}
