//! Buckets on Google Cloud that are destroyed.

use serde_json::json;

use super::Stage;

#[test]
fn destroy_is_refused_for_whatever_is_left() {
    let stage = Stage::new("gcp-refuse");
    stage.write_bucket("", "");
    stage.apply();
    let refused = |what: &str| {
        let text = stage.destroy_fails();
        assert!(text.contains(what), "{what} is not in {text}");
        assert!(text.contains("delete_everything"), "{text}");
        assert!(stage.exists());
        assert_ne!(stage.this(), json!(null));
    };
    stage.put("a");
    stage.put("b");
    refused("holds 2 objects (8 bytes)");
    stage.google("remove", json!({"key": "a"}));
    stage.google("remove", json!({"key": "b"}));
    refused("2 noncurrent versions");
    stage.clean_up_objects();
    assert!(stage.holds("soft_deleted") > 0);
    // What is deleted softly blocks nothing.
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn delete_everything_deletes_versions_and_says_what_is_still_paid_for() {
    let stage = Stage::new("gcp-everything");
    stage.write_bucket("", "");
    stage.apply();
    for round in 0..3 {
        for number in 0..40 {
            stage.put(&format!("runs/{number}/file with blanks & {round}"));
        }
        stage.put("same");
    }
    // What counts is what the last apply said.
    stage.write_bucket(r#"on_destroy = "delete_everything""#, "");
    let text = stage.destroy_fails();
    assert!(text.contains("delete_everything"), "{text}");
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_kept_bucket_stays_with_all_that_is_in_it() {
    let stage = Stage::new("gcp-keep");
    stage.write_bucket(r#"on_destroy = "keep""#, "create_access_key = true");
    stage.apply();
    let account = stage.made_account();
    stage.put("a");
    let text = stage.destroy().text();
    assert!(text.contains("stays"), "{text}");
    assert_eq!(stage.holds("live"), 1);
    assert!(stage.made_accounts().contains(&account));
}

#[test]
fn held_objects_stop_the_deletion_before_anything_is_deleted() {
    let stage = Stage::new("gcp-held");
    stage.write_bucket(r#"on_destroy = "delete_everything""#, "");
    stage.apply();
    stage.put("a");
    stage.put("b");
    stage.google("change", json!({"key": "b", "temporary_hold": true}));
    let text = stage.destroy_fails();
    assert!(text.contains('b') && text.contains("hold"), "{text}");
    assert_eq!(stage.holds("live"), 2);
    stage.google("change", json!({"key": "b", "temporary_hold": false}));
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_retention_policy_warns_and_stops_the_deletion() {
    let stage = Stage::new("gcp-retained");
    stage.write_bucket(r#"on_destroy = "delete_everything""#, "");
    stage.apply();
    stage.change(json!({"retentionPolicy": {"retentionPeriod": "3600"}}));
    stage.put("a");
    // It is looked at by the next apply that tries the bucket.
    stage.write_bucket(
        r#"
            on_destroy = "delete_everything"
            tags = { a = "b" }
        "#,
        "",
    );
    stage.apply();
    let found = super::finding(&stage, "object_lock.no_default_retention").expect("a finding");
    assert_eq!(found["status"], "warn");
    let text = stage.destroy_fails();
    assert!(text.contains("retention"), "{text}");
    assert_eq!(stage.holds("live"), 1);
    stage.change(json!({"retentionPolicy": null}));
    stage.destroy();
    assert!(!stage.exists());
}
