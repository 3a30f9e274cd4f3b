//! What a requirement is: one thing that W&B needs of a bucket, and how it is decided.
//!
//! Verification, drift, the report, the generated documentation and the hints in
//! error messages all come from the values in [`super::requirements`].

use std::fmt;

use super::kind::{CloudKind, PerCloud};
use super::observed::Observed;
use super::probe::Attempt;
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
            // Who gives a key decides what it may do; a key that is made here may do no more.
            Attempt::Exceeded(more) => Self::of(
                Status::Warn,
                "W&B's rights alone",
                format!("it can also {more}"),
                "whoever gets hold of W&B's key can do more than W&B needs",
            ),
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
    /// From the settings where the cloud tells it among them, else by trying.
    Either(fn(Evidence<'_>) -> Option<Verdict>),
}

/// Whether a requirement says anything on one cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// It does, and belongs to this argument, if to any.
    To(Option<&'static str>),
    /// It says nothing there, for this reason.
    Not(&'static str),
}

/// It applies, and no argument asks for it.
pub const HERE: Applies = Applies::To(None);

/// It applies, and belongs to this argument.
pub const fn argument(name: &'static str) -> Applies {
    Applies::To(Some(name))
}

/// The same on every cloud.
pub const fn everywhere(applies: Applies) -> PerCloud<Applies> {
    PerCloud {
        aws: applies,
        gcp: applies,
        azure: applies,
        s3_compatible: applies,
        coreweave: applies,
    }
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
    /// What it means on each cloud.
    pub on: PerCloud<Applies>,
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
        if !self.applies_to(evidence.spec.cloud) {
            return Verdict::not_applicable();
        }
        let tried = || {
            let tried = evidence.tried.get(self.id).cloned();
            tried.unwrap_or_else(Verdict::not_applicable)
        };
        match self.check {
            Check::Settings(check) => check(evidence),
            Check::Trial => tried(),
            Check::Either(check) => check(evidence).unwrap_or_else(tried),
        }
    }

    /// Whether it says anything about buckets of this cloud.
    pub fn applies_to(&self, cloud: CloudKind) -> bool {
        matches!(self.on.of(cloud), Applies::To(_))
    }

    /// The argument that it belongs to on this cloud.
    pub fn argument(&self, cloud: CloudKind) -> Option<&'static str> {
        match self.on.of(cloud) {
            Applies::To(argument) => *argument,
            Applies::Not(_) => None,
        }
    }
}
