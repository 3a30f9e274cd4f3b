//! Rows about Google Cloud.

use serde_json::{Value, json};

use super::{Drift, drift};
use crate::gcp::{finding, member};
use crate::harness::{ADMIN, DEPLOY, Gcp, Stage};

/// The role that W&B has is given to somebody else, or to nobody.
fn give(stage: &Stage<Gcp>, role: &str, members: &[String]) {
    stage.bind(json!([{"role": role, "members": members}]));
}

#[test]
fn a_lost_binding_is_put_back_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "access.wandb_read_write",
        broken: |stage| stage.bind(json!([])),
        mended: |stage, _| assert_eq!(stage.members(ADMIN), [member(DEPLOY)]),
        ..Drift::default()
    });
}

#[test]
fn a_smaller_role_is_put_right_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "access.storage_admin",
        broken: |stage| give(stage, "roles/storage.objectAdmin", &[member(DEPLOY)]),
        mended: |stage, _| assert_eq!(stage.members(ADMIN), [member(DEPLOY)]),
        ..Drift::default()
    });
}

/// What Google makes of a member whose account was deleted and made again.
#[test]
fn a_deleted_member_is_no_right_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "access.wandb_read_write",
        broken: |stage| {
            let gone = format!("deleted:{}?uid=123456789012345678901", member(DEPLOY));
            give(stage, ADMIN, &[gone]);
        },
        mended: |stage, _| {
            let members = stage.members(ADMIN);
            assert_eq!(members.len(), 2, "{members:?}");
            assert!(members.contains(&member(DEPLOY)), "{members:?}");
        },
        ..Drift::default()
    });
}

#[test]
fn a_binding_under_a_condition_is_no_right_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "access.wandb_read_write",
        broken: |stage| {
            stage.bind(json!([{"role": ADMIN, "members": [member(DEPLOY)],
                "condition": {"title": "until",
                    "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}}]));
        },
        mended: |stage, _| assert_eq!(stage.members(ADMIN), [member(DEPLOY)]),
        ..Drift::default()
    });
}

#[test]
fn public_access_is_prevented_again_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "public_access_prevention",
        broken: |stage| {
            stage.change(json!({"iamConfiguration": {"publicAccessPrevention": "inherited"}}));
        },
        shows: "gcp",
        says: &["access.public_blocked"],
        mended: |stage, _| {
            let access = &stage.seen()["iamConfiguration"];
            assert_eq!(access["publicAccessPrevention"], "enforced");
        },
        ..Drift::default()
    });
}

#[test]
fn access_is_uniform_again_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "access.uniform",
        broken: |stage| {
            stage.change(json!({"iamConfiguration":
                {"uniformBucketLevelAccess": {"enabled": false}}}));
        },
        mended: |stage, _| {
            let access = &stage.seen()["iamConfiguration"];
            assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true);
        },
        ..Drift::default()
    });
}

#[test]
fn versioning_is_on_again_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "versioning.enabled",
        broken: |stage| stage.change(json!({"versioning": {"enabled": false}})),
        shows: "versioning",
        mended: |stage, _| assert_eq!(stage.seen()["versioning"]["enabled"], true),
        ..Drift::default()
    });
}

#[test]
fn soft_delete_is_on_again_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "soft_delete.objects",
        broken: |stage| {
            stage.change(json!({"softDeletePolicy": {"retentionDurationSeconds": "0"}}));
        },
        shows: "soft_delete_days",
        says: &["soft_delete.objects"],
        mended: |stage, _| {
            let policy = &stage.seen()["softDeletePolicy"];
            assert_eq!(policy["retentionDurationSeconds"], "604800");
        },
        ..Drift::default()
    });
}

/// No number of days says it.
#[test]
fn another_duration_of_soft_delete_is_put_right_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "soft_delete.objects",
        broken: |stage| {
            stage.change(json!({"softDeletePolicy": {"retentionDurationSeconds": "650000"}}));
        },
        mended: |stage, _| {
            let policy = &stage.seen()["softDeletePolicy"];
            assert_eq!(policy["retentionDurationSeconds"], "604800");
        },
        ..Drift::default()
    });
}

