//! The account's key that W&B has: it is read, and followed when somebody makes another.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, alone, finding};
use crate::harness::{GROUP, THIS};

fn regenerate(stage: &Stage, key: &str) {
    stage.microsoft(
        "storage.storage_accounts.regenerate_key",
        json!([GROUP, stage.account(), {"keyName": key}]),
    );
}

fn key(stage: &Stage, index: usize) -> Value {
    stage.seen_account()["keys"][index].clone()
}

#[test]
fn another_key_is_followed_by_the_refresh() {
    let stage = Stage::new("az-regen");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let before = key(&stage, 0);
    assert_eq!(stage.this()["secret_access_key"], before);
    let (login, bucket) = (stage.login.clone(), stage.bucket_block(BY_KEY, ""));
    regenerate(&stage, "key1");
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let state = stage.this();
    assert_ne!(key(&stage, 0), before);
    assert_eq!(state["secret_access_key"], key(&stage, 0));
    let address = state["supported_file_store"].as_str().expect("an address");
    let address: Vec<u8> = percent_encoding::percent_decode_str(address).collect();
    let address = String::from_utf8(address).expect("UTF-8");
    let now = key(&stage, 0);
    assert!(address.contains(now.as_str().expect("a key")), "{address}");
    stage.assert_empty_plan();
    // The plan alone follows it as well.
    regenerate(&stage, "key1");
    stage.write_under(&stage.provider_on(&login, ""), &bucket);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["secret_access_key"], key(&stage, 0));
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
}

#[test]
fn the_second_key_may_be_wandbs() {
    let stage = Stage::new("az-key2");
    stage.write_bucket(BY_KEY, r#"account_key = "key2""#);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["access_key_id"], "key2");
    assert_eq!(stage.this()["secret_access_key"], key(&stage, 1));
    // The other one is nothing to it.
    regenerate(&stage, "key1");
    stage.assert_empty_plan();
    stage.write_bucket(BY_KEY, "");
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["access_key_id"], "key1");
    assert_eq!(stage.this()["secret_access_key"], key(&stage, 0));
    stage.destroy();
}

#[test]
fn keys_are_not_listed_where_none_is_needed() {
    let stage = alone("az-nolist");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.cloud().clear_requests();
    stage.assert_empty_plan();
    assert_eq!(stage.asked("POST", "listKeys"), 0);
    stage.destroy();
    stage.write_bucket("", &stage.by_identity());
    stage.cloud().clear_requests();
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    assert_eq!(stage.asked("POST", "listKeys"), 0);
}

#[test]
fn an_account_that_takes_keys_no_more_is_mended() {
    let stage = Stage::new("az-keysoff");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.change_account(json!({"allowSharedKeyAccess": false}));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.seen_account()["properties"]["allowSharedKeyAccess"],
        true
    );
    assert_eq!(finding(&stage, "access.wandb_read_write"), None);
    stage.destroy();
}

/// What a refresh has written into the state is no fault of the configuration's.
#[test]
fn keys_that_somebody_has_turned_off_are_no_error_of_the_state() {
    let stage = alone("az-keysseen");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let refresh = ["apply", "-refresh-only", "-auto-approve", "-no-color"];
    stage.change_account(json!({"allowSharedKeyAccess": false}));
    stage.terraform(&refresh).succeeds();
    assert_eq!(stage.this()["azure"]["shared_key_enabled"], false);
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let properties = stage.seen_account()["properties"].clone();
    assert_eq!(properties["allowSharedKeyAccess"], true);
    // Without a key the caller's own token is what is left to look into the container with.
    stage.put("data");
    stage.change_account(json!({"allowSharedKeyAccess": false}));
    let text = stage.destroy_fails();
    assert!(text.contains("holds 1 object"), "{text}");
    stage.clean_up_objects();
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

/// Nobody here has made it.
#[test]
fn the_account_s_keys_are_the_same_after_all_that() {
    let stage = Stage::new("az-samekeys");
    stage.make_account(json!({}));
    let before = stage.seen_account()["keys"].clone();
    stage.write_in_anothers(BY_KEY, "");
    stage.apply();
    stage.write_in_anothers(BY_KEY, r#"account_key = "key2""#);
    stage.apply();
    stage.destroy();
    assert_eq!(stage.seen_account()["keys"], before);
}
