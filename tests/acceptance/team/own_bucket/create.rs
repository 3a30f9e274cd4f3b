//! A team and its bucket are made.

use serde_json::Value;
use simulator::wandb::Fault;

use super::{ALL, DELETE, TEAM, bound_to, bucket_of, team_of, tell_instance, write, write_named};
use crate::team::Stage;

#[test]
fn a_team_waits_for_its_instance_and_keeps_bucket_and_key() {
    let stage = Stage::new("tb-basic");
    write(&stage, DELETE, ALL);
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
    assert_eq!(team.storage["name"], stage.address());
    stage.destroy();
    assert!(!stage.exists());
    assert!(team_of(&stage).is_none());
}

#[test]
fn exactly_one_storage_is_needed() {
    let stage = Stage::new("tb-one");
    stage.write(
        r#"
            resource "wandb_team_storage" "this" {
              team = "a"
            }
        "#,
    );
    let text = stage.plan_fails();
    assert!(text.contains("The team has no storage"), "{text}");
    write(
        &stage,
        r#"storage = { name = "b", provider = "MINIO" }"#,
        "",
    );
    let text = stage.plan_fails();
    assert!(text.contains("The team has two storages"), "{text}");
    assert!(text.contains(r#"storage = { name = "b""#), "{text}");
    write_named(&stage, "Bad_Name", "", "");
    let text = stage.plan_fails();
    assert!(text.contains("Invalid name"), "{text}");
    // Terraform shows the line that the path leads to.
    assert!(text.contains(r#"name = "Bad_Name""#), "{text}");
}

#[test]
fn what_would_stop_the_team_stops_its_bucket() {
    let stage = Stage::new("tb-stranger");
    write(&stage, r#"members = ["nobody@example.com"]"#, "");
    let text = stage.apply_fails();
    assert!(text.contains("knows no user"), "{text}");
    assert!(text.contains("members = ["), "{text}");
    assert!(!stage.exists());
    assert_eq!(stage.state(TEAM), Value::Null);
    // A name that is taken between plan and apply.
    write(&stage, "", "");
    stage.plan_to_file();
    stage
        .wandb
        .add_team(stage.bucket(), &[], bound_to("s3://elsewhere/b"));
    let text = stage.apply_plan().fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(!stage.exists());
}

#[test]
fn a_team_whose_creation_nobody_heard_of_is_found_by_its_bucket() {
    let stage = Stage::new("tb-unheard");
    write(&stage, "", "");
    stage.apply();
    tell_instance(&stage);
    stage
        .wandb
        .fault(Fault::lose_reply("POST /scim/Groups", Some(1)));
    let text = stage.apply().text();
    assert!(
        text.contains("The answer to making the team was lost"),
        "{text}"
    );
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    assert_eq!(stage.state(TEAM)["storage_status"], "bound");
    stage.clean_up();
    // As after a run that was killed at that moment: the state has begun, the team is there.
    let stage = Stage::new("tb-killed");
    write(&stage, "", "");
    stage.apply();
    stage
        .wandb
        .add_team(stage.bucket(), &[], bound_to("s3://elsewhere/b"));
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(text.contains("Choose another name"), "{text}");
    assert!(text.contains("terraform state rm"), "{text}");
    stage.wandb.remove_team(stage.bucket());
    let id = stage
        .wandb
        .add_team(stage.bucket(), &[], bound_to(&stage.address()));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.state(TEAM)["id"], id);
    assert_eq!(stage.state(TEAM)["storage_status"], "bound");
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.clean_up();
}
