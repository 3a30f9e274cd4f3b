//! Changes of a team with its own bucket, and those that W&B does not know.

use serde_json::json;
use simulator::wandb::Fault;

use super::{ALL, DELETE, TEAM, bucket_of, made, team_of, write, write_named};
use crate::harness::{THIS, hcl};
use crate::team::Stage;

#[test]
fn another_bucket_for_a_team_is_refused_and_a_kept_team_keeps_its_bucket() {
    let stage = made("tb-keep", "", "");
    let other = format!("{}-2", stage.bucket());
    write_named(&stage, &other, "", "");
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    // Terraform shows the argument.
    assert!(text.contains(&format!("name = {other:?}")), "{text}");
    write(&stage, "", r#"path = "elsewhere""#);
    let text = stage.plan_fails();
    assert!(
        text.contains("W&B cannot change the byob_bucket.path"),
        "{text}"
    );
    assert!(text.contains(r#"path = "elsewhere""#), "{text}");
    // The block cannot be taken out either.
    stage.write(&hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              storage = { name = "b", provider = "MINIO" }
            }
        "#,
        name = stage.bucket()
    ));
    let text = stage.plan_fails();
    assert!(text.contains("cannot be taken out"), "{text}");
    assert!(text.contains(r#"storage = { name = "b""#), "{text}");
    write(&stage, "", "");
    stage.assert_empty_plan();
    let text = stage.destroy().text();
    assert!(text.contains("stays"), "{text}");
    assert!(stage.exists());
    assert!(team_of(&stage).is_some());
    stage.clean_up();
}

#[test]
fn a_team_takes_its_bucket_over_only_when_it_is_told_to() {
    let stage = Stage::new("tb-switch");
    let bucket = stage.bucket_block("", "create_access_key = true");
    stage.write(&bucket);
    stage.apply();
    stage.tell_instance();
    stage.write(&hcl!(
        r#"
            <bucket>
            resource "wandb_team_storage" "this" {
              team = "<name>"
              storage = wandb_byob_bucket.this.storage
            }
        "#,
        bucket,
        name = stage.bucket()
    ));
    stage.apply();
    let before = stage.state(TEAM)["id"].clone();
    stage.forget(THIS);
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
    assert_eq!(stage.marker(), format!("ready-{generation}"));
    stage.clean_up();
}

#[test]
fn an_instance_that_does_not_answer_afterwards_does_not_break_the_promise_of_a_plan() {
    let stage = made("tb-promise", "", "");
    write(&stage, "", r#"tags = { a = "b" }"#);
    stage.plan_to_file();
    stage
        .wandb
        .fault(Fault::graphql_error("TeamStorage", "the database is down"));
    let run = stage.apply_plan().succeeds();
    let text = run.text();
    assert!(text.contains("the database is down"), "{text}");
    stage.wandb.clear_faults();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["a"], "b");
    assert_eq!(stage.state(TEAM)["storage_status"], json!("bound"));
    stage.clean_up();
}

#[test]
fn a_refused_change_of_the_storage_is_reported_once_and_at_its_argument() {
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
    refused("byob_bucket.name", &format!("name = {other:?}"));
    write(&stage, "", r#"registration_name = "s3://elsewhere/b""#);
    refused(
        "byob_bucket.registration_name",
        r#"registration_name = "s3://elsewhere/b""#,
    );
    write(&stage, "", "");
    let block = r#"
        create_access_key = true
        region = "elsewhere"
    "#;
    let elsewhere = stage.written().replace("create_access_key = true", block);
    stage.write_raw(&elsewhere);
    refused(
        "byob_bucket.s3_compatible.region",
        r#"region = "elsewhere""#,
    );
    // The same name at W&B makes no other bucket the same.
    let registered = hcl!(
        r#"registration_name = "<address>""#,
        address = stage.address()
    );
    write_named(&stage, &other, "", &registered);
    refused("byob_bucket.name", &format!("name = {other:?}"));
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
    write_named(&stage, &other, "", ALL);
    assert_eq!(stage.plan().actions(TEAM), ["delete", "create"]);
    stage.apply();
    assert!(!stage.exists());
    assert_eq!(bucket_of(&stage.state(TEAM))["name"], other);
    stage.destroy();
}

#[test]
fn a_name_or_path_that_does_not_fit_is_refused_at_plan() {
    let stage = made("tb-renamed", DELETE, "");
    stage.put("precious");
    write_named(&stage, "another", DELETE, "");
    let text = stage.plan_fails();
    assert!(text.contains("holds data"), "{text}");
    write(&stage, r#"path = "teams/b""#, r#"path = "teams/a""#);
    let text = stage.plan_fails();
    assert!(text.contains("outside of its bucket's"), "{text}");
    assert!(text.contains(r#"path = "teams/b""#), "{text}");
    write(&stage, DELETE, ALL);
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
}
