//! Proving that a bucket works, and telling what does not.

use super::place::Site;
use super::schema::{Bucket, Finding};
use super::words::word;
use crate::byob::cloud::Cloud;
use crate::byob::identity::AccessKey;
use crate::byob::report::Report;
use crate::byob::requirement::{CATALOGUE, Check, Requirement, Status, Tried, Verdict};
use crate::byob::requirements::{access, registration};
use crate::byob::spec::{BucketSpec, Setting};
use crate::byob::{CloudError, Observed, Reading};
use crate::resources::account::makes_key;
use crate::resources::environment::{Configuration, Probe};
use crate::resources::trouble::{Trouble, is_stopped};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::wandb::{Client, Problem, Severity, StorageInfo, WandbError, WandbErrorKind};

/// Where private data keeps what the next apply could not mend either: settings that the
/// server was found unable to write, and a key that is not ours to change.
const CANNOT: &str = "server_cannot";

/// What was found out by trying, remembered in the findings of the last apply.
///
/// Findings hold no passes, so what is absent passed if it was tried at all.
pub fn remembered(bucket: &Bucket) -> Tried {
    let Some(findings) = bucket.findings.known() else {
        return Tried::unknown("not tried since the bucket was imported");
    };
    let probed = is_probed(bucket);
    CATALOGUE
        .iter()
        .fold(Tried::nothing(), |tried, requirement| {
            match recorded(findings, requirement.id) {
                Some(verdict) if is_tried(requirement) => tried.with(requirement.id, verdict),
                None if is_tried(requirement)
                    && probed
                    && requirement.id != registration::CONNECTION =>
                {
                    tried.with(requirement.id, Verdict::pass())
                }
                _ => tried,
            }
        })
}

/// Whether an apply tries the bucket.
pub fn is_probed(bucket: &Bucket) -> bool {
    bucket.verify == Field::Known("probe".to_owned())
}

fn is_tried(requirement: &Requirement) -> bool {
    matches!(requirement.check, Check::Trial) || requirement.id == access::READ_WRITE
}

fn recorded(findings: &[Finding], id: &str) -> Option<Verdict> {
    let finding = findings
        .iter()
        .find(|one| one.requirement.known().is_some_and(|name| name == id))?;
    let text = |field: &Field<String>| field.known().cloned().unwrap_or_default();
    let status = Status::parse(finding.status.known()?)?;
    Some(Verdict::of(
        status,
        text(&finding.expected),
        text(&finding.actual),
        text(&finding.message),
    ))
}

/// Tries the bucket, as far as `verify` asks for it.
pub async fn probe(
    cx: &Context,
    configuration: &Configuration,
    cloud: &dyn Cloud,
    bucket: &Bucket,
    spec: &BucketSpec,
    key: Option<&AccessKey>,
    is_new: bool,
) -> Result<(Tried, Diagnostics), CloudError> {
    let mut told = Diagnostics::new();
    if !is_probed(bucket) {
        return Ok((Tried::nothing(), told));
    }
    let probe = Probe {
        bucket: &spec.name,
        path: spec.path.as_deref(),
        origin: &spec.origin,
        key,
        is_new,
    };
    let result = configuration
        .visitors
        .probe(cloud, &probe, cx.stop())
        .await?;
    if !result.left_behind.is_empty() {
        let names = result.left_behind.join(", ");
        told.push(
            Trouble::new(
                "Objects of the probe were not removed",
                "deleting them was refused",
            )
            .left_behind(names)
            .what_to_do("Delete them by hand.")
            .warning(),
        );
    }
    Ok((Tried::probe(&result), told))
}

/// Asks the instance to test its connection, as far as `register` asks for it.
pub async fn register(
    cx: &Context,
    configuration: &Configuration,
    bucket: &Bucket,
    site: &Site,
    tried: Tried,
) -> (Tried, Diagnostics) {
    let mut told = Diagnostics::new();
    let (Some(client), Some(name)) = (
        configuration.wandb.known(),
        bucket.registration_name.known(),
    ) else {
        return (tried, told);
    };
    if bucket.register == Field::Known(false) {
        return (tried, told);
    }
    let storage = StorageInfo {
        name: name.clone(),
        provider: site.account.kind().wandb_provider().to_owned(),
        kms_key_id: stored(bucket, "kms_key_id"),
        aws_external_id: stored(bucket, "aws_external_id"),
    };
    let is_keyed = site.account.is_reached_by_key(site.block());
    if bucket.path.known().is_some() && makes_key(site.block()) == Field::Known(true) {
        // The key that was made reaches the path only, and the test knows no paths.
        let why = "W&B's test of a connection tries the whole bucket, and the key that was made \
                   for W&B reaches path only";
        return (
            tried.with(registration::CONNECTION, Verdict::unknown(why)),
            told,
        );
    }
    let insisted = bucket.register == Field::Known(true) || !is_keyed;
    let verdict = match ask(client, cx, &storage).await {
        Ok(problems) => judge(&problems, insisted, is_keyed, &mut told),
        Err(error) => refused(error, insisted, &mut told),
    };
    (tried.with(registration::CONNECTION, verdict), told)
}

/// One of the values that a team's registration takes.
fn stored(bucket: &Bucket, key: &str) -> Option<String> {
    bucket.storage.known()?.get(key)?.known().cloned()
}