#[test]
fn rules_for_browsers_are_put_back_before_a_foreign_one_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "cors.methods",
        broken: |stage| {
            stage.change(
                json!({"cors": [{"origin": ["https://example.com"], "method": ["GET"],
                "maxAgeSeconds": 9}]}),
            );
        },
        mended: |stage, _| {
            let rules = stage.seen()["cors"].clone();
            assert_eq!(rules[0]["origin"], json!(["*"]));
            assert_eq!(rules[0]["responseHeader"], json!(["Content-Type", "ETag"]));
            assert_eq!(rules[1]["origin"], json!(["https://example.com"]));
            // The first match wins: one that W&B's pages meet before ours is drift.
            let theirs = json!({"origin": ["*"], "method": ["PUT"], "maxAgeSeconds": 9});
            stage.change(json!({"cors": [theirs, rules[0], rules[1]]}));
            assert!(!stage.plan().is_empty());
            stage.apply();
            stage.assert_empty_plan();
            assert_eq!(stage.seen()["cors"], json!([rules[0], theirs, rules[1]]));
        },
        ..Drift::default()
    });
}

#[test]
fn the_header_that_pages_must_read_is_put_back_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "cors.etag_exposed",
        broken: |stage| {
            let mut rule = stage.seen()["cors"][0].clone();
            rule["responseHeader"] = json!(["Content-Type"]);
            stage.change(json!({"cors": [rule]}));
        },
        mended: |stage, _| {
            let rules = stage.seen()["cors"].clone();
            assert_eq!(rules[0]["responseHeader"], json!(["Content-Type", "ETag"]));
        },
        ..Drift::default()
    });
}

#[test]
fn labels_and_the_marker_are_put_back_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "tags",
        arguments: r#"tags = { a = "b" }"#,
        broken: |stage| {
            stage.change(json!({"labels": {"a": "changed", "stray": "x",
                "terraform-provider-wandb": null}}));
        },
        shows: "tags",
        mended: |stage, _| {
            assert_eq!(stage.labels()["a"], "b");
            assert_eq!(stage.labels()["stray"], Value::Null);
            assert!(stage.is_ready());
        },
        ..Drift::default()
    });
}

#[test]
fn a_lost_lifecycle_rule_is_put_back_beside_a_foreign_one_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "noncurrent_version_days",
        arguments: r#"
            path = "p"
            noncurrent_version_days = 7
            abort_multipart_days = 3
        "#,
        broken: |stage| {
            stage.change(json!({"lifecycle": {"rule": [{"action": {"type": "Delete"},
                "condition": {"age": 9, "matchesPrefix": ["logs/"]}}]}}));
        },
        shows: "noncurrent_version_days",
        mended: |stage, _| {
            let rules = stage.seen()["lifecycle"]["rule"].clone();
            assert_eq!(rules.as_array().map(Vec::len), Some(3), "{rules}");
            assert!(rules.to_string().contains("logs/"), "{rules}");
            // Other days are another rule in the place of ours.
            stage.write_bucket(
                r#"
                    path = "p"
                    noncurrent_version_days = 8
                "#,
                "",
            );
            stage.apply();
            stage.assert_empty_plan();
            let rules = stage.seen()["lifecycle"]["rule"].clone();
            assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
        },
        ..Drift::default()
    });
}

#[test]
fn a_rule_that_expires_objects_is_a_warning_on_google_cloud() {
    let stage = Stage::<Gcp>::new("drift-expiry");
    stage.write_bucket("", "");
    stage.apply();
    stage.change(json!({"lifecycle": {"rule": [{"action": {"type": "Delete"},
        "condition": {"age": 30}}]}}));
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let found = finding(&stage, "lifecycle.no_expiry").expect("a finding");
    assert_eq!(found["status"], "warn");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn the_storage_class_is_put_back_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "storage_class",
        broken: |stage| stage.change(json!({"storageClass": "COLDLINE"})),
        shows: "gcp",
        mended: |stage, _| assert_eq!(stage.seen()["storageClass"], "STANDARD"),
        ..Drift::default()
    });
}

#[test]
fn an_encryption_key_of_somebody_is_taken_away_on_google_cloud() {
    drift(Drift::<Gcp> {
        what: "kms_key_name",
        broken: |stage| {
            let key = format!(
                "projects/simulated-project/locations/us/keyRings/{}/cryptoKeys/theirs",
                stage.bucket()
            );
            stage.cloud().add_crypto_key(&key);
            let agent = stage.cloud().service_agent("simulated-project");
            let agent = member(&agent.expect("an agent"));
            let role = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
            stage.cloud().grant_crypto_key(&key, role, &agent);
            stage.change(json!({"encryption": {"defaultKmsKeyName": key}}));
        },
        shows: "gcp",
        mended: |stage, _| assert_eq!(stage.seen()["encryption"]["defaultKmsKeyName"], Value::Null),
        ..Drift::default()
    });
}
