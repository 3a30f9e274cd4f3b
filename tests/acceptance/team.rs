//! Teams on their buckets.

use serde_json::{Value, json};
use simulator::wandb::Fault;

use crate::harness::{Login, Stage, minio};

const TEAM: &str = "wandb_team_storage.omega";

/// A bucket with W&B's key, known to the instance, as an operator would have done it.
fn with_bucket(name: &str) -> Stage {
    let stage = Stage::new(name);
    stage.write(&bucket(&stage));
    stage.apply();
    let store = stage.this()["supported_file_store"]
        .as_str()
        .expect("an address")
        .to_owned();
    stage.wandb.add_store(&store);
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
    stage.wandb.add_user("u-joe", "joe", "joe@example.com");
    stage
}

fn bucket(stage: &Stage) -> String {
    stage.bucket_block(
        "on_destroy = \"delete_everything\"",
        "create_access_key = true",
    )
}

fn team(arguments: &str) -> String {
    format!(
        "resource \"wandb_team_storage\" \"omega\" {{\n  team = \"omega\"\n  \
         storage = wandb_byob_bucket.this.storage\n  {arguments}\n}}\n"
    )
}

fn write(stage: &Stage, arguments: &str) {
    stage.write(&format!("{}{}", bucket(stage), team(arguments)));
}

fn members(stage: &Stage) -> Vec<String> {
    let mut members: Vec<String> = stage
        .wandb
        .teams()
        .into_iter()
        .filter(|team| team.name == "omega")
        .flat_map(|team| team.members)
        .collect();
    members.sort();
    members
}

