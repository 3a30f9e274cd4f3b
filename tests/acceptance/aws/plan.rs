//! What is refused on AWS before anything is made.

use super::Stage;
use crate::harness::hcl;

#[test]
fn a_wrong_account_is_not_touched() {
    let stage = Stage::new("aws-account");
    let provider = stage.provider_in(
        "",
        r#"
            region = "us-east-1"
            allowed_account_ids = ["999999999999"]
        "#,
    );
    stage.write_under(&provider, &stage.bucket_block("", ""));
    let text = stage.apply_fails();
    assert!(text.contains("123456789012"), "{text}");
    assert!(text.contains("allowed_account_ids"), "{text}");
    assert!(!stage.exists());
}

#[test]
fn bad_input_is_refused() {
    let stage = Stage::new("aws-bad");
    let key = |rest: &str| hcl!(r#"kms_key_arn = "arn:<rest>""#, rest);
    for (block, argument) in [
        (r#"kms_key_arn = "no-arn""#.to_owned(), "kms_key_arn"),
        (
            key("aws-cn:kms:us-east-1:123456789012:key/a"),
            "kms_key_arn",
        ),
        (key("aws:kms:eu-west-1:123456789012:key/a"), "kms_key_arn"),
        (key("aws:kms:us-east-1:123456789012:alias/a"), "kms_key_arn"),
        (
            hcl!(
                r#"
                    sse_algorithm = "AES256"
                    <key>
                "#,
                key = key("aws:kms:us-east-1:123456789012:key/a")
            ),
            "kms_key_arn",
        ),
        (
            "kms_deletion_window_days = 5".to_owned(),
            "kms_deletion_window_days",
        ),
        (
            r#"wandb_principal_arns = ["me"]"#.to_owned(),
            "wandb_principal_arns",
        ),
    ] {
        stage.write_bucket("", &block);
        let text = stage.plan_fails();
        assert!(text.contains(argument), "{block}: {text}");
    }
    let on = |deployment: &str, block: &str| {
        let provider = stage.provider("").replace("dedicated", deployment);
        stage.write_under(&provider, &stage.bucket_block("", block));
        stage.plan_fails()
    };
    let text = on("self_managed", "");
    assert!(text.contains("wandb_principal_arns"), "{text}");
    let text = on("multi_tenant", "create_access_key = true");
    assert!(text.contains("create_access_key"), "{text}");
    let bucket = stage.bucket_block("", "");
    stage.write(&bucket.replace("https_only = false", ""));
    let text = stage.plan_fails();
    assert!(text.contains("https_only"), "{text}");
    assert!(!stage.exists());
}
