//! One bucket that two states, or two objects of one state, take for their own.

use serde_json::{Value, json};

use crate::harness::{Stage, ask};

fn user(stage: &Stage, bucket: &str) -> String {
    let state = stage.this();
    let generation = state["generation"].as_str().expect("a generation");
    format!("wandb-byob-{generation}-{bucket}")
}

fn marker(stage: &Stage) -> String {
    let tag = stage.tags()["terraform-provider-wandb"].clone();
    tag.as_str().expect("a marker").to_owned()
}

/// The users that were made for the test's bucket.
fn users(stage: &Stage) -> Vec<String> {
    let told = ask(&stage.login, "admin", "user_list", json!({}));
    let all = told["ok"].as_object().cloned().expect("users");
    let names = all.into_iter().map(|(name, _)| name);
    names
        .filter(|name| name.ends_with(stage.bucket()))
        .collect()
}

/// Another working directory with a configuration for the same bucket.
fn other_state(stage: &Stage, name: &str, arguments: &str) -> Stage {
    let other = Stage::on(name, stage.login.clone());
    let block = other.bucket_block(arguments, "create_access_key = true");
    other.write(&block.replace(other.bucket(), stage.bucket()));
    other
}

const REFUSED: &str = "does not reach the bucket";
const ALL: &str = "on_destroy = \"delete_everything\"";

#[test]
fn create_before_destroy_does_not_delete_what_it_has_gone_on_with() {
    let stage = Stage::new("cbd-half");
    let write = |register: bool| {
        stage.write_bucket(
            &format!(
                "register = {register}\n {ALL}\n lifecycle {{\n create_before_destroy = true\n }}"
            ),
            "create_access_key = true",
        );
    };
    write(true);
    assert!(stage.apply_fails().contains(REFUSED));
    let first = user(&stage, stage.bucket());
    write(false);
    let text = stage.apply().text();
    assert!(text.contains("was left alone"), "{text}");
    assert!(stage.exists());
    stage.assert_empty_plan();
    let second = user(&stage, stage.bucket());
    assert_ne!(second, first);
    assert_eq!(users(&stage), [second]);
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(users(&stage), Vec::<String>::new());
}

#[test]
fn what_another_state_has_gone_on_with_is_its_own() {
    let first = Stage::new("two-states");
    first.write_bucket(
        &format!("register = true\n {ALL}"),
        "create_access_key = true",
    );
    assert!(first.apply_fails().contains(REFUSED));
    let second = other_state(&first, "two-states-b", "");
    second.apply();
    second.assert_empty_plan();
    first.put("precious");
    let before = marker(&first);
    let text = first.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(first.s3_ok("holds", json!({}))["objects"], 1);
    assert_eq!(marker(&first), before);
    assert_eq!(users(&first), [user(&second, first.bucket())]);
    second.assert_empty_plan();
    first.clean_up_objects();
    second.destroy();
    assert!(!first.exists());
}

#[test]
fn an_adopted_bucket_is_not_taken_back_by_an_update_of_its_old_state() {
    let first = Stage::new("taken-back");
    let write = |tags: &str| {
        first.write_bucket(&format!("{ALL}\n {tags}"), "create_access_key = true");
    };
    write("");
    first.apply();
    let second = other_state(&first, "taken-back-b", "adopt = true");
    second.apply();
    second.assert_empty_plan();
    first.put("precious");
    let before = marker(&first);
    write("tags = { a = \"b\" }");
    let text = first.apply_fails();
    assert!(text.contains("has taken the bucket over"), "{text}");
    assert_eq!(marker(&first), before);
    let text = first.destroy().text();
    assert!(text.contains("was left alone"), "{text}");
    assert_eq!(first.s3_ok("holds", json!({}))["objects"], 1);
    // Without any marker two adoptions are not one.
    first.s3_ok("delete_bucket_tagging", json!({}));
    let third = other_state(&first, "taken-back-c", "adopt = true");
    third.apply();
    first.s3_ok("delete_bucket_tagging", json!({}));
    let fourth = other_state(&first, "taken-back-d", "adopt = true");
    fourth.apply();
    let generation = |stage: &Stage| stage.this()["generation"].clone();
    assert_ne!(
        generation(&third),
        generation(&fourth),
        "both could delete it"
    );
    first.clean_up_objects();
    fourth.destroy();
    assert!(!first.exists());
}

#[test]
fn an_adoption_does_not_wait_for_an_instance_that_cannot_know_its_key() {
    let stage = Stage::new("adopt-register");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("data");
    stage.write_bucket("adopt = true\n register = true", "create_access_key = true");
    let text = stage.plan_fails();
    assert!(text.contains("taken over and registered at once"), "{text}");
    assert!(text.contains("register = true"), "{text}");
    // An adoption that fails keeps no user whose key nobody has.
    stage.write_bucket(
        "adopt = true",
        "create_access_key = true\n kms_key_name = \"no-such-key\"\n sse_algorithm = \"aws:kms\"",
    );
    stage.apply_fails();
    assert_eq!(stage.this(), Value::Null);
    assert_eq!(users(&stage), Vec::<String>::new());
    stage.write_bucket("adopt = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(users(&stage), [user(&stage, stage.bucket())]);
    stage.clean_up_objects();
    stage.destroy();
}