#[test]
fn team_storage_minio_basic() {
    let stage = with_bucket("team-basic");
    write(
        &stage,
        "members = [\"jane@example.com\"]\n path = \"teams/omega\"",
    );
    stage.apply();
    stage.assert_empty_plan();
    let teams = stage.wandb.teams();
    assert_eq!(teams.len(), 1);
    assert_eq!(teams[0].name, "omega");
    assert_eq!(members(&stage), ["u-jane"]);
    let storage: Value = serde_json::to_value(&teams[0].storage).expect("JSON");
    assert_eq!(storage["provider"], "MINIO");
    assert_eq!(storage["path"], "teams/omega");
    let host = stage.login.endpoint.replace("http://", "");
    assert_eq!(
        storage["name"],
        format!("s3://{host}/{}?region=us-east-1&tls=false", stage.bucket())
    );
    let state = stage.state(TEAM);
    assert_eq!(state["id"], teams[0].id);
    assert_eq!(state["storage_status"], "bound");

    // Members both ways.
    write(
        &stage,
        "members = [\"jane@example.com\", \"u-joe\"]\n path = \"teams/omega\"",
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-jane", "u-joe"]);
    stage.wandb.set_members("omega", &["u-joe"]);
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"]);
    stage.apply();
    assert_eq!(members(&stage), ["u-jane", "u-joe"]);
    write(&stage, "members = [\"u-joe\"]\n path = \"teams/omega\"");
    stage.apply();
    assert_eq!(members(&stage), ["u-joe"]);

    // keep
    let text = stage.destroy().text();
    assert!(text.contains("stays in W&B"), "{text}");
    assert_eq!(stage.wandb.teams().len(), 1);
}

#[test]
fn a_team_is_deleted_only_on_demand() {
    let stage = with_bucket("team-delete");
    write(&stage, "on_destroy = \"delete\"");
    stage.apply();
    let text = stage.destroy().text();
    assert!(text.contains("deleted for good"), "{text}");
    assert!(stage.wandb.teams().is_empty());
}

#[test]
fn what_wandb_binds_for_good_is_refused_at_plan() {
    let stage = with_bucket("team-bound");
    write(&stage, "path = \"a\"");
    stage.apply();
    write(&stage, "path = \"b\"");
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    stage.write(&format!(
        "{}{}",
        bucket(&stage),
        team("path = \"a\"").replace("\"omega\"\n  storage", "\"other\"\n  storage")
    ));
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change the team"), "{text}");
    write(&stage, "path = \"a\"");
    let text = stage
        .terraform(&["plan", "-no-color", &format!("-replace={TEAM}")])
        .fails();
    assert!(text.contains("cannot be replaced"), "{text}");
    stage.assert_empty_plan();
    // With leave to delete it is a replacement.
    write(&stage, "path = \"a\"\n on_destroy = \"delete\"");
    stage.apply();
    write(&stage, "path = \"b\"\n on_destroy = \"delete\"");
    assert_eq!(stage.plan().actions(TEAM), ["delete", "create"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
}

#[test]
fn a_storage_that_is_unknown_at_plan_is_an_update_and_never_a_replacement() {
    let stage = with_bucket("team-unknown");
    write(&stage, "on_destroy = \"delete\"");
    stage.apply();
    let before = stage.state(TEAM)["id"].clone();
    // Replacing something that the path depends on makes it unknown; it comes out the same.
    let body = format!(
        "resource \"terraform_data\" \"path\" {{\n input = \"\"\n}}\n{}{}",
        bucket(&stage),
        team("on_destroy = \"delete\"").replace(
            "wandb_byob_bucket.this.storage",
            "merge(wandb_byob_bucket.this.storage, { name = \"${wandb_byob_bucket.this.storage.name}${terraform_data.path.output}\" })"
        )
    );
    stage.write(&body);
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    assert!(plan.text.contains("is not known yet"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.state(TEAM)["id"], before);
    stage.destroy();
}

#[test]
fn a_team_that_exists_offers_the_import_and_the_import_plans_empty() {
    let stage = with_bucket("team-exists");
    write(&stage, "members = [\"jane@example.com\"]");
    stage.apply();
    stage.terraform(&["state", "rm", TEAM]).succeeds();
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(text.contains("id = \"omega\""), "{text}");
    stage
        .terraform(&["import", "-no-color", TEAM, "omega"])
        .succeeds();
    // The state takes what the configuration says, and W&B is not asked to change it.
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-jane"]);
    stage.destroy();
}

#[test]
fn a_lost_answer_does_not_make_a_second_team() {
    let stage = with_bucket("team-lost");
    stage
        .wandb
        .fault(Fault::lose_reply("POST /scim/Groups", Some(1)));
    write(&stage, "");
    let text = stage.apply().text();
    assert!(text.contains("was lost"), "{text}");
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_bucket_that_the_instance_does_not_reach_stops_the_team_with_nothing_made() {
    let stage = Stage::new("team-unreached");
    write(&stage, "");
    let text = stage.apply_fails();
    assert!(text.contains("GORILLA_SUPPORTED_FILE_STORES"), "{text}");
    assert!(stage.wandb.teams().is_empty());
    // The bucket itself is fine, and once the operator has done the step the team is made.
    let store = stage.this()["supported_file_store"]
        .as_str()
        .expect("an address")
        .to_owned();
    stage.wandb.add_store(&store);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
}

#[test]
fn a_stranger_among_the_members_stops_the_team() {
    let stage = with_bucket("team-stranger");
    write(&stage, "members = [\"nobody@example.com\"]");
    let text = stage.apply_fails();
    assert!(
        text.contains("knows no user \"nobody@example.com\""),
        "{text}"
    );
    assert!(stage.wandb.teams().is_empty());
    stage.write(&bucket(&stage));
    stage.destroy();
}

#[test]
fn a_team_that_vanished_is_made_again() {
    let stage = with_bucket("team-vanished");
    write(&stage, "");
    stage.apply();
    stage.wandb.remove_team("omega");
    assert_eq!(stage.plan().actions(TEAM), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn without_an_api_key_a_team_cannot_be_planned() {
    let stage = Stage::on("team-no-key", Login::of(minio()));
    let provider = stage.provider("").replace("api_key", "organization");
    let storage = json!({"name": "b", "provider": "AWS"});
    let body = team("").replace(
        "wandb_byob_bucket.this.storage",
        &storage.to_string().replace(':', "="),
    );
    stage.write_raw(&format!("{provider}{body}"));
    let text = stage.plan_fails();
    assert!(text.contains("the provider has no api_key"), "{text}");
}

#[test]
fn a_team_lives_on_a_bucket_whose_key_reaches_the_path_only() {
    let stage = Stage::new("team-path");
    let bucket = stage.bucket_block(
        "path = \"teams/omega\"\n on_destroy = \"delete_everything\"\n register = true",
        "create_access_key = true",
    );
    stage.write(&bucket);
    stage.apply();
    stage.assert_empty_plan();
    let findings = stage.this()["findings"].clone();
    assert_eq!(findings[0]["requirement"], "wandb.connection");
    assert_eq!(findings[0]["status"], "unknown");
    let store = stage.this()["supported_file_store"]
        .as_str()
        .expect("an address")
        .to_owned();
    stage.wandb.add_store(&store);
    stage.write(&format!("{bucket}{}", team("on_destroy = \"delete\"")));
    stage.apply();
    stage.assert_empty_plan();
    let teams = stage.wandb.teams();
    assert_eq!(teams.len(), 1);
    assert_eq!(teams[0].storage["path"], "teams/omega");
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_person_who_is_named_twice_is_one_member_and_no_difference() {
    let stage = with_bucket("team-twice");
    write(
        &stage,
        "members = [\"jane@example.com\", \"Jane@Example.com\", \"u-jane\"]",
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-jane"]);
    write(&stage, "members = [\"u-joe\", \"joe@example.com\"]");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-joe"]);
}

#[test]
fn an_id_that_nobody_has_is_refused_before_anything_is_made() {
    let stage = with_bucket("team-nobody");
    for nobody in ["admin", "..", "u-jane/x"] {
        write(&stage, &format!("members = [\"u-jane\", \"{nobody}\"]"));
        let text = stage.apply_fails();
        let reason = format!("the W&B instance knows no user \"{nobody}\"");
        assert!(text.contains(&reason), "{text}");
        assert!(text.contains("members = ["), "{text}");
        assert!(stage.wandb.teams().is_empty(), "{nobody}");
    }
    write(&stage, "members = [\"u-jane\"]");
    stage.apply();
    write(&stage, "members = [\"u-jane\", \"admin\"]");
    let text = stage.apply_fails();
    assert!(text.contains("knows no user \"admin\""), "{text}");
    assert_eq!(members(&stage), ["u-jane"]);
}