async fn ask(
    client: &Client,
    cx: &Context,
    storage: &StorageInfo,
) -> Result<Vec<Problem>, WandbError> {
    client
        .for_operation(cx.stop().clone())
        .test_bucket(storage)
        .await
}

fn judge(problems: &[Problem], insisted: bool, is_keyed: bool, told: &mut Diagnostics) -> Verdict {
    let words = |severity: Severity| {
        let all: Vec<&str> = problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .map(|problem| problem.message.as_str())
            .collect();
        all.join("; ")
    };
    let (errors, warnings) = (words(Severity::Error), words(Severity::Warning));
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
            told.push(
                Trouble::new("The W&B instance does not reach the bucket", &errors)
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
    told.push(Trouble::new("The W&B instance warns about the bucket", &warnings).warning());
    Verdict::of(Status::Warn, expected, warnings, "the instance's own words")
}

fn refused(error: WandbError, insisted: bool, told: &mut Diagnostics) -> Verdict {
    if error.kind == WandbErrorKind::NotSupported {
        return Verdict::unknown("the W&B instance is too old to test a connection");
    }
    let words = match error.kind {
        WandbErrorKind::Unauthenticated => "the instance does not accept the api_key",
        WandbErrorKind::Denied => "the api_key may not test connections",
        WandbErrorKind::Transport => "the instance was not reached",
        _ => "the instance refused the test",
    };
    let stopped = is_stopped(&error);
    let trouble = Trouble::wandb("The W&B instance was not asked about the bucket", error)
        .left_behind("the bucket with all its settings")
        .at(Path::of("register"));
    told.push(if insisted || stopped {
        trouble.error()
    } else {
        trouble.warning()
    });
    Verdict::unknown(words)
}

/// Findings in Terraform's words.
pub fn findings(report: &Report) -> Field<Vec<Finding>> {
    Field::Known(
        report
            .findings()
            .map(|(requirement, verdict)| Finding {
                requirement: requirement.id.into(),
                status: verdict.status.as_str().into(),
                expected: verdict.expected.as_str().into(),
                actual: verdict.actual.as_str().into(),
                message: verdict.message.as_str().into(),
            })
            .collect(),
    )
}

/// Whether everything that W&B needs was looked at and holds.
pub fn verified(bucket: &Bucket, report: &Report) -> Field<bool> {
    let looked = bucket.verify != Field::Known("off".to_owned());
    let probed = !is_probed(bucket)
        || !report.findings().any(|(requirement, verdict)| {
            requirement.id.starts_with("probe.") && verdict.status == Status::Unknown
        });
    Field::Known(looked && probed && report.is_compliant())
}

/// Whether this configuration mends the requirement by writing a setting, on this
/// server.
pub fn is_mendable(id: &str, private: &Private) -> bool {
    let cannot = cannot(private);
    crate::byob::requirement::find(id).is_some_and(|requirement| {
        requirement
            .mended_by
            .iter()
            .any(|setting| !cannot.contains(&word(*setting)))
    })
}

/// What a server that cannot keep rules of a bucket says of them, in every run: "none",
/// which would be drift from a rule that could never be written.
pub fn without_unwritable(observed: &mut Observed, private: &Private) {
    let none = observed.cors.known().is_some_and(Vec::is_empty);
    if none && cannot(private).contains(&word(Setting::Cors)) {
        observed.cors = Reading::Unsupported("it refused to keep one".to_owned());
    }
}

/// Settings that the server was found unable to write, by their words.
fn cannot(private: &Private) -> Vec<&str> {
    private
        .get(CANNOT)
        .and_then(|list| list.as_array())
        .map(|list| list.iter().filter_map(|one| one.as_str()).collect())
        .unwrap_or_default()
}

/// Remembers which settings an apply does not write: the server cannot, or this bucket
/// does not manage them.
pub fn remember_cannot(
    private: &mut Private,
    spec: &BucketSpec,
    observed: &Observed,
    settings: &[Setting],
) {
    private.remove(CANNOT);
    let words: Vec<&str> = Setting::ALL
        .into_iter()
        .filter(|setting| settings.contains(setting) || !spec.manages(*setting, observed))
        .map(word)
        .collect();
    if !words.is_empty() {
        private.set(CANNOT, words);
    }
}

/// What the user hears about requirements that do not hold after an apply: an error
/// for what this apply should have mended, one warning for the rest.
pub fn tell(report: &Report, private: &Private) -> Vec<Diagnostic> {
    let (mendable, rest): (Vec<_>, Vec<_>) = report
        .failures()
        .partition(|(requirement, _)| is_mendable(requirement.id, private));
    let lines = |all: &[&(&'static Requirement, Verdict)]| {
        all.iter()
            .map(|(requirement, verdict)| {
                format!(
                    "{} ({}): expected {}, found {}; {}",
                    requirement.id,
                    requirement.title,
                    verdict.expected,
                    verdict.actual,
                    verdict.message
                )
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let mut told = Vec::new();
    if !mendable.is_empty() {
        told.push(
            Trouble::new("The bucket is not as configured after the apply", lines(&mendable))
                .left_behind("the bucket with the settings that the server took")
                .what_to_do("Somebody or something else may be changing the bucket; look for it, then apply again.")
                .error(),
        );
    }
    if !rest.is_empty() {
        told.push(
            Trouble::new("The bucket does not yet work for W&B", lines(&rest))
                .what_to_do(
                    "Mend it where the bucket's server or network is run, then apply again.",
                )
                .warning(),
        );
    }
    told
}
