//! A team and its own bucket: what must not be deleted although the state could.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::wandb::{Config, Instance};

use super::team_bucket::{TEAM, made, team_of, write, write_named};
use crate::harness::{API_KEY, Stage, wait};

fn address(stage: &Stage) -> String {
    let host = stage.login.endpoint.replace("http://", "");
    format!("s3://{host}/{}?region=us-east-1&tls=false", stage.bucket())
}

fn destroy_fails(stage: &Stage) -> String {
    stage
        .terraform(&["destroy", "-auto-approve", "-no-color"])
        .fails()
}

const ALL: &str = "on_destroy = \"delete_everything\"";
const DELETE: &str = "on_destroy = \"delete\"";

#[test]
fn another_instance_does_not_tell_what_became_of_the_team() {
    let stage = made("tb-elsewhere", "", ALL);
    stage.put("precious");
    let text = std::fs::read_to_string(stage.path().join("main.tf")).expect("written");
    let config = Config {
        api_key: API_KEY.to_owned(),
        ..Config::default()
    };
    let other = wait(Instance::start(config)).expect("another instance");
    stage.write_raw(&text.replace(&stage.wandb.url(), &other.url()));
    let said = destroy_fails(&stage);
    assert!(said.contains("base_url"), "{said}");
    // A team of another name may have the same id there.
    other.add_team("somebody", &[], BTreeMap::new());
    assert!(destroy_fails(&stage).contains("base_url"));
    assert_eq!(stage.s3_ok("holds", json!({}))["objects"], 1);
    stage.write_raw(&text);
    stage.assert_empty_plan();
    stage.clean_up();
}

#[test]
fn a_team_is_not_deleted_before_a_bucket_that_would_refuse() {
    let stage = made("tb-refuse", DELETE, ALL);
    stage.s3_ok("delete_bucket_tagging", json!({}));
    let said = destroy_fails(&stage);
    assert!(said.contains("lost its tag"), "{said}");
    assert!(team_of(&stage).is_some(), "{said}");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    assert!(team_of(&stage).is_none());
    assert!(!stage.exists());
}

#[test]
fn a_team_that_nobody_heard_of_keeps_its_bucket() {
    let stage = Stage::new("tb-unheard-end");
    write(&stage, "", ALL);
    stage.apply();
    stage.put("precious");
    let bound = [("name", address(&stage)), ("provider", "MINIO".to_owned())];
    let bound = bound.map(|(key, value)| (key.to_owned(), value));
    stage.wandb.add_team(stage.bucket(), &[], bound.into());
    let arguments = ["destroy", "-auto-approve", "-no-color", "-refresh=false"];
    let text = stage.terraform(&arguments).succeeds().text();
    assert!(text.contains("stays"), "{text}");
    assert!(team_of(&stage).is_some());
    assert_eq!(stage.s3_ok("holds", json!({}))["objects"], 1);
    stage.clean_up();
    // An instance that does not tell where the team stores: nothing is deleted on a guess.
    let config = Config {
        api_key: API_KEY.to_owned(),
        old_schema: true,
        ..Config::default()
    };
    let stage = Stage::with("tb-unheard-old", stage.login.clone(), config);
    write(&stage, "", ALL);
    stage.apply();
    assert_eq!(stage.state(TEAM)["storage_status"], "not_registered");
    stage.wandb.add_team(stage.bucket(), &[], BTreeMap::new());
    let said = stage.terraform(&arguments).fails();
    assert!(said.contains("does not tell where it stores"), "{said}");
    assert!(stage.exists());
    stage.wandb.remove_team(stage.bucket());
    let text = stage.destroy().text();
    assert!(!text.contains("stays in W&B"), "{text}");
    assert!(!stage.exists());
    assert_eq!(stage.state(TEAM), Value::Null);
}

#[test]
fn a_name_or_path_that_does_not_fit_is_refused_at_plan() {
    let stage = made("tb-renamed", DELETE, "");
    stage.put("precious");
    write_named(&stage, "another", DELETE, "");
    let text = stage.plan_fails();
    assert!(text.contains("holds data"), "{text}");
    write(&stage, "path = \"teams/b\"", "path = \"teams/a\"");
    let text = stage.plan_fails();
    assert!(text.contains("outside of its bucket's"), "{text}");
    assert!(text.contains("path = \"teams/b\""), "{text}");
    write(&stage, DELETE, ALL);
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
}
