//! W&B's key on a server with the interface of IAM.

use serde_json::json;

use super::Stage;
use crate::harness::{THIS, ask, hcl};

#[test]
fn a_key_by_iam_is_limited_to_the_path_rotated_and_removed() {
    let stage = Stage::new("iam-path");
    let block = |turn: &str| {
        hcl!(
            r#"
                create_access_key = true
                admin_api = "iam"
                access_key_rotation = "<turn>"
            "#,
            turn
        )
    };
    stage.write_bucket(r#"path = "teams/omega""#, &block("1"));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    let put = |key: &str| {
        let args = json!({"Bucket": stage.bucket(), "Key": key, "Body": "x"});
        ask(&stage.login_of_wandb(), "s3", "put_object", args)
    };
    assert!(put("teams/omega/run").get("ok").is_some());
    assert_eq!(put("teams/other/run")["error"], "AccessDenied");
    let (user, before) = (stage.user(), stage.login_of_wandb());
    assert_eq!(stage.access_keys_of(&user), [json!(before.access_key)]);
    // Rotated in place: the old one goes.
    stage.write_bucket(r#"path = "teams/omega""#, &block("2"));
    stage.apply();
    stage.assert_empty_plan();
    let after = stage.login_of_wandb();
    assert_ne!(after.access_key, before.access_key);
    assert_eq!(stage.access_keys_of(&user), [json!(after.access_key)]);
    // A key that is gone is made again.
    let args = json!({"UserName": user, "AccessKeyId": after.access_key});
    stage.ok("iam", "delete_access_key", args);
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.login_of_wandb().access_key, after.access_key);
    // Another path is another right, and the key stays.
    let key = stage.login_of_wandb().access_key;
    stage.write_bucket(r#"path = "teams/other""#, &block("2"));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.login_of_wandb().access_key, key);
    assert!(put("teams/other/run").get("ok").is_some());
    assert_eq!(put("teams/omega/run")["error"], "AccessDenied");
    stage.clean_up_objects();
    stage.destroy();
    let answer = stage.ask("iam", "get_user", json!({"UserName": user}));
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("NoSuchEntity"), "{answer}");
}

/// As a run leaves it that ends between the making of the policy and its attachment.
#[test]
fn a_policy_that_is_not_attached_goes_with_its_user() {
    let stage = Stage::new("iam-loose");
    let block = "create_access_key = true\nadmin_api = \"iam\"";
    stage.write_bucket("", block);
    stage.apply();
    let user = stage.user();
    let arn = format!("arn:aws:iam:::policy/{user}");
    let policy = json!({"PolicyArn": arn});
    stage.ok("iam", "get_policy", policy.clone());
    let args = json!({"UserName": user, "PolicyArn": arn});
    stage.ok("iam", "detach_user_policy", args);
    stage.clean_up_objects();
    stage.destroy();
    let answer = stage.ask("iam", "get_policy", policy);
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("NoSuchEntity"), "{answer}");
}
