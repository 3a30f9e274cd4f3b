//! Changes of a team, most of which W&B does not know.

use super::{TEAM, bucket, team, with_bucket, write};
use crate::harness::hcl;

#[test]
fn what_wandb_binds_for_good_is_refused_at_plan() {
    let stage = with_bucket("team-bound");
    write(&stage, r#"path = "a""#);
    stage.apply();
    write(&stage, r#"path = "b""#);
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    let other = team(r#"path = "a""#).replace(r#"team = "omega""#, r#"team = "other""#);
    stage.write(&format!("{}{other}", bucket(&stage)));
    let text = stage.plan_fails();
    assert!(text.contains("W&B cannot change the team"), "{text}");
    write(&stage, r#"path = "a""#);
    let text = stage
        .terraform(&["plan", "-no-color", &format!("-replace={TEAM}")])
        .fails();
    assert!(text.contains("cannot be replaced"), "{text}");
    stage.assert_empty_plan();
    // With leave to delete it is a replacement.
    write(
        &stage,
        r#"
            path = "a"
            on_destroy = "delete"
        "#,
    );
    stage.apply();
    write(
        &stage,
        r#"
            path = "b"
            on_destroy = "delete"
        "#,
    );
    assert_eq!(stage.plan().actions(TEAM), ["delete", "create"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
}

#[test]
fn a_storage_that_is_unknown_at_plan_is_an_update_and_never_a_replacement() {
    let stage = with_bucket("team-unknown");
    write(&stage, r#"on_destroy = "delete""#);
    stage.apply();
    let before = stage.state(TEAM)["id"].clone();
    // Replacing something that the path depends on makes it unknown; it comes out the same.
    let storage = r#"
        merge(wandb_byob_bucket.this.storage, {
          name = "${wandb_byob_bucket.this.storage.name}${terraform_data.path.output}"
        })
    "#;
    let team = team(r#"on_destroy = "delete""#);
    stage.write(&hcl!(
        r#"
            resource "terraform_data" "path" {
              input = ""
            }
            <bucket>
            <team>
        "#,
        bucket = bucket(&stage),
        team = team.replace("wandb_byob_bucket.this.storage", storage.trim())
    ));
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    assert!(plan.text.contains("is not known yet"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.state(TEAM)["id"], before);
    stage.destroy();
}
