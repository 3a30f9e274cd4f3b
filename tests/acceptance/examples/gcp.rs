//! The examples on Google Cloud: what they need beforehand, and what they leave there.
//!
//! They read as for Google Cloud itself: where the simulated one is, and who asks, they are
//! told by the environment.

use serde_json::{Value, json};

use super::{BUCKET, Example, example, nothing, run};
use crate::harness::{ADMIN, DEPLOY, Gcp, PROJECT};

type Stage = crate::harness::Stage<Gcp>;

/// The bucket of most examples.
const NAME: &str = "acme-wandb-omega";
const PODS: &str = "example-pods@simulated-project.iam.gserviceaccount.com";
const KEY: &str = "projects/simulated-project/locations/us/keyRings/example/cryptoKeys/bucket";

pub const EXAMPLES: &[Example<Gcp>] = &[
    example("gcp-team", nothing, team),
    example("gcp-instance", pods, instance),
    example("gcp-customer-key", key, customer_key),
];

#[test]
fn every_example_is_applied_and_destroyed() {
    run(EXAMPLES, stage);
}

fn stage() -> Stage {
    let mut stage = Stage::alone("example", simulator::gcs::Config::default());
    let url = stage.cloud().url();
    for service in [
        "STORAGE",
        "IAM",
        "IAM_CREDENTIALS",
        "KMS",
        "RESOURCE_MANAGER",
    ] {
        stage.set(&format!("GOOGLE_{service}_CUSTOM_ENDPOINT"), &url);
    }
    let owner = stage.cloud().owner();
    let file = stage.cloud().key_file(&owner).expect("a key");
    stage.set("GOOGLE_CREDENTIALS", &file);
    stage
}

fn pods(stage: &mut Stage) {
    stage.cloud().add_account(PODS);
    stage.set("TF_VAR_wandb_service_account", PODS);
}

fn key(stage: &mut Stage) {
    stage.cloud().add_crypto_key(KEY);
    stage.set("TF_VAR_kms_key_name", KEY);
}

/// A bucket as Google has it.
fn seen(stage: &Stage, bucket: &str) -> Value {
    stage.cloud().bucket(bucket).expect("a bucket")
}

/// Whether the policy of a bucket gives W&B's role to somebody.
fn lets_in(stage: &Stage, bucket: &str, email: &str) -> bool {
    let policy = stage.cloud().bucket_policy(bucket).expect("a bucket");
    let bindings = policy["bindings"].as_array().cloned().unwrap_or_default();
    let members = json!([format!("serviceAccount:{email}")]);
    let is_it = |one: &Value| one["role"] == ADMIN && one["members"] == members;
    bindings.iter().any(is_it)
}

fn team(stage: &Stage) {
    assert!(lets_in(stage, NAME, DEPLOY));
    let bucket = seen(stage, NAME);
    assert_eq!(bucket["location"], "EU");
    assert_eq!(
        bucket["softDeletePolicy"]["retentionDurationSeconds"],
        "1209600"
    );
    let teams = stage.wandb.teams();
    let of = |entry: &str| teams[0].storage.get(entry).cloned();
    assert_eq!(teams[0].name, "omega");
    assert_eq!(teams[0].members, ["u-jane"]);
    assert_eq!(of("provider").as_deref(), Some("GCP"));
    assert_eq!(of("path").as_deref(), Some("teams/omega"));
    let state = stage.state(BUCKET);
    assert_eq!(state["verified"], true);
    assert_eq!(state["findings"], json!([]));
}

fn instance(stage: &Stage) {
    assert!(lets_in(stage, "acme-wandb", PODS));
    assert_eq!(seen(stage, "acme-wandb")["location"], "EUROPE-WEST4");
    let output = stage
        .terraform(&["output", "-raw", "helm_values"])
        .succeeds();
    let values = String::from_utf8(output.0.stdout).expect("UTF-8");
    let expected = r#""global":
  "bucket":
    "name": "acme-wandb"
    "provider": "gcs"
"#;
    assert_eq!(values, expected);
    let cors = &seen(stage, "acme-wandb")["cors"];
    assert_eq!(cors[0]["origin"], json!([stage.wandb.url()]));
    let state = stage.state("wandb_byob_bucket.instance");
    assert_eq!(state["verified"], true, "{}", state["findings"]);
}

fn customer_key(stage: &Stage) {
    assert_eq!(seen(stage, NAME)["encryption"]["defaultKmsKeyName"], KEY);
    let state = stage.state(BUCKET);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let made = format!(
        "wandb-byob-{}@{PROJECT}.iam.gserviceaccount.com",
        state["generation"].as_str().expect("a generation")
    );
    assert!(lets_in(stage, NAME, &made));
    let store = stage
        .terraform(&["output", "-raw", "supported_file_store"])
        .succeeds();
    let store = String::from_utf8(store.0.stdout).expect("UTF-8");
    let user = made.replace('@', "%40");
    assert!(store.starts_with(&format!("gs://{user}:-----BEGIN%20PRIVATE%20KEY-----%0A")));
    assert!(store.ends_with(&format!("@{NAME}")));
}
