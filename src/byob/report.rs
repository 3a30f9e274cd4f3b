//! What to tell the user about a bucket.

use std::fmt::Write as _;

use super::requirement::{Evidence, Requirement, Status, Verdict};
use super::requirements::{self, CATALOGUE, access};

/// The outcome of the whole catalogue for one bucket, in catalogue order.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every requirement with its outcome.
    pub entries: Vec<(&'static Requirement, Verdict)>,
}

impl Report {
    /// Judges a bucket.
    pub fn new(evidence: Evidence<'_>) -> Self {
        Self {
            entries: CATALOGUE
                .iter()
                .map(|requirement| (requirement, requirement.verdict(evidence)))
                .collect(),
        }
    }

    /// What a user should know: failures, warnings, and what could not be checked.
    pub fn findings(&self) -> impl Iterator<Item = &(&'static Requirement, Verdict)> {
        self.entries.iter().filter(|(_, verdict)| {
            matches!(
                verdict.status,
                Status::Fail | Status::Warn | Status::Unknown
            )
        })
    }

    /// The requirements that do not hold.
    pub fn failures(&self) -> impl Iterator<Item = &(&'static Requirement, Verdict)> {
        self.entries
            .iter()
            .filter(|(_, verdict)| verdict.status == Status::Fail)
    }

    /// Whether nothing fails.
    pub fn is_compliant(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The failures that were seen to happen: W&B cannot work with such a bucket. They are
    /// errors always, also where no setting of ours can mend them.
    pub fn proven_failures(&self) -> impl Iterator<Item = &(&'static Requirement, Verdict)> {
        self.failures()
            .filter(|(requirement, _)| requirements::is_proof(requirement.id))
    }

    /// Whether W&B is known to get in, everything that was to be tried was tried, and nothing
    /// fails. Where no key of W&B and no principal is known, nobody has been let in that could
    /// have been checked.
    pub fn is_verified(&self) -> bool {
        let is_let_in = self.entries.iter().any(|(requirement, verdict)| {
            requirement.id == access::READ_WRITE && verdict.status == Status::Pass
        });
        let is_untried = self.entries.iter().any(|(requirement, verdict)| {
            requirements::is_of_probe(requirement.id) && verdict.status == Status::Unknown
        });
        is_let_in && !is_untried && self.is_compliant()
    }

    /// The report as a Markdown table with every requirement that applies.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| requirement | status | expected | actual | why |\n|---|---|---|---|---|\n",
        );
        for (requirement, verdict) in &self.entries {
            if verdict.status == Status::NotApplicable {
                continue;
            }
            let why = if verdict.message.is_empty() {
                requirement.why
            } else {
                &verdict.message
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                requirement.id,
                verdict.status,
                cell(&verdict.expected),
                cell(&verdict.actual),
                cell(why)
            );
        }
        text
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
