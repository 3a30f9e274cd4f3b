//! The provider killed at each request in turn. The first turn of each loop is undisturbed
//! and tells which requests there are; reads that follow each other are taken for one.

use serde_json::json;

use super::{Stage, World, assert_empty_plan, assert_tidy, ends_well};
use crate::harness::{ADMIN, THIS, hcl};
use crate::kill::{is_killed_at, points_of};

const ARGUMENTS: &str = r#"tags = { a = "b" }"#;

#[test]
fn a_kill_at_any_request_of_a_create_is_survived() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-undisturbed");
    stage.write_bucket(ARGUMENTS, "create_access_key = true");
    let points = points_of(&stage, &proxy, &[]);
    assert_tidy(&stage, "undisturbed");
    stage.destroy();
    assert!(points.len() > 8, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let (stage, proxy) = world.behind_proxy(&format!("gcp-kill-{number}"));
        stage.write_bucket(ARGUMENTS, "create_access_key = true");
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        apply_by_the_advice(&stage);
        assert_empty_plan(&stage, &when);
        assert_tidy(&stage, &when);
        assert_eq!(stage.labels()["a"], "b", "{when}");
        stage.destroy();
        assert!(!stage.exists(), "{when}");
        assert!(stage.made_accounts().is_empty(), "{when}");
    }
}

/// Applies, and follows the advice of the error about a bucket that is there: a finished
/// bucket is another state's, which is imported and never taken.
fn apply_by_the_advice(stage: &Stage) {
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    if run.0.status.success() {
        return;
    }
    let (text, id) = (run.fails(), stage.import_id());
    assert!(text.contains(&id), "{text}");
    stage.import(THIS, &id).succeeds();
    // The secret of the access key went with the run, so W&B gets another one.
    stage.write_bucket(
        ARGUMENTS,
        r#"
            create_access_key = true
            access_key_rotation = "after the import"
        "#,
    );
    stage.apply();
}

/// An update of all that can be changed.
fn write_turn(stage: &Stage, turn: usize) {
    let (days, on) = (turn % 2 + 8, turn.is_multiple_of(2));
    let class = if on { "STANDARD" } else { "NEARLINE" };
    stage.write_bucket(
        &hcl!(
            r#"
                tags = { turn = "<turn>" }
                versioning = <on>
                soft_delete_days = <days>
                noncurrent_version_days = <days>
                cors_allowed_origins = ["https://<turn>.example"]
                verify = "settings"
            "#,
            turn,
            on,
            days
        ),
        &hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
                storage_class = "<class>"
            "#,
            turn,
            class
        ),
    );
}

#[test]
fn a_kill_at_any_request_of_an_update_is_survived() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-kill-update");
    write_turn(&stage, 0);
    stage.apply();
    write_turn(&stage, 1);
    let points = points_of(&stage, &proxy, &[]);
    assert!(points.len() > 5, "only {points:?}");
    for (turn, number) in (2..).zip(points) {
        write_turn(&stage, turn);
        let when = format!("turn {turn}, killed at {number}");
        let before = stage.this()["access_key_id"].clone();
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        ends_well(&stage, &when);
        assert_tidy(&stage, &when);
        assert_ne!(stage.this()["access_key_id"], before, "{when}");
        let (seen, days) = (stage.seen(), turn % 2 + 8);
        assert_eq!(seen["labels"]["turn"], turn.to_string(), "{when}");
        assert_eq!(
            seen["versioning"]["enabled"],
            turn.is_multiple_of(2),
            "{when}"
        );
        let kept = (days * 86_400).to_string();
        assert_eq!(
            seen["softDeletePolicy"]["retentionDurationSeconds"], kept,
            "{when}"
        );
        assert_eq!(seen["cors"].as_array().map(Vec::len), Some(1), "{when}");
        let origins = json!([format!("https://{turn}.example")]);
        assert_eq!(seen["cors"][0]["origin"], origins, "{when}");
        let rules = &seen["lifecycle"]["rule"];
        assert_eq!(rules.as_array().map(Vec::len), Some(1), "{when}: {rules}");
    }
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}

/// W&B's account changes at each turn, and nobody of before keeps a right.
#[test]
fn a_kill_while_somebody_else_is_let_in_leaves_nobody_behind() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-kill-who");
    let email = |turn: usize| {
        let email = format!("pods-{turn}@simulated-project.iam.gserviceaccount.com");
        stage.cloud().add_account(&email);
        email
    };
    let write = |turn: usize| {
        let block = hcl!(r#"wandb_service_account = "<email>""#, email = email(turn));
        stage.write_bucket(r#"verify = "settings""#, &block);
    };
    write(0);
    stage.apply();
    write(1);
    let points = points_of(&stage, &proxy, &[]);
    for (turn, number) in (2..).zip(points) {
        write(turn);
        let when = format!("turn {turn}, killed at {number}");
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        ends_well(&stage, &when);
        let member = format!("serviceAccount:{}", email(turn));
        assert_eq!(stage.members(ADMIN), [member], "{when}");
    }
    stage.destroy();
}

#[test]
fn a_kill_at_any_request_of_a_destroy_is_survived() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-kill-destroy");
    stage.write_bucket(
        r#"
            verify = "settings"
            on_destroy = "delete_everything"
        "#,
        "create_access_key = true",
    );
    let fill = || {
        stage.apply();
        stage.put("a");
        stage.put("a");
    };
    fill();
    let points = points_of(&stage, &proxy, &["-destroy"]);
    assert!(points.len() > 5, "only {points:?}");
    assert!(!stage.exists());
    for number in points {
        let when = format!("killed at {number}");
        fill();
        assert!(
            is_killed_at(&stage, &proxy, number, &["-destroy"]),
            "not {when}"
        );
        stage.destroy();
        assert!(!stage.exists(), "{when}");
        let left = stage.made_accounts();
        assert!(left.is_empty(), "{when}: {left:?}");
    }
}
