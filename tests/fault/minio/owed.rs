//! What a failed apply has left to do, whose a bucket is, and what becomes of both.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::Seen;

use super::{Stage, behind_proxy};
use crate::harness::{THIS, hcl};

/// A request of MinIO's admin interface that deletes such a thing.
fn deletes(what: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.method == "DELETE" && seen.target.contains(what)
}

fn write_rotated(stage: &Stage, turn: &str) {
    let block = hcl!(
        r#"
            create_access_key = true
            access_key_rotation = "<turn>"
        "#,
        turn
    );
    stage.write_bucket("", &block);
}

#[test]
fn a_rotation_whose_old_key_was_not_deleted_deletes_it_next_time() {
    let (stage, proxy) = behind_proxy("owe-rotation");
    write_rotated(&stage, "1");
    stage.apply();
    let user = stage.user();
    write_rotated(&stage, "2");
    proxy.reply(
        usize::MAX,
        amazon::s3_denied(),
        deletes("delete-service-account"),
    );
    let text = stage.apply_fails();
    assert!(text.contains("An old access key was not removed"), "{text}");
    assert_eq!(stage.keys_of(&user).len(), 2);
    proxy.clear();
    assert_eq!(stage.this()["verified"], false);
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let id = stage.this()["access_key_id"].clone();
    assert_eq!(stage.keys_of(&user), [id]);
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    stage.assert_no_user(&user);
}

#[test]
fn a_rotation_with_a_failing_registration_comes_to_its_end() {
    let (stage, proxy) = behind_proxy("owe-register");
    write_rotated(&stage, "1");
    stage.apply();
    let user = stage.user();
    stage.tell_instance();
    let registered = |turn: &str| {
        let block = hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
            "#,
            turn
        );
        stage.write_bucket("register = true", &block);
    };
    registered("1");
    stage.apply();
    stage.assert_empty_plan();
    // The operator has taken the old key off the list already, and cannot know the new one.
    stage.wandb.clear_stores();
    registered("2");
    stage.apply_fails();
    assert_eq!(stage.keys_of(&user).len(), 2);
    stage.tell_instance();
    stage.apply();
    stage.assert_empty_plan();
    let id = stage.this()["access_key_id"].clone();
    assert_eq!(stage.keys_of(&user), [id]);
    proxy.clear();
    // The instance has tried it by writing.
    stage.clean_up_objects();
    stage.destroy();
}

/// The old key of a rotation waits for the operator, and its deletion fails when it is time.
#[test]
fn a_key_that_waited_and_was_not_deleted_is_deleted_next_time() {
    let (stage, proxy) = behind_proxy("owe-waiting");
    write_rotated(&stage, "1");
    stage.apply();
    let user = stage.user();
    stage.tell_instance();
    write_rotated(&stage, "2");
    stage.apply();
    assert_eq!(stage.keys_of(&user).len(), 2);
    let block = r#"
        create_access_key = true
        access_key_rotation = "2"
    "#;
    stage.write_bucket("register = false", block);
    proxy.reply(
        usize::MAX,
        amazon::s3_denied(),
        deletes("delete-service-account"),
    );
    let text = stage.apply_fails();
    proxy.clear();
    assert!(text.contains("An old access key was not removed"), "{text}");
    assert_eq!(stage.keys_of(&user).len(), 2);
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let id = stage.this()["access_key_id"].clone();
    assert_eq!(stage.keys_of(&user), [id]);
    stage.clean_up_objects();
    stage.destroy();
    stage.assert_no_user(&user);
}

/// The first apply of a rotation fails after the key was made, and the instance still uses
/// the old one when the next apply comes to its end.
#[test]
fn a_rotation_that_failed_first_leaves_the_used_key_working() {
    let (stage, proxy) = behind_proxy("owe-failed-rotation");
    write_rotated(&stage, "1");
    stage.apply();
    let first = stage.this()["access_key_id"].clone();
    stage.tell_instance();
    write_rotated(&stage, "2");
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen: &Seen| {
        seen.method == "OPTIONS"
    });
    stage.apply_fails();
    proxy.clear();
    let text = stage.apply().text();
    assert!(text.contains("W&B's old access key still works"), "{text}");
    let second = stage.this()["access_key_id"].clone();
    let mut keys = stage.keys_of(&stage.user());
    keys.sort_by_key(ToString::to_string);
    let mut both = [first, second];
    both.sort_by_key(ToString::to_string);
    assert_eq!(keys, both);
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn a_user_that_nobody_wants_any_more_goes_in_the_end() {
    for by_destroy in [false, true] {
        let (stage, proxy) = behind_proxy("owe-user");
        stage.write_bucket("", "create_access_key = true");
        stage.apply();
        let user = stage.user();
        stage.write_bucket("", "");
        proxy.reply(usize::MAX, amazon::s3_denied(), deletes("remove-user"));
        stage.apply_fails();
        proxy.clear();
        if !by_destroy {
            assert_eq!(stage.plan().actions(THIS), ["update"]);
            stage.apply();
            stage.assert_empty_plan();
            stage.assert_no_user(&user);
        }
        stage.destroy();
        stage.assert_no_user(&user);
    }
}

