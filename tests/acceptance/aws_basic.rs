//! Buckets on AWS: what is made, changed and given up, asked by an independent client.

use serde_json::{Value, json};

use crate::aws_stage::{ACCOUNT, Amazon, THIS, WANDB};
use crate::harness::ask;

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

fn statement(document: &Value, sid: &str) -> Value {
    let all = document["Statement"].as_array().expect("statements");
    let one = all.iter().find(|one| one["Sid"] == sid);
    one.unwrap_or_else(|| panic!("no {sid} in {document}"))
        .clone()
}

#[test]
fn byob_bucket_aws_basic() {
    let amazon = Amazon::new("aws-basic");
    amazon.give("tags = { team = \"omega\" }", "");
    amazon.apply();
    amazon.assert_empty_plan();
    let (name, state, key) = (amazon.bucket(), amazon.this(), amazon.key());
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
    the_bucket_is_as_wandb_wants_it(&amazon, &key);
    the_key_is_as_wandb_wants_it(&amazon, &key);
    amazon.destroy();
    assert!(!amazon.exists());
    let described = amazon.described(&key);
    assert_eq!(described["KeyState"], "PendingDeletion");
}

fn the_bucket_is_as_wandb_wants_it(amazon: &Amazon, key: &str) {
    let name = amazon.bucket();
    let policy = amazon.policy();
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
    let block = amazon.s3_ok("get_public_access_block", json!({}));
    assert_eq!(
        block["PublicAccessBlockConfiguration"],
        json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
            "RestrictPublicBuckets": true})
    );
    let owner = amazon.s3_ok("get_bucket_ownership_controls", json!({}));
    assert_eq!(
        owner["OwnershipControls"]["Rules"],
        json!([{"ObjectOwnership": "BucketOwnerEnforced"}])
    );
    let versioning = amazon.s3_ok("get_bucket_versioning", json!({}));
    assert_eq!(versioning["Status"], "Enabled");
    let encryption = amazon.s3_ok("get_bucket_encryption", json!({}));
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    assert_eq!(
        rule["ApplyServerSideEncryptionByDefault"],
        json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key})
    );
    assert_eq!(rule["BucketKeyEnabled"], true);
    let cors = amazon.s3_ok("get_bucket_cors", json!({}));
    let rule = &cors["CORSRules"][0];
    assert_eq!(sorted(&rule["AllowedMethods"]), ["GET", "HEAD", "PUT"]);
    assert_eq!(rule["AllowedOrigins"], json!(["*"]));
    assert_eq!(rule["AllowedHeaders"], json!(["*"]));
    assert_eq!(rule["ExposeHeaders"], json!(["ETag"]));
    assert_eq!(rule["MaxAgeSeconds"], 3600);
    let tags = amazon.tags();
    assert_eq!(tags["team"], "omega");
    let marker = tags["terraform-provider-wandb"]
        .as_str()
        .unwrap_or_default();
    assert!(marker.starts_with("ready-"), "{tags}");
}

fn the_key_is_as_wandb_wants_it(amazon: &Amazon, key: &str) {
    let described = amazon.described(key);
    assert_eq!(described["KeyUsage"], "ENCRYPT_DECRYPT");
    assert_eq!(described["KeyState"], "Enabled");
    let rotation = amazon.kms("get_key_rotation_status", json!({"KeyId": key}));
    assert_eq!(rotation["KeyRotationEnabled"], true);
    let document = amazon.key_policy(key);
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
    let alias = format!("alias/wandb-byob/{}", amazon.bucket());
    assert_eq!(amazon.described(&alias)["Arn"], key);
    let tags = amazon.kms("list_resource_tags", json!({"KeyId": key}));
    let tags = tags["Tags"].as_array().expect("tags").clone();
    let value = |name: &str| tags.iter().find(|tag| tag["TagKey"] == name).cloned();
    assert_eq!(value("team").expect("the tag")["TagValue"], "omega");
    let marker = value("terraform-provider-wandb").expect("the marker");
    assert_eq!(
        marker["TagValue"],
        amazon.tags()["terraform-provider-wandb"]
    );
}

