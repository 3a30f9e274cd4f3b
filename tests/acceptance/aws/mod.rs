//! Buckets on the stand-in for AWS.

mod adopt;
mod callers;
mod create;
mod create_tags;
mod credentials;
mod delete;
mod import;
mod keys;
mod kms;
mod names;
mod partitions;
mod plan;
mod policy;
mod read;
mod register;
mod replace;
mod tags;
mod team;
mod unknown;
mod update;

use serde_json::Value;

/// A stage on AWS.
pub type Stage = crate::harness::Stage<crate::harness::Aws>;

/// The finding about a requirement.
pub fn finding(stage: &Stage, requirement: &str) -> Option<Value> {
    let findings = stage.this()["findings"].as_array().cloned();
    let mut findings = findings.unwrap_or_default().into_iter();
    findings.find(|one| one["requirement"] == requirement)
}

/// The statement of a policy that is called so.
fn statement(document: &Value, sid: &str) -> Value {
    let all = document["Statement"].as_array().expect("statements");
    let one = all.iter().find(|one| one["Sid"] == sid);
    one.unwrap_or_else(|| panic!("no {sid} in {document}"))
        .clone()
}
