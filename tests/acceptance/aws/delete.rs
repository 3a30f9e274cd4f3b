//! Buckets on AWS that are destroyed, and what becomes of their keys.

use std::process::Command;

use serde_json::json;

use super::Stage;

#[test]
fn data_is_kept_until_its_deletion_is_allowed() {
    let stage = Stage::new("aws-full");
    stage.write_bucket("", "");
    stage.apply();
    let key = stage.key();
    stage.put("a");
    let text = stage.destroy_fails();
    assert!(text.contains("delete_everything"), "{text}");
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    stage.write_bucket(
        r#"on_destroy = "delete_everything""#,
        "kms_deletion_window_days = 7",
    );
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
    let described = stage.described(&key);
    assert_eq!(described["KeyState"], "PendingDeletion");
    let until = described["DeletionDate"].as_str().expect("a date");
    let mut in_days = Command::new("date");
    in_days.args(["-u", "-d", "+7 days", "+%Y-%m-%d"]);
    let expected = String::from_utf8(in_days.output().expect("date").stdout).expect("text");
    assert_eq!(&until[..10], expected.trim());
}

#[test]
fn destroy_is_refused_for_whatever_is_left() {
    let stage = Stage::new("aws-refuse");
    stage.write_bucket("", "");
    stage.apply();
    let key = stage.key();
    let refused = |what: &str| {
        let text = stage.destroy_fails();
        assert!(text.contains(what), "{what} is not in {text}");
        assert!(stage.exists());
        assert_ne!(stage.this(), json!(null));
        assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    };
    stage.put("a");
    stage.put("b");
    refused("holds 2 objects (8 bytes)");
    stage.s3_ok("delete_object", json!({"Key": "a"}));
    stage.s3_ok("delete_object", json!({"Key": "b"}));
    refused("2 noncurrent versions and 2 delete markers");
    let versions = stage.s3_ok("list_object_versions", json!({}));
    for one in versions["Versions"].as_array().expect("versions") {
        let args = json!({"Key": one["Key"], "VersionId": one["VersionId"]});
        stage.s3_ok("delete_object", args);
    }
    refused("it holds 2 delete markers");
    stage.clean_up_objects();
    let upload = stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
    refused("1 unfinished upload");
    let args = json!({"Key": "big", "UploadId": upload["UploadId"]});
    stage.s3_ok("abort_multipart_upload", args);
    // Kept, with its key.
    stage.write_bucket(r#"on_destroy = "keep""#, "");
    stage.apply();
    stage.put("a");
    let text = stage.destroy().text();
    assert!(text.contains("stays"), "{text}");
    stage.s3_ok("head_object", json!({"Key": "a"}));
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    stage.clean_up();
}

#[test]
fn delete_everything_deletes_thousands_of_versions() {
    let stage = Stage::new("aws-thousands");
    stage.write_bucket(
        r#"
            on_destroy = "delete_everything"
            verify = "settings"
        "#,
        "",
    );
    stage.apply();
    let key = stage.key();
    stage.s3_ok("many_versions", json!({"Prefix": "k", "Count": 2500}));
    stage.s3_ok("delete_object", json!({"Key": "k0"}));
    stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}
