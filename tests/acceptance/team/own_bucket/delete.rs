//! What must not be deleted although the state could.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::wandb::{Config, Instance};

use super::{ALL, DELETE, TEAM, bound_to, made, team_of, write};
use crate::harness::{API_KEY, wait};
use crate::team::Stage;

#[test]
fn a_team_is_not_deleted_while_its_bucket_would_refuse() {
    let stage = made("tb-full", DELETE, "");
    stage.put("model.bin");
    let text = stage.destroy_fails();
    assert!(text.contains("it holds"), "{text}");
    assert!(team_of(&stage).is_some(), "the team is gone: {text}");
    assert!(stage.exists());
    assert_eq!(stage.state(TEAM)["storage_status"], "bound");
    stage.clean_up_objects();
    stage.destroy();
    assert!(team_of(&stage).is_none());
    assert!(!stage.exists());
}

#[test]
fn another_instance_does_not_tell_what_became_of_the_team() {
    let stage = made("tb-elsewhere", "", ALL);
    stage.put("precious");
    let written = stage.written();
    let config = Config {
        api_key: API_KEY.to_owned(),
        ..Config::default()
    };
    let other = wait(Instance::start(config)).expect("another instance");
    stage.write_raw(&written.replace(&stage.wandb.url(), &other.url()));
    let text = stage.destroy_fails();
    assert!(text.contains("base_url"), "{text}");
    // A team of another name may have the same id there.
    other.add_team("somebody", &[], BTreeMap::new());
    assert!(stage.destroy_fails().contains("base_url"));
    assert_eq!(stage.s3_ok("holds", json!({}))["objects"], 1);
    stage.write_raw(&written);
    stage.assert_empty_plan();
    stage.clean_up();
}

#[test]
fn a_team_is_not_deleted_before_a_bucket_that_would_refuse() {
    let stage = made("tb-refuse", DELETE, ALL);
    stage.s3_ok("delete_bucket_tagging", json!({}));
    let text = stage.destroy_fails();
    assert!(text.contains("lost its tag"), "{text}");
    assert!(team_of(&stage).is_some(), "{text}");
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
    let bound = bound_to(&stage.address());
    stage.wandb.add_team(stage.bucket(), &[], bound);
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
    let text = stage.terraform(&arguments).fails();
    assert!(text.contains("does not tell where it stores"), "{text}");
    assert!(stage.exists());
    stage.wandb.remove_team(stage.bucket());
    let text = stage.destroy().text();
    assert!(!text.contains("stays in W&B"), "{text}");
    assert!(!stage.exists());
    assert_eq!(stage.state(TEAM), Value::Null);
}
