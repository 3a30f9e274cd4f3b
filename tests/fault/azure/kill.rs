//! The provider killed at each request in turn. The first turn of each loop is undisturbed
//! and tells which requests there are; reads that follow each other are taken for one.

use serde_json::json;

use super::{Stage, World, assert_empty_plan, assert_gone, assert_tidy, by_identity, ends_well};
use crate::harness::{THIS, hcl};
use crate::kill::{is_killed_at, points_of};

const ARGUMENTS: &str = r#"
    tags = { a = "b" }
    cors_max_age_seconds = 3600
"#;

#[test]
fn a_kill_at_any_request_of_a_create_is_survived() {
    let world = World::new();
    let stage = world.stage("az-undisturbed");
    stage.write_bucket(ARGUMENTS, &by_identity(&stage));
    let points = points_of(&stage, stage.cloud(), &[]);
    assert_tidy(&stage, 2, "undisturbed");
    stage.destroy();
    assert!(points.len() > 8, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let stage = world.stage(&format!("az-kill-{number}"));
        stage.write_bucket(ARGUMENTS, &by_identity(&stage));
        assert!(
            is_killed_at(&stage, stage.cloud(), number, &[]),
            "not {when}"
        );
        apply_by_the_advice(&stage, &when);
        assert_empty_plan(&stage, &when);
        assert_tidy(&stage, 2, &when);
        assert_eq!(stage.seen_account()["tags"]["a"], "b", "{when}");
        stage.destroy();
        assert_gone(&stage, &when);
    }
}

/// The same with the account's key, which nobody has to import for.
#[test]
fn a_kill_at_any_request_of_an_instances_create_is_survived() {
    let world = World::new();
    let stage = world.stage("azi-undisturbed");
    let write =
        |stage: &Stage| stage.write_bucket("scope = \"instance\"\ncors_max_age_seconds = 3600", "");
    write(&stage);
    let points = points_of(&stage, stage.cloud(), &[]);
    stage.destroy();
    assert!(points.len() > 6, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let stage = world.stage(&format!("azi-kill-{number}"));
        write(&stage);
        assert!(
            is_killed_at(&stage, stage.cloud(), number, &[]),
            "not {when}"
        );
        apply_by_the_advice(&stage, &when);
        assert_empty_plan(&stage, &when);
        assert_eq!(stage.this()["verified"], true, "{when}");
        assert!(stage.is_ready(), "{when}: {}", stage.metadata());
        let key = stage.seen_account()["keys"][0].clone();
        assert_eq!(stage.this()["secret_access_key"], key, "{when}");
        stage.destroy();
        assert_gone(&stage, &when);
    }
}

/// Applies, and follows the advice of the error about a bucket that is there: a finished
/// bucket is another state's, which is imported and never taken.
fn apply_by_the_advice(stage: &Stage, when: &str) {
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    if run.0.status.success() {
        return;
    }
    let (text, id) = (run.fails(), stage.import_id());
    assert!(text.contains(&id), "{when}: {text}");
    stage.import(THIS, &id).succeeds();
    // Without a change there is nothing to prove again.
    let changed = stage
        .written()
        .replace("cors_max_age_seconds = 3600", "cors_max_age_seconds = 3500");
    stage.write_raw(&changed);
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert!(run.0.status.success(), "{when}: {}", run.text());
}

/// An update of all that can be changed.
fn write_turn(stage: &Stage, turn: usize) {
    let (days, on) = (turn % 2 + 8, turn.is_multiple_of(2));
    let other = if on { "wandb-app" } else { "wandb-console" };
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
                <identity>
                kubernetes_service_accounts = ["wandb-api", "<other>"]
            "#,
            identity = stage.by_identity(),
            other
        ),
    );
}

#[test]
fn a_kill_at_any_request_of_an_update_is_survived() {
    let world = World::new();
    let stage = world.stage("az-kill-update");
    write_turn(&stage, 0);
    stage.apply();
    write_turn(&stage, 1);
    let points = points_of(&stage, stage.cloud(), &[]);
    assert!(points.len() > 4, "only {points:?}");
    for (turn, number) in (2..).zip(points) {
        write_turn(&stage, turn);
        let when = format!("turn {turn}, killed at {number}");
        assert!(
            is_killed_at(&stage, stage.cloud(), number, &[]),
            "not {when}"
        );
        ends_well(&stage, &when);
        assert!(stage.is_ready(), "{when}: {}", stage.metadata());
        let (seen, days) = (stage.seen_account(), turn % 2 + 8);
        let service = &seen["services"]["blobservices"];
        assert_eq!(seen["tags"]["turn"], turn.to_string(), "{when}");
        assert_eq!(
            service["isVersioningEnabled"],
            turn.is_multiple_of(2),
            "{when}"
        );
        assert_eq!(service["deleteRetentionPolicy"]["days"], days, "{when}");
        let rules = &service["cors"]["corsRules"];
        assert_eq!(rules.as_array().map(Vec::len), Some(1), "{when}: {rules}");
        let origins = json!([format!("https://{turn}.example")]);
        assert_eq!(rules[0]["allowedOrigins"], origins, "{when}");
        let rules = &seen["policy"]["rules"];
        assert_eq!(rules.as_array().map(Vec::len), Some(1), "{when}: {rules}");
        let identities = stage.identities();
        let credentials = identities[0]["credentials"].to_string();
        let on = turn.is_multiple_of(2);
        assert_eq!(
            credentials.contains("wandb-app"),
            on,
            "{when}: {credentials}"
        );
        assert_eq!(
            credentials.contains("wandb-console"),
            !on,
            "{when}: {credentials}"
        );
    }
    stage.destroy();
    assert_gone(&stage, "at the end");
}

#[test]
fn a_kill_at_any_request_of_a_destroy_is_survived() {
    let world = World::new();
    let stage = world.stage("az-kill-destroy");
    stage.write_bucket(
        r#"
            verify = "settings"
            on_destroy = "delete_everything"
        "#,
        &by_identity(&stage),
    );
    let fill = || {
        stage.apply();
        stage.put("a");
        stage.put("b/c");
    };
    fill();
    let points = points_of(&stage, stage.cloud(), &["-destroy"]);
    assert!(points.len() > 4, "only {points:?}");
    assert_gone(&stage, "undisturbed");
    for number in points {
        let when = format!("killed at {number}");
        fill();
        assert!(
            is_killed_at(&stage, stage.cloud(), number, &["-destroy"]),
            "not {when}"
        );
        stage.destroy();
        assert_gone(&stage, &when);
    }
}
