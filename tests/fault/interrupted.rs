//! Ctrl-C, kill -9, lost requests, and many buckets at once.
//!
//! The first turn of each loop is undisturbed and tells which requests there are; reads
//! that follow each other are taken for one, since they change nothing.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use simulator::proxy::{Cut, Proxy};

use crate::harness::{Stage, ask, minio, until};
use crate::kill::{self, is_killed_at, points_of, turning_points};

const THIS: &str = "wandb_byob_bucket.this";

/// A stage whose storage server is behind a proxy.
fn behind_proxy(name: &str) -> (Stage, Proxy) {
    let (proxy, login) = kill::proxy_to(minio());
    (Stage::on(name, login), proxy)
}

#[test]
fn ctrl_c_in_the_middle_keeps_what_exists_and_the_next_apply_goes_on() {
    let (stage, proxy) = behind_proxy("ctrl-c");
    stage.write_bucket("", "create_access_key = true");
    let child = stage
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform starts");
    let pid = child.id().to_string();
    // The plan looks once, the create looks again; then the bucket is made.
    until("the bucket", || {
        proxy
            .requests()
            .iter()
            .any(|seen| seen.method == "PUT" && !seen.target.contains('?'))
    });
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    let run = crate::harness::Run(child.wait_with_output().expect("terraform ends"));
    assert!(!run.text().contains("plugin crashed"), "{}", run.text());
    // Whether it came in time or not, nothing is lost and the next apply ends well.
    assert_ne!(stage.this(), json!(null), "{}", run.text());
    stage.apply();
    stage.assert_empty_plan();
    assert!(
        stage.tags()["terraform-provider-wandb"]
            .as_str()
            .is_some_and(|text| text.starts_with("ready-"))
    );
    stage.destroy();
    assert!(!stage.exists());
}

/// Nothing of the provider's own is left in the bucket, and there is one user and one key.
fn is_tidy(stage: &Stage, number: usize) {
    let held = stage.s3_ok("holds", json!({}));
    assert_eq!(
        held,
        json!({"objects": 0, "versions": 0, "delete_markers": 0, "uploads": 0}),
        "killed at {number}"
    );
    let state = stage.this();
    let generation = state["generation"].as_str().expect("a generation");
    let user = format!("wandb-byob-{generation}-{}", stage.bucket());
    let told = ask(
        &stage.login,
        "admin",
        "list_service_account",
        json!({"user": user}),
    );
    let keys = told["ok"]["accounts"].as_array().expect("keys");
    assert_eq!(keys.len(), 1, "killed at {number}: {keys:?}");
    assert_eq!(
        keys[0]["accessKey"], state["access_key_id"],
        "killed at {number}"
    );
    assert_eq!(
        stage.tags()["terraform-provider-wandb"],
        format!("ready-{generation}"),
        "killed at {number}"
    );
    assert_eq!(
        state["verified"], true,
        "killed at {number}: {}",
        state["findings"]
    );
}

/// Whether the bucket is there and finished.
fn is_ready(stage: &Stage) -> bool {
    let tags = stage.tags();
    let marker = tags["terraform-provider-wandb"].as_str();
    marker.is_some_and(|marker| marker.starts_with("ready-"))
}

/// Follows the advice of the error about a bucket that is there.
fn import_it(stage: &Stage) {
    let text = stage.apply_fails();
    let host = stage.login.endpoint.replace("http://", "");
    let id = format!("s3_compatible/{host}/{}", stage.bucket());
    assert!(text.contains(&id), "{text}");
    stage
        .terraform(&["import", "-no-color", "wandb_byob_bucket.this", &id])
        .succeeds();
    // The secret of the key went with the run, so W&B gets another one.
    stage.write_bucket(
        "tags = { a = \"b\" }",
        "create_access_key = true\n access_key_rotation = \"after the import\"",
    );
}

