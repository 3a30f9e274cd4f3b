//! The W&B instance is asked about the bucket.

use serde_json::json;
use simulator::wandb::Config;

use super::Stage;
use crate::harness::{API_KEY, Cloud, Minio, THIS, hcl};

#[test]
fn registration_is_asked_for_as_configured() {
    let stage = Stage::new("register");
    // null: the instance cannot know the key yet, so its error is a warning finding.
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let findings = stage.this()["findings"].clone();
    let connection = findings
        .as_array()
        .expect("findings")
        .iter()
        .find(|one| one["requirement"] == "wandb.connection")
        .cloned();
    let connection = connection.expect("a finding about the connection");
    assert_eq!(connection["status"], "warn");
    assert!(
        connection["message"]
            .as_str()
            .is_some_and(|text| text.contains("GORILLA_SUPPORTED_FILE_STORES"))
    );
    assert_eq!(stage.this()["verified"], true);
    // true: it fails the apply.
    stage.write_bucket("register = true", "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    // Once the operator has told the instance, it passes.
    stage.tell_instance();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["findings"], json!([]));
    // false: nobody asks.
    stage.write_bucket("register = false", "create_access_key = true");
    stage.wandb.clear_requests();
    stage.apply();
    assert!(
        stage.wandb.requests().is_empty(),
        "{:?}",
        stage.wandb.requests().len()
    );
    // The instance has tried the bucket with a key that may not delete versions.
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn the_organization_is_looked_up_and_named_to_the_instance() {
    let stage = Stage::new("organization");
    let write = |organization: &str| {
        stage.write_under(
            &stage.provider(&hcl!(r#"organization = "<organization>""#, organization)),
            &stage.bucket_block("register = true", "create_access_key = true"),
        );
    };
    write("nobody");
    let text = stage.apply_fails();
    assert!(
        text.contains(r#"does not see the organization "nobody""#) && text.contains("acme"),
        "{text}"
    );
    stage.wandb.clear_requests();
    write("acme");
    // The instance knows the organization and goes on to the bucket, whose key it lacks.
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    let operations: Vec<String> = stage
        .wandb
        .requests()
        .into_iter()
        .filter_map(|request| request.operation)
        .collect();
    assert_eq!(operations, ["Viewer", "TestBucket"]);
    stage.destroy();
}

#[test]
fn an_instance_that_is_too_old_to_test_is_no_failure() {
    let config = Config {
        api_key: API_KEY.to_owned(),
        old_schema: true,
        ..Config::default()
    };
    let stage = Stage::with("old-schema", Minio::login(), config);
    stage.write_bucket("register = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let findings = stage.this()["findings"].clone();
    assert_eq!(findings[0]["requirement"], "wandb.connection");
    assert_eq!(findings[0]["status"], "unknown");
    stage.destroy();
}

/// Terraform taints and replaces what a failed create leaves. The key that the operator was
/// told to give to the instance has to be W&B's key afterwards.
#[test]
fn a_new_bucket_that_insists_on_its_registration_keeps_its_key() {
    let stage = Stage::new("insists");
    let write = |turn: &str| {
        let block = hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
            "#,
            turn
        );
        stage.write_bucket("register = true", &block);
    };
    let keys = || stage.keys_of(&stage.user());
    write("1");
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    let (first, owner) = (stage.this(), stage.user());
    // Nobody has told the instance yet: nothing changes.
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["delete", "create"]);
    stage.apply_fails();
    assert_eq!(
        stage.this()["supported_file_store"],
        first["supported_file_store"]
    );
    assert_eq!(keys(), [first["access_key_id"].clone()]);
    stage.tell_instance_of(&first);
    stage.apply();
    stage.assert_empty_plan();
    let second = stage.this();
    assert_eq!(stage.user(), owner);
    for kept in ["access_key_id", "secret_access_key", "generation"] {
        assert_eq!(second[kept], first[kept], "{kept}");
    }
    assert_eq!(second["findings"], json!([]));
    assert_eq!(keys(), [first["access_key_id"].clone()]);
    stage.clean_up_objects();
    stage.destroy();
    // Another rotation asks for another key, and a key that is gone is not gone on with.
    stage.wandb.clear_stores();
    write("1");
    stage.apply_fails();
    let first = stage.this()["access_key_id"].clone();
    write("2");
    stage.apply_fails();
    let second = stage.this()["access_key_id"].clone();
    assert_ne!(second, first);
    assert_eq!(json!(keys()), json!([second]));
    stage.admin("delete_service_account", json!({"access_key": second}));
    stage.apply_fails();
    let third = stage.this()["access_key_id"].clone();
    assert_ne!(third, second);
    assert_eq!(json!(keys()), json!([third]));
    stage.destroy();
}
