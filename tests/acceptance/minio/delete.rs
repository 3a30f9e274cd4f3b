//! Destroying: refused with data, complete without, or with leave.

use serde_json::json;

use super::Stage;

/// A destroy is refused at plan and at apply, with these words.
fn refused(stage: &Stage, what: &str) {
    stage.write_bucket("", "");
    let plan = stage.plan_with(&["-destroy"]);
    assert!(
        plan.text.contains("is not empty and will not be deleted"),
        "{}",
        plan.text
    );
    let text = stage.destroy_fails();
    assert!(text.contains(what), "{what} is not in {text}");
    assert!(stage.exists());
    assert_ne!(stage.this(), json!(null));
}

#[test]
fn destroy_is_refused_with_objects() {
    let stage = Stage::new("destroy-objects");
    stage.write_bucket("", "");
    stage.apply();
    stage.put("a");
    stage.put("b");
    refused(&stage, "holds 2 objects (8 bytes)");
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn destroy_is_refused_with_nothing_but_versions_and_markers() {
    let stage = Stage::new("destroy-versions");
    stage.write_bucket("", "");
    stage.apply();
    stage.put("a");
    stage.s3_ok("delete_object", json!({"Key": "a"}));
    refused(&stage, "1 noncurrent version and 1 delete marker");
    // Only the marker is left.
    let versions = stage.s3_ok("list_object_versions", json!({}));
    let id = versions["Versions"][0]["VersionId"].clone();
    stage.s3_ok("delete_object", json!({"Key": "a", "VersionId": id}));
    refused(&stage, "1 delete marker");
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn destroy_is_refused_with_an_open_upload() {
    let stage = Stage::new("destroy-upload");
    stage.write_bucket("", "");
    stage.apply();
    let upload = stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
    refused(&stage, "1 unfinished upload");
    stage.s3_ok(
        "abort_multipart_upload",
        json!({"Key": "big", "UploadId": upload["UploadId"]}),
    );
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn delete_everything_deletes_thousands_of_versions() {
    let stage = Stage::new("destroy-everything");
    stage.write_bucket(
        r#"on_destroy = "delete_everything""#,
        "create_access_key = true",
    );
    stage.apply();
    stage.s3_ok("many_versions", json!({"Prefix": "k", "Count": 2500}));
    stage.s3_ok("delete_object", json!({"Key": "k0"}));
    stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn what_counts_on_destroy_is_the_value_of_the_last_apply() {
    let stage = Stage::new("destroy-applied");
    stage.write_bucket("", "");
    stage.apply();
    stage.put("a");
    stage.write_bucket(r#"on_destroy = "delete_everything""#, "");
    let text = stage.destroy_fails();
    assert!(text.contains("apply that first"), "{text}");
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn keep_leaves_the_bucket_and_says_so() {
    let stage = Stage::new("destroy-keep");
    stage.write_bucket(r#"on_destroy = "keep""#, "");
    stage.apply();
    stage.put("a");
    let text = stage.destroy().text();
    assert!(text.contains("stays"), "{text}");
    stage.s3_ok("head_object", json!({"Key": "a"}));
    stage.clean_up();
}
