//! The examples on Azure: what they need beforehand, and what they leave there.
//!
//! They read as for Azure itself: where the simulated one is, and who asks, is told by a file
//! beside them that overrides the block of the provider.

use std::fs;

use serde_json::{Value, json};

use super::{BUCKET, Example, example, nothing, run};
use crate::harness::{Azure, Cloud as _, hcl};

type Stage = crate::harness::Stage<Azure>;

const INSTANCE: &str = "wandb_byob_bucket.instance";

pub const EXAMPLES: &[Example<Azure>] = &[
    example("azure-team", nothing, team),
    example("azure-instance", nothing, instance),
    example("azure-existing-account", existing, existing_account),
];

#[test]
fn every_example_is_applied_and_destroyed() {
    run(EXAMPLES, stage);
}

fn stage() -> Stage {
    let mut stage = Stage::alone_on_azure("example", simulator::azure::Config::default());
    let pem = Value::from(stage.cloud().authority_pem()).to_string();
    let overriding = hcl!(
        r#"
            provider "wandb" {
              ca_bundle = <pem>
              azure {
                <access>
              }
            }
        "#,
        pem,
        access = Azure::access(&stage.login)
    );
    fs::write(stage.path().join("override.tf"), overriding).expect("written");
    let (account, subscription) = (stage.account(), stage.login.subscription());
    stage.set("TF_VAR_storage_account_name", &account);
    stage.set("TF_VAR_subscription_id", &subscription);
    stage
}

/// An account of somebody else's, with rules of its own.
fn existing(stage: &mut Stage) {
    let account = format!("/accounts/{}", stage.account());
    let rule = json!({"allowedOrigins": ["https://theirs.example"], "allowedMethods": ["GET"],
        "allowedHeaders": ["*"], "exposedHeaders": ["*"], "maxAgeInSeconds": 60});
    let service = json!({"blob_service": {"cors": {"corsRules": [rule]},
        "deleteRetentionPolicy": {"enabled": true, "days": 30}}});
    stage.login.control("POST", &account, json!({}));
    stage.login.control("PATCH", &account, service);
    let made = stage.login.control("POST", "/principals", json!({}));
    let principal = made["object_id"].as_str().expect("an id");
    stage.set("TF_VAR_wandb_principal_id", principal);
}

/// What the Blob service of the account says.
fn service(stage: &Stage) -> Value {
    stage.seen_account()["services"]["blobservices"].clone()
}

fn team(stage: &Stage) {
    assert_eq!(service(stage)["deleteRetentionPolicy"]["days"], 14);
    assert_eq!(stage.identities().len(), 1);
    let teams = stage.wandb.teams();
    let of = |entry: &str| teams[0].storage.get(entry).cloned();
    assert_eq!(teams[0].name, "omega");
    assert_eq!(teams[0].members, ["u-jane"]);
    assert_eq!(of("provider").as_deref(), Some("AZURE"));
    assert_eq!(of("name"), Some(stage.account()));
    assert_eq!(of("path").as_deref(), Some("omega/teams/omega"));
    let state = stage.state(BUCKET);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
}

fn helm_values(stage: &Stage) -> String {
    let output = stage.terraform(&["output", "-raw", "helm_values"]);
    String::from_utf8(output.succeeds().0.stdout).expect("UTF-8")
}

fn instance(stage: &Stage) {
    let account = stage.account();
    let expected = format!(
        r#""global":
  "bucket":
    "name": "{account}"
    "path": "wandb"
    "provider": "az"
"#
    );
    assert_eq!(helm_values(stage), expected);
    let output = stage.terraform(&["output", "-raw", "storage_key"]);
    let key = String::from_utf8(output.succeeds().0.stdout).expect("UTF-8");
    assert_eq!(json!(key), stage.seen_account()["keys"][0]);
    let rules = &service(stage)["cors"]["corsRules"];
    assert_eq!(rules[0]["allowedOrigins"], json!([stage.wandb.url()]));
    let state = stage.state(INSTANCE);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
}

fn existing_account(stage: &Stage) {
    let service = service(stage);
    let rules = &service["cors"]["corsRules"];
    assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
    assert_eq!(
        rules[1]["allowedOrigins"],
        json!(["https://theirs.example"])
    );
    assert_eq!(service["deleteRetentionPolicy"]["days"], 30);
    let state = stage.state(INSTANCE);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
}
