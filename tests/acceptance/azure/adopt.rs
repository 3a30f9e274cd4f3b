//! Accounts and containers on Azure that were there before.

use serde_json::{Value, json};

use super::{BY_KEY, Stage};
use crate::harness::{THIS, hcl};

#[test]
fn a_container_that_is_there_is_refused_with_its_import_block() {
    let stage = Stage::new("az-taken");
    stage.make_account(json!({}));
    stage.make_container(stage.bucket(), json!({"owner": "ops"}));
    stage.put("theirs");
    stage.write_in_anothers(BY_KEY, "");
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(text.contains(&stage.import_id()), "{text}");
    assert_eq!(stage.metadata(), json!({"owner": "ops"}));
    stage.write_in_anothers(&format!("adopt = true\n{BY_KEY}"), "");
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.is_ready(), "{}", stage.metadata());
    assert_eq!(stage.metadata()["owner"], "ops");
    assert_eq!(stage.holds("live"), 1);
    let text = stage.destroy_fails();
    assert!(text.contains("holds 1 object"), "{text}");
    assert_eq!(stage.holds("live"), 1);
}

/// Names of accounts are the whole world's.
#[test]
fn an_account_of_another_subscription_is_never_ours() {
    let stage = super::alone("az-world");
    let theirs = "33333333-3333-4333-a333-333333333333";
    stage
        .login
        .control("POST", "/subscriptions", json!({"id": theirs}));
    stage.make_account(json!({"subscription": theirs}));
    stage.make_container(stage.bucket(), json!({}));
    for adopt in ["", "adopt = true"] {
        stage.write_bucket(&format!("{BY_KEY}\n{adopt}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("storage_account_name"), "{text}");
        assert!(!text.contains("import {"), "{text}");
    }
    assert_eq!(stage.metadata(), json!({}));
}

/// A PUT would write onto it.
#[test]
fn an_account_of_the_same_group_is_not_written_to() {
    let stage = Stage::new("az-mine");
    stage.make_account(json!({"tags": {"owner": "ops"},
        "properties": {"minimumTlsVersion": "TLS1_0"}}));
    let before = stage.seen_account();
    for adopt in ["", "adopt = true"] {
        stage.write_bucket(&format!("{BY_KEY}\n{adopt}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("create_storage_account = false"), "{text}");
        assert_eq!(stage.seen_account(), before);
    }
}

#[test]
fn a_half_made_bucket_is_gone_on_with() {
    let stage = Stage::new("az-half");
    let tags = json!({"terraform-provider-wandb": "creating-00c0ffee",
        "terraform-provider-wandb-container": stage.bucket()});
    stage.make_account(json!({"tags": tags}));
    stage.make_container(
        stage.bucket(),
        json!({"terraform_provider_wandb": "creating-00c0ffee"}),
    );
    stage.write_bucket(BY_KEY, "");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.is_ready(), "{}", stage.metadata());
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

/// The run died before the container was made.
#[test]
fn a_half_made_account_is_gone_on_with() {
    let stage = Stage::new("az-halfacc");
    let tags = json!({"terraform-provider-wandb": "creating-00c0ffee",
        "terraform-provider-wandb-container": stage.bucket()});
    stage.make_account(json!({"tags": tags}));
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.is_ready(), "{}", stage.metadata());
    assert_eq!(stage.cors().as_array().map(Vec::len), Some(1));
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_half_made_account_for_another_container_is_refused() {
    let stage = Stage::new("az-halfother");
    let tags = json!({"terraform-provider-wandb": "creating-00c0ffee",
        "terraform-provider-wandb-container": "another"});
    stage.make_account(json!({ "tags": tags }));
    stage.write_bucket(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(text.contains("was not made for this bucket"), "{text}");
    assert_eq!(stage.seen_account()["tags"], tags);
}

#[test]
fn a_bucket_of_another_state_is_refused() {
    let stage = Stage::new("az-other");
    stage.make_account(json!({}));
    let marker = json!({"terraform_provider_wandb": "ready-00c0ffee"});
    stage.make_container(stage.bucket(), marker);
    stage.write_in_anothers(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(stage.marker(), "ready-00c0ffee");
}

#[test]
fn another_owner_of_the_marker_is_told_and_nothing_is_deleted() {
    let stage = Stage::new("az-stolen");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.mark("ready-00c0ffee");
    let text = stage.plan().text;
    assert!(text.contains("taken the bucket over"), "{text}");
    let run = stage.terraform(&["destroy", "-auto-approve", "-no-color", "-refresh=false"]);
    assert!(stage.exists(), "{}", run.text());
    assert_eq!(stage.marker(), "ready-00c0ffee");
}

#[test]
fn create_before_destroy_does_not_delete_the_bucket() {
    let stage = Stage::new("az-cbd");
    let lifecycle = hcl!(
        r#"
            scope = "instance"
            adopt = true
            lifecycle {
              create_before_destroy = true
            }
        "#
    );
    stage.write_bucket(&lifecycle, "");
    stage.apply();
    let before = stage.generation();
    let run = stage.apply_with(&[&format!("-replace={THIS}")]);
    assert!(run.text().contains("was left alone"), "{}", run.text());
    stage.assert_empty_plan();
    assert!(stage.exists());
    assert_ne!(stage.generation(), before);
    stage.destroy();
    assert!(!stage.exists());
}
