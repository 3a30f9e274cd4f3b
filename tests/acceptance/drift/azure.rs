//! Rows about Azure.

use serde_json::{Value, json};

use super::{Drift, drift};
use crate::azure::finding;
use crate::harness::{Azure, Stage};

const BY_KEY: &str = r#"scope = "instance""#;

/// A bucket that W&B reaches as a managed identity.
fn by_identity(name: &str) -> Stage<Azure> {
    let mut stage = Stage::<Azure>::new(name);
    stage.usual = format!("{}\n{}", stage.usual, stage.by_identity());
    stage
}

/// Our CORS rule, with one part of it changed.
fn rule(stage: &Stage<Azure>, name: &str, value: Value) -> Value {
    let mut rule = stage.cors()[0].clone();
    rule[name] = value;
    json!({"cors": {"corsRules": [rule]}})
}

fn is_ours(stage: &Stage<Azure>) {
    // What was ours and is no more stays after it: rules have no ids.
    assert_eq!(
        stage.cors()[0],
        json!({"allowedOrigins": ["*"], "allowedMethods": ["GET", "HEAD", "PUT"],
            "allowedHeaders": ["*"], "exposedHeaders": ["*"], "maxAgeInSeconds": 3600})
    );
}

#[test]
fn methods_that_pages_use_are_let_in_again_on_azure() {
    drift(Drift::<Azure> {
        what: "cors.methods",
        arguments: BY_KEY,
        broken: |stage| stage.change_service(rule(stage, "allowedMethods", json!(["GET"]))),
        mended: |stage, _| is_ours(stage),
        ..Drift::default()
    });
}

#[test]
fn headers_that_pages_send_are_let_in_again_on_azure() {
    drift(Drift::<Azure> {
        what: "cors.headers",
        arguments: BY_KEY,
        broken: |stage| stage.change_service(rule(stage, "allowedHeaders", json!(["x-a"]))),
        mended: |stage, _| is_ours(stage),
        ..Drift::default()
    });
}

#[test]
fn the_header_that_pages_must_read_is_put_back_on_azure() {
    drift(Drift::<Azure> {
        what: "cors.etag_exposed",
        arguments: BY_KEY,
        broken: |stage| stage.change_service(rule(stage, "exposedHeaders", json!([]))),
        mended: |stage, _| is_ours(stage),
        ..Drift::default()
    });
}

#[test]
fn origins_are_put_back_on_azure() {
    drift(Drift::<Azure> {
        what: "cors.origins",
        arguments: BY_KEY,
        broken: |stage| {
            let other = json!(["https://example.com"]);
            stage.change_service(rule(stage, "allowedOrigins", other));
        },
        shows: "findings",
        mended: |stage, _| {
            let rules = stage.cors();
            assert_eq!(rules[0]["allowedOrigins"], json!(["*"]), "{rules}");
        },
        ..Drift::default()
    });
}

#[test]
fn the_age_of_an_answer_is_put_back_on_azure() {
    drift(Drift::<Azure> {
        what: "cors.max_age",
        arguments: BY_KEY,
        broken: |stage| stage.change_service(rule(stage, "maxAgeInSeconds", json!(5))),
        shows: "cors_max_age_seconds",
        mended: |stage, _| assert_eq!(stage.cors()[0]["maxAgeInSeconds"], 3600),
        ..Drift::default()
    });
}

#[test]
fn rules_for_browsers_are_put_back_before_a_foreign_one_on_azure() {
    drift(Drift::<Azure> {
        what: "cors.methods",
        arguments: BY_KEY,
        broken: |stage| {
            let theirs = json!({"allowedOrigins": ["https://example.com"],
                "allowedMethods": ["GET"], "allowedHeaders": [], "exposedHeaders": [],
                "maxAgeInSeconds": 9});
            stage.change_service(json!({"cors": {"corsRules": [theirs]}}));
        },
        mended: |stage, _| {
            let rules = stage.cors();
            assert_eq!(rules[0]["allowedOrigins"], json!(["*"]));
            assert_eq!(rules[1]["allowedOrigins"], json!(["https://example.com"]));
            // The first match wins: one that W&B's pages meet before ours is drift.
            let mut theirs = rules[1].clone();
            theirs["allowedOrigins"] = json!(["*"]);
            theirs["allowedMethods"] = json!(["PUT"]);
            let all = json!([theirs, rules[0], rules[1]]);
            stage.change_service(json!({"cors": {"corsRules": all}}));
            assert!(!stage.plan().is_empty());
            stage.apply();
            stage.assert_empty_plan();
            assert_eq!(stage.cors(), json!([rules[0], theirs, rules[1]]));
        },
        ..Drift::default()
    });
}

