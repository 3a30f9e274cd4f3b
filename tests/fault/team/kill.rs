//! A team and the bucket that it owns: the provider killed at each of their requests.

use std::collections::BTreeMap;

use serde_json::json;
use simulator::proxy::{Options, Proxy};

use super::Stage;
use crate::harness::{Cloud, Login, hcl, wait};
use crate::kill::{is_killed_at, points_of};

pub const TEAM: &str = "wandb_team_storage.this";

/// A stage whose W&B instance is behind a proxy and knows the key that is given for the
/// bucket, so that bucket and team are made in one apply.
pub fn behind_proxy(name: &str) -> (Stage, Proxy) {
    let stage = Stage::new(name);
    let url = stage.wandb.url();
    let address = url
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let proxy = wait(Proxy::start(address, Options::default())).expect("a proxy");
    let_instance_in(&stage);
    write(&stage, &proxy, "");
    (stage, proxy)
}

/// The operator of the instance adds the given key to its file stores.
fn let_instance_in(stage: &Stage) {
    let (key, secret) = (&stage.login.access_key, &stage.login.secret_key);
    let address = stage.address();
    let entry = address.replace("s3://", &format!("s3://{key}:{secret}@"));
    stage.wandb.add_store(&entry);
}

fn write(stage: &Stage, proxy: &Proxy, bucket: &str) {
    let provider = stage.provider("").replace(&stage.wandb.url(), &proxy.url());
    stage.write_raw(&hcl!(
        r#"
            <provider>
            resource "wandb_team_storage" "this" {
              team = "<name>"
              on_destroy = "delete"
              byob_bucket {
                name = "<name>"
                on_destroy = "delete_everything"
                <bucket>
                s3_compatible {
                  wandb_access_key = "<access_key>"
                  wandb_secret_key = "<secret_key>"
                }
              }
            }
        "#,
        provider,
        name = stage.bucket(),
        bucket,
        access_key = stage.login.access_key,
        secret_key = stage.login.secret_key
    ));
}

pub fn assert_whole(stage: &crate::harness::Stage<impl Cloud<Login = Login>>, when: &str) {
    let state = stage.state(TEAM);
    let teams = stage.wandb.teams();
    assert_eq!(teams.len(), 1, "{when}");
    assert_eq!(state["id"], teams[0].id, "{when}");
    assert_eq!(state["storage_status"], "bound", "{when}");
    let generation = state["byob_bucket"]["generation"]
        .as_str()
        .expect("a generation");
    assert_eq!(stage.marker(), format!("ready-{generation}"), "{when}");
    let held = stage.s3_ok("holds", json!({}));
    assert_eq!(held["uploads"], 0, "{when}");
}

/// Applies until it ends well, and follows the advice of the errors about what is there
/// already: the bucket is taken over, the team imported. The request that the provider was
/// killed at may still be under way, so what is there is learnt from the errors alone.
fn apply_by_the_advice(stage: &Stage, proxy: &Proxy, when: &str) {
    for _ in 0..3 {
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        if run.0.status.success() {
            return;
        }
        let text = run.fails();
        if text.contains(&format!("Team {:?} exists already", stage.bucket())) {
            assert!(text.contains("to = wandb_team_storage.<name>"), "{text}");
            stage.import(TEAM, stage.bucket()).succeeds();
        } else {
            assert!(text.contains("adopt = true"), "{when}: {text}");
            write(stage, proxy, "adopt = true");
        }
    }
    stage.apply();
}

#[test]
fn a_kill_at_any_request_to_the_instance_is_survived() {
    let (stage, proxy) = behind_proxy("team-kill-none");
    let points = points_of(&stage, &proxy, &[]);
    assert_whole(&stage, "undisturbed");
    stage.destroy();
    assert!(points.len() > 3, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let (stage, proxy) = behind_proxy(&format!("team-kill-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        apply_by_the_advice(&stage, &proxy, &when);
        stage.assert_empty_plan();
        assert_whole(&stage, &when);
        stage.destroy();
        assert!(!stage.exists(), "{when}");
        assert!(stage.wandb.teams().is_empty(), "{when}");
    }
}

/// The bucket is kept in the state while its team is still to be made: whatever ends the
/// run there, the next apply makes the team on it, and finds one that nobody heard of.
#[test]
fn a_team_that_waits_is_made_once() {
    let (stage, proxy) = behind_proxy("team-waits");
    stage.wandb.clear_stores();
    write(&stage, &proxy, "");
    let text = stage.apply().text();
    assert!(text.contains("the team is not made yet"), "{text}");
    stage.put("kept");
    let_instance_in(&stage);
    let points = points_of(&stage, &proxy, &[]);
    assert_whole(&stage, "undisturbed");
    assert!(points.len() > 3, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        // Back to the moment before the team: the state has begun, the bucket stands.
        stage.wandb.remove_team(stage.bucket());
        stage
            .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
            .succeeds();
        assert_eq!(
            stage.state(TEAM)["storage_status"],
            "not_registered",
            "{when}"
        );
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        // The request may still be under way: a conflict with it passes.
        if !stage
            .terraform(&["apply", "-auto-approve"])
            .0
            .status
            .success()
        {
            stage.apply();
        }
        stage.assert_empty_plan();
        assert_whole(&stage, &when);
        // It is the same bucket, whatever generation it has got after the kill.
        stage.s3_ok("head_object", json!({"Key": "kept"}));
    }
    // A team of that name on another bucket is nobody's to take.
    stage.wandb.remove_team(stage.bucket());
    let elsewhere = [("name", "s3://elsewhere/b"), ("provider", "MINIO")];
    let elsewhere: BTreeMap<String, String> = elsewhere
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    stage.wandb.add_team(stage.bucket(), &[], elsewhere);
    assert!(stage.apply_fails().contains("exists already"));
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.wandb.remove_team(stage.bucket());
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}
