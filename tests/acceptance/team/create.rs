//! A team is made on its bucket.

use serde_json::Value;
use simulator::wandb::Fault;

use super::Stage;
use super::{TEAM, members, team, with_bucket, write};

#[test]
fn a_team_is_bound_to_its_bucket_and_its_members_follow() {
    let stage = with_bucket("team-basic");
    write(
        &stage,
        r#"
            members = ["jane@example.com"]
            path = "teams/omega"
        "#,
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
    assert_eq!(storage["name"], stage.address());
    let state = stage.state(TEAM);
    assert_eq!(state["id"], teams[0].id);
    assert_eq!(state["storage_status"], "bound");

    // Members both ways.
    write(
        &stage,
        r#"
            members = ["jane@example.com", "u-joe"]
            path = "teams/omega"
        "#,
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-jane", "u-joe"]);
    stage.wandb.set_members("omega", &["u-joe"]);
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"]);
    stage.apply();
    assert_eq!(members(&stage), ["u-jane", "u-joe"]);
    write(
        &stage,
        r#"
            members = ["u-joe"]
            path = "teams/omega"
        "#,
    );
    stage.apply();
    assert_eq!(members(&stage), ["u-joe"]);

    // keep
    let text = stage.destroy().text();
    assert!(text.contains("stays in W&B"), "{text}");
    assert_eq!(stage.wandb.teams().len(), 1);
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
    stage.tell_instance();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
}

#[test]
fn without_an_api_key_a_team_cannot_be_planned() {
    let stage = Stage::new("team-no-key");
    let provider = stage.provider("").replace("api_key", "organization");
    let body = team("").replace(
        "wandb_byob_bucket.this.storage",
        r#"{ name = "b", provider = "AWS" }"#,
    );
    stage.write_under(&provider, &body);
    let text = stage.plan_fails();
    assert!(text.contains("the provider has no api_key"), "{text}");
}

#[test]
fn a_team_lives_on_a_bucket_whose_key_reaches_the_path_only() {
    let stage = Stage::new("team-path");
    let bucket = stage.bucket_block(
        r#"
            path = "teams/omega"
            on_destroy = "delete_everything"
            register = true
        "#,
        "create_access_key = true",
    );
    stage.write(&bucket);
    stage.apply();
    stage.assert_empty_plan();
    let findings = stage.this()["findings"].clone();
    assert_eq!(findings[0]["requirement"], "wandb.connection");
    assert_eq!(findings[0]["status"], "unknown");
    stage.tell_instance();
    stage.write(&format!("{bucket}{}", team(r#"on_destroy = "delete""#)));
    stage.apply();
    stage.assert_empty_plan();
    let teams = stage.wandb.teams();
    assert_eq!(teams.len(), 1);
    assert_eq!(teams[0].storage["path"], "teams/omega");
    stage.destroy();
    assert!(!stage.exists());
}
