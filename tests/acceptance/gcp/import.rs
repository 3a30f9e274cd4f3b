//! Buckets on Google Cloud that are imported.

use serde_json::json;

use super::{Stage, account, key, member};
use crate::harness::{ADMIN, DEPLOY, THIS, hcl};

fn import_block(stage: &Stage) -> String {
    hcl!(
        r#"
            import {
              to = <this>
              id = "<id>"
            }
        "#,
        this = THIS,
        id = stage.import_id()
    )
}

#[test]
fn generated_configuration_plans_empty() {
    let stage = Stage::new("gcp-import");
    let key = key(&stage, "europe-west4");
    let block = hcl!(
        r#"
            location = "europe-west4"
            storage_class = "NEARLINE"
            kms_key_name = "<key>"
        "#,
        key
    );
    let arguments = r#"
        soft_delete_days = 30
        tags = { a = "b" }
    "#;
    stage.write_bucket(arguments, &block);
    stage.apply();
    let (policy, seen) = (stage.policy()["bindings"].clone(), stage.seen());
    stage.forget(THIS);
    stage.write(&import_block(&stage));
    let plan = stage.plan_with(&["-generate-config-out=made.tf"]);
    assert!(plan.is_empty(), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["gcp"]["location"], "EUROPE-WEST4");
    assert_eq!(state["gcp"]["storage_class"], "NEARLINE");
    assert_eq!(state["gcp"]["kms_key_name"], key);
    assert_eq!(state["gcp"]["wandb_service_account"], DEPLOY);
    assert_eq!(state["soft_delete_days"], 30);
    assert_eq!(state["tags"], json!({"a": "b"}));
    assert_eq!(stage.policy()["bindings"], policy);
    assert_eq!(stage.seen()["cors"], seen["cors"]);
    // The first change takes it over, and does nothing else.
    stage.forget(THIS);
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.write_bucket(&arguments.replace("30", "31"), &block);
    stage.import(THIS, &stage.import_id()).succeeds();
    let before = stage.generation();
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.generation(), before);
    assert_eq!(stage.seen()["cors"].as_array().map(Vec::len), Some(1));
    stage.destroy();
}

#[test]
fn a_bucket_that_nobody_prepared_is_imported_with_its_faults() {
    let stage = Stage::new("gcp-bare");
    stage.google("create", json!({"location": "EU", "soft_delete": 0}));
    stage.write_bucket("", r#"location = "EU""#);
    stage.import(THIS, &stage.import_id()).succeeds();
    let state = stage.this();
    assert_eq!(state["soft_delete_days"], json!(null));
    assert_eq!(state["versioning"], false);
    let findings = state["findings"].to_string();
    for id in ["soft_delete.objects", "cors.", "access.wandb_read_write"] {
        assert!(findings.contains(id), "{id}: {findings}");
    }
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_eq!(stage.members(ADMIN), [member(DEPLOY)]);
    stage.destroy();
}

#[test]
fn on_a_self_managed_instance_the_configuration_says_who_wandb_is() {
    let stage = Stage::new("gcp-whose");
    let email = account(&stage, "import-pods");
    let provider = stage.provider("").replace("dedicated", "self_managed");
    let block = hcl!(r#"wandb_service_account = "<email>""#, email);
    let bucket = stage.bucket_block(r#"path = "teams/a""#, &block);
    stage.write_under(&provider, &bucket);
    stage.apply();
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    assert_eq!(stage.this()["gcp"]["wandb_service_account"], json!(null));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(ADMIN), [member(&email)]);
    // Nobody is let in by a configuration that does not say whom.
    stage.forget(THIS);
    stage.write_under(&provider, &stage.bucket_block("", ""));
    stage.import(THIS, &stage.import_id()).succeeds();
    let text = stage.plan_fails();
    assert!(text.contains("wandb_service_account"), "{text}");
    stage.write_under(&provider, &bucket);
    stage.apply();
    stage.destroy();
}

#[test]
fn ids_are_checked() {
    let stage = Stage::new("gcp-ids");
    stage.write_bucket("", "");
    let name = stage.bucket();
    for (id, words) in [
        (format!("gcp/{name}"), "gcp/<project>/<name>"),
        (format!("gcp/a/b/{name}"), "gcp/<project>/<name>"),
        (format!("gcp/123456789012/{name}"), "number"),
        (format!("gcp/Simulated/{name}"), "of the id"),
        (format!("gcp/simulated-project/{name}"), "was not imported"),
    ] {
        let text = stage.import(THIS, &id).fails();
        assert!(text.contains(words), "{id}: {text}");
    }
    // A bucket is in its own project and in no other.
    stage.apply();
    stage.forget(THIS);
    stage
        .cloud()
        .add_account("x@another-project.iam.gserviceaccount.com");
    let owner = format!("serviceAccount:{}", stage.cloud().owner());
    stage
        .cloud()
        .grant_project("another-project", "roles/owner", &owner);
    let id = format!("gcp/another-project/{name}");
    let text = stage.import(THIS, &id).fails();
    assert!(text.contains("another-project"), "{text}");
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.destroy();
}
