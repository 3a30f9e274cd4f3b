//! Buckets on AWS from nothing: what is made, asked by an independent client.

use serde_json::{Value, json};

use super::{Stage, statement};
use crate::harness::{ACCOUNT, THIS, WANDB};

fn sorted(value: &Value) -> Vec<String> {
    let mut list: Vec<String> = value
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect();
    list.sort();
    list
}

#[test]
fn a_bucket_and_its_key_are_as_wandb_wants_them() {
    let stage = Stage::new("aws-basic");
    stage.write_bucket(r#"tags = { team = "omega" }"#, "");
    stage.apply();
    stage.assert_empty_plan();
    let (name, state, key) = (stage.bucket(), stage.this(), stage.key());
    assert_eq!(state["arn"], format!("arn:aws:s3:::{name}"));
    assert_eq!(state["id"], format!("aws/us-east-1/{name}"));
    assert_eq!(state["region"], "us-east-1");
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(
        state["storage"],
        json!({"name": name, "provider": "AWS", "kms_key_id": key})
    );
    assert_eq!(state["storage_address"], format!("s3://{name}"));
    assert_eq!(
        state["instance_bucket"],
        json!({"name": name, "provider": "s3", "region": "us-east-1", "kmsKey": key})
    );
    the_bucket_is_as_wandb_wants_it(&stage, &key);
    the_key_is_as_wandb_wants_it(&stage, &key);
    stage.destroy();
    assert!(!stage.exists());
    let described = stage.described(&key);
    assert_eq!(described["KeyState"], "PendingDeletion");
}

fn the_bucket_is_as_wandb_wants_it(stage: &Stage, key: &str) {
    let name = stage.bucket();
    let policy = stage.policy();
    assert_eq!(policy["Id"], "WandBAccess");
    let wandb = statement(&policy, "WAndBAccountAccess");
    assert_eq!(wandb["Effect"], "Allow");
    assert_eq!(wandb["Principal"]["AWS"], json!([WANDB]));
    assert_eq!(
        sorted(&wandb["Action"]),
        [
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetBucketCORS",
            "s3:GetBucketLocation",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetObject*",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:ListBucketVersions",
            "s3:PutObject"
        ]
    );
    assert_eq!(
        sorted(&wandb["Resource"]),
        [
            format!("arn:aws:s3:::{name}"),
            format!("arn:aws:s3:::{name}/*")
        ]
    );
    let block = stage.s3_ok("get_public_access_block", json!({}));
    assert_eq!(
        block["PublicAccessBlockConfiguration"],
        json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
            "RestrictPublicBuckets": true})
    );
    let owner = stage.s3_ok("get_bucket_ownership_controls", json!({}));
    assert_eq!(
        owner["OwnershipControls"]["Rules"],
        json!([{"ObjectOwnership": "BucketOwnerEnforced"}])
    );
    assert_eq!(stage.versioning(), "Enabled");
    the_settings_are_as_wandb_wants_them(stage, key);
    let tags = stage.tags();
    assert_eq!(tags["team"], "omega");
    assert!(stage.is_ready(), "{tags}");
}

fn the_settings_are_as_wandb_wants_them(stage: &Stage, key: &str) {
    let encryption = stage.s3_ok("get_bucket_encryption", json!({}));
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    assert_eq!(
        rule["ApplyServerSideEncryptionByDefault"],
        json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key})
    );
    assert_eq!(rule["BucketKeyEnabled"], true);
    let rule = &stage.cors()[0];
    assert_eq!(sorted(&rule["AllowedMethods"]), ["GET", "HEAD", "PUT"]);
    assert_eq!(rule["AllowedOrigins"], json!(["*"]));
    assert_eq!(rule["AllowedHeaders"], json!(["*"]));
    assert_eq!(rule["ExposeHeaders"], json!(["ETag"]));
    assert_eq!(rule["MaxAgeSeconds"], 3600);
}

fn the_key_is_as_wandb_wants_it(stage: &Stage, key: &str) {
    let described = stage.described(key);
    assert_eq!(described["KeyUsage"], "ENCRYPT_DECRYPT");
    assert_eq!(described["KeyState"], "Enabled");
    let rotation = stage.kms("get_key_rotation_status", json!({"KeyId": key}));
    assert_eq!(rotation["KeyRotationEnabled"], true);
    let document = stage.key_policy(key);
    let internal = statement(&document, "Internal");
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    assert_eq!(internal["Principal"]["AWS"], json!([root]));
    assert_eq!(internal["Action"], "kms:*");
    let external = statement(&document, "External");
    assert_eq!(external["Principal"]["AWS"], json!([WANDB]));
    assert_eq!(
        sorted(&external["Action"]),
        [
            "kms:Decrypt",
            "kms:Describe*",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*"
        ]
    );
    assert_eq!(stage.described(&stage.alias())["Arn"], key);
    let tags = stage.kms("list_resource_tags", json!({"KeyId": key}));
    let tags = tags["Tags"].as_array().expect("tags").clone();
    let value = |name: &str| tags.iter().find(|tag| tag["TagKey"] == name).cloned();
    assert_eq!(value("team").expect("the tag")["TagValue"], "omega");
    let marker = value("terraform-provider-wandb").expect("the marker");
    assert_eq!(marker["TagValue"], stage.marker());
}

#[test]
fn a_bucket_with_aes256_needs_no_key() {
    let stage = Stage::new("aws-aes256");
    // The stand-in says nothing of AES256 where Amazon has it from the start.
    stage.write_bucket("", r#"sse_algorithm = "AES256""#);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), Vec::<String>::new());
    stage.put_encryption(json!({"SSEAlgorithm": "aws:kms"}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["storage"].get("kms_key_id"), None);
    assert_eq!(stage.encryption()["SSEAlgorithm"], "AES256");
    stage.destroy();
}

#[test]
fn the_region_may_come_from_the_environment() {
    let mut stage = Stage::new("aws-region");
    stage.set("AWS_REGION", "eu-west-1");
    stage.write_under(&stage.provider_in("", ""), &stage.bucket_block("", ""));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["region"], "eu-west-1");
    let place = stage.s3_ok("get_bucket_location", json!({}));
    assert_eq!(place["LocationConstraint"], "eu-west-1");
    assert!(stage.key().starts_with("arn:aws:kms:eu-west-1:"));
    stage.destroy();
}

#[test]
fn twenty_buckets_are_made_at_once() {
    let stage = Stage::new("aws-twenty");
    let name = stage.bucket();
    let numbered = format!("{name}-${{count.index}}");
    let buckets = stage.bucket_block("count = 20", "");
    stage.write(&buckets.replace(name, &numbered));
    stage.apply_with(&["-parallelism=20"]);
    let plan = stage.plan_with(&["-parallelism=20"]);
    assert!(plan.is_empty(), "{}", plan.text);
    for number in [0, 9, 19] {
        let alias = format!("alias/wandb-byob/{name}-{number}");
        let of = stage.state(&format!("{THIS}[{number}]"));
        assert_eq!(stage.described(&alias)["Arn"], of["aws"]["kms_key_arn"]);
        assert_eq!(of["verified"], true);
    }
    let arguments = ["destroy", "-auto-approve", "-no-color", "-parallelism=20"];
    stage.terraform(&arguments).succeeds();
    for number in 0..20 {
        let described = stage.described(&format!("alias/wandb-byob/{name}-{number}"));
        assert_eq!(described["KeyState"], "PendingDeletion");
    }
}
