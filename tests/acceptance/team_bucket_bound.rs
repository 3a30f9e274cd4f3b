//! A team and its own bucket, when one of the two is there without the other.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::wandb::Fault;

use super::team_bucket::{TEAM, bucket_of, made, team_of, tell_instance, write, write_named};
use crate::harness::Stage;

/// W&B's name for the test's bucket.
fn address(stage: &Stage) -> String {
    let host = stage.login.endpoint.replace("http://", "");
    format!("s3://{host}/{}?region=us-east-1&tls=false", stage.bucket())
}

fn bound_to(name: &str) -> BTreeMap<String, String> {
    let pairs = [("name", name), ("provider", "MINIO")];
    pairs.map(|(key, value)| (key.into(), value.into())).into()
}

fn marker(stage: &Stage) -> String {
    let tag = stage.tags()["terraform-provider-wandb"].clone();
    tag.as_str().expect("a marker").to_owned()
}

#[test]
fn what_would_stop_the_team_stops_its_bucket() {
    let stage = Stage::new("tb-stranger");
    write(&stage, "members = [\"nobody@example.com\"]", "");
    let text = stage.apply_fails();
    assert!(text.contains("knows no user"), "{text}");
    assert!(text.contains("members = ["), "{text}");
    assert!(!stage.exists());
    assert_eq!(stage.state(TEAM), Value::Null);
    // A name that is taken between plan and apply.
    write(&stage, "", "");
    stage
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    stage
        .wandb
        .add_team(stage.bucket(), &[], bound_to("s3://elsewhere/b"));
    let text = stage.terraform(&["apply", "-no-color", "plan.bin"]).fails();
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
        .add_team(stage.bucket(), &[], bound_to(&address(&stage)));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.state(TEAM)["id"], id);
    assert_eq!(stage.state(TEAM)["storage_status"], "bound");
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.clean_up();
}

#[test]
fn a_team_takes_its_bucket_over_only_when_it_is_told_to() {
    let stage = Stage::new("tb-switch");
    let bucket = stage.bucket_block("", "create_access_key = true");
    stage.write(&bucket);
    stage.apply();
    let store = stage.this()["supported_file_store"].clone();
    stage.wandb.add_store(store.as_str().expect("an address"));
    stage.write(&format!(
        "{bucket}resource \"wandb_team_storage\" \"this\" {{\n  team = \"{}\"\n  \
         storage = wandb_byob_bucket.this.storage\n}}\n",
        stage.bucket()
    ));
    stage.apply();
    let before = stage.state(TEAM)["id"].clone();
    stage
        .terraform(&["state", "rm", "wandb_byob_bucket.this"])
        .succeeds();
    write(&stage, "", "");
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(text.contains("adopt = true"), "{text}");
    write_named(&stage, "another", "", "adopt = true");
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    write(&stage, "", "adopt = true");
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.state(TEAM)["id"], before);
    let generation = bucket_of(&stage.state(TEAM))["generation"].clone();
    let generation = generation.as_str().expect("a generation");
    assert_eq!(marker(&stage), format!("ready-{generation}"));
    stage.clean_up();
}

