//! Buckets on the simulated Azure.

mod adopt;
mod create;
mod credentials;
mod credentials_elsewhere;
mod delete;
mod delete_account;
mod effect;
mod existing;
mod identity;
mod import;
mod input;
mod issuer;
mod keys;
mod plan;
mod plan_names;
mod read;
mod register;
mod spelling;
mod team;
mod unknown;
mod update;

use serde_json::Value;

/// A stage on Azure.
pub type Stage = crate::harness::Stage<crate::harness::Azure>;

/// What a bucket says that W&B reaches by the account's key.
const BY_KEY: &str = r#"scope = "instance""#;

/// The finding about a requirement.
pub fn finding(stage: &Stage, requirement: &str) -> Option<Value> {
    let findings = stage.this()["findings"].as_array().cloned();
    let mut findings = findings.unwrap_or_default().into_iter();
    findings.find(|one| one["requirement"] == requirement)
}

/// A text of a JSON value.
fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// A principal of the directory that is somebody's; its object id.
fn principal(stage: &Stage) -> String {
    let made = stage
        .login
        .control("POST", "/principals", serde_json::json!({}));
    text(&made["object_id"])
}

/// A server of a test's own.
fn alone(name: &str) -> Stage {
    Stage::alone_on_azure(name, simulator::azure::Config::default())
}
