//! Changes of a bucket on Google Cloud that is there.

use serde_json::json;

use super::{Stage, account, finding, key, member};
use crate::harness::{ADMIN, DEPLOY, THIS, hcl};

#[test]
fn every_setting_is_updated_in_place() {
    let stage = Stage::new("gcp-update");
    stage.write_bucket("", "");
    stage.apply();
    let generation = stage.generation();
    let (other, key) = (account(&stage, "update-other"), key(&stage, "us"));
    let block = hcl!(
        r#"
            storage_class = "NEARLINE"
            wandb_service_account = "<other>"
            wandb_roles = ["roles/storage.admin", "roles/storage.objectAdmin"]
            kms_key_name = "<key>"
            public_access_prevention = "inherited"
        "#,
        other,
        key
    );
    stage.write_bucket(
        r#"
            path = "teams/omega"
            versioning = false
            soft_delete_days = 30
            cors_allowed_origins = ["https://acme.wandb.io"]
            cors_max_age_seconds = 60
            noncurrent_version_days = 9
            abort_multipart_days = 3
            verify = "settings"
            tags = { a = "b" }
        "#,
        &block,
    );
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.generation(), generation);
    let seen = stage.seen();
    assert_eq!(seen["storageClass"], "NEARLINE");
    assert_eq!(seen["encryption"]["defaultKmsKeyName"], key);
    assert_eq!(seen["versioning"]["enabled"], false);
    assert_eq!(
        seen["softDeletePolicy"]["retentionDurationSeconds"],
        "2592000"
    );
    assert_eq!(
        seen["iamConfiguration"]["publicAccessPrevention"],
        "inherited"
    );
    assert_eq!(seen["cors"].as_array().map(Vec::len), Some(1));
    assert_eq!(seen["cors"][0]["origin"], json!(["https://acme.wandb.io"]));
    assert_eq!(seen["cors"][0]["maxAgeSeconds"], 60);
    assert_eq!(seen["lifecycle"]["rule"].as_array().map(Vec::len), Some(2));
    assert_eq!(seen["labels"]["a"], "b");
    // Who was let in before is let in no more.
    assert_eq!(stage.members(ADMIN), [member(&other)]);
    assert_eq!(stage.members("roles/storage.objectAdmin"), [member(&other)]);
    let found = finding(&stage, "access.public_blocked").expect("a finding");
    assert_eq!(found["status"], "warn");
    // And all of it back.
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    let seen = stage.seen();
    assert_eq!(seen["storageClass"], "STANDARD");
    assert_eq!(seen["encryption"]["defaultKmsKeyName"], json!(null));
    assert_eq!(
        seen["iamConfiguration"]["publicAccessPrevention"],
        "enforced"
    );
    assert_eq!(seen["cors"].as_array().map(Vec::len), Some(1));
    assert_eq!(seen["lifecycle"]["rule"].as_array().map_or(0, Vec::len), 0);
    assert_eq!(
        seen["labels"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    assert_eq!(stage.members(ADMIN), [member(DEPLOY)]);
    assert_eq!(
        stage.members("roles/storage.objectAdmin"),
        Vec::<String>::new()
    );
    stage.destroy();
}

#[test]
fn roles_that_are_not_wanted_any_more_are_taken_back() {
    let stage = Stage::new("gcp-roles");
    let own = "projects/simulated-project/roles/wandb";
    stage.cloud().add_role(
        own,
        &[
            "storage.buckets.get",
            "storage.objects.create",
            "storage.objects.delete",
            "storage.objects.get",
            "storage.objects.list",
        ],
    );
    stage.write_bucket(
        "",
        &hcl!(r#"wandb_roles = ["<own>", "roles/storage.admin"]"#, own),
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(own), [member(DEPLOY)]);
    stage.write_bucket("", &hcl!(r#"wandb_roles = ["<own>"]"#, own));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(own), [member(DEPLOY)]);
    assert_eq!(stage.members(ADMIN), Vec::<String>::new());
    let found = finding(&stage, "access.storage_admin").expect("a finding");
    assert_eq!(found["status"], "warn");
    stage.destroy();
}

#[test]
fn people_and_conditions_in_the_policy_stay_what_they_are() {
    let stage = Stage::new("gcp-people");
    stage.write_bucket("", "");
    stage.apply();
    let auditor = account(&stage, "people-auditor");
    let condition = json!({"title": "until", "description": "audit",
        "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"});
    let mut bindings = stage.policy()["bindings"]
        .as_array()
        .expect("bindings")
        .clone();
    let theirs = [
        json!({"role": ADMIN, "members": [member(&auditor)], "condition": condition}),
        json!({"role": "roles/storage.objectViewer",
            "members": [member(&auditor), "user:jane@example.com"]}),
        json!({"role": "roles/storage.objectViewer", "condition": condition,
            "members": ["deleted:serviceAccount:gone@simulated-project.iam.gserviceaccount.com?uid=123456789012345678901"]}),
    ];
    bindings.extend(theirs.clone());
    stage.bind(json!(bindings));
    stage.assert_empty_plan();
    let other = account(&stage, "people-other");
    stage.write_bucket("", &hcl!(r#"wandb_service_account = "<other>""#, other));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(ADMIN), [member(&other)]);
    let after = stage.policy()["bindings"]
        .as_array()
        .expect("bindings")
        .clone();
    for binding in theirs {
        let same = |one: &&serde_json::Value| {
            one["role"] == binding["role"]
                && one["condition"] == binding["condition"]
                && one["members"].as_array().map(Vec::len)
                    == binding["members"].as_array().map(Vec::len)
        };
        assert!(
            after.iter().find(same).is_some(),
            "{binding} is not in {after:?}"
        );
    }
    stage.destroy();
}
