//! Teams on buckets on AWS.

use super::Stage;
use super::register::provider;
use crate::harness::hcl;

const TEAM: &str = "wandb_team_storage.this";

#[test]
fn a_team_is_bound_to_its_bucket_and_key() {
    let stage = Stage::new("aws-team");
    stage.let_wandb_into(stage.bucket());
    let team = hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              storage = wandb_byob_bucket.this.storage
              on_destroy = "delete"
            }
        "#,
        name = stage.bucket()
    );
    let bucket = stage.bucket_block(
        r#"on_destroy = "delete_everything""#,
        r#"aws_external_id = "from-wandb""#,
    );
    stage.write_under(&provider(&stage), &format!("{bucket}{team}"));
    stage.apply();
    stage.assert_empty_plan();
    let made = stage.wandb.teams().into_iter().next().expect("a team");
    let of = |entry: &str| made.storage.get(entry).map(String::as_str);
    assert_eq!(of("provider"), Some("AWS"), "{:?}", made.storage);
    assert_eq!(of("name"), Some(stage.bucket()));
    assert_eq!(stage.state(TEAM)["storage"], stage.this()["storage"]);
    assert_eq!(stage.this()["storage"]["kms_key_id"], stage.key());
    // Another key is another storage, which W&B never changes for a team.
    let other = stage.foreign_key();
    let changed = bucket.replace(
        "aws_external_id",
        &format!(
            "kms_key_arn = {other:?}
aws_external_id"
        ),
    );
    stage.write_under(&provider(&stage), &format!("{changed}{team}"));
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["delete", "create"], "{}", plan.text);
    let kept = team.replace(r#"on_destroy = "delete""#, "");
    stage.write_under(&provider(&stage), &format!("{bucket}{kept}"));
    stage.apply();
    stage.write_under(&provider(&stage), &format!("{changed}{kept}"));
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    stage.write_under(&provider(&stage), &format!("{bucket}{team}"));
    stage.apply();
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
    assert!(!stage.exists());
}

/// A team whose bucket is its own.
fn write_owner(stage: &Stage, tags: &str) {
    let team = hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              on_destroy = "delete"
              byob_bucket {
                name = "<name>"
                on_destroy = "delete_everything"
                <tags>
                aws {
                  https_only = false
                }
              }
            }
        "#,
        name = stage.bucket(),
        tags
    );
    stage.write_under(&provider(stage), &team);
}

#[test]
fn a_team_may_own_its_bucket() {
    let stage = Stage::new("aws-own");
    stage.let_wandb_into(stage.bucket());
    let write = |tags: &str| write_owner(&stage, tags);
    write("");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.state(TEAM);
    assert_eq!(state["storage_status"], "bound");
    assert_eq!(state["byob_bucket"]["verified"], true);
    let key = &state["byob_bucket"]["aws"]["kms_key_arn"];
    let key = key.as_str().expect("a key");
    assert_eq!(stage.own_keys(), [key]);
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.suspend_versioning();
    write(r#"tags = { a = "b" }"#);
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["a"], "b");
    assert_eq!(stage.versioning(), "Enabled");
    // What W&B binds for good is refused where it is written.
    let deleted = stage.written();
    let kept = deleted.replace(r#"on_destroy = "delete""#, r#"on_destroy = "keep""#);
    stage.write_raw(&kept);
    stage.apply();
    for argument in [
        hcl!(r#"kms_key_arn = "<key>""#, key = stage.foreign_key()),
        r#"aws_external_id = "another""#.to_owned(),
    ] {
        let changed = hcl!(
            r#"
                https_only = false
                <argument>
            "#,
            argument
        );
        stage.write_raw(&kept.replace("https_only = false", &changed));
        let text = stage.plan_fails();
        assert_eq!(text.matches("Error: ").count(), 1, "{text}");
        assert!(
            text.contains("change the byob_bucket.aws of team"),
            "{text}"
        );
        assert!(text.contains("aws {"), "{text}");
    }
    stage.write_raw(&deleted);
    stage.apply();
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
    assert!(!stage.exists());
    assert_eq!(stage.described(key)["KeyState"], "PendingDeletion");
}
