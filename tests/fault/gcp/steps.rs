//! Single steps that are refused, and what the next apply makes of them.

use std::time::Duration;

use serde_json::json;
use simulator::gcs::Fault;
use simulator::proxy::{Proxy, Seen};

use super::{Stage, World, apply_while_it_is_taken, assert_tidy, ends_well};
use crate::harness::{ADMIN, DEPLOY};
use crate::kill::{is_killed_at, points_of};

const MADE_KEY: &str = "create_access_key = true";
const QUIET: &str = r#"verify = "settings""#;

fn rotated(turn: &str) -> String {
    format!("{MADE_KEY}\naccess_key_rotation = \"{turn}\"")
}

#[test]
fn an_old_key_that_was_not_removed_goes_with_the_next_apply() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-oldkey");
    stage.write_bucket("register = false", MADE_KEY);
    stage.apply();
    let account = stage.made_accounts()[0].clone();
    let place = format!("/serviceAccounts/{account}/keys/");
    for (turn, code) in [("1", 403), ("2", 400)] {
        let before = stage.this()["access_key_id"].clone();
        stage.write_bucket("register = false", &rotated(turn));
        stage.cloud().fault(Fault::status(&place, code, None));
        let text = stage.apply_fails();
        assert!(text.contains("was not removed"), "{text}");
        assert_ne!(stage.this()["access_key_id"], before);
        stage.cloud().clear_faults();
        ends_well(&stage, turn);
        assert_tidy(&stage, turn);
        let old = before.as_str().expect("a key");
        assert!(!keys(&stage, &account).contains(old));
    }
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}

/// The list of the account's keys, of which there is one, as the project's owner sees it.
fn keys(stage: &Stage, account: &str) -> String {
    let text = all_keys(stage, account);
    assert_eq!(text.matches("/keys/").count(), 1, "{text}");
    text
}

/// The list of the account's keys.
fn all_keys(stage: &Stage, account: &str) -> String {
    let cloud = stage.cloud();
    let url = format!(
        "{}/v1/projects/-/serviceAccounts/{account}/keys?keyTypes=USER_MANAGED",
        cloud.url()
    );
    let token = format!("authorization: Bearer {}", cloud.token(&cloud.owner()));
    let output = std::process::Command::new("curl")
        .args(["-sSf", "-H", &token, &url])
        .output()
        .expect("curl");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A bucket whose W&B instance is told of its key and reaches it, right before a rotation.
fn before_a_rotation(world: &World, name: &str) -> (Stage, Proxy) {
    let (stage, proxy) = world.behind_proxy(name);
    let write = |block: &str| {
        let resource = stage.bucket_block("register = true", block);
        stage.write_under(&stage.provider_with_wandb(), &resource);
    };
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let store = stage.this()["supported_file_store"].clone();
    stage.wandb.add_store(store.as_str().expect("an address"));
    write(MADE_KEY);
    stage.apply();
    write(&rotated("1"));
    // Google tells when a key was made in whole seconds.
    stage.cloud().advance(Duration::from_secs(2));
    (stage, proxy)
}

/// A rotation is killed when its key was made and before anybody was told: that key goes, and
/// the old one waits, for the instance may use it.
#[test]
fn the_key_of_a_killed_rotation_is_told_from_one_that_waits() {
    let world = World::new();
    let (stage, proxy) = before_a_rotation(&world, "gcp-rotate");
    points_of(&stage, &proxy, &[]);
    let is_creation = |seen: &Seen| seen.method == "POST" && seen.target.ends_with("/keys");
    let creation = proxy.requests().iter().position(is_creation);
    let number = creation.expect("a key is made") + 1;
    let account = stage.made_account();
    assert_eq!(all_keys(&stage, &account).matches("/keys/").count(), 2);
    let (stage, proxy) = before_a_rotation(&world, "gcp-rotate-kill");
    let account = stage.made_account();
    let old = stage.this()["access_key_id"].clone();
    assert!(is_killed_at(&stage, &proxy, number, &[]), "not killed");
    assert_eq!(all_keys(&stage, &account).matches("/keys/").count(), 2);
    assert_eq!(stage.this()["access_key_id"], old);
    stage.apply();
    let new = stage.this()["access_key_id"].clone();
    assert_ne!(new, old);
    let left = all_keys(&stage, &account);
    assert_eq!(left.matches("/keys/").count(), 2, "{left}");
    for id in [&old, &new] {
        assert!(left.contains(id.as_str().expect("a key")), "{left}");
    }
}

#[test]
fn an_account_that_was_not_removed_goes_with_the_next_apply() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-unwanted");
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    for place in ["PUT /storage/v1/b/", "DELETE /v1/projects/"] {
        stage.write_bucket(QUIET, "");
        stage.cloud().fault(Fault::status(place, 403, None));
        let text = stage.apply_fails();
        assert!(text.contains("Left behind:"), "{text}");
        stage.cloud().clear_faults();
        ends_well(&stage, place);
        assert!(stage.made_accounts().is_empty(), "{place}");
        assert_eq!(
            stage.members(ADMIN),
            [format!("serviceAccount:{DEPLOY}")],
            "{place}"
        );
        stage.write_bucket(QUIET, MADE_KEY);
        stage.apply();
    }
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}

/// Credentials that end in the middle of a run.
#[test]
fn a_token_that_ends_is_told_and_the_next_apply_goes_on() {
    let world = World::new();
    for place in [
        "POST /storage/v1/b?",
        "PUT /storage/v1/b/",
        "PATCH /storage/v1/b/",
        "/keys",
    ] {
        let (stage, _proxy) = world.behind_proxy("gcp-ends");
        stage.cloud().fault(Fault::status(place, 401, None));
        stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
        let text = stage.apply_fails();
        assert!(
            text.contains("does not accept these credentials"),
            "{place}: {text}"
        );
        stage.cloud().clear_faults();
        ends_well(&stage, place);
        assert_tidy(&stage, place);
        stage.destroy();
        assert!(!stage.exists(), "{place}");
        assert!(stage.made_accounts().is_empty(), "{place}");
    }
}

/// Somebody else takes a bucket while this state adopts it: one of the two has it then.
#[test]
fn of_two_who_adopt_a_bucket_one_has_it() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-two");
    let arguments = "adopt = true\nverify = \"settings\"\non_destroy = \"keep\"";
    stage.write_bucket(arguments, "");
    stage.google("create", json!({}));
    stage.put("data");
    let points = points_of(&stage, &proxy, &[]);
    stage.forget(crate::harness::THIS);
    for number in points {
        stage.mark("ready-0ddba115");
        let when = format!("taken at {number}");
        let run = apply_while_it_is_taken(&stage, &world, &proxy, number);
        let marker = stage.marker();
        let text = run.text();
        if run.0.status.success() && stage.is_ready() {
            assert_ne!(marker, "ready-00c0ffee", "{when}: {text}");
        } else {
            assert_eq!(marker, "ready-00c0ffee", "{when}: {text}");
            // Its last step is no failure of the adoption, and is told all the same.
            assert!(
                text.contains("somebody else") || text.contains("00c0ffee"),
                "{text}"
            );
        }
        if run.0.status.success() {
            // The bucket is left alone by a state that has lost it.
            stage.destroy();
            assert_eq!(stage.marker(), marker, "{when}");
        }
        assert_eq!(stage.holds("live"), 1, "{when}");
    }
}
