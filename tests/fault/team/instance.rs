//! A W&B instance that is slow, busy, broken or not to be trusted.

use serde_json::json;
use simulator::wandb::Fault;

use super::Stage;
use crate::harness::{API_KEY, hcl};

const TEAM: &str = "wandb_team_storage.omega";

/// A bucket that the instance knows, and a configuration with a team on it.
fn stage(name: &str) -> Stage {
    let stage = Stage::new(name);
    let bucket = stage.bucket_block(
        r#"on_destroy = "delete_everything""#,
        "create_access_key = true",
    );
    stage.write(&bucket);
    stage.apply();
    stage.tell_instance();
    stage.write(&hcl!(
        r#"
            <bucket>
            resource "wandb_team_storage" "omega" {
              team = "omega"
              storage = wandb_byob_bucket.this.storage
            }
        "#,
        bucket
    ));
    stage
}

fn ends_well(stage: &Stage) {
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
}

#[test]
fn a_busy_instance_is_asked_again() {
    let stage = stage("busy");
    stage
        .wandb
        .fault(Fault::status("GET /scim/Groups", 503, Some(1), None));
    stage
        .wandb
        .fault(Fault::status("TestBucket", 429, Some(1), Some(1)));
    stage.wandb.fault(Fault::reset("GET /scim/Groups", Some(1)));
    ends_well(&stage);
}

#[test]
fn a_creation_that_was_not_carried_out_is_reported_and_done_by_the_next_apply() {
    let stage = stage("reset-post");
    stage
        .wandb
        .fault(Fault::reset("POST /scim/Groups", Some(1)));
    let text = stage.apply_fails();
    assert!(text.contains("The team was not made"), "{text}");
    assert!(stage.wandb.teams().is_empty());
    ends_well(&stage);
}

#[test]
fn a_refused_creation_is_reported_in_the_instances_words() {
    let stage = stage("status-post");
    stage
        .wandb
        .fault(Fault::status("POST /scim/Groups", 403, Some(1), None));
    let text = stage.apply_fails();
    assert!(text.contains("403"), "{text}");
    assert!(text.contains("admin"), "{text}");
    assert!(stage.wandb.teams().is_empty());
    ends_well(&stage);
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let stage = stage("graphql-error");
    stage.wandb.fault(Fault::graphql_error(
        "TestBucket",
        "the storage service is down",
    ));
    let text = stage.apply_fails();
    assert!(text.contains("the storage service is down"), "{text}");
    assert!(stage.wandb.teams().is_empty());
    stage.wandb.clear_faults();
    ends_well(&stage);
}

#[test]
fn a_lost_answer_to_a_deletion_is_looked_up() {
    let stage = stage("lost-delete");
    let text = stage.written();
    stage.write_raw(&text.replace(
        r#"team = "omega""#,
        r#"
            team = "omega"
            on_destroy = "delete"
        "#,
    ));
    stage.apply();
    stage.wandb.fault(Fault::lose_reply("DeleteTeam", Some(1)));
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
}

#[test]
fn a_wrong_api_key_is_reported_with_the_argument_to_look_at() {
    let stage = stage("wrong-key");
    let text = stage.written();
    let wrong = "ffffffffffffffffffffffffffffffffffffffff";
    stage.write_raw(&text.replace(API_KEY, wrong));
    let message = stage.plan_fails();
    assert!(message.contains("401"), "{message}");
    assert!(message.contains("WANDB_API_KEY"), "{message}");
    assert!(!message.contains(wrong), "{message}");
    stage.write_raw(&text);
    ends_well(&stage);
}

#[test]
fn a_vanished_answer_while_reading_is_no_deletion() {
    let stage = stage("read-fails");
    stage.apply();
    stage
        .wandb
        .fault(Fault::status("GET /scim/Groups", 500, Some(50), None));
    stage.plan_fails();
    stage.wandb.clear_faults();
    assert_ne!(stage.state(TEAM), json!(null));
    stage.assert_empty_plan();
    stage.destroy();
}
