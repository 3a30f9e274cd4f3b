//! The W&B instance is asked about a bucket on AWS.

use serde_json::Value;

use super::Stage;
use crate::harness::{API_KEY, hcl};

/// The provider's block with the W&B instance in it.
pub fn provider(stage: &Stage) -> String {
    let wandb = hcl!(
        r#"
            base_url = "<url>"
            api_key = "<api_key>"
        "#,
        url = stage.wandb.url(),
        api_key = API_KEY
    );
    stage.provider(&wandb)
}

#[test]
fn registration_is_asked_for_as_configured() {
    let stage = Stage::new("aws-register");
    let write = |register: &str| {
        let resource = stage.bucket_block(register, "");
        stage.write_under(&provider(&stage), &resource);
    };
    // There is no key in the address, so that the instance must get in by itself.
    write("");
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    let key = stage.own_keys();
    stage.let_wandb_into(stage.bucket());
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), key);
    assert_eq!(stage.this()["verified"], true);
    let findings = stage.this()["findings"].to_string();
    assert!(!findings.contains("wandb.connection"), "{findings}");
    write("register = true");
    stage.apply();
    stage.assert_empty_plan();
    write("register = false");
    stage.wandb.clear_requests();
    stage.apply();
    assert!(stage.wandb.requests().is_empty());
    stage.clean_up_objects();
    stage.destroy();
}
