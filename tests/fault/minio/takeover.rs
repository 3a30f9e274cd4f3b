//! Buckets that change hands, and the runs that die or fail while they do.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use simulator::amazon;

use super::{Stage, assert_tidy, behind_proxy};
use crate::harness::{THIS, ask, hcl};
use crate::kill::{is_killed_at, points_of};

const MADE_KEY: &str = "create_access_key = true";

fn assert_key_works(stage: &Stage, before: &Value) {
    let login = stage.login.clone().with_key_of(before);
    let args = json!({"Bucket": stage.bucket(), "MaxKeys": 1});
    let answer = ask(&login, "s3", "list_objects_v2", args);
    assert!(answer.get("ok").is_some(), "{answer}");
}

#[test]
fn a_bucket_whose_takeover_died_is_imported_with_the_user_it_has() {
    let (stage, _proxy) = behind_proxy("taken-again");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
    // Killed once the marker is written: it names the owner before.
    let former = before["generation"].as_str().expect("one");
    stage.mark(&format!("ready-00c0ffee-{former}"));
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.only_user(), user);
    assert_key_works(&stage, &before);
    stage.destroy();
}

/// The user is older than the marker once an imported bucket was changed, and is found all
/// the same by whoever imports or adopts the bucket next.
#[test]
fn the_user_of_a_bucket_that_was_imported_twice_is_known() {
    let (stage, _proxy) = behind_proxy("taken-twice");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    for turn in ["first", "second"] {
        stage.forget(THIS);
        stage.import(THIS, &stage.import_id()).succeeds();
        assert_eq!(stage.this()["access_key_owner"], user, "{turn}");
        stage.write_bucket(&hcl!(r#"tags = { turn = "<turn>" }"#, turn), MADE_KEY);
        stage.apply();
        stage.assert_empty_plan();
        assert_eq!(stage.only_user(), user, "{turn}");
        assert_key_works(&stage, &before);
    }
    stage.forget(THIS);
    stage.write_bucket("adopt = true", MADE_KEY);
    stage.apply();
    assert_ne!(stage.only_user(), user);
    stage.destroy();
    stage.assert_no_user(&user);
}

/// Kills the first change after an import at each request in turn. Terraform keeps no private
/// data then, and the state of before.
#[test]
fn a_kill_at_any_request_of_the_first_change_after_an_import_is_survived() {
    let imported = |name: &str| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket("", MADE_KEY);
        stage.apply();
        let before = (stage.this(), stage.user());
        stage.forget(THIS);
        stage.import(THIS, &stage.import_id()).succeeds();
        stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
        (stage, proxy, before)
    };
    let ends = |stage: &Stage, (before, user): &(Value, String), number: usize| {
        stage.assert_empty_plan();
        let marker = stage.marker();
        let owner = before["generation"].as_str().expect("one");
        let expected = format!("ready-{}_{owner}", stage.generation());
        assert_eq!(marker, expected, "killed at {number}");
        assert_eq!(stage.tags()["a"], "b", "killed at {number}");
        assert_eq!(stage.only_user(), *user, "killed at {number}");
        let keys = stage.keys_of(user);
        assert_eq!(
            keys,
            [before["access_key_id"].clone()],
            "killed at {number}"
        );
        assert_key_works(stage, before);
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        stage.assert_no_user(user);
    };
    let (stage, proxy, before) = imported("taken-kill");
    let points = points_of(&stage, &proxy, &[]);
    ends(&stage, &before, 0);
    assert!(points.len() > 5, "only {points:?}");
    for number in points {
        let (stage, proxy, before) = imported(&format!("taken-kill-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        let first = before.0["generation"].as_str().expect("one");
        let is_another = stage.marker() != format!("ready-{first}");
        let is_done = is_another && !stage.marker().contains(&format!("-{first}"));
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        println!("killed at {number}: {}", stage.marker());
        if !run.0.status.success() {
            // All was done but the answer, and nothing tells that it was this state.
            let text = run.fails();
            assert!(is_done, "killed at {number}: {text}");
            assert!(text.contains("import it again"), "{text}");
            let refused = stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
            assert!(refused.fails().contains("import it again"));
            stage.forget(THIS);
            stage.import(THIS, &stage.import_id()).succeeds();
            stage.apply();
        }
        ends(&stage, &before, number);
    }
}

/// The same for a destroy of a bucket whose import was never followed by a change.
#[test]
fn a_kill_at_any_request_of_the_destroy_of_an_import_is_survived() {
    let imported = |name: &str| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket("", MADE_KEY);
        stage.apply();
        let user = stage.user();
        stage.forget(THIS);
        stage.import(THIS, &stage.import_id()).succeeds();
        stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
        stage.apply();
        (stage, proxy, user)
    };
    let (stage, proxy, user) = imported("taken-end");
    let points = points_of(&stage, &proxy, &["-destroy"]);
    stage.assert_no_user(&user);
    assert!(points.len() > 3, "only {points:?}");
    for number in points {
        let (stage, proxy, user) = imported(&format!("taken-end-{number}"));
        let killed = is_killed_at(&stage, &proxy, number, &["-destroy"]);
        assert!(killed, "not at {number}");
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        stage.assert_no_user(&user);
    }
}

/// The same for a bucket that nobody has marked.
#[test]
fn a_kill_at_any_request_of_the_first_change_of_an_unmarked_import_is_survived() {
    let imported = |name: &str| {
        let (stage, proxy) = behind_proxy(name);
        stage.s3_ok("create_bucket", json!({}));
        stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
        stage.import(THIS, &stage.import_id()).succeeds();
        (stage, proxy)
    };
    let ends = |stage: &Stage, number: usize| {
        stage.assert_empty_plan();
        assert_tidy(stage, number);
        let user = stage.only_user();
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        stage.assert_no_user(&user);
    };
    let (stage, proxy) = imported("taken-bare");
    let points = points_of(&stage, &proxy, &[]);
    ends(&stage, 0);
    assert!(points.len() > 10, "only {points:?}");
    for number in points {
        let (stage, proxy) = imported(&format!("taken-bare-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        if !run.0.status.success() {
            let text = run.fails();
            // The last request of a killed run may be answered after its end.
            let tag = stage.tags()["terraform-provider-wandb"].clone();
            let marker = tag.as_str().unwrap_or_default();
            let is_done = marker.starts_with("ready-") && !marker.contains("-00000000");
            assert!(
                is_done && text.contains("import it again"),
                "{marker}: {text}"
            );
            stage.forget(THIS);
            stage.import(THIS, &stage.import_id()).succeeds();
            // The secret of the key went with the run.
            stage.write_bucket(
                r#"tags = { a = "b" }"#,
                r#"
                    create_access_key = true
                    access_key_rotation = "after the import"
                "#,
            );
            stage.apply();
        }
        ends(&stage, number);
    }
}

/// An adoption whose last step fails: the owner before may not have lost its user and got
/// its bucket back.
#[test]
fn an_adoption_that_fails_at_its_last_step_loses_nobodys_key() {
    let (stage, proxy) = behind_proxy("taken-last");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let before = stage.this();
    let state = stage.path().join("terraform.tfstate");
    let first = std::fs::read(&state).expect("a state");
    stage.forget(THIS);
    stage.write_bucket("adopt = true", MADE_KEY);
    let puts = AtomicUsize::new(0);
    proxy.reply(usize::MAX, amazon::s3_denied(), move |seen| {
        seen.method == "PUT"
            && seen.target.contains("?tagging")
            && puts.fetch_add(1, Ordering::SeqCst) == 1
    });
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    proxy.clear();
    println!("{}", run.text());
    if stage.this().is_null() {
        // Given back, with everything that its owner had.
        std::fs::write(&state, first).expect("the state is written");
        stage.write_bucket("", MADE_KEY);
        assert_key_works(&stage, &before);
    } else {
        stage.apply();
    }
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_eq!(stage.marker(), format!("ready-{}", stage.generation()));
    stage.destroy();
}

/// An import whose bucket somebody deletes before the first change.
#[test]
fn an_imported_bucket_that_vanishes_is_made_again() {
    let (stage, _proxy) = behind_proxy("taken-gone");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.s3_ok("delete_bucket", json!({}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}

/// The key that was made is from now on written into the configuration: its user must not
/// go while W&B's key is that user's.
#[test]
fn a_made_key_that_is_given_from_now_on_stays() {
    let (stage, _proxy) = behind_proxy("taken-given");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    let given = hcl!(
        r#"
            wandb_access_key = "<key>"
            wandb_secret_key = "<secret>"
        "#,
        key = before["access_key_id"].as_str().expect("a key"),
        secret = before["secret_access_key"].as_str().expect("a secret")
    );
    stage.write_bucket("", &given);
    let text = stage.apply_fails();
    assert!(text.contains(&user), "{text}");
    assert_key_works(&stage, &before);
    // By the advice: user and key stay.
    stage.write_bucket("", MADE_KEY);
    stage.assert_empty_plan();
    assert_eq!(
        stage.this()["secret_access_key"],
        before["secret_access_key"]
    );
    assert_key_works(&stage, &before);
    stage.destroy();
    stage.assert_no_user(&user);
}

/// The same by an adoption with the key of the owner before.
#[test]
fn an_adoption_with_the_key_of_the_owner_before_keeps_it() {
    let (stage, _proxy) = behind_proxy("taken-with");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let before = stage.this();
    stage.forget(THIS);
    let given = hcl!(
        r#"
            wandb_access_key = "<key>"
            wandb_secret_key = "<secret>"
        "#,
        key = before["access_key_id"].as_str().expect("a key"),
        secret = before["secret_access_key"].as_str().expect("a secret")
    );
    stage.write_bucket("adopt = true", &given);
    let marker = stage.marker();
    let text = stage.apply_fails();
    assert!(text.contains("belongs to the user"), "{text}");
    assert_key_works(&stage, &before);
    assert_eq!(stage.marker(), marker);
    stage.write_bucket("adopt = true", MADE_KEY);
    stage.apply();
    stage.destroy();
}

/// An import that nobody has changed since follows the provider to another address.
#[test]
fn an_import_comes_along_when_its_server_gets_another_address() {
    let (stage, proxy) = behind_proxy("taken-moved");
    stage.write_bucket("", "");
    stage.apply();
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    let body = stage.bucket_block("", "");
    let (second, login) = crate::harness::proxy_to(crate::harness::minio());
    // Nothing answers at the address before.
    drop(proxy);
    stage.write_under(&stage.provider_on(&login, ""), &body);
    stage.apply();
    stage.assert_empty_plan();
    let run = stage.destroy();
    assert!(run.text().contains("1 destroyed"), "{}", run.text());
    drop(second);
}
