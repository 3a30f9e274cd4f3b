//! What the examples for AWS need beforehand, and what they leave at the server.
//!
//! They read as for AWS itself: where the stand-in is, and its certificate, they are told
//! by the environment that AWS's own tools know.

use serde_json::{Value, json};

use crate::aws_stage::{ACCOUNT, WANDB, by_tls, on_amazon, tell_by_environment, way_in_for_wandb};
use crate::harness::{Stage, ask};

const BUCKET: &str = "acme-wandb-omega";
const ROLE: &str = "arn:aws:iam::123456789012:role/wandb-nodes";
const SECURITY: &str = "arn:aws:iam::123456789012:role/security";

/// The stand-in behind TLS, as AWS's own tools would be told, and the variables.
pub fn stage() -> Stage {
    let mut stage = on_amazon("example", by_tls());
    tell_by_environment(&mut stage);
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
pub fn reached_bucket(stage: &mut Stage) {
    stage.wandb.add_store(&way_in_for_wandb(stage, BUCKET));
}

/// A key as its owner has prepared it.
pub fn key_of_others(stage: &mut Stage) {
    reached_bucket(stage);
    let made = kms(stage, "create_key", json!({}));
    let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    let mut policy = key_policy(stage, key);
    let statement = json!({"Sid": "WandbUse", "Effect": "Allow", "Principal": {"AWS": [WANDB]}, "Resource": "*",
        "Action": ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]});
    let all = policy["Statement"].as_array_mut();
    all.expect("statements").push(statement);
    let args = json!({"KeyId": key, "PolicyName": "default", "Policy": policy.to_string()});
    kms(stage, "put_key_policy", args);
    stage.set("TF_VAR_kms_key_arn", key);
}

fn did(stage: &Stage, service: &str, call: &str, args: Value) -> Value {
    let answer = ask(&stage.login, service, call, args);
    assert!(answer.get("ok").is_some(), "{call}: {answer}");
    answer["ok"].clone()
}

fn kms(stage: &Stage, call: &str, args: Value) -> Value {
    did(stage, "kms", call, args)
}

fn key_policy(stage: &Stage, key: &str) -> Value {
    let args = json!({"KeyId": key, "PolicyName": "default"});
    let answer = kms(stage, "get_key_policy", args);
    serde_json::from_str(answer["Policy"].as_str().expect("a policy")).expect("JSON")
}

/// What is set on a bucket.
fn setting(stage: &Stage, bucket: &str, call: &str) -> Value {
    did(stage, "s3", call, json!({"Bucket": bucket}))
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

pub fn team(stage: &Stage) {
    refuses_plain_http(stage, BUCKET);
    let teams = stage.wandb.teams();
    let of = |entry: &str| teams[0].storage.get(entry).cloned();
    assert_eq!(teams[0].name, "omega");
    assert_eq!(teams[0].members, ["u-jane"]);
    assert_eq!(of("provider").as_deref(), Some("AWS"));
    assert_eq!(of("path").as_deref(), Some("teams/omega"));
    assert_eq!(
        of("kms_key_id").or(of("kmsKeyId")),
        Some(key_of(stage, BUCKET))
    );
    let state = stage.state("wandb_byob_bucket.omega");
    assert_eq!(state["verified"], true);
    assert_eq!(state["findings"], json!([]));
}

pub fn instance(stage: &Stage) {
    refuses_plain_http(stage, "acme-wandb");
    let key = key_of(stage, "acme-wandb");
    assert!(key.starts_with("arn:aws:kms:eu-west-1:"), "{key}");
    let output = stage
        .terraform(&["output", "-raw", "helm_values"])
        .succeeds();
    let values = String::from_utf8(output.0.stdout).expect("UTF-8");
    let expected = format!(
        "\"global\":\n  \"bucket\":\n    \"kmsKey\": \"{key}\"\n    \"name\": \"acme-wandb\"\n    \
         \"provider\": \"s3\"\n    \"region\": \"eu-west-1\"\n"
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

pub fn given_key(stage: &Stage) {
    let state = stage.state("wandb_byob_bucket.omega");
    assert_eq!(state["verified"], true);
    assert_eq!(state["findings"], json!([]));
    let key = key_of(stage, BUCKET);
    assert_eq!(state["aws"]["kms_key_arn"], key);
    let output = stage
        .terraform(&["output", "-raw", "key_policy_statements"])
        .succeeds();
    let printed: Vec<Value> = serde_json::from_slice(&output.0.stdout).expect("JSON");
    // What the owner was told to add is what makes the finding go away.
    let there = key_policy(stage, &key);
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
