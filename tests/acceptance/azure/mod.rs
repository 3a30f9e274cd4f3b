//! Buckets on the simulated Azure.

mod create;

use serde_json::Value;

/// A stage on Azure.
pub type Stage = crate::harness::Stage<crate::harness::Azure>;

/// The finding about a requirement.
pub fn finding(stage: &Stage, requirement: &str) -> Option<Value> {
    let findings = stage.this()["findings"].as_array().cloned();
    let mut findings = findings.unwrap_or_default().into_iter();
    findings.find(|one| one["requirement"] == requirement)
}
