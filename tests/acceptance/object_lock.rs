//! Buckets that put every new object under retention: nothing is written there that nobody
//! could remove again.

use serde_json::{Value, json};

use crate::harness::{Aws, Cloud, Login, Minio, Stage};

fn finding<C: Cloud>(stage: &Stage<C>, requirement: &str) -> Option<Value> {
    let findings = stage.this()["findings"].as_array().cloned();
    let mut findings = findings.unwrap_or_default().into_iter();
    findings.find(|one| one["requirement"] == requirement)
}

/// Says whether new objects are locked.
fn put_lock<C: Cloud<Login = Login>>(stage: &Stage<C>, rule: Value) {
    let mut configuration = json!({"ObjectLockEnabled": "Enabled"});
    if !rule.is_null() {
        configuration["Rule"] = rule;
    }
    let args = json!({"ObjectLockConfiguration": configuration});
    stage.s3_ok("put_object_lock_configuration", args);
}

fn is_not_written_to<C: Cloud<Login = Login>>(stage: &Stage<C>, block: &str) {
    let lockable = json!({"ObjectLockEnabledForBucket": true});
    stage.s3_ok("create_bucket", lockable);
    let rule = json!({"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}});
    put_lock(stage, rule);
    stage.write_bucket("adopt = true", block);
    let text = stage.apply().text();
    assert!(!text.contains("by hand"), "{text}");
    let nothing = json!({"objects": 0, "versions": 0, "delete_markers": 0, "uploads": 0});
    assert_eq!(stage.s3_ok("holds", json!({})), nothing);
    assert_eq!(stage.this()["verified"], false);
    let lock = finding(stage, "object_lock.no_default_retention").expect("a finding");
    assert_eq!(lock["status"], "warn", "{lock}");
    assert_eq!(lock["actual"], "GOVERNANCE, 1 days", "{lock}");
    for unknown in ["probe.put", "probe.get", "probe.multipart", "probe.etag"] {
        let one = finding(stage, unknown).expect("a finding");
        assert_eq!(one["status"], "unknown", "{one}");
        let message = one["message"].as_str().unwrap_or_default();
        assert!(message.contains("retention (GOVERNANCE, 1 days)"), "{one}");
    }
    // Without that rule the bucket is tried as every other one.
    put_lock(stage, Value::Null);
    stage.write_bucket(
        r#"
            adopt = true
            tags = { a = "b" }
        "#,
        block,
    );
    stage.apply();
    assert_eq!(
        stage.this()["verified"],
        true,
        "{}",
        stage.this()["findings"]
    );
    assert_eq!(finding(stage, "object_lock.no_default_retention"), None);
    assert_eq!(stage.s3_ok("holds", json!({})), nothing);
    stage.destroy();
}

#[test]
fn a_bucket_with_a_default_retention_is_not_written_to_on_minio() {
    let stage = Stage::<Minio>::new("retention");
    is_not_written_to(&stage, "create_access_key = true");
}

#[test]
fn a_bucket_with_a_default_retention_is_not_written_to_on_aws() {
    is_not_written_to(&Stage::<Aws>::new("retention"), "");
}
