//! What the server refuses or cannot do, and what the user reads.

use serde_json::json;
use simulator::servers::MinioOptions;

use super::Stage;
use crate::harness::{Login, minio_with, wait};

#[test]
fn a_setting_that_the_user_wants_and_the_server_cannot_do_is_an_error() {
    let stage = Stage::new("no-kms");
    stage.write_bucket("", r#"sse_algorithm = "AES256""#);
    let text = stage.apply_fails();
    assert!(
        text.contains("Encryption cannot be set on this server"),
        "{text}"
    );
    assert!(text.contains("KMS is not configured"), "{text}");
    // It is in the state, and the next apply goes on with it.
    assert!(stage.exists());
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_server_that_shuts_wandbs_browser_out_is_found_by_the_probe() {
    let options = MinioOptions {
        cors_origin: Some("https://example.com".to_owned()),
        ..MinioOptions::default()
    };
    let server = minio_with(options);
    let stage = Stage::on("cors-origin", Login::of(&server));
    stage.write_bucket("", "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("probe.preflight"), "{text}");
    assert!(text.contains("W&B cannot work with this bucket"), "{text}");
    assert_eq!(stage.this()["verified"], false);
    // Who knows better says so, and the half-made bucket is gone on with.
    stage.write_bucket(r#"verify = "settings""#, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    wait(server.stop());
}

#[test]
fn a_read_only_key_cannot_make_a_bucket_and_says_which_call_failed() {
    let stage = Stage::new("readonly");
    let reader = stage.user_of_its_own("reader", "reader-secret-1");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": ["s3:Get*", "s3:List*"], "Resource": ["arn:aws:s3:::*"]}]});
    let name = format!("read-{}", reader.access_key);
    stage.admin("policy_add", json!({"policy_name": name, "policy": policy}));
    stage.admin(
        "attach_policy",
        json!({"policies": [name], "user": reader.access_key}),
    );
    stage.write_under(&stage.provider_on(&reader, ""), &stage.bucket_block("", ""));
    let text = stage.apply_fails();
    assert!(text.contains("s3:CreateBucket"), "{text}");
    assert!(text.contains("AccessDenied"), "{text}");
    assert!(!stage.exists());
}

#[test]
fn without_a_kms_each_way_to_ask_for_encryption_is_refused() {
    let stage = Stage::new("no-kms-named");
    stage.write_bucket("", r#"kms_key_name = "wandb-key""#);
    let text = stage.apply_fails();
    assert!(
        text.contains("Encryption cannot be set on this server"),
        "{text}"
    );
    stage.write_bucket("abort_multipart_days = 3", "");
    let text = stage.apply_fails();
    assert!(
        text.contains("The lifecycle rule cannot be set on this server"),
        "{text}"
    );
    assert!(text.contains("abort_multipart_days"), "{text}");
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
