//! One bucket that two states, or two objects of one state, take for their own.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::hcl;

/// Another working directory with a configuration for the same bucket.
fn other_state(stage: &Stage, name: &str, arguments: &str) -> Stage {
    let other = Stage::on(name, stage.login.clone());
    let block = other.bucket_block(arguments, "create_access_key = true");
    other.write(&block.replace(other.bucket(), stage.bucket()));
    other
}

const REFUSED: &str = "does not reach the bucket";

const ALL: &str = r#"on_destroy = "delete_everything""#;

#[test]
fn create_before_destroy_does_not_delete_what_it_has_gone_on_with() {
    let stage = Stage::new("cbd-half");
    let write = |register: bool| {
        stage.write_bucket(
            &hcl!(
                r#"
                    register = <register>
                    <all>
                    lifecycle {
                      create_before_destroy = true
                    }
                "#,
                register,
                all = ALL
            ),
            "create_access_key = true",
        );
    };
    write(true);
    assert!(stage.apply_fails().contains(REFUSED));
    let first = stage.user();
    write(false);
    let text = stage.apply().text();
    assert!(text.contains("was left alone"), "{text}");
    assert!(stage.exists());
    stage.assert_empty_plan();
    let second = stage.user();
    assert_ne!(second, first);
    assert_eq!(stage.users(), [second]);
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(stage.users(), Vec::<String>::new());
}

#[test]
fn what_another_state_has_gone_on_with_is_its_own() {
    let first = Stage::new("two-states");
    first.write_bucket(
        &hcl!(
            r#"
                register = true
                <all>
            "#,
            all = ALL
        ),
        "create_access_key = true",
    );
    assert!(first.apply_fails().contains(REFUSED));
    let second = other_state(&first, "two-states-b", "");
    second.apply();
    second.assert_empty_plan();
    first.put("precious");
    let before = first.marker();
    // Nothing tells that it was not a killed run of the first state, so it keeps its state.
    let text = first.apply_fails();
    assert!(text.contains("was not deleted"), "{text}");
    assert!(text.contains("another configuration"), "{text}");
    assert_eq!(first.s3_ok("holds", json!({}))["objects"], 1);
    assert_eq!(first.marker(), before);
    let user = format!("wandb-byob-{}-{}", second.generation(), first.bucket());
    assert_eq!(first.users(), [user]);
    second.assert_empty_plan();
    first.clean_up_objects();
    second.destroy();
    assert!(!first.exists());
}

#[test]
fn an_adopted_bucket_is_not_taken_back_by_an_update_of_its_old_state() {
    let first = Stage::new("taken-back");
    let write = |tags: &str| {
        first.write_bucket(&format!("{ALL}\n{tags}"), "create_access_key = true");
    };
    write("");
    first.apply();
    let second = other_state(&first, "taken-back-b", "adopt = true");
    second.apply();
    second.assert_empty_plan();
    first.put("precious");
    let before = first.marker();
    write(r#"tags = { a = "b" }"#);
    let text = first.apply_fails();
    assert!(text.contains("has taken the bucket over"), "{text}");
    assert_eq!(first.marker(), before);
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
    assert_ne!(
        third.generation(),
        fourth.generation(),
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
    stage.write_bucket(
        r#"
            adopt = true
            register = true
        "#,
        "create_access_key = true",
    );
    let text = stage.plan_fails();
    assert!(text.contains("taken over and registered at once"), "{text}");
    assert!(text.contains("register = true"), "{text}");
    // An adoption that fails keeps no user whose key nobody has.
    stage.write_bucket(
        "adopt = true",
        r#"
            create_access_key = true
            kms_key_name = "no-such-key"
            sse_algorithm = "aws:kms"
        "#,
    );
    stage.apply_fails();
    assert_eq!(stage.this(), Value::Null);
    assert_eq!(stage.users(), Vec::<String>::new());
    stage.write_bucket("adopt = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.users(), [stage.user()]);
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn two_states_for_one_bucket_are_reported_and_the_older_deletes_nothing() {
    let older = Stage::new("two-states");
    older.write_bucket(ALL, "create_access_key = true");
    older.apply();
    let newer = other_state(&older, "two-states-b", "adopt = true");
    newer.apply();
    older.put("data");
    let plan = older.plan();
    assert!(
        plan.text
            .contains("Another configuration has taken the bucket over"),
        "{}",
        plan.text
    );
    let text = older.destroy().text();
    assert!(text.contains("was left alone"), "{text}");
    assert!(older.exists());
    older.s3_ok("head_object", json!({"Key": "data"}));
    let plan = newer.plan();
    assert!(plan.is_empty(), "{}", plan.text);
    older.clean_up_objects();
    newer.destroy();
    assert!(!older.exists());
}