#[test]
fn old_tls_is_refused_again_on_azure() {
    drift(Drift::<Azure> {
        what: "min_tls_version",
        arguments: BY_KEY,
        broken: |stage| stage.change_account(json!({"minimumTlsVersion": "TLS1_0"})),
        shows: "azure",
        says: &["access.https_only"],
        mended: |stage, _| {
            let properties = &stage.seen_account()["properties"];
            assert_eq!(properties["minimumTlsVersion"], "TLS1_2");
        },
        ..Drift::default()
    });
}

#[test]
fn requests_without_tls_are_refused_again_on_azure() {
    drift(Drift::<Azure> {
        what: "access.https_only",
        arguments: BY_KEY,
        broken: |stage| stage.change_account(json!({"supportsHttpsTrafficOnly": false})),
        mended: |stage, _| {
            let properties = &stage.seen_account()["properties"];
            assert_eq!(properties["supportsHttpsTrafficOnly"], true);
        },
        ..Drift::default()
    });
}

#[test]
fn an_account_that_can_be_opened_to_everybody_is_closed_on_azure() {
    drift(Drift::<Azure> {
        what: "access.public_blocked",
        arguments: BY_KEY,
        broken: |stage| stage.change_account(json!({"allowBlobPublicAccess": true})),
        mended: |stage, _| {
            let properties = &stage.seen_account()["properties"];
            assert_eq!(properties["allowBlobPublicAccess"], false);
        },
        ..Drift::default()
    });
}

#[test]
fn a_container_that_is_open_to_everybody_is_closed_on_azure() {
    drift(Drift::<Azure> {
        what: "access.public_blocked",
        arguments: BY_KEY,
        broken: |stage| {
            stage.change_account(json!({"allowBlobPublicAccess": true}));
            stage.microsoft(
                "storage.blob_containers.update",
                json!([crate::harness::GROUP, stage.account(), stage.bucket(),
                    {"properties": {"publicAccess": "Blob"}}]),
            );
        },
        mended: |stage, _| {
            let container = stage.container(stage.bucket()).expect("a container");
            assert!(
                matches!(container["public_access"].as_str(), None | Some("None")),
                "{container}"
            );
        },
        ..Drift::default()
    });
}

#[test]
fn keys_are_taken_again_on_azure() {
    drift(Drift::<Azure> {
        what: "shared_key_enabled",
        arguments: BY_KEY,
        broken: |stage| stage.change_account(json!({"allowSharedKeyAccess": false})),
        shows: "azure",
        says: &["access.wandb_read_write"],
        mended: |stage, _| {
            let properties = &stage.seen_account()["properties"];
            assert_eq!(properties["allowSharedKeyAccess"], true);
        },
        ..Drift::default()
    });
}

#[test]
fn keys_are_refused_again_where_nobody_needs_one_on_azure() {
    drift(Drift::<Azure> {
        what: "shared_key_enabled",
        stage: by_identity,
        broken: |stage| stage.change_account(json!({"allowSharedKeyAccess": true})),
        shows: "azure",
        mended: |stage, _| {
            let properties = &stage.seen_account()["properties"];
            assert_eq!(properties["allowSharedKeyAccess"], false);
        },
        ..Drift::default()
    });
}

#[test]
fn versioning_is_on_again_on_azure() {
    drift(Drift::<Azure> {
        what: "versioning.enabled",
        arguments: BY_KEY,
        broken: |stage| stage.change_service(json!({"isVersioningEnabled": false})),
        shows: "versioning",
        mended: |stage, _| assert_eq!(stage.service()["isVersioningEnabled"], true),
        ..Drift::default()
    });
}