#[test]
fn byob_bucket_aws_update_in_place() {
    let amazon = Amazon::new("aws-update");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    amazon.give(
        "path = \"teams/omega\"\n cors_max_age_seconds = 60\n noncurrent_version_days = 9\n \
         abort_multipart_days = 3\n tags = { a = \"b\" }",
        "kms_key_rotation = false\n kms_admin_arns = [\"arn:aws:iam::123456789012:role/admin\"]\n \
         bucket_key_enabled = false\n aws_external_id = \"x\"\n kms_deletion_window_days = 7\n \
         wandb_principal_arns = [\"arn:aws:iam::111122223333:role/wandb\"]",
    );
    assert_eq!(amazon.plan().actions(THIS), ["update"]);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.key(), key);
    assert_eq!(amazon.this()["storage"]["aws_external_id"], "x");
    let wandb = statement(&amazon.policy(), "WAndBAccountAccess");
    let who = json!(["arn:aws:iam::111122223333:role/wandb"]);
    assert_eq!(wandb["Principal"]["AWS"], who);
    let document = amazon.key_policy(&key);
    assert_eq!(statement(&document, "External")["Principal"]["AWS"], who);
    assert!(document.to_string().contains("role/admin"), "{document}");
    let rotation = amazon.kms("get_key_rotation_status", json!({"KeyId": key}));
    assert_eq!(rotation["KeyRotationEnabled"], false);
    let lifecycle = amazon.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    assert_eq!(lifecycle["Rules"].as_array().map(Vec::len), Some(2));
    amazon.destroy();
    let left = amazon.described(&key);
    assert_eq!(left["KeyState"], "PendingDeletion");
    assert_eq!(left["PendingDeletionWindowInDays"], Value::Null);
}

#[test]
fn byob_bucket_aws_aes256() {
    let amazon = Amazon::new("aws-aes256");
    // The stand-in says nothing of AES256 where Amazon has it from the start.
    amazon.give("", "sse_algorithm = \"AES256\"");
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), Vec::<String>::new());
    let args = json!({"ServerSideEncryptionConfiguration": {"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}});
    amazon.s3_ok("put_bucket_encryption", args);
    assert_eq!(amazon.plan().actions(THIS), ["update"]);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.this()["storage"].get("kms_key_id"), None);
    let encryption = amazon.s3_ok("get_bucket_encryption", json!({}));
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    let algorithm = &rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"];
    assert_eq!(algorithm, "AES256");
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_given_key_is_left_alone() {
    let amazon = Amazon::new("aws-given");
    let key = amazon.foreign_key();
    let before = amazon.key_policy(&key);
    amazon.give("", &format!("kms_key_arn = \"{key}\""));
    let told = amazon.apply().text();
    // What is missing is said with the words to paste, and nothing is changed.
    assert!(told.contains("kms.wandb_use"), "{told}");
    assert!(told.contains("kms:GenerateDataKey*"), "{told}");
    assert_eq!(amazon.key_policy(&key), before);
    let mut document = before;
    let more = json!({"Sid": "W", "Effect": "Allow", "Principal": {"AWS": "830241207209"},
        "Action": "kms:*", "Resource": "*"});
    document["Statement"]
        .as_array_mut()
        .expect("statements")
        .push(more);
    let args = json!({"KeyId": key, "PolicyName": "default", "Policy": document.to_string()});
    amazon.kms("put_key_policy", args);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.this()["verified"], true);
    assert_eq!(amazon.key_policy(&key), document);
    amazon.destroy();
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    assert_eq!(amazon.own_keys(), Vec::<String>::new());
}

#[test]
fn byob_bucket_aws_access_key() {
    let amazon = Amazon::new("aws-user");
    let block = "create_access_key = true\n";
    // The stand-in lets every key do everything, which the probe would find.
    let settings = "verify = \"settings\"";
    amazon.give(settings, &format!("{block} access_key_rotation = \"1\""));
    amazon.apply();
    amazon.assert_empty_plan();
    let state = amazon.this();
    let generation = state["generation"].as_str().expect("a generation");
    let user = format!("wandb-byob-{generation}-{}", amazon.bucket());
    let keys = || {
        let listed = amazon.iam("list_access_keys", json!({"UserName": user}));
        let keys = listed["AccessKeyMetadata"].as_array().cloned();
        let ids = keys.unwrap_or_default().into_iter();
        ids.map(|key| key["AccessKeyId"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(), [state["access_key_id"].clone()]);
    amazon.give(settings, &format!("{block} access_key_rotation = \"2\""));
    amazon.apply();
    amazon.assert_empty_plan();
    let rotated = amazon.this()["access_key_id"].clone();
    assert_ne!(rotated, state["access_key_id"]);
    assert_eq!(keys(), [rotated]);
    amazon.destroy();
    let gone = ask(&amazon.login, "iam", "get_user", json!({"UserName": user}));
    assert_eq!(gone["error"], "NoSuchEntity");
}

#[test]
fn byob_bucket_aws_region_of_the_environment() {
    let mut amazon = Amazon::new("aws-region");
    amazon.set("AWS_REGION", "eu-west-1");
    let provider = amazon.provider_block("deployment = \"dedicated\"", "");
    amazon.write_raw(&format!("{provider}{}", amazon.resource("", "")));
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.this()["region"], "eu-west-1");
    let place = amazon.s3_ok("get_bucket_location", json!({}));
    assert_eq!(place["LocationConstraint"], "eu-west-1");
    assert!(amazon.key().starts_with("arn:aws:kms:eu-west-1:"));
    amazon.destroy();
}
