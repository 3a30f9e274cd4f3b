//! Answers of Google Cloud that are wrong, late, lost, or somebody else's.

use serde_json::{Value, json};
use simulator::gcs::Fault;
use simulator::proxy::Reply;

use super::{Stage, World, assert_empty_plan, assert_tidy, ends_well};
use crate::harness::{ADMIN, DEPLOY, THIS};
use crate::passing::PASSING;

fn made(world: &World, name: &str, arguments: &str) -> Stage {
    let (stage, _proxy) = world.behind_proxy(name);
    // Straight to the server: its own faults are what is tried.
    let login = world.0.clone();
    let stage = {
        let _ = stage;
        let instance = login.instance();
        Stage::with(name, login, instance)
    };
    stage.write_bucket(arguments, "");
    stage.apply();
    stage
}

/// Requests that change something, by the beginnings of their lines.
fn writes(stage: &Stage) -> Vec<String> {
    let bucket = stage.bucket();
    vec![
        "POST /storage/v1/b?".to_owned(),
        format!("PATCH /storage/v1/b/{bucket}"),
        format!("PUT /storage/v1/b/{bucket}/iam"),
    ]
}

#[test]
fn lost_and_passing_answers_to_a_create_come_to_the_same_end() {
    let world = World::new();
    for (what, broken) in PASSING {
        let (stage, _) = world.behind_proxy(&format!("gcp-{what}"));
        let login = world.0.clone();
        let instance = login.instance();
        let name = stage.bucket().to_owned();
        let stage = Stage::with(&name, login, instance);
        for place in writes(&stage) {
            stage.cloud().fault(broken(&place, Some(1)));
        }
        stage.write_bucket(r#"tags = { a = "b" }"#, "");
        let when = format!("{what} answers");
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        stage.cloud().clear_faults();
        if !run.0.status.success() {
            let text = run.text();
            assert!(text.contains("Left behind:"), "{when}: {text}");
        }
        ends_well(&stage, &when);
        assert!(stage.is_ready(), "{when}");
        assert_eq!(stage.labels()["a"], "b", "{when}");
        assert_eq!(
            stage.members(ADMIN),
            [format!("serviceAccount:{DEPLOY}")],
            "{when}"
        );
        stage.destroy();
        assert!(!stage.exists(), "{when}");
    }
}

#[test]
fn a_refused_step_is_told_and_finished_by_the_next_apply() {
    let world = World::new();
    let stage = made(&world, "gcp-refused", "");
    for place in [
        format!("PATCH /storage/v1/b/{}", stage.bucket()),
        format!("PUT /storage/v1/b/{}/iam", stage.bucket()),
    ] {
        let turn = place.len();
        stage.bind(json!([]));
        stage.write_bucket(
            &format!("soft_delete_days = 20\ntags = {{ turn = \"{turn}\" }}"),
            "",
        );
        stage.cloud().fault(Fault::status(&place, 403, None));
        let text = stage.apply_fails();
        assert!(text.contains("Left behind:"), "{text}");
        stage.cloud().clear_faults();
        ends_well(&stage, &place);
        assert_eq!(stage.labels()["turn"], turn.to_string());
        assert_eq!(stage.members(ADMIN), [format!("serviceAccount:{DEPLOY}")]);
    }
    stage.destroy();
}

/// Somebody else changes the policy between our read and our write: 412.
#[test]
fn a_race_for_the_policy_is_run_again() {
    let world = World::new();
    let stage = made(&world, "gcp-race", "");
    let place = format!("PUT /storage/v1/b/{}/iam", stage.bucket());
    for code in [412, 409] {
        stage.bind(json!([{"role": "roles/storage.objectViewer",
            "members": ["user:jane@example.com"]}]));
        stage.cloud().fault(Fault::status(&place, code, Some(2)));
        ends_well(&stage, &format!("{code}"));
        assert_eq!(stage.members(ADMIN), [format!("serviceAccount:{DEPLOY}")]);
        assert_eq!(
            stage.members("roles/storage.objectViewer"),
            ["user:jane@example.com"]
        );
    }
    stage.destroy();
}

#[test]
fn a_404_that_lies_forgets_and_deletes_nothing() {
    let world = World::new();
    let stage = made(&world, "gcp-lie", r#"on_destroy = "delete_everything""#);
    stage.put("data");
    let bucket = stage.bucket().to_owned();
    for place in [
        format!("GET /storage/v1/b/{bucket}"),
        format!("GET /storage/v1/b/{bucket}?"),
        format!("GET /storage/v1/b/{bucket}/iam"),
    ] {
        stage.cloud().fault(Fault::status(&place, 404, None));
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        assert!(!run.0.status.success(), "{place}: {}", run.text());
        assert_ne!(stage.this(), Value::Null, "{place}");
        let run = stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
        assert!(!run.0.status.success(), "{place}: {}", run.text());
        assert_ne!(stage.this(), Value::Null, "{place}");
        stage.cloud().clear_faults();
        assert!(stage.exists());
        assert_eq!(stage.holds("live"), 1, "{place}");
        assert_empty_plan(&stage, &place);
    }
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_destroy_that_is_refused_half_way_is_finished_by_the_next() {
    let world = World::new();
    let stage = made(
        &world,
        "gcp-half",
        r#"
            on_destroy = "delete_everything"
            verify = "settings"
        "#,
    );
    stage.write_bucket(
        r#"
            on_destroy = "delete_everything"
            verify = "settings"
        "#,
        "create_access_key = true",
    );
    stage.apply();
    stage.put("a");
    let bucket = stage.bucket().to_owned();
    for place in [
        format!("DELETE /storage/v1/b/{bucket}"),
        "DELETE /v1/projects/".to_owned(),
    ] {
        stage.cloud().fault(Fault::status(&place, 403, None));
        let text = stage.destroy_fails();
        assert!(text.contains("Left behind:"), "{text}");
        assert_ne!(stage.this(), Value::Null, "{place}");
        stage.cloud().clear_faults();
    }
    stage.destroy();
    assert!(!stage.exists());
    assert!(stage.made_accounts().is_empty());
    assert_eq!(stage.state(THIS), Value::Null);
}

/// A list of keys that lacks the key of the state, or cannot be read, costs W&B no key.
#[test]
fn a_list_of_keys_that_lies_loses_no_key() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-keys-lie");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let before = stage.this()["access_key_id"].clone();
    let lacks = "the list of its keys lacks the key";
    for (body, why) in [
        ("{}", lacks),
        (r#"{"keys": []}"#, lacks),
        (r#"{"keys": null}"#, lacks),
        (
            r#"{"keys": [{"keyType": "USER_MANAGED"}]}"#,
            "a key has no name",
        ),
        (r#"{"keys": [{"name": 7}]}"#, "a key has no name"),
        (
            r#"{"keys": [{"name": "projects/p/serviceAccounts/a/keys/"}]}"#,
            "a key has no name",
        ),
    ] {
        let lie = Reply {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_owned(),
        };
        proxy.clear();
        proxy.reply(1000, lie, |seen| {
            seen.method == "GET" && seen.target.contains("/keys?")
        });
        let text = stage.apply_fails().replace(['\n', '│'], " ");
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = text.join(" ");
        assert!(text.contains(why), "{body}: {text}");
        assert!(
            proxy
                .requests()
                .iter()
                .all(|seen| seen.is_read() || seen.target == "/token")
        );
        proxy.clear();
        assert_eq!(stage.this()["access_key_id"], before, "{body}");
        assert_empty_plan(&stage, body);
        assert_tidy(&stage, body);
    }
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}