#[test]
fn soft_delete_of_blobs_is_on_again_on_azure() {
    drift(Drift::<Azure> {
        what: "soft_delete.objects",
        arguments: BY_KEY,
        broken: |stage| {
            stage.change_service(json!({"deleteRetentionPolicy": {"enabled": false}}));
        },
        shows: "soft_delete_days",
        says: &["soft_delete.objects"],
        mended: |stage, _| {
            let policy = &stage.service()["deleteRetentionPolicy"];
            assert_eq!(
                (&policy["enabled"], &policy["days"]),
                (&json!(true), &json!(7))
            );
        },
        ..Drift::default()
    });
}

/// In an account of our own a longer time is drift as well.
#[test]
fn another_time_of_soft_delete_is_put_right_on_azure() {
    drift(Drift::<Azure> {
        what: "soft_delete_days",
        arguments: BY_KEY,
        broken: |stage| {
            stage.change_service(json!({"deleteRetentionPolicy": {"enabled": true, "days": 2}}));
        },
        shows: "soft_delete_days",
        mended: |stage, _| assert_eq!(stage.service()["deleteRetentionPolicy"]["days"], 7),
        ..Drift::default()
    });
}

#[test]
fn soft_delete_of_containers_is_on_again_on_azure() {
    drift(Drift::<Azure> {
        what: "soft_delete.containers",
        arguments: BY_KEY,
        broken: |stage| {
            stage.change_service(json!({"containerDeleteRetentionPolicy": {"enabled": false}}));
        },
        mended: |stage, _| {
            let policy = &stage.service()["containerDeleteRetentionPolicy"];
            assert_eq!(
                (&policy["enabled"], &policy["days"]),
                (&json!(true), &json!(7))
            );
        },
        ..Drift::default()
    });
}

#[test]
fn tags_and_the_marker_are_put_back_on_azure() {
    drift(Drift::<Azure> {
        what: "tags",
        arguments: "scope = \"instance\"\ntags = { a = \"b\" }",
        broken: |stage| {
            let mut tags = stage.seen_account()["tags"].clone();
            tags["a"] = json!("changed");
            tags["stray"] = json!("x");
            stage.tag_account(tags);
            let path = format!(
                "/accounts/{}/containers/{}",
                stage.account(),
                stage.bucket()
            );
            // In another case it is the same one, as Azure has it.
            let marker = json!({"metadata": {"terraform_provider_wandb": null, "theirs": "x",
                "Terraform_Provider_Wandb": stage.marker()}});
            stage.login.control("PATCH", &path, marker);
        },
        shows: "tags",
        mended: |stage, _| {
            let tags = stage.seen_account()["tags"].clone();
            assert_eq!(tags["a"], "b");
            assert_eq!(tags.get("stray"), None);
            assert_eq!(stage.metadata()["theirs"], "x");
        },
        ..Drift::default()
    });
}

#[test]
fn a_lost_marker_is_put_back_on_azure() {
    drift(Drift::<Azure> {
        what: "marker",
        arguments: BY_KEY,
        broken: |stage| {
            let path = format!(
                "/accounts/{}/containers/{}",
                stage.account(),
                stage.bucket()
            );
            let marker = json!({"metadata": {"terraform_provider_wandb": null}});
            stage.login.control("PATCH", &path, marker);
        },
        shows: "verified",
        mended: |stage, _| {
            assert!(stage.is_ready(), "{}", stage.metadata());
            // The account is still the bucket's own, and goes with it.
        },
        ..Drift::default()
    });
}