#[test]
fn a_team_stays_bound_while_its_bucket_is_gone() {
    let stage = made("tb-bound", "", "path = \"a\"");
    let before = stage.state(TEAM)["id"].clone();
    stage.clean_up();
    let change = |arguments: &str, name: &str, bucket: &str| {
        write_named(&stage, name, arguments, bucket);
    };
    let refused = |words: &str| {
        let text = stage.plan_fails();
        assert!(text.contains("W&B cannot change"), "{text}");
        assert!(text.contains(words), "{text}");
    };
    change("", stage.bucket(), "path = \"b\"");
    refused("byob_bucket.path");
    change("path = \"a/b\"", stage.bucket(), "path = \"a\"");
    refused("the path of team");
    change("", "another", "path = \"a\"");
    refused("byob_bucket.name");
    // The state still says what the team is bound to.
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let state = stage.state(TEAM);
    assert_eq!(state["byob_bucket"], Value::Null);
    assert_eq!(state["storage"]["name"], address(&stage));
    assert_eq!(state["storage"]["path"], "a");
    refused("byob_bucket.name");
    change("", stage.bucket(), "path = \"a\"");
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.exists());
    let state = stage.state(TEAM);
    assert_eq!(state["id"], before);
    assert_eq!(state["storage"], Value::Null);
    // With leave to delete the team, another path is a replacement.
    let free = "on_destroy = \"delete\"";
    change(free, stage.bucket(), "path = \"a\"");
    stage.apply();
    stage.clean_up();
    change(free, stage.bucket(), "path = \"b\"");
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.wandb.clear_stores();
    tell_instance(&stage);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.state(TEAM)["id"], before);
    assert_eq!(team_of(&stage).expect("a team").storage["path"], "b");
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn an_instance_that_does_not_answer_afterwards_does_not_break_the_promise_of_a_plan() {
    let stage = made("tb-promise", "", "");
    write(&stage, "", "tags = { a = \"b\" }");
    stage
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    stage
        .wandb
        .fault(Fault::graphql_error("TeamStorage", "the database is down"));
    let run = stage
        .terraform(&["apply", "-no-color", "plan.bin"])
        .succeeds();
    let text = run.text();
    assert!(text.contains("the database is down"), "{text}");
    stage.wandb.clear_faults();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["a"], "b");
    assert_eq!(stage.state(TEAM)["storage_status"], json!("bound"));
    stage.clean_up();
}

#[test]
fn a_refused_change_of_the_storage_is_told_once_and_at_its_argument() {
    let stage = made("tb-once", "", "");
    let refused = |place: &str, line: &str| {
        let text = stage.plan_fails();
        assert_eq!(text.matches("Error: ").count(), 1, "{text}");
        let summary = format!("W&B cannot change the {place} of team");
        assert!(text.contains(&summary), "{text}");
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("this bucket"), "{text}");
    };
    // Data in the bucket is no second problem: W&B would refuse whatever is in it.
    stage.put("data");
    let other = format!("{}-2", stage.bucket());
    write_named(&stage, &other, "", "");
    refused("byob_bucket.name", &format!("name = \"{other}\""));
    write(&stage, "", "registration_name = \"s3://elsewhere/b\"");
    refused(
        "byob_bucket.registration_name",
        "registration_name = \"s3://elsewhere/b\"",
    );
    let region = |name: &str, bucket: &str| {
        write_named(&stage, name, "", bucket);
        let file = stage.path().join("main.tf");
        let text = std::fs::read_to_string(&file).expect("written").replace(
            "create_access_key = true",
            "create_access_key = true\n region = \"elsewhere\"",
        );
        stage.write_raw(&text);
    };
    region(stage.bucket(), "");
    refused("byob_bucket.s3_compatible.region", "region = \"elsewhere\"");
    // The same name at W&B makes no other bucket the same.
    let registered = format!("registration_name = \"{}\"", address(&stage));
    write_named(&stage, &other, "", &registered);
    refused("byob_bucket.name", &format!("name = \"{other}\""));
    write(&stage, "", "");
    stage.assert_empty_plan();
    stage.clean_up();
}

#[test]
fn a_team_that_waits_for_its_instance_is_replaced_with_its_renamed_bucket() {
    let stage = Stage::new("tb-renamed");
    write(&stage, "", "");
    stage.apply();
    let other = format!("{}-2", stage.bucket());
    write_named(&stage, &other, "", "on_destroy = \"delete_everything\"");
    assert_eq!(stage.plan().actions(TEAM), ["delete", "create"]);
    stage.apply();
    assert!(!stage.exists());
    assert_eq!(bucket_of(&stage.state(TEAM))["name"], other);
    stage.destroy();
}
