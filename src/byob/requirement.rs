//! The catalogue: what W&B needs of a bucket, one value each.
//!
//! Verification, drift, the report, the generated documentation and the hints in
//! error messages all come from [`CATALOGUE`]. Ids are public and never reused.

use std::fmt;

use super::cloud::CloudKind;
use super::observed::Observed;
use super::probe::{Attempt, ProbeResult};
use super::requirements::{access, cors, data, encryption, kms, probes, registration};
use super::spec::{BucketSpec, Setting};

/// What became of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It holds.
    Pass,
    /// It does not hold, and W&B will not work as it should.
    Fail,
    /// It does not hold because the configuration says so, or it may hurt later.
    Warn,
    /// It could not be checked.
    Unknown,
    /// It says nothing about this bucket.
    NotApplicable,
}

impl Status {
    /// The word in findings and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Reads the word of a finding.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Pass,
            Self::Fail,
            Self::Warn,
            Self::Unknown,
            Self::NotApplicable,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The outcome of one check. Holds no counts, times or request ids: it changes only
/// when the bucket did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What became of the requirement.
    pub status: Status,
    /// What should be, in a few words.
    pub expected: String,
    /// What is.
    pub actual: String,
    /// Why it matters or why it is unknown; empty when it holds.
    pub message: String,
}

impl Verdict {
    /// It holds.
    pub fn pass() -> Self {
        Self::of(Status::Pass, "", "", "")
    }

    /// It says nothing about this bucket.
    pub fn not_applicable() -> Self {
        Self::of(Status::NotApplicable, "", "", "")
    }

    /// It could not be checked, for this reason.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::of(Status::Unknown, "", "", why)
    }

    /// Any outcome.
    pub fn of(
        status: Status,
        expected: impl Into<String>,
        actual: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            expected: expected.into(),
            actual: actual.into(),
            message: message.into(),
        }
    }

    /// Passed when `actual` is `expected`, else a failure that says why it matters.
    pub fn compare(
        expected: impl Into<String>,
        actual: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let (expected, actual) = (expected.into(), actual.into());
        if expected == actual {
            Self::pass()
        } else {
            Self::of(Status::Fail, expected, actual, message)
        }
    }
}

impl From<&Attempt> for Verdict {
    fn from(attempt: &Attempt) -> Self {
        match attempt {
            Attempt::Passed => Self::pass(),
            Attempt::Failed {
                expected,
                actual,
                message,
            } => Self::of(Status::Fail, expected, actual, message),
            Attempt::NotTried(why) => Self::unknown(why),
        }
    }
}

/// What was found out by trying, in this run or in an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    outcomes: Vec<(&'static str, Verdict)>,
}

impl Tried {
    /// Nothing was tried, and nothing shall be said about it.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Every requirement that only a trial can decide is unknown, for this reason.
    pub fn unknown(why: &str) -> Self {
        Self {
            outcomes: CATALOGUE
                .iter()
                .filter(|requirement| requirement.is_tried())
                .map(|requirement| (requirement.id, Verdict::unknown(why)))
                .collect(),
        }
    }

    /// The outcomes of a probe.
    pub fn probe(result: &ProbeResult) -> Self {
        Self {
            outcomes: [
                (probes::PREFLIGHT, &result.preflight),
                (probes::PUT, &result.put),
                (probes::GET, &result.get),
                (probes::MULTIPART, &result.multipart),
                (probes::ETAG, &result.etag),
                (access::READ_WRITE, &result.access),
            ]
            .into_iter()
            .map(|(id, attempt)| (id, Verdict::from(attempt)))
            .collect(),
        }
    }

    /// The same with another outcome for `id`.
    #[must_use]
    pub fn with(mut self, id: &'static str, verdict: Verdict) -> Self {
        self.outcomes.retain(|(other, _)| *other != id);
        self.outcomes.push((id, verdict));
        self
    }

    /// What was found out about `id`.
    pub fn get(&self, id: &str) -> Option<&Verdict> {
        self.outcomes
            .iter()
            .find(|(other, _)| *other == id)
            .map(|(_, verdict)| verdict)
    }
}

/// Everything that a check may look at.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What is wanted.
    pub spec: &'a BucketSpec,
    /// What is there.
    pub observed: &'a Observed,
    /// What was found out by trying.
    pub tried: &'a Tried,
}

/// How a requirement is decided.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// From the settings that were read, with a look at what was tried.
    Settings(fn(Evidence<'_>) -> Verdict),
    /// Only by trying; the last outcome is kept.
    Trial,
}

/// One thing that W&B needs of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// Public and never reused, for example `cors.etag_exposed`.
    pub id: &'static str,
    /// What must hold, as a short sentence without a full stop.
    pub title: &'static str,
    /// Why W&B needs it.
    pub why: &'static str,
    /// Where it applies.
    pub clouds: &'static [CloudKind],
    /// The attribute that it belongs to, if there is one.
    pub attribute: Option<&'static str>,
    /// The settings whose writing mends it; which of them depends on the bucket. Empty
    /// where writing cannot.
    pub mended_by: &'static [Setting],
    /// Where the requirement comes from.
    pub source: &'static str,
    /// How it is decided.
    pub check: Check,
}

impl Requirement {
    /// The requirement's outcome for one bucket.
    pub fn verdict(&self, evidence: Evidence<'_>) -> Verdict {
        if !self.clouds.contains(&evidence.spec.cloud) {
            return Verdict::not_applicable();
        }
        match self.check {
            Check::Settings(check) => check(evidence),
            Check::Trial => evidence
                .tried
                .get(self.id)
                .cloned()
                .unwrap_or_else(Verdict::not_applicable),
        }
    }

    fn is_tried(&self) -> bool {
        matches!(self.check, Check::Trial)
    }
}

/// All requirements, in the order of the documentation and of findings.
pub static CATALOGUE: &[Requirement] = &[
    cors::METHODS,
    cors::HEADERS,
    cors::ORIGINS,
    cors::ETAG_EXPOSED,
    cors::MAX_AGE,
    access::WANDB_READ_WRITE,
    access::HTTPS_ONLY,
    access::PUBLIC_BLOCKED,
    encryption::AT_REST,
    encryption::KMS_KEY,
    kms::KEY_USAGE,
    kms::ACCOUNT_ADMIN,
    kms::WANDB_USE,
    kms::ROTATION,
    kms::ENABLED,
    data::VERSIONING_ENABLED,
    access::BUCKET_OWNER,
    data::NO_EXPIRY,
    data::NAME_VALID,
    data::AVAILABILITY_SUPPORTED,
    probes::PROBE_PREFLIGHT,
    probes::PROBE_PUT,
    probes::PROBE_GET,
    probes::PROBE_MULTIPART,
    probes::PROBE_ETAG,
    registration::WANDB_CONNECTION,
];

/// The requirement with this id.
pub fn find(id: &str) -> Option<&'static Requirement> {
    CATALOGUE.iter().find(|requirement| requirement.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_spelled_alike() {
        let ids: BTreeSet<&str> = CATALOGUE.iter().map(|requirement| requirement.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for id in ids {
            let (group, rest) = id.split_once('.').unwrap_or_else(|| panic!("{id}"));
            let plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(plain(group) && plain(rest), "{id}");
        }
    }

    #[test]
    fn everything_is_documented() {
        for requirement in CATALOGUE {
            for text in [requirement.title, requirement.why, requirement.source] {
                assert!(text.len() > 8, "{}", requirement.id);
            }
            assert!(!requirement.title.ends_with('.'), "{}", requirement.id);
            assert!(!requirement.clouds.is_empty(), "{}", requirement.id);
        }
    }
}
