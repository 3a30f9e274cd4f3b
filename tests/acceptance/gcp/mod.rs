//! Buckets on the simulated Google Cloud.

mod adopt;
mod create;
mod credentials;
mod customer_key;
mod delete;
mod echo;
mod import;
mod input;
mod keys;
mod moved;
mod organization;
mod plan;
mod read;
mod register;
mod team;
mod unknown;
mod update;

use serde_json::Value;

/// A stage on Google Cloud.
pub type Stage = crate::harness::Stage<crate::harness::Gcp>;

/// The finding about a requirement.
pub fn finding(stage: &Stage, requirement: &str) -> Option<Value> {
    let findings = stage.this()["findings"].as_array().cloned();
    let mut findings = findings.unwrap_or_default().into_iter();
    findings.find(|one| one["requirement"] == requirement)
}

/// A member of a policy.
pub fn member(email: &str) -> String {
    format!("serviceAccount:{email}")
}

/// A service account of the project that is there and is somebody's.
fn account(stage: &Stage, name: &str) -> String {
    let email = format!("{name}@{}.iam.gserviceaccount.com", crate::harness::PROJECT);
    stage.cloud().add_account(&email);
    email
}

/// A key of Cloud KMS of this test's own.
fn key(stage: &Stage, location: &str) -> String {
    let project = crate::harness::PROJECT;
    let ring = stage.bucket();
    let name = format!("projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/k");
    stage.cloud().add_crypto_key(&name);
    name
}
