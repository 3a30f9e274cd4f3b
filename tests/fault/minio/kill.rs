//! The provider killed at each request in turn.

use serde_json::{Value, json};

use super::{Stage, assert_tidy, behind_proxy};
use crate::harness::{THIS, hcl};
use crate::kill::{is_killed_at, points_of};

/// Applies, and follows the advice of the error about a bucket that is there: a finished
/// bucket is another state's, which is imported and never taken. The request that the
/// provider was killed at may still be under way, and finish the bucket meanwhile.
fn apply_by_the_advice(stage: &Stage) {
    let was_ready = stage.is_ready();
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    if run.0.status.success() {
        assert!(!was_ready, "a finished bucket was taken: {}", run.text());
        return;
    }
    let (text, id) = (run.fails(), stage.import_id());
    assert!(stage.is_ready(), "{text}");
    assert!(text.contains(&id), "{text}");
    stage.import(THIS, &id).succeeds();
    // The secret of the key went with the run, so W&B gets another one.
    stage.write_bucket(
        r#"tags = { a = "b" }"#,
        r#"
            create_access_key = true
            access_key_rotation = "after the import"
        "#,
    );
    stage.apply();
}

/// Kills the provider before each request of a create in turn; after each kill the next
/// apply must come to the same end.
#[test]
fn a_kill_at_any_request_of_a_create_is_survived() {
    let create = |name: &str| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket(r#"tags = { a = "b" }"#, "create_access_key = true");
        (stage, proxy)
    };
    let ends = |stage: &Stage, number: usize| {
        assert_tidy(stage, number);
        assert_eq!(stage.tags()["a"], "b");
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
    };
    let (stage, proxy) = create("kill-none");
    let points = points_of(&stage, &proxy, &[]);
    ends(&stage, 0);
    assert!(points.len() > 10, "only {points:?}");
    for number in points {
        let (stage, proxy) = create(&format!("kill-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        apply_by_the_advice(&stage);
        stage.assert_empty_plan();
        ends(&stage, number);
    }
}

/// The same for an update of everything that can be changed, the key included.
#[test]
fn a_kill_at_any_request_of_an_update_is_survived() {
    let (stage, proxy) = behind_proxy("kill-update");
    let write = |turn: usize| {
        let (days, on) = (turn % 2 + 3, turn.is_multiple_of(2));
        stage.write_bucket(
            &hcl!(
                r#"
                    tags = { turn = "<turn>" }
                    noncurrent_version_days = <days>
                    versioning = <on>
                "#,
                turn,
                days,
                on
            ),
            &hcl!(
                r#"
                    create_access_key = true
                    access_key_rotation = "<turn>"
                "#,
                turn
            ),
        );
    };
    let is_done = |turn: usize, before: &Value, number: usize| {
        assert_eq!(stage.tags()["turn"], turn.to_string());
        let days = &stage.lifecycle()[0]["NoncurrentVersionExpiration"]["NoncurrentDays"];
        assert_eq!(*days, json!(turn % 2 + 3), "killed at {number}");
        let wanted = if turn.is_multiple_of(2) {
            "Enabled"
        } else {
            "Suspended"
        };
        assert_eq!(stage.versioning(), wanted, "killed at {number}");
        assert_tidy(&stage, number);
        let key = &stage.this()["access_key_id"];
        assert_ne!(key, before, "killed at {number}: the key was not rotated");
    };
    write(0);
    stage.apply();
    write(1);
    let before = stage.this()["access_key_id"].clone();
    let points = points_of(&stage, &proxy, &[]);
    is_done(1, &before, 0);
    assert!(points.len() > 10, "only {points:?}");
    for (number, turn) in points.into_iter().zip(2..) {
        write(turn);
        let before = stage.this()["access_key_id"].clone();
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        stage.apply();
        stage.assert_empty_plan();
        is_done(turn, &before, number);
    }
    stage.destroy();
}

/// The same for a destroy; nothing stays behind, the user and its rights included.
#[test]
fn a_kill_at_any_request_of_a_destroy_is_survived() {
    let (stage, proxy) = behind_proxy("kill-destroy");
    stage.write_bucket(
        r#"on_destroy = "delete_everything""#,
        "create_access_key = true",
    );
    let make = || {
        stage.apply();
        stage.put("a");
        stage.put("a");
        stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
        stage.user()
    };
    let is_gone = |user: &str, number: usize| {
        assert!(!stage.exists(), "killed at {number}");
        for (call, name) in [("user_info", "access_key"), ("policy_info", "policy_name")] {
            let answer = stage.ask("admin", call, json!({name: user}));
            assert!(
                answer["error"]
                    .as_str()
                    .is_some_and(|text| text.contains("404") || text.contains("NoSuch")),
                "killed at {number}: {answer}"
            );
        }
    };
    let user = make();
    let points = points_of(&stage, &proxy, &["-destroy"]);
    is_gone(&user, 0);
    assert!(points.len() > 5, "only {points:?}");
    for number in points {
        let user = make();
        assert!(
            is_killed_at(&stage, &proxy, number, &["-destroy"]),
            "not at {number}"
        );
        stage.destroy();
        is_gone(&user, number);
    }
}
