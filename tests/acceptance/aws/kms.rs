//! Keys that others have made.

use serde_json::{Value, json};

use super::{Stage, finding};
use crate::harness::hcl;

/// What the owner of a key may add to its policy.
fn everything_for_wandb() -> Value {
    json!({"Sid": "W", "Effect": "Allow", "Principal": {"AWS": "830241207209"},
        "Action": "kms:*", "Resource": "*"})
}

#[test]
fn a_given_key_is_left_alone() {
    let stage = Stage::new("aws-given");
    let key = stage.foreign_key();
    let before = stage.key_policy(&key);
    stage.write_bucket("", &hcl!(r#"kms_key_arn = "<key>""#, key));
    let text = stage.apply().text();
    // What is missing is said with the words to paste, and nothing is changed.
    assert!(text.contains("kms.wandb_use"), "{text}");
    assert!(text.contains("kms:GenerateDataKey*"), "{text}");
    assert_eq!(stage.key_policy(&key), before);
    stage.allow_on_key(&key, everything_for_wandb());
    let document = stage.key_policy(&key);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_eq!(stage.key_policy(&key), document);
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    assert_eq!(stage.own_keys(), Vec::<String>::new());
}

#[test]
fn a_key_for_signatures_is_found_and_another_taken_in_place() {
    let stage = Stage::new("aws-usage");
    let made = stage.kms(
        "create_key",
        json!({"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}),
    );
    let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    stage.write_bucket(
        "",
        &hcl!(
            r#"
                kms_key_arn = "<key>"
                kms_key_rotation = false
            "#,
            key
        ),
    );
    let text = stage.plan().text;
    assert!(
        text.contains("kms_key_rotation does nothing to a given key"),
        "{text}"
    );
    let text = stage.apply().text();
    assert!(text.contains("kms.key_usage"), "{text}");
    let found = finding(&stage, "kms.key_usage").expect("a finding");
    assert_eq!(found["status"], "fail");
    assert_eq!(found["actual"], "SIGN_VERIFY");
    assert_eq!(stage.this()["verified"], false);
    // Another key, in place.
    let good = stage.foreign_key();
    stage.allow_on_key(&good, everything_for_wandb());
    stage.write_bucket("", &hcl!(r#"kms_key_arn = "<good>""#, good));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(finding(&stage, "kms.key_usage"), None);
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
}
