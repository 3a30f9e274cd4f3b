//! Rows about the key that a bucket is encrypted with.

use serde_json::{Value, json};

use super::{Drift, drift};
use crate::harness::{ACCOUNT, Aws, Stage};

/// Changes the statements of the key's policy.
fn change_policy(stage: &Stage<Aws>, change: impl Fn(&mut Vec<Value>)) {
    let key = stage.key();
    let mut policy = stage.key_policy(&key);
    change(policy["Statement"].as_array_mut().expect("statements"));
    stage.put_key_policy(&key, &policy);
}

#[test]
fn wandb_may_use_the_key_again_on_aws() {
    drift(Drift::<Aws> {
        what: "kms.wandb_use",
        broken: |stage| {
            change_policy(stage, |statements| {
                statements.retain(|one| one["Sid"] != "External");
            });
        },
        mended: |stage, _| {
            let policy = stage.key_policy(&stage.key());
            let statements = policy["Statement"].as_array().expect("statements");
            let mut sids: Vec<_> = statements
                .iter()
                .filter_map(|one| one["Sid"].as_str())
                .collect();
            sids.sort_unstable();
            assert_eq!(sids, ["External", "Internal"]);
        },
        ..Drift::default()
    });
}

#[test]
fn a_key_that_its_account_lost_is_given_back_on_aws() {
    drift(Drift::<Aws> {
        what: "kms.account_admin",
        broken: |stage| {
            change_policy(stage, |statements| {
                for one in statements.iter_mut().filter(|one| one["Sid"] == "Internal") {
                    one["Principal"]["AWS"] = json!("arn:aws:iam::111122223333:root");
                }
            });
        },
        says: &["kms.account_admin"],
        mended: |stage, _| {
            let now = stage.key_policy(&stage.key()).to_string();
            let root = format!("arn:aws:iam::{ACCOUNT}:root");
            assert!(now.contains(&root), "{now}");
            assert!(!now.contains("111122223333"), "{now}");
            // The same in other words is no difference.
            change_policy(stage, |statements| {
                statements.reverse();
                for one in statements.iter_mut().filter(|one| one["Sid"] == "Internal") {
                    one["Principal"]["AWS"] = json!(ACCOUNT);
                    one["Action"] = json!(["KMS:*"]);
                }
            });
            stage.assert_empty_plan();
        },
        ..Drift::default()
    });
}

#[test]
fn rotation_is_turned_on_again_on_aws() {
    drift(Drift::<Aws> {
        what: "kms.rotation",
        broken: |stage| {
            stage.kms("disable_key_rotation", json!({"KeyId": stage.key()}));
        },
        shows: "aws",
        mended: |stage, _| {
            let now = stage.kms("get_key_rotation_status", json!({"KeyId": stage.key()}));
            assert_eq!(now["KeyRotationEnabled"], true);
        },
        ..Drift::default()
    });
}

#[test]
fn a_disabled_key_is_enabled_again_on_aws() {
    drift(Drift::<Aws> {
        what: "kms.enabled",
        broken: |stage| {
            stage.kms("disable_key", json!({"KeyId": stage.key_id()}));
        },
        mended: |stage, _| assert_eq!(stage.described(&stage.key())["KeyState"], "Enabled"),
        ..Drift::default()
    });
}

#[test]
fn the_deletion_of_a_key_is_taken_back_on_aws() {
    drift(Drift::<Aws> {
        what: "kms.enabled",
        broken: |stage| {
            let args = json!({"KeyId": stage.key_id(), "PendingWindowInDays": 8});
            stage.kms("schedule_key_deletion", args);
        },
        says: &[
            "it will be deleted in 8 days",
            "cancels the deletion and enables the key",
        ],
        mended: |stage, before| {
            assert_eq!(before["aws"]["kms_key_arn"], stage.key());
            assert_eq!(stage.described(&stage.key())["KeyState"], "Enabled");
        },
        ..Drift::default()
    });
}

#[test]
fn a_lost_alias_is_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "kms.enabled",
        broken: |stage| {
            stage.kms("delete_alias", json!({"AliasName": stage.alias()}));
        },
        mended: |stage, _| {
            let described = stage.described(&stage.alias());
            assert_eq!(described["Arn"], stage.key());
        },
        ..Drift::default()
    });
}