/// Kills the provider before each request of a create in turn; after each kill the next
/// apply must come to the same end.
#[test]
fn a_kill_at_any_request_of_a_create_is_survived() {
    let create = |name: &str| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket("tags = { a = \"b\" }", "create_access_key = true");
        (stage, proxy)
    };
    let ends = |stage: &Stage, number: usize| {
        is_tidy(stage, number);
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
        if is_ready(&stage) {
            // The last step was done, and nobody heard of it: that is a finished bucket of
            // another state, which is imported and never taken.
            import_it(&stage);
        }
        stage.apply();
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
            &format!("tags = {{ turn = \"{turn}\" }}\n noncurrent_version_days = {days}\n versioning = {on}"),
            &format!("create_access_key = true\n access_key_rotation = \"{turn}\""),
        );
    };
    let is_done = |turn: usize, before: &Value, number: usize| {
        assert_eq!(stage.tags()["turn"], turn.to_string());
        let rules = stage.s3_ok("get_bucket_lifecycle_configuration", json!({}));
        let days = &rules["Rules"][0]["NoncurrentVersionExpiration"]["NoncurrentDays"];
        assert_eq!(*days, json!(turn % 2 + 3), "killed at {number}");
        let wanted = if turn.is_multiple_of(2) {
            "Enabled"
        } else {
            "Suspended"
        };
        let versioning = stage.s3_ok("get_bucket_versioning", json!({}));
        assert_eq!(versioning["Status"], wanted, "killed at {number}");
        is_tidy(&stage, number);
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
        "on_destroy = \"delete_everything\"",
        "create_access_key = true",
    );
    let make = || {
        stage.apply();
        stage.put("a");
        stage.put("a");
        stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
        let generation = stage.this()["generation"].clone();
        let generation = generation.as_str().expect("a generation");
        format!("wandb-byob-{generation}-{}", stage.bucket())
    };
    let is_gone = |user: &str, number: usize| {
        assert!(!stage.exists(), "killed at {number}");
        for (call, name) in [("user_info", "access_key"), ("policy_info", "policy_name")] {
            let told = ask(&stage.login, "admin", call, json!({name: user}));
            assert!(
                told["error"]
                    .as_str()
                    .is_some_and(|text| text.contains("404") || text.contains("NoSuch")),
                "killed at {number}: {told}"
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

/// The connection ends at each request in turn, after the server has carried it out or
/// before: one bucket, one user, one key, whatever was repeated.
fn a_lost_request_of_a_create(when: Cut) {
    let apply = |name: &str, cut: Option<usize>| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket("tags = { a = \"b\" }", "create_access_key = true");
        stage
            .terraform(&["plan", "-out=plan.bin", "-no-color"])
            .succeeds();
        proxy.clear();
        if let Some(number) = cut {
            proxy.cut_at(number, when);
        }
        let run = stage.terraform(&["apply", "-no-color", "plan.bin"]);
        assert!(!run.text().contains("plugin crashed"), "{}", run.text());
        let points = turning_points(&proxy.requests());
        proxy.clear();
        // Most are repeated at once; the next apply goes on with the rest.
        stage.apply();
        stage.assert_empty_plan();
        is_tidy(&stage, cut.unwrap_or_default());
        assert_eq!(stage.tags()["a"], "b");
        stage.destroy();
        assert!(!stage.exists(), "lost at {cut:?}");
        points
    };
    let points = apply("lost-none", None);
    assert!(points.len() > 10, "only {points:?}");
    for number in points {
        apply(&format!("lost-{number}"), Some(number));
    }
}

#[test]
fn a_lost_answer_to_any_request_of_a_create_is_survived() {
    a_lost_request_of_a_create(Cut::After);
}

#[test]
fn a_lost_request_of_a_create_is_survived() {
    a_lost_request_of_a_create(Cut::Before);
}

/// Terraform taints what a stopped create leaves; the bucket is gone on with, not replaced.
#[test]
fn ctrl_c_during_the_probe_does_not_stand_in_the_way() {
    let (stage, proxy) = behind_proxy("ctrl-c-probe");
    stage.write_bucket("", "create_access_key = true");
    let child = stage
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform starts");
    let pid = child.id().to_string();
    until("the upload of the probe", || {
        proxy
            .requests()
            .iter()
            .any(|seen| seen.method == "PUT" && seen.target.contains("/.wandb-byob-probe?"))
    });
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    let run = crate::harness::Run(child.wait_with_output().expect("terraform ends"));
    assert!(!run.text().contains("plugin crashed"), "{}", run.text());
    stage.apply();
    stage.assert_empty_plan();
    is_tidy(&stage, 0);
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn twenty_buckets_in_one_apply() {
    let stage = Stage::new("twenty");
    let body = stage
        .bucket_block("count = 20", "create_access_key = true")
        .replace(
            &format!("\"{}\"", stage.bucket()),
            &format!("\"{}-${{count.index}}\"", stage.bucket()),
        );
    stage.write(&body);
    stage.apply_with(&["-parallelism=20"]);
    let plan = stage.plan_with(&["-parallelism=20"]);
    assert!(plan.is_empty(), "{}", plan.text);
    for index in 0..20 {
        let name = format!("{}-{index}", stage.bucket());
        let answer = ask(
            &stage.login,
            "s3",
            "get_bucket_versioning",
            json!({"Bucket": name}),
        );
        assert_eq!(answer["ok"]["Status"], "Enabled", "{name}");
    }
    stage
        .terraform(&["destroy", "-auto-approve", "-no-color", "-parallelism=20"])
        .succeeds();
    assert_eq!(stage.state(&format!("{THIS}[0]")), json!(null));
}
