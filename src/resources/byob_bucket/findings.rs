//! The findings of a bucket: what they say, what is remembered in them from one run to the
//! next, and which of them an apply mends.

use super::private::UNWRITABLE;
use super::schema::{Bucket, Finding};
use crate::byob::report::Report;
use crate::byob::requirement::{Check, Requirement, Status, Tried, Verdict};
use crate::byob::requirements::{self, CATALOGUE, access, registration};
use crate::byob::spec::{BucketSpec, Setting};
use crate::byob::{Observed, Reading};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::sdk::secret::scrub;
use crate::terraform::diagnostics::Explanation;

/// What was found out by trying, remembered in the findings of the last apply.
///
/// Findings hold no passes, so what is absent passed if it was tried at all.
pub fn remembered(bucket: &Bucket) -> Tried {
    let Some(findings) = bucket.findings.known() else {
        return requirements::untried("not tried since the bucket was imported");
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

/// Whether an apply looks at the bucket at all.
pub fn is_looked_at(bucket: &Bucket) -> bool {
    bucket.verify != Field::Known("off".to_owned())
}

/// Whether an apply tries the bucket.
pub fn is_probed(bucket: &Bucket) -> bool {
    bucket.verify == Field::Known("probe".to_owned())
}

fn is_tried(requirement: &Requirement) -> bool {
    matches!(requirement.check, Check::Trial | Check::Either(_))
        || requirement.id == access::READ_WRITE
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

/// Findings in Terraform's words.
pub fn findings(report: &Report) -> Field<Vec<Finding>> {
    Field::Known(
        report
            .findings()
            .map(|(requirement, verdict)| Finding {
                requirement: requirement.id.into(),
                status: verdict.status.as_str().into(),
                // They may hold words of a server, which may repeat what it was sent.
                expected: scrub(&verdict.expected).as_str().into(),
                actual: scrub(&verdict.actual).as_str().into(),
                message: scrub(&verdict.message).as_str().into(),
            })
            .collect(),
    )
}

/// Whether everything that W&B needs was looked at and holds, for somebody who is let in.
pub fn verified(bucket: &Bucket, report: &Report) -> Field<bool> {
    Field::Known(is_looked_at(bucket) && report.is_verified())
}

/// Whether this configuration mends the requirement by writing a setting, on this
/// server.
pub fn is_mendable(id: &str, private: &Private) -> bool {
    let unwritable = unwritable(private);
    requirements::find(id).is_some_and(|requirement| {
        requirement
            .mended_by
            .iter()
            .any(|setting| !unwritable.contains(&setting.as_str()))
    })
}

/// What a server that cannot keep rules of a bucket says of them, in every run: "none",
/// which would be drift from a rule that could never be written.
pub fn without_unwritable(observed: &mut Observed, private: &Private) {
    let none = observed.cors.known().is_some_and(Vec::is_empty);
    if none && unwritable(private).contains(&Setting::Cors.as_str()) {
        observed.cors = Reading::Unsupported("it refused to keep one".to_owned());
    }
}

/// Settings that the server was found unable to write, by name.
fn unwritable(private: &Private) -> Vec<&str> {
    private
        .get(UNWRITABLE)
        .and_then(|list| list.as_array())
        .map(|list| list.iter().filter_map(|one| one.as_str()).collect())
        .unwrap_or_default()
}

/// Remembers which settings an apply does not write: the server cannot, or this bucket
/// does not manage them.
pub fn remember_unwritable(
    private: &mut Private,
    spec: &BucketSpec,
    observed: &Observed,
    settings: &[Setting],
) {
    private.remove(UNWRITABLE);
    let names: Vec<&str> = Setting::ALL
        .into_iter()
        .filter(|setting| settings.contains(setting) || !spec.manages(*setting, observed))
        .map(Setting::as_str)
        .collect();
    if !names.is_empty() {
        private.set(UNWRITABLE, names);
    }
}

/// What the user hears about requirements that do not hold after an apply: an error for what
/// was tried and does not work, and for what this apply should have mended; one warning for
/// the rest.
pub fn diagnostics(report: &Report, private: &Private) -> Vec<Diagnostic> {
    let (proven, others): (Vec<_>, Vec<_>) = report
        .failures()
        .partition(|(requirement, _)| requirements::is_proof(requirement.id));
    let (mendable, rest): (Vec<_>, Vec<_>) = others
        .into_iter()
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
    let mut diagnostics = Vec::new();
    if !proven.is_empty() {
        diagnostics.push(
            Explanation::new("W&B cannot work with this bucket", lines(&proven))
                .left_behind("the bucket with the settings that the server took")
                .what_to_do(
                    "Mend it where the bucket's server or network is run, then apply again; or set \
                     verify = \"settings\" if what was tried is not what W&B will do.",
                )
                .error(),
        );
    }
    if !mendable.is_empty() {
        diagnostics.push(
            Explanation::new("The bucket is not as configured after the apply", lines(&mendable))
                .left_behind("the bucket with the settings that the server took")
                .what_to_do("Somebody or something else may be changing the bucket; look for it, then apply again.")
                .error(),
        );
    }
    if !rest.is_empty() {
        diagnostics.push(
            Explanation::new("The bucket does not yet work for W&B", lines(&rest))
                .what_to_do(
                    "Mend it where the bucket's server or network is run, then apply again.",
                )
                .warning(),
        );
    }
    diagnostics
}
