//! Rows about what the bucket does with data: versions, lifecycle, tags, encryption.

use std::sync::OnceLock;

use serde_json::json;
use simulator::servers::{MinioOptions, Server};

use super::{Drift, drift};
use crate::aws::finding;
use crate::harness::{Aws, Login, Minio, SeaweedFs, Stage, minio_with};

#[test]
fn suspended_versioning_is_enabled_again_on_minio() {
    drift(Drift::<Minio> {
        what: "versioning.enabled",
        broken: |stage| stage.suspend_versioning(),
        shows: "versioning",
        mended: |stage, _| assert_eq!(stage.versioning(), "Enabled"),
        ..Drift::default()
    });
}

#[test]
fn suspended_versioning_is_enabled_again_on_aws() {
    drift(Drift::<Aws> {
        what: "versioning.enabled",
        broken: |stage| stage.suspend_versioning(),
        shows: "versioning",
        mended: |stage, _| assert_eq!(stage.versioning(), "Enabled"),
        ..Drift::default()
    });
}

#[test]
fn changed_tags_are_put_back_with_the_marker_on_minio() {
    drift(Drift::<Minio> {
        what: "tags",
        arguments: r#"tags = { a = "b" }"#,
        broken: |stage| stage.put_tags(&json!({"a": "changed", "stray": "x"})),
        shows: "tags",
        mended: |stage, _| {
            let tags = stage.tags();
            assert_eq!(tags["a"], "b");
            assert_eq!(tags.get("stray"), None);
            // The marker, which went with the tags, is back.
            assert_eq!(stage.marker(), format!("ready-{}", stage.generation()));
        },
        ..Drift::default()
    });
}

#[test]
fn a_lost_marker_is_put_back_on_minio() {
    drift(Drift::<Minio> {
        what: "marker",
        // It has no attribute and is no requirement: the bucket is to be proven again.
        shows: "verified",
        broken: |stage| {
            stage.s3_ok("delete_bucket_tagging", json!({}));
        },
        mended: |stage, _| assert_eq!(stage.marker(), format!("ready-{}", stage.generation())),
        ..Drift::default()
    });
}

