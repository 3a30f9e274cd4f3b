//! `wandb_team_storage` with a bucket of its own.

use serde_json::{Value, json};
use simulator::wandb::TeamView;

use crate::harness::Stage;

pub const TEAM: &str = "wandb_team_storage.this";

pub fn write(stage: &Stage, arguments: &str, bucket: &str) {
    write_named(stage, stage.bucket(), arguments, bucket);
}

pub fn write_named(stage: &Stage, name: &str, arguments: &str, bucket: &str) {
    stage.write(&format!(
        "resource \"wandb_team_storage\" \"this\" {{\n  team = \"{team}\"\n  {arguments}\n  \
         byob_bucket {{\n    name = \"{name}\"\n    {bucket}\n    s3_compatible {{\n      \
         create_access_key = true\n    }}\n  }}\n}}\n",
        team = stage.bucket(),
    ));
}

pub fn bucket_of(state: &Value) -> Value {
    state["byob_bucket"].clone()
}

/// The team at the instance.
pub fn team_of(stage: &Stage) -> Option<TeamView> {
    let teams = stage.wandb.teams();
    teams.into_iter().find(|team| team.name == stage.bucket())
}

/// The operator of the instance adds the made key to its file stores.
pub fn tell_instance(stage: &Stage) {
    let store = bucket_of(&stage.state(TEAM))["supported_file_store"]
        .as_str()
        .expect("an address")
        .to_owned();
    stage.wandb.add_store(&store);
}

/// A team on its own bucket: bucket first, then the instance is told, then the team.
pub fn made(name: &str, arguments: &str, bucket: &str) -> Stage {
    let stage = Stage::new(name);
    write(&stage, arguments, bucket);
    stage.apply();
    tell_instance(&stage);
    stage.apply();
    stage
}

#[test]
fn a_team_waits_for_its_instance_and_keeps_bucket_and_key() {
    let stage = Stage::new("tb-basic");
    write(
        &stage,
        "on_destroy = \"delete\"",
        "on_destroy = \"delete_everything\"",
    );
    let text = stage.apply().text();
    assert!(text.contains("the team is not made yet"), "{text}");
    assert!(text.contains("GORILLA_SUPPORTED_FILE_STORES"), "{text}");
    let first = stage.state(TEAM);
    assert_eq!(first["storage_status"], "not_registered");
    assert_eq!(bucket_of(&first)["verified"], true);
    assert!(stage.exists());
    assert!(team_of(&stage).is_none());
    // Without the key the team cannot be made; that is an error now, and nothing is lost.
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    assert_eq!(stage.state(TEAM)["byob_bucket"], first["byob_bucket"]);

    tell_instance(&stage);
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let second = stage.state(TEAM);
    assert_eq!(second["storage_status"], "bound");
    assert_eq!(
        bucket_of(&second)["access_key_id"],
        bucket_of(&first)["access_key_id"]
    );
    let team = team_of(&stage).expect("the team");
    let endpoint = stage.login.endpoint.trim_start_matches("http://");
    let address = format!(
        "s3://{endpoint}/{}?region=us-east-1&tls=false",
        stage.bucket()
    );
    assert_eq!(team.storage["name"], address);
    stage.destroy();
    assert!(!stage.exists());
    assert!(team_of(&stage).is_none());
}

#[test]
fn drift_of_the_teams_bucket_shows_in_its_block_and_is_mended() {
    let stage = made(
        "tb-drift",
        "on_destroy = \"delete\"",
        "on_destroy = \"delete_everything\"",
    );
    stage.s3_ok(
        "put_bucket_versioning",
        json!({"VersioningConfiguration": {"Status": "Suspended"}}),
    );
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    assert_eq!(
        plan.change(TEAM)["before"]["byob_bucket"]["versioning"],
        false
    );
    assert_eq!(
        plan.change(TEAM)["after"]["byob_bucket"]["versioning"],
        true
    );
    stage.apply();
    assert_eq!(
        stage.s3_ok("get_bucket_versioning", json!({}))["Status"],
        "Enabled"
    );
    stage.assert_empty_plan();
    // Tags change in place.
    write(
        &stage,
        "on_destroy = \"delete\"",
        "on_destroy = \"delete_everything\"\n    tags = { a = \"b\" }",
    );
    stage.apply();
    assert_eq!(stage.tags()["a"], "b");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn another_bucket_for_a_team_is_refused_and_a_kept_team_keeps_its_bucket() {
    let stage = made("tb-keep", "", "");
    let other = format!("{}-2", stage.bucket());
    write_named(&stage, &other, "", "");
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    // Terraform shows the argument.
    assert!(text.contains(&format!("name = \"{other}\"")), "{text}");
    write(&stage, "", "path = \"elsewhere\"");
    let text = stage.plan_fails();
    assert!(
        text.contains("W&B cannot change the byob_bucket.path"),
        "{text}"
    );
    assert!(text.contains("path = \"elsewhere\""), "{text}");
    // The block cannot be taken out either.
    stage.write(&format!(
        "resource \"wandb_team_storage\" \"this\" {{\n  team = \"{}\"\n  storage = {{ name = \"b\", provider = \"MINIO\" }}\n}}\n",
        stage.bucket()
    ));
    let text = stage.plan_fails();
    assert!(text.contains("cannot be taken out"), "{text}");
    assert!(text.contains("storage = { name = \"b\""), "{text}");
    write(&stage, "", "");
    stage.assert_empty_plan();
    let text = stage.destroy().text();
    assert!(text.contains("stays"), "{text}");
    assert!(stage.exists());
    assert!(team_of(&stage).is_some());
    stage.clean_up();
}

#[test]
fn a_vanished_bucket_is_made_anew_for_its_team() {
    let stage = made(
        "tb-gone",
        "on_destroy = \"delete\"",
        "on_destroy = \"delete_everything\"",
    );
    stage.clean_up();
    assert!(!stage.exists());
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    assert!(plan.text.contains("is gone"), "{}", plan.text);
    stage.apply();
    assert!(stage.exists());
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn exactly_one_storage_is_needed() {
    let stage = Stage::new("tb-one");
    stage.write("resource \"wandb_team_storage\" \"this\" {\n  team = \"a\"\n}\n");
    let text = stage.plan_fails();
    assert!(text.contains("The team has no storage"), "{text}");
    write(
        &stage,
        "storage = { name = \"b\", provider = \"MINIO\" }",
        "",
    );
    let text = stage.plan_fails();
    assert!(text.contains("The team has two storages"), "{text}");
    assert!(text.contains("storage = { name = \"b\""), "{text}");
    write_named(&stage, "Bad_Name", "", "");
    let text = stage.plan_fails();
    assert!(text.contains("Invalid name"), "{text}");
    // Terraform shows the line that the path leads to.
    assert!(text.contains("name = \"Bad_Name\""), "{text}");
}

#[test]
fn a_team_is_not_deleted_while_its_bucket_would_refuse() {
    let stage = made("tb-full", "on_destroy = \"delete\"", "");
    stage.put("model.bin");
    let text = stage
        .terraform(&["destroy", "-auto-approve", "-no-color"])
        .fails();
    assert!(text.contains("it holds"), "{text}");
    assert!(team_of(&stage).is_some(), "the team is gone: {text}");
    assert!(stage.exists());
    assert_eq!(stage.state(TEAM)["storage_status"], "bound");
    stage.clean_up_objects();
    stage.destroy();
    assert!(team_of(&stage).is_none());
    assert!(!stage.exists());
}
