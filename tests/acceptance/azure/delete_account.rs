//! Storage accounts that were made with their bucket: they go with it, and with nothing else
//! that somebody put into them.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, alone};

/// What is in the account besides stays, and the message names it.
fn keeps(stage: &Stage, what: &str) {
    let text = stage.destroy().text();
    assert!(text.contains(what), "{what} is not in {text}");
    assert!(!stage.exists());
    assert_ne!(stage.seen_account(), Value::Null);
    assert_eq!(stage.this(), Value::Null);
}

#[test]
fn other_containers_keep_the_account() {
    let stage = Stage::new("az-keepc");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.make_container("theirs", json!({}));
    keeps(&stage, "the container \"theirs\"");
    assert!(stage.container("theirs").is_some());
}

#[test]
fn deleted_containers_of_others_keep_the_account() {
    let stage = Stage::new("az-keepd");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.make_container("theirs", json!({}));
    let path = format!("/accounts/{}/containers/theirs", stage.account());
    stage.login.control("DELETE", &path, json!({}));
    keeps(&stage, "the deleted container \"theirs\"");
}

#[test]
fn shares_queues_and_tables_keep_the_account() {
    for (kind, what) in [
        ("shares", "1 file share"),
        ("queues", "1 queue"),
        ("tables", "1 table"),
    ] {
        let stage = Stage::new(&format!("az-keep{kind}"));
        stage.write_bucket(BY_KEY, "");
        stage.apply();
        let path = format!("/accounts/{}/{kind}/theirs", stage.account());
        stage.login.control("POST", &path, json!({}));
        keeps(&stage, what);
        assert_eq!(
            stage.seen_account()["others"][kind],
            json!(["theirs"]),
            "{kind}"
        );
    }
}

/// An earlier container of the same name was this bucket's own.
#[test]
fn deleted_blobs_and_an_earlier_container_of_ours_keep_nothing() {
    let stage = Stage::new("az-keepnot");
    let arguments = format!("{BY_KEY}\non_destroy = \"delete_everything\"");
    stage.write_bucket(&arguments, "");
    stage.apply();
    let path = format!(
        "/accounts/{}/containers/{}",
        stage.account(),
        stage.bucket()
    );
    stage.login.control("DELETE", &path, json!({}));
    stage.apply();
    stage.assert_empty_plan();
    stage.put("a");
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

/// Whoever took the tag away, or put another there, has the account.
#[test]
fn an_account_without_our_tag_is_not_deleted() {
    let stage = Stage::new("az-keeptag");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.tag_account(json!({"terraform-provider-wandb": "ready-00c0ffee",
        "terraform-provider-wandb-container": stage.bucket()}));
    let run = stage.terraform(&["destroy", "-auto-approve", "-no-color", "-refresh=false"]);
    assert_ne!(stage.seen_account(), Value::Null, "{}", run.text());
}

#[test]
fn an_account_whose_contents_nobody_may_list_stays() {
    let stage = alone("az-keepblind");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let fault = simulator::azure::Fault::status("fileServices/default/shares", 403, None);
    stage.cloud().fault(fault);
    let text = stage.destroy_fails();
    assert!(text.contains("shares"), "{text}");
    assert!(stage.exists());
    stage.cloud().clear_faults();
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}
