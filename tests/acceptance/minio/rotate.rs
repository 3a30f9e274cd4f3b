//! W&B's key is rotated while an instance uses the old one: nobody loses access unheard.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::{THIS, ask, hcl};

const STILL_WORKS: &str = "W&B's old access key still works";
const GOES: &str = "W&B's old access key goes with this apply";
const IS_ANOTHER: &str = "W&B's access key is another one now";

fn write(stage: &Stage, turn: &str, arguments: &str) {
    let block = hcl!(
        r#"
            create_access_key = true
            access_key_rotation = "<turn>"
        "#,
        turn
    );
    stage.write_bucket(arguments, &block);
}

/// A bucket that the instance reaches with the first key; with what the state says of it.
fn registered(name: &str, arguments: &str) -> (Stage, Value) {
    let stage = Stage::new(name);
    write(&stage, "1", arguments);
    stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    stage.tell_instance();
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    (stage, state)
}

/// What an independent client is answered with the key of a state.
fn listed_below(stage: &Stage, state: &Value, prefix: &str) -> Value {
    let login = stage.login.clone().with_key_of(state);
    let args = json!({"Bucket": stage.bucket(), "Prefix": prefix});
    ask(&login, "s3", "list_objects_v2", args)
}

fn assert_works(stage: &Stage, state: &Value) {
    let answer = listed_below(stage, state, "");
    assert!(answer.get("ok").is_some(), "{answer}");
}

fn assert_gone(stage: &Stage, state: &Value) {
    assert_eq!(
        listed_below(stage, state, "")["error"],
        "InvalidAccessKeyId"
    );
}

/// The operator puts the new key in the place of the old one.
fn switch(stage: &Stage) {
    stage.wandb.clear_stores();
    stage.tell_instance();
}