#[test]
fn a_lost_lifecycle_rule_is_put_back_beside_a_foreign_one_on_azure() {
    drift(Drift::<Azure> {
        what: "noncurrent_version_days",
        arguments: "scope = \"instance\"\npath = \"p\"\nnoncurrent_version_days = 7",
        broken: |stage| {
            let theirs = json!({"enabled": true, "name": "logs", "type": "Lifecycle",
                "definition": {"actions": {"baseBlob": {"delete":
                {"daysAfterModificationGreaterThan": 9}}}, "filters":
                {"blobTypes": ["blockBlob"], "prefixMatch": ["logs/"]}}});
            let policy = json!({"properties": {"policy": {"rules": [theirs]}}});
            stage.microsoft(
                "storage.management_policies.create_or_update",
                json!([crate::harness::GROUP, stage.account(), "default", policy]),
            );
        },
        shows: "noncurrent_version_days",
        mended: |stage, _| {
            let rules = stage.seen_account()["policy"]["rules"].clone();
            assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
            assert!(rules.to_string().contains("logs/"), "{rules}");
        },
        ..Drift::default()
    });
}

#[test]
fn a_rule_that_expires_blobs_is_a_warning_on_azure() {
    let stage = Stage::<Azure>::new("drift-expiry");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let theirs = json!({"enabled": true, "name": "expire", "type": "Lifecycle", "definition":
        {"actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30}}},
        "filters": {"blobTypes": ["blockBlob"]}}});
    let policy = json!({"properties": {"policy": {"rules": [theirs]}}});
    stage.microsoft(
        "storage.management_policies.create_or_update",
        json!([crate::harness::GROUP, stage.account(), "default", policy]),
    );
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let found = finding(&stage, "lifecycle.no_expiry").expect("a finding");
    assert_eq!(found["status"], "warn");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_lost_role_is_given_again_on_azure() {
    drift(Drift::<Azure> {
        what: "access.identity_roles",
        stage: by_identity,
        broken: |stage| {
            let identity = stage.identity();
            stage.take_roles(identity["object_id"].as_str().expect("an id"));
        },
        mended: |stage, _| {
            let identity = stage.identity();
            let principal = identity["object_id"].as_str().expect("an id");
            let roles = stage.roles_of(principal);
            assert_eq!(
                roles,
                ["Storage Account Contributor", "Storage Blob Data Owner"]
            );
        },
        ..Drift::default()
    });
}

#[test]
fn lost_trust_is_given_again_on_azure() {
    drift(Drift::<Azure> {
        what: "access.federated_credentials",
        stage: by_identity,
        broken: |stage| {
            let identity = stage.identity();
            for one in [0, 1] {
                let args = json!([
                    crate::harness::GROUP,
                    identity["name"],
                    identity["credentials"][one]["name"]
                ]);
                stage.microsoft("msi.federated_identity_credentials.delete", args);
            }
        },
        mended: |stage, _| assert_eq!(stage.subjects().len(), 13),
        ..Drift::default()
    });
}

/// More than W&B needs is taken away from its own identity.
#[test]
fn a_role_too_many_is_taken_back_on_azure() {
    let stage = by_identity("drift-toomuch");
    stage.write_bucket("", "");
    stage.apply();
    let identity = stage.identity();
    let principal = identity["object_id"].as_str().expect("an id");
    let grant = json!({"principal": principal, "role": "Owner", "scope": stage.account_id()});
    stage.login.control("POST", "/grants", grant);
    assert!(!stage.plan().is_empty());
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.roles_of(principal),
        ["Storage Account Contributor", "Storage Blob Data Owner"]
    );
    stage.destroy();
}

#[test]
fn holds_and_policies_are_a_warning_on_azure() {
    let stage = Stage::<Azure>::new("drift-held");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.microsoft(
        "storage.blob_containers.set_legal_hold",
        json!([crate::harness::GROUP, stage.account(), stage.bucket(), {"tags": ["audit"]}]),
    );
    let before = stage.holds("live");
    stage.write_bucket("scope = \"instance\"\ntags = { a = \"b\" }", "");
    stage.apply();
    let found = finding(&stage, "object_lock.no_default_retention").expect("a finding");
    assert_eq!(found["status"], "warn");
    assert_eq!(stage.this()["verified"], false);
    // What could not be removed again was not written.
    assert_eq!(stage.holds("live"), before);
    stage.assert_empty_plan();
    stage.microsoft(
        "storage.blob_containers.clear_legal_hold",
        json!([crate::harness::GROUP, stage.account(), stage.bucket(), {"tags": ["audit"]}]),
    );
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
}