#[test]
fn a_lost_lifecycle_rule_is_put_back_beside_a_foreign_one_on_minio() {
    drift(Drift::<Minio> {
        what: "noncurrent_version_days",
        arguments: r#"
            path = "p"
            noncurrent_version_days = 7
        "#,
        broken: |stage| {
            stage.put_lifecycle(json!([{"ID": "foreign", "Status": "Enabled",
                "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}}]));
        },
        shows: "noncurrent_version_days",
        mended: |stage, _| {
            let rules = stage.lifecycle();
            let rules = rules.as_array().expect("rules");
            let ids: Vec<&str> = rules
                .iter()
                .filter_map(|rule| rule["ID"].as_str())
                .collect();
            assert!(ids.contains(&"foreign"), "{ids:?}");
            assert_eq!(ids.len(), 2, "{ids:?}");
        },
        ..Drift::default()
    });
}

#[test]
fn tags_and_lifecycle_rules_are_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "tags",
        arguments: r#"
            path = "p"
            tags = { a = "b" }
            noncurrent_version_days = 7
        "#,
        broken: |stage| {
            stage.s3_ok("delete_bucket_tagging", json!({}));
            stage.put_lifecycle(json!([{"ID": "foreign", "Status": "Enabled",
                "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}}]));
        },
        shows: "tags",
        mended: |stage, _| {
            assert_eq!(stage.tags()["a"], "b");
            let rules = stage.lifecycle();
            assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
            assert!(rules.to_string().contains("foreign"), "{rules}");
        },
        ..Drift::default()
    });
}

#[test]
fn a_lost_rule_about_unfinished_uploads_is_put_back_on_seaweedfs() {
    drift(Drift::<SeaweedFs> {
        what: "abort_multipart_days",
        arguments: "abort_multipart_days = 3",
        broken: |stage| {
            stage.s3_ok("delete_bucket_lifecycle", json!({}));
        },
        shows: "abort_multipart_days",
        mended: |stage, _| {
            let days = &stage.lifecycle()[0]["AbortIncompleteMultipartUpload"];
            assert_eq!(days["DaysAfterInitiation"], 3);
            // Not managed any more: the rule goes.
            stage.write_bucket("", "");
            stage.apply();
            stage.assert_empty_plan();
            let answer = stage.s3("get_bucket_lifecycle_configuration");
            assert_eq!(answer["error"], "NoSuchLifecycleConfiguration");
        },
        ..Drift::default()
    });
}

#[test]
fn rules_of_others_stay_and_ours_are_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "cors.methods",
        // Of several rules the stand-in takes the last, for every browser.
        arguments: r#"
            path = "p"
            verify = "settings"
        "#,
        broken: |stage| {
            let mut ours = stage.cors()[0].clone();
            ours["AllowedMethods"] = json!(["GET"]);
            stage.put_cors(json!([{"ID": "theirs", "AllowedMethods": ["GET"],
                "AllowedOrigins": ["https://example.com"]}, ours]));
            stage.put_lifecycle(json!([{"ID": "clean", "Status": "Enabled",
                "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}]));
        },
        mended: |stage, _| {
            let rules = stage.cors();
            let rules = rules.as_array().expect("rules");
            let ids: Vec<_> = rules.iter().map(|one| &one["ID"]).collect();
            assert_eq!(ids, ["wandb-byob", "theirs"], "{rules:?}");
            let found = finding(stage, "lifecycle.no_expiry").expect("a finding");
            assert_eq!(found["status"], "warn");
            assert_eq!(found["actual"], "clean");
            let arguments = r#"
                path = "p"
                verify = "settings"
                noncurrent_version_days = 4
            "#;
            stage.write_bucket(arguments, "");
            stage.apply();
            stage.assert_empty_plan();
            let rules = stage.lifecycle();
            assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
        },
        ..Drift::default()
    });
}

/// MinIO with a key service; it lives as long as the tests do.
fn minio_with_kms(name: &str) -> Stage<Minio> {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let started = || {
        minio_with(MinioOptions {
            kms: true,
            ..MinioOptions::default()
        })
    };
    Stage::on(name, Login::of(SERVER.get_or_init(started)))
}

#[test]
fn another_algorithm_is_put_right_on_minio() {
    drift(Drift::<Minio> {
        what: "encryption.kms_key",
        stage: minio_with_kms,
        block: r#"kms_key_name = "wandb-key""#,
        broken: |stage| {
            assert_eq!(stage.encryption()["SSEAlgorithm"], "aws:kms");
            stage.put_encryption(json!({"SSEAlgorithm": "AES256"}));
        },
        shows: "s3_compatible",
        says: &["kms_key_name"],
        mended: |stage, _| assert_eq!(stage.encryption()["SSEAlgorithm"], "aws:kms"),
        ..Drift::default()
    });
}

#[test]
fn encryption_that_was_taken_away_is_put_back_on_minio() {
    drift(Drift::<Minio> {
        what: "encryption.at_rest",
        stage: minio_with_kms,
        block: r#"kms_key_name = "wandb-key""#,
        broken: |stage| {
            stage.s3_ok("delete_bucket_encryption", json!({}));
        },
        shows: "s3_compatible",
        mended: |stage, _| assert_eq!(stage.encryption()["SSEAlgorithm"], "aws:kms"),
        ..Drift::default()
    });
}

#[test]
fn another_algorithm_is_put_right_with_the_same_key_on_aws() {
    drift(Drift::<Aws> {
        what: "encryption.kms_key",
        broken: |stage| stage.put_encryption(json!({"SSEAlgorithm": "AES256"})),
        shows: "aws",
        mended: |stage, _| {
            assert_eq!(stage.encryption()["KMSMasterKeyID"], stage.key());
            assert_eq!(stage.own_keys().len(), 1);
        },
        ..Drift::default()
    });
}
