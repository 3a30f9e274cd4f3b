//! Replacements: refused while there is data, whatever asked for them.

use serde_json::json;

use super::Stage;
use crate::harness::{THIS, hcl};

#[test]
fn replace_of_an_empty_bucket_makes_a_new_one() {
    let stage = Stage::new("replace-empty");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let before = stage.this()["generation"].clone();
    stage.apply_with(&["-replace=wandb_byob_bucket.this"]);
    stage.assert_empty_plan();
    assert_ne!(stage.this()["generation"], before);
    assert!(stage.exists());
    stage.destroy();
}

#[test]
fn replace_of_a_full_bucket_is_refused_at_plan() {
    let stage = Stage::new("replace-full");
    stage.write_bucket("", "");
    stage.apply();
    stage.put("data");
    let text = stage
        .terraform(&["plan", "-no-color", "-replace=wandb_byob_bucket.this"])
        .fails();
    assert!(text.contains("holds 1 object"), "{text}");
    assert!(text.contains("would be replaced"), "{text}");
    stage.s3_ok("head_object", json!({"Key": "data"}));
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn a_new_name_for_a_full_bucket_is_refused_at_plan() {
    let stage = Stage::new("rename-full");
    stage.write_bucket("", "");
    stage.apply();
    stage.put("data");
    let body = stage
        .bucket_block("", "")
        .replace(stage.bucket(), &format!("{}-b", stage.bucket()));
    stage.write(&body);
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    stage.clean_up_objects();
    stage.write_bucket("", "");
    stage.destroy();
}

#[test]
fn replace_triggered_by_is_refused_as_well() {
    let stage = Stage::new("triggered");
    let body = |input: &str| {
        hcl!(
            r#"
                resource "terraform_data" "t" {
                  input = "<input>"
                }
                <bucket>
            "#,
            input,
            bucket = stage.bucket_block(
                r#"
                    lifecycle {
                      replace_triggered_by = [terraform_data.t]
                    }
                "#,
                ""
            )
        )
    };
    stage.write(&body("1"));
    stage.apply();
    stage.put("data");
    stage.write(&body("2"));
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    stage.clean_up_objects();
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_tainted_empty_bucket_is_made_anew() {
    let stage = Stage::new("taint-empty");
    stage.write_bucket("", "");
    stage.apply();
    let before = stage.this()["generation"].clone();
    stage.terraform(&["taint", THIS]).succeeds();
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.this()["generation"], before);
    stage.destroy();
}

#[test]
fn a_tainted_full_bucket_is_not_deleted() {
    let stage = Stage::new("taint-full");
    stage.write_bucket("", "");
    stage.apply();
    stage.put("data");
    stage.terraform(&["taint", THIS]).succeeds();
    let text = stage.apply_fails();
    assert!(text.contains("holds 1 object"), "{text}");
    stage.s3_ok("head_object", json!({"Key": "data"}));
    stage.terraform(&["untaint", THIS]).succeeds();
    // The private data went with the plan of the replacement, so nobody knows what is due.
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn create_before_destroy_cannot_delete_the_live_bucket() {
    let stage = Stage::new("cbd");
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
    stage.put("data");
    // A replacement of a full bucket is refused even so.
    let text = stage
        .terraform(&["plan", "-no-color", "-replace=wandb_byob_bucket.this"])
        .fails();
    assert!(text.contains("would be replaced"), "{text}");
    stage.clean_up_objects();
    let before = stage.this()["generation"].clone();
    let text = stage
        .apply_with(&["-replace=wandb_byob_bucket.this"])
        .text();
    assert!(text.contains("was left alone"), "{text}");
    assert!(stage.exists());
    assert_ne!(stage.this()["generation"], before);
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}
