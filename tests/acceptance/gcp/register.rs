//! The W&B instance is asked about a bucket on Google Cloud. It comes as W&B's own service
//! account, which really gets in or does not.

use serde_json::{Value, json};

use super::Stage;

#[test]
fn the_instance_reaches_the_bucket_by_its_own_account() {
    let stage = Stage::new("gcp-register");
    let write = |arguments: &str| {
        let resource = stage.bucket_block(arguments, "");
        stage.write_under(&stage.provider_with_wandb(), &resource);
    };
    write("register = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.this()["verified"],
        true,
        "{}",
        stage.this()["findings"]
    );
    assert!(!stage.wandb.requests().is_empty());
    write("register = false");
    stage.wandb.clear_requests();
    stage.apply();
    assert!(stage.wandb.requests().is_empty());
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn an_instance_that_does_not_get_in_stops_the_apply() {
    let stage = Stage::new("gcp-unreached");
    let email = super::account(&stage, "not-wandb");
    let block = format!("wandb_service_account = {email:?}");
    let resource = stage.bucket_block("register = true", &block);
    stage.write_under(&stage.provider_with_wandb(), &resource);
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    let resource = stage.bucket_block("register = true", "");
    stage.write_under(&stage.provider_with_wandb(), &resource);
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn with_a_key_the_instance_has_to_be_told_first() {
    let stage = Stage::new("gcp-told");
    let write = |arguments: &str| {
        let resource = stage.bucket_block(arguments, "create_access_key = true");
        stage.write_under(&stage.provider_with_wandb(), &resource);
    };
    write("");
    stage.apply();
    let found = super::finding(&stage, "wandb.connection").expect("a finding");
    assert_eq!(found["status"], "warn");
    let store = stage.this()["supported_file_store"].clone();
    stage.wandb.add_store(store.as_str().expect("an address"));
    write("register = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(super::finding(&stage, "wandb.connection"), None);
    assert_eq!(stage.this()["findings"], json!([]));
    stage.clean_up_objects();
    stage.destroy();
}
