//! Buckets on AWS that are replaced, and what becomes of their keys.

use serde_json::json;

use super::Stage;
use crate::harness::hcl;

/// A bucket that is replaced when the input changes.
fn triggered(stage: &Stage, input: &str) {
    let trigger = hcl!(
        r#"
            resource "terraform_data" "t" {
              input = "<input>"
            }
        "#,
        input
    );
    let bucket = stage.bucket_block(
        r#"
            lifecycle {
              replace_triggered_by = [terraform_data.t]
            }
        "#,
        "",
    );
    stage.write(&format!("{trigger}{bucket}"));
}

#[test]
fn a_bucket_is_replaced_while_empty_and_never_while_full() {
    let stage = Stage::new("aws-replace");
    triggered(&stage, "1");
    stage.apply();
    let (key, before) = (stage.key(), stage.this()["generation"].clone());
    stage.put("data");
    let replace = "-replace=wandb_byob_bucket.this";
    let text = stage.terraform(&["plan", "-no-color", replace]).fails();
    assert!(text.contains("holds 1 object"), "{text}");
    assert!(text.contains("would be replaced"), "{text}");
    triggered(&stage, "2");
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    stage.s3_ok("head_object", json!({"Key": "data"}));
    stage.clean_up_objects();
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.this()["generation"], before);
    // The key that was given up a moment before is taken back: there is no second one.
    assert_eq!(stage.key(), key);
    assert_eq!(stage.own_keys(), [key.as_str()]);
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
    // The same when another run makes the bucket again.
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    assert_eq!(stage.own_keys(), [key.as_str()]);
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    stage.destroy();
}

#[test]
fn create_before_destroy_deletes_neither_bucket_nor_key() {
    let stage = Stage::new("aws-cbd");
    stage.write_bucket(
        r#"
            adopt = true
            lifecycle {
              create_before_destroy = true
            }
        "#,
        "",
    );
    stage.apply();
    let (key, before) = (stage.key(), stage.this()["generation"].clone());
    let text = stage.apply_with(&["-replace=wandb_byob_bucket.this"]);
    assert!(text.text().contains("was left alone"));
    stage.assert_empty_plan();
    assert!(stage.exists());
    assert_ne!(stage.this()["generation"], before);
    assert_eq!(stage.key(), key);
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}
