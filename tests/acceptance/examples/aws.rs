//! The examples on AWS: what they need beforehand, and what they leave at the server.
//!
//! They read as for AWS itself: where the stand-in is, and its certificate, they are told
//! by the environment that AWS's own tools know.

use serde_json::{Value, json};

use super::{BUCKET, Example, example, nothing, run};
use crate::harness::{ACCOUNT, Aws, WANDB};

type Stage = crate::harness::Stage<Aws>;

/// The bucket of most examples.
const NAME: &str = "acme-wandb-omega";
const ROLE: &str = "arn:aws:iam::123456789012:role/wandb-nodes";
const SECURITY: &str = "arn:aws:iam::123456789012:role/security";

pub const EXAMPLES: &[Example<Aws>] = &[
    example("aws-team", reached_bucket, team),
    example("aws-instance", nothing, instance),
    example("aws-given-key", key_of_others, given_key),
];

#[test]
fn every_example_is_applied_and_destroyed() {
    run(EXAMPLES, stage);
}

/// The stand-in behind TLS, as AWS's own tools would be told, and the variables.
fn stage() -> Stage {
    let mut stage = Stage::behind_tls("example");
    stage.tell_by_environment();
    for (name, value) in [
        ("wandb_role_arn", ROLE),
        ("security_role_arn", SECURITY),
        ("bucket_account_id", ACCOUNT),
    ] {
        stage.set(&format!("TF_VAR_{name}"), value);
    }
    stage
}

/// What W&B's own identity is for the simulated instance.
fn reached_bucket(stage: &mut Stage) {
    stage.let_wandb_into(NAME);
}

/// A key as its owner has prepared it.
fn key_of_others(stage: &mut Stage) {
    reached_bucket(stage);
    let key = stage.foreign_key();
    let statement = json!({"Sid": "WandbUse", "Effect": "Allow", "Principal": {"AWS": [WANDB]},
        "Resource": "*", "Action": ["kms:Decrypt", "kms:Describe*", "kms:Encrypt",
            "kms:GenerateDataKey*", "kms:ReEncrypt*"]});
    stage.allow_on_key(&key, statement);
    stage.set("TF_VAR_kms_key_arn", &key);
}

/// What is set on a bucket.
fn setting(stage: &Stage, bucket: &str, call: &str) -> Value {
    stage.ok("s3", call, json!({"Bucket": bucket}))
}

/// The statement by which plain HTTP is refused.
fn refuses_plain_http(stage: &Stage, bucket: &str) {
    let policy = setting(stage, bucket, "get_bucket_policy");
    let policy: Value =
        serde_json::from_str(policy["Policy"].as_str().expect("a policy")).expect("JSON");
    let is_deny = |one: &&Value| one["Effect"] == "Deny";
    let deny = policy["Statement"]
        .as_array()
        .and_then(|all| all.iter().find(is_deny));
    let condition = json!({"Bool": {"aws:SecureTransport": "false"}});
    assert_eq!(deny.expect("a deny statement")["Condition"], condition);
}

/// The key by the bucket's own word.
fn key_of(stage: &Stage, bucket: &str) -> String {
    let encryption = setting(stage, bucket, "get_bucket_encryption");
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    let key = &rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"];
    key.as_str().expect("a key").to_owned()
}

fn team(stage: &Stage) {
    refuses_plain_http(stage, NAME);
    let teams = stage.wandb.teams();
    let of = |entry: &str| teams[0].storage.get(entry).cloned();
    assert_eq!(teams[0].name, "omega");
    assert_eq!(teams[0].members, ["u-jane"]);
    assert_eq!(of("provider").as_deref(), Some("AWS"));
    assert_eq!(of("path").as_deref(), Some("teams/omega"));
    assert_eq!(
        of("kms_key_id").or(of("kmsKeyId")),
        Some(key_of(stage, NAME))
    );
    let state = stage.state(BUCKET);
    assert_eq!(state["verified"], true);
    assert_eq!(state["findings"], json!([]));
}

fn instance(stage: &Stage) {
    refuses_plain_http(stage, "acme-wandb");
    let key = key_of(stage, "acme-wandb");
    assert!(key.starts_with("arn:aws:kms:eu-west-1:"), "{key}");
    let output = stage
        .terraform(&["output", "-raw", "helm_values"])
        .succeeds();
    let values = String::from_utf8(output.0.stdout).expect("UTF-8");
    let expected = format!(
        r#""global":
  "bucket":
    "kmsKey": "{key}"
    "name": "acme-wandb"
    "provider": "s3"
    "region": "eu-west-1"
"#
    );
    assert_eq!(values, expected);
    let cors = setting(stage, "acme-wandb", "get_bucket_cors");
    assert_eq!(
        cors["CORSRules"][0]["AllowedOrigins"],
        json!([stage.wandb.url()])
    );
    let state = stage.state("wandb_byob_bucket.instance");
    assert_eq!(state["verified"], true, "{}", state["findings"]);
}

fn given_key(stage: &Stage) {
    let state = stage.state(BUCKET);
    assert_eq!(state["verified"], true);
    assert_eq!(state["findings"], json!([]));
    let key = key_of(stage, NAME);
    assert_eq!(state["aws"]["kms_key_arn"], key);
    let output = stage
        .terraform(&["output", "-raw", "key_policy_statements"])
        .succeeds();
    let printed: Vec<Value> = serde_json::from_slice(&output.0.stdout).expect("JSON");
    // What the owner was told to add is what makes the finding go away.
    let there = stage.key_policy(&key);
    let added = there["Statement"]
        .as_array()
        .and_then(|all| all.last())
        .expect("statements");
    assert_eq!(&printed[0], added);
    assert_eq!(
        printed[1]["Principal"]["AWS"],
        format!("arn:aws:iam::{ACCOUNT}:root")
    );
}
