//! Buckets on AWS that are there already, that go, and that cannot be.

use serde_json::json;

use crate::aws_stage::{Amazon, THIS};

#[test]
fn byob_bucket_aws_destroy_keeps_data_until_told_otherwise() {
    let amazon = Amazon::new("aws-full");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    amazon.put("a");
    let text = amazon
        .terraform(&["destroy", "-auto-approve", "-no-color"])
        .fails();
    assert!(text.contains("delete_everything"), "{text}");
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    amazon.give(
        "on_destroy = \"delete_everything\"",
        "kms_deletion_window_days = 7",
    );
    amazon.apply();
    amazon.destroy();
    assert!(!amazon.exists());
    let described = amazon.described(&key);
    assert_eq!(described["KeyState"], "PendingDeletion");
    let until = described["DeletionDate"].as_str().expect("a date");
    let mut in_days = std::process::Command::new("date");
    in_days.args(["-u", "-d", "+7 days", "+%Y-%m-%d"]);
    let expected = String::from_utf8(in_days.output().expect("date").stdout).expect("text");
    assert_eq!(&until[..10], expected.trim());
}

#[test]
fn byob_bucket_aws_key_of_two_buckets_stays_with_the_second() {
    let amazon = Amazon::new("aws-shared");
    let other = Amazon::new("aws-second");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    other.give("", &format!("kms_key_arn = \"{key}\""));
    other.apply();
    other.assert_empty_plan();
    // One that was encrypted with it already when it came under Terraform.
    let third = Amazon::new("aws-third");
    third.s3_ok("create_bucket", json!({}));
    third.put("theirs");
    let rule = json!({
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": true,
    });
    let args = json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}});
    third.s3_ok("put_bucket_encryption", args);
    third.give("adopt = true", &format!("kms_key_arn = \"{key}\""));
    third.apply();
    third.assert_empty_plan();
    other.destroy();
    let text = amazon.destroy().text();
    assert!(text.contains(third.bucket()), "{text}");
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    third.clean_up_objects();
    third.destroy();
}

#[test]
fn byob_bucket_aws_existing_is_adopted_or_imported_and_never_taken() {
    let amazon = Amazon::new("aws-there");
    amazon.s3_ok("create_bucket", json!({}));
    amazon.put("theirs");
    amazon.give("", "");
    let text = amazon.plan_fails();
    let id = format!("aws/us-east-1/{}", amazon.bucket());
    assert!(text.contains(&id), "{text}");
    assert_eq!(amazon.own_keys(), Vec::<String>::new());
    amazon.give("adopt = true", "");
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), [amazon.key()]);
    let key = amazon.key();
    // Forgotten, and imported with a configuration that Terraform writes itself.
    amazon
        .terraform(&["state", "rm", "wandb_byob_bucket.this"])
        .succeeds();
    let provider = amazon.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\"");
    let import = format!("import {{\n  to = {THIS}\n  id = \"{id}\"\n}}\n");
    amazon.write_raw(&format!("{provider}{import}"));
    let plan = amazon.plan_with(&["-generate-config-out=made.tf"]);
    assert!(plan.is_empty(), "{}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.key(), key);
    amazon.clean_up_objects();
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_wrong_account_is_not_touched() {
    let amazon = Amazon::new("aws-account");
    let provider = amazon.provider_block(
        "deployment = \"dedicated\"",
        "region = \"us-east-1\"\n    allowed_account_ids = [\"999999999999\"]",
    );
    amazon.write_raw(&format!("{provider}{}", amazon.resource("", "")));
    let text = amazon.apply_fails();
    assert!(text.contains("123456789012"), "{text}");
    assert!(text.contains("allowed_account_ids"), "{text}");
    assert!(!amazon.exists());
}

#[test]
fn byob_bucket_aws_bad_input_is_refused_at_plan() {
    let amazon = Amazon::new("aws-bad");
    let key = |rest: &str| format!("kms_key_arn = \"arn:{rest}\"");
    for (block, argument) in [
        ("kms_key_arn = \"no-arn\"".to_owned(), "kms_key_arn"),
        (
            key("aws-cn:kms:us-east-1:123456789012:key/a"),
            "kms_key_arn",
        ),
        (key("aws:kms:eu-west-1:123456789012:key/a"), "kms_key_arn"),
        (key("aws:kms:us-east-1:123456789012:alias/a"), "kms_key_arn"),
        (
            format!(
                "sse_algorithm = \"AES256\"\n{}",
                key("aws:kms:us-east-1:123456789012:key/a")
            ),
            "kms_key_arn",
        ),
        (
            "kms_deletion_window_days = 5".to_owned(),
            "kms_deletion_window_days",
        ),
        (
            "wandb_principal_arns = [\"me\"]".to_owned(),
            "wandb_principal_arns",
        ),
    ] {
        amazon.give("", &block);
        let text = amazon.plan_fails();
        assert!(text.contains(argument), "{block}: {text}");
    }
    let on = |deployment: &str, block: &str| {
        let extra = format!("deployment = \"{deployment}\"");
        let provider = amazon.provider_block(&extra, "region = \"us-east-1\"");
        amazon.write_raw(&format!("{provider}{}", amazon.resource("", block)));
        amazon.plan_fails()
    };
    let text = on("self_managed", "");
    assert!(text.contains("wandb_principal_arns"), "{text}");
    let text = on("multi_tenant", "create_access_key = true");
    assert!(text.contains("create_access_key"), "{text}");
    amazon.write_raw(
        &format!(
            "{}{}",
            amazon.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\""),
            amazon.resource("", "")
        )
        .replace("https_only = false", ""),
    );
    let text = amazon.plan_fails();
    assert!(text.contains("https_only"), "{text}");
    assert!(!amazon.exists());
}
