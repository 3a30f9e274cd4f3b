//! What changes on AWS behind Terraform's back shows in the plan, and the next apply
//! mends it. What takes more than one change of a setting is in `aws_requirements`.

use serde_json::{Value, json};

use crate::aws_stage::{Amazon, THIS};

/// Applies, breaks something, sees it in the plan, mends it, sees nothing more.
fn drift(name: &str, arguments: &str, spoil: fn(&Amazon), attribute: &str, look: fn(&Amazon)) {
    let amazon = Amazon::new(name);
    amazon.give(arguments, "");
    amazon.apply();
    amazon.assert_empty_plan();
    spoil(&amazon);
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    let changed = plan.changed(THIS);
    assert!(
        changed.iter().any(|name| name == attribute),
        "{attribute} is not among {changed:?}"
    );
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.this()["verified"], true);
    look(&amazon);
    amazon.destroy();
}

fn put_policy(amazon: &Amazon, policy: &Value) {
    amazon.s3_ok("put_bucket_policy", json!({"Policy": policy.to_string()}));
}

fn sids(document: &Value) -> Vec<String> {
    let all = document["Statement"].as_array().expect("statements");
    let mut sids: Vec<String> = all
        .iter()
        .filter_map(|one| one["Sid"].as_str().map(str::to_owned))
        .collect();
    sids.sort();
    sids
}

#[test]
fn byob_bucket_aws_drift_versioning() {
    let spoil = |amazon: &Amazon| {
        let off = json!({"VersioningConfiguration": {"Status": "Suspended"}});
        amazon.s3_ok("put_bucket_versioning", off);
    };
    drift("aws-d-version", "", spoil, "versioning", |amazon| {
        let now = amazon.s3_ok("get_bucket_versioning", json!({}));
        assert_eq!(now["Status"], "Enabled");
    });
}

#[test]
fn byob_bucket_aws_drift_cors() {
    let spoil = |amazon: &Amazon| {
        amazon.s3_ok("delete_bucket_cors", json!({}));
    };
    drift("aws-d-cors", "", spoil, "findings", |amazon| {
        let now = amazon.s3_ok("get_bucket_cors", json!({}));
        assert_eq!(now["CORSRules"][0]["ExposeHeaders"], json!(["ETag"]));
    });
}

#[test]
fn byob_bucket_aws_drift_encryption() {
    let spoil = |amazon: &Amazon| {
        let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}});
        let args = json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}});
        amazon.s3_ok("put_bucket_encryption", args);
    };
    drift("aws-d-sse", "", spoil, "aws", |amazon| {
        let now = amazon.s3_ok("get_bucket_encryption", json!({}));
        let rule = &now["ServerSideEncryptionConfiguration"]["Rules"][0];
        let default = &rule["ApplyServerSideEncryptionByDefault"];
        assert_eq!(default["KMSMasterKeyID"], amazon.key());
        assert_eq!(amazon.own_keys().len(), 1);
    });
}

