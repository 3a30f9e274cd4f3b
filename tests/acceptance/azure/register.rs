//! The W&B instance is asked about a bucket on Azure. Its test cannot name a container, which is
//! told as such.

use serde_json::Value;

use super::{BY_KEY, Stage, finding};

#[test]
fn the_connection_test_cannot_name_a_container() {
    let stage = Stage::new("az-register");
    let write = |arguments: &str| {
        let resource = stage.bucket_block(arguments, &stage.by_identity());
        stage.write_under(&stage.provider_with_wandb(), &resource);
    };
    write("");
    stage.apply();
    stage.assert_empty_plan();
    let found = finding(&stage, "wandb.connection").expect("a finding");
    assert_eq!(found["status"], "unknown", "{found}");
    assert_eq!(stage.this()["verified"], true);
    write("register = true");
    stage.apply();
    stage.assert_empty_plan();
    let found = finding(&stage, "wandb.connection").expect("a finding");
    assert_eq!(found["status"], "unknown", "{found}");
    write("register = false");
    stage.wandb.clear_requests();
    stage.apply();
    assert!(stage.wandb.requests().is_empty());
    assert_eq!(finding(&stage, "wandb.connection"), None);
    stage.destroy();
}

#[test]
fn without_an_instance_nothing_is_asked() {
    let stage = Stage::new("az-unregister");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    assert!(stage.wandb.requests().is_empty());
    assert_eq!(finding(&stage, "wandb.connection"), None);
    assert_ne!(stage.this(), Value::Null);
    stage.destroy();
}