#[test]
fn another_path_is_proven_although_the_first_probe_was_not_answered() {
    let (stage, proxy) = behind_proxy("owe-probe");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.write_bucket(r#"path = "teams/b""#, "create_access_key = true");
    proxy.reply(usize::MAX, amazon::slow_down(), |seen| {
        seen.method == "PUT" && seen.target.contains("teams/b")
    });
    stage.apply_fails();
    assert_eq!(stage.this()["verified"], false);
    proxy.clear();
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    let probed = |seen: &Seen| seen.method == "PUT" && seen.target.contains("teams/b");
    assert!(proxy.requests().iter().any(probed));
    stage.destroy();
}

#[test]
fn an_adoption_retires_the_user_of_the_owner_before() {
    let (stage, _proxy) = behind_proxy("owe-former");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let former = stage.user();
    let state = stage.path().join("terraform.tfstate");
    let older = std::fs::read(&state).expect("a state");
    stage.forget(THIS);
    stage.write_bucket("adopt = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    stage.assert_no_user(&former);
    let marker = format!("ready-{}", stage.generation());
    assert_eq!(stage.marker(), marker);
    stage.put("data");
    // The state before has lost it.
    let newer = std::fs::read(&state).expect("a state");
    std::fs::write(&state, older).expect("the state is written");
    let text = stage.destroy().text();
    assert!(text.contains("was left alone"), "{text}");
    assert_eq!(stage.marker(), marker);
    stage.s3_ok("head_object", json!({"Key": "data"}));
    std::fs::write(&state, newer).expect("the state is written");
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn an_adoption_that_fails_gives_the_bucket_back() {
    let (stage, proxy) = behind_proxy("owe-back");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let (marker, user) = (stage.marker(), stage.user());
    let state = stage.path().join("terraform.tfstate");
    let first = std::fs::read(&state).expect("a state");
    stage.forget(THIS);
    stage.write_bucket("adopt = true", "create_access_key = true");
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
        seen.method == "PUT" && seen.target.contains("add-service-account")
    });
    stage.apply_fails();
    proxy.clear();
    assert_eq!(stage.this(), json!(null));
    assert_eq!(stage.marker(), marker);
    assert_eq!(stage.keys_of(&user).len(), 1);
    std::fs::write(&state, first).expect("the state is written");
    stage.write_bucket("", "create_access_key = true");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_tainted_bucket_that_is_to_be_kept_is_not_forgotten() {
    let (stage, _proxy) = behind_proxy("owe-keep");
    stage.write_bucket(r#"on_destroy = "keep""#, "create_access_key = true");
    stage.apply();
    let secret = stage.this()["secret_access_key"].clone();
    stage.terraform(&["taint", THIS]).succeeds();
    let text = stage.apply_fails();
    assert!(text.contains("terraform untaint"), "{text}");
    assert_eq!(stage.this()["secret_access_key"], secret);
    stage.terraform(&["untaint", THIS]).succeeds();
    // The private data went with the plan of the replacement, so nobody knows what is due.
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["secret_access_key"], secret);
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.destroy();
}

/// The key that waits is the one that W&B is given from now on, and the bucket was deleted by
/// somebody: made again, it is no reason to remove the key's user.
#[test]
fn a_user_whose_key_is_given_stays_although_its_bucket_is_made_again() {
    let (stage, _proxy) = behind_proxy("owe-given");
    write_rotated(&stage, "1");
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    stage.tell_instance();
    write_rotated(&stage, "2");
    stage.apply();
    assert_eq!(stage.keys_of(&user).len(), 2);
    let objects = stage.bucket().to_owned();
    stage.clean_up_objects_of(&objects);
    stage.s3_ok("delete_bucket", json!({}));
    let text = |name: &str| before[name].as_str().expect("a text").to_owned();
    let block = hcl!(
        r#"
            wandb_access_key = "<id>"
            wandb_secret_key = "<secret>"
        "#,
        id = text("access_key_id"),
        secret = text("secret_access_key")
    );
    stage.write_bucket("", &block);
    for turn in 0..2 {
        let text = stage.apply_fails();
        assert!(text.contains("belongs to the user"), "{turn}: {text}");
        assert_eq!(stage.keys_of(&user).len(), 2, "{turn}: {text}");
    }
    // By the advice.
    write_rotated(&stage, "2");
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects_of(&objects);
    stage.destroy();
    stage.assert_no_user(&user);
}
