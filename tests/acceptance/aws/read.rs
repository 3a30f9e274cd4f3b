//! What a look at AWS finds: gone, and denied.

use super::Stage;
use super::callers::{caller, root};
use crate::harness::{ACCOUNT, Login, THIS};

#[test]
fn denied_is_not_gone_and_names_action_and_caller() {
    let mut stage = Stage::on("aws-denied", root());
    stage.write_bucket("", "");
    stage.apply();
    let id = stage.this()["id"].clone();
    let few = ["s3:ListAllMyBuckets", "kms:*"].map(str::to_owned);
    stage.login = caller("sees-nothing", &few);
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    assert!(text.contains("The bucket was not looked at"), "{text}");
    assert!(text.contains("AccessDenied"), "{text}");
    let who = format!("to arn:aws:iam::{ACCOUNT}:user/sees-nothing");
    assert!(text.contains(&who), "{text}");
    assert!(text.contains("Allow s3:"), "{text}");
    assert_eq!(stage.this()["id"], id);
    stage.destroy_fails();
    assert_eq!(stage.this()["id"], id);
    // A key that nobody has.
    let stranger = Login {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        ..root()
    };
    stage.login = stranger;
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    assert!(text.contains("InvalidAccessKeyId"), "{text}");
    // A wrong secret, which is never printed.
    stage.login = Login {
        secret_key: "not-the-secret-42".to_owned(),
        ..root()
    };
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    assert!(text.contains("SignatureDoesNotMatch"), "{text}");
    assert!(!text.contains("not-the-secret-42"), "{text}");
    assert_eq!(stage.this()["id"], id);
    stage.login = root();
    stage.write_bucket("", "");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_bucket_that_vanished_is_made_again_with_its_key() {
    let stage = Stage::new("aws-gone");
    stage.write_bucket("", "");
    stage.apply();
    let key = stage.key();
    stage.clean_up();
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    assert_eq!(stage.own_keys(), [key]);
    stage.destroy();
}