#[test]
fn byob_bucket_aws_drift_policy_changed() {
    let spoil = |amazon: &Amazon| {
        let mut policy = amazon.policy();
        policy["Statement"][0]["Action"] = json!("s3:ListBucket");
        let foreign = json!({"Sid": "Audit", "Effect": "Allow", "Action": "s3:ListBucket",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Resource": format!("arn:aws:s3:::{}", amazon.bucket())});
        policy["Statement"]
            .as_array_mut()
            .expect("a list")
            .push(foreign);
        put_policy(amazon, &policy);
    };
    drift("aws-d-policy", "", spoil, "findings", |amazon| {
        assert_eq!(sids(&amazon.policy()), ["Audit", "WAndBAccountAccess"]);
        // The same in other words is no difference.
        let mut policy = amazon.policy();
        let all = policy["Statement"].as_array_mut().expect("a list");
        all.reverse();
        for one in all.iter_mut().filter(|one| one["Sid"] != "Audit") {
            one["Principal"]["AWS"] = json!("830241207209");
        }
        put_policy(amazon, &policy);
        amazon.assert_empty_plan();
        // Now the policy is to be ours alone.
        amazon.give("", "exclusive_policy = true");
        amazon.apply();
        amazon.assert_empty_plan();
        assert_eq!(sids(&amazon.policy()), ["WAndBAccountAccess"]);
    });
}

#[test]
fn byob_bucket_aws_drift_policy_removed() {
    let spoil = |amazon: &Amazon| {
        amazon.s3_ok("delete_bucket_policy", json!({}));
    };
    drift("aws-d-nopolicy", "", spoil, "findings", |amazon| {
        assert_eq!(sids(&amazon.policy()), ["WAndBAccountAccess"]);
    });
}

#[test]
fn byob_bucket_aws_drift_public_access() {
    let spoil = |amazon: &Amazon| {
        amazon.s3_ok("delete_public_access_block", json!({}));
    };
    drift("aws-d-public", "", spoil, "findings", |amazon| {
        let now = amazon.s3_ok("get_public_access_block", json!({}));
        let switches = &now["PublicAccessBlockConfiguration"];
        assert_eq!(switches["RestrictPublicBuckets"], true);
    });
}

#[test]
fn byob_bucket_aws_drift_ownership() {
    let spoil = |amazon: &Amazon| {
        let rules = json!({"Rules": [{"ObjectOwnership": "ObjectWriter"}]});
        let args = json!({"OwnershipControls": rules});
        amazon.s3_ok("put_bucket_ownership_controls", args);
    };
    drift("aws-d-owner", "", spoil, "findings", |amazon| {
        let now = amazon.s3_ok("get_bucket_ownership_controls", json!({}));
        let rule = &now["OwnershipControls"]["Rules"][0];
        assert_eq!(rule["ObjectOwnership"], "BucketOwnerEnforced");
    });
}

#[test]
fn byob_bucket_aws_drift_tags_and_lifecycle() {
    let spoil = |amazon: &Amazon| {
        amazon.s3_ok("delete_bucket_tagging", json!({}));
        let rule = json!({"ID": "foreign", "Status": "Enabled", "Filter": {"Prefix": "logs/"},
            "Expiration": {"Days": 9}});
        let args = json!({"LifecycleConfiguration": {"Rules": [rule]}});
        amazon.s3_ok("put_bucket_lifecycle_configuration", args);
    };
    let arguments = "path = \"p\"\n tags = { a = \"b\" }\n noncurrent_version_days = 7";
    drift("aws-d-tags", arguments, spoil, "tags", |amazon| {
        assert_eq!(amazon.tags()["a"], "b");
        let now = amazon.s3_ok("get_bucket_lifecycle_configuration", json!({}));
        assert_eq!(now["Rules"].as_array().map(Vec::len), Some(2), "{now}");
        assert!(now.to_string().contains("foreign"), "{now}");
    });
}

#[test]
fn byob_bucket_aws_drift_key_policy() {
    let spoil = |amazon: &Amazon| {
        let key = amazon.key();
        let mut document = amazon.key_policy(&key);
        document["Statement"]
            .as_array_mut()
            .expect("statements")
            .retain(|one| one["Sid"] != "External");
        let args = json!({"KeyId": key, "PolicyName": "default", "Policy": document.to_string()});
        amazon.kms("put_key_policy", args);
    };
    drift("aws-d-keypolicy", "", spoil, "findings", |amazon| {
        let document = amazon.key_policy(&amazon.key());
        assert_eq!(sids(&document), ["External", "Internal"]);
    });
}

#[test]
fn byob_bucket_aws_drift_rotation() {
    let spoil = |amazon: &Amazon| {
        amazon.kms("disable_key_rotation", json!({"KeyId": amazon.key()}));
    };
    drift("aws-d-rotation", "", spoil, "aws", |amazon| {
        let now = amazon.kms("get_key_rotation_status", json!({"KeyId": amazon.key()}));
        assert_eq!(now["KeyRotationEnabled"], true);
    });
}

#[test]
fn byob_bucket_aws_drift_key_disabled() {
    let spoil = |amazon: &Amazon| {
        amazon.kms("disable_key", json!({"KeyId": amazon.key_id()}));
    };
    drift("aws-d-disabled", "", spoil, "findings", |amazon| {
        assert_eq!(amazon.described(&amazon.key())["KeyState"], "Enabled");
    });
}

#[test]
fn byob_bucket_aws_drift_key_pending_deletion() {
    let amazon = Amazon::new("aws-d-pending");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    let args = json!({"KeyId": amazon.key_id(), "PendingWindowInDays": 8});
    amazon.kms("schedule_key_deletion", args);
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    let told = "it will be deleted in 8 days";
    assert!(plan.text.contains(told), "{}", plan.text);
    let told = "cancels the deletion and enables the key";
    assert!(plan.text.contains(told), "{}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.key(), key);
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_drift_alias() {
    let spoil = |amazon: &Amazon| {
        let alias = format!("alias/wandb-byob/{}", amazon.bucket());
        amazon.kms("delete_alias", json!({"AliasName": alias}));
    };
    drift("aws-d-alias", "", spoil, "findings", |amazon| {
        let alias = format!("alias/wandb-byob/{}", amazon.bucket());
        assert_eq!(amazon.described(&alias)["Arn"], amazon.key());
    });
}