#[test]
fn a_key_that_the_instance_uses_outlives_its_rotation() {
    let (stage, first) = registered("rotate-used", "register = true");
    write(&stage, "2", "register = true");
    let text = stage.apply().text();
    let second = stage.this();
    assert_ne!(second["access_key_id"], first["access_key_id"]);
    assert!(text.contains(STILL_WORKS), "{text}");
    assert!(text.contains("supported_file_store"), "{text}");
    assert!(text.contains("register = false"), "{text}");
    assert!(
        text.contains(first["access_key_id"].as_str().expect("an id")),
        "{text}"
    );
    for state in [&first, &second] {
        assert_works(&stage, state);
        let secret = state["secret_access_key"].as_str().expect("a secret");
        assert!(!text.contains(secret), "{text}");
    }
    // It waits for the operator: the plan says so, and has nothing to do by itself.
    stage.assert_empty_plan();
    assert!(stage.plan().text.contains(STILL_WORKS));
    // Another apply, for another reason, cannot know more than the first one.
    write(&stage, "2", "register = true\ntags = { a = \"b\" }");
    assert!(stage.apply().text().contains(STILL_WORKS));
    assert_works(&stage, &first);
    // With a third key nobody would know which one the instance has.
    write(&stage, "3", "register = true");
    let text = stage.plan_fails();
    assert!(text.contains("waits to be removed"), "{text}");
    assert!(text.contains("access_key_rotation"), "{text}");

    switch(&stage);
    write(&stage, "2", "register = false");
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    let text = stage.apply().text();
    assert!(!text.contains(STILL_WORKS), "{text}");
    assert_gone(&stage, &first);
    assert_works(&stage, &second);
    assert_eq!(
        stage.keys_of(&stage.user()),
        [second["access_key_id"].clone()]
    );
    stage.assert_empty_plan();
    assert!(!stage.plan().text.contains(STILL_WORKS));
    write(&stage, "2", "register = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["findings"], json!([]));
    stage.clean_up_objects();
    stage.destroy();
}

/// Without `register` the instance is asked as well, and its access is worth the same.
#[test]
fn the_same_holds_where_nobody_insists() {
    let (stage, first) = registered("rotate-null", "");
    write(&stage, "2", "");
    let text = stage.apply().text();
    assert!(text.contains(STILL_WORKS), "{text}");
    assert_works(&stage, &first);
    stage.assert_empty_plan();
    // An operator who has taken the old key off and not yet entered the new one.
    stage.wandb.clear_stores();
    write(&stage, "2", r#"tags = { a = "b" }"#);
    stage.apply();
    assert_works(&stage, &first);
    // Whoever reaches the bucket after having lost it has been given the new key.
    stage.tell_instance();
    write(&stage, "2", r#"tags = { a = "c" }"#);
    stage.apply();
    assert_gone(&stage, &first);
    assert!(!stage.plan().text.contains(STILL_WORKS));
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

/// The test of a connection knows no paths, so nobody can find out which key is used.
#[test]
fn where_nobody_can_know_the_operator_says_so() {
    let path = "path = \"teams/omega\"\nregister = true";
    let (stage, first) = registered("rotate-path", path);
    write(&stage, "2", path);
    let text = stage.apply().text();
    assert!(text.contains(STILL_WORKS), "{text}");
    let works = |state: &Value| {
        listed_below(&stage, state, "teams/omega/")
            .get("ok")
            .is_some()
    };
    assert!(works(&first) && works(&stage.this()));
    stage.assert_empty_plan();
    write(&stage, "2", &path.replace("true", "false"));
    stage.apply();
    assert!(!works(&first) && works(&stage.this()));
    stage.assert_empty_plan();
    stage.destroy();
}

/// Nobody can know, and nobody insists: the key goes at once, and the plan has said so.
#[test]
fn where_nobody_insists_a_key_of_a_path_goes_at_once() {
    let path = r#"path = "teams/omega""#;
    let (stage, first) = registered("rotate-path-null", path);
    write(&stage, "2", path);
    let plan = stage.plan();
    assert!(plan.text.contains(GOES), "{}", plan.text);
    let text = stage.apply().text();
    assert!(text.contains(IS_ANOTHER), "{text}");
    let works = |state: &Value| {
        let answer = listed_below(&stage, state, "teams/omega/");
        answer.get("ok").is_some()
    };
    assert!(!works(&first) && works(&stage.this()));
    stage.assert_empty_plan();
    stage.destroy();
}

/// Who says that nobody is to be asked loses the old key at once, and hears it before.
#[test]
fn a_key_that_goes_at_once_is_said_to_go() {
    let (stage, first) = registered("rotate-at-once", "register = false");
    write(&stage, "2", "register = false");
    let plan = stage.plan();
    assert!(plan.text.contains(GOES), "{}", plan.text);
    assert!(plan.text.contains("supported_file_store"), "{}", plan.text);
    let text = stage.apply().text();
    assert!(text.contains(IS_ANOTHER), "{text}");
    assert!(text.contains("GORILLA_SUPPORTED_FILE_STORES"), "{text}");
    assert_gone(&stage, &first);
    assert_works(&stage, &stage.this());
    stage.assert_empty_plan();
    stage.destroy();
}

/// Whatever waits goes with the bucket, and with the wish for a key.
#[test]
fn a_key_that_waits_goes_with_its_user() {
    for by_destroy in [true, false] {
        let (stage, first) = registered("rotate-destroy", "");
        write(&stage, "2", "");
        stage.apply();
        assert_works(&stage, &first);
        let user = stage.user();
        if !by_destroy {
            stage.write_bucket("", "");
            let text = stage.apply().text();
            assert!(!text.contains(STILL_WORKS), "{text}");
            stage.assert_empty_plan();
            assert!(!stage.plan().text.contains(STILL_WORKS));
            stage.assert_no_user(&user);
        }
        stage.clean_up_objects();
        stage.destroy();
        stage.assert_no_user(&user);
    }
}
