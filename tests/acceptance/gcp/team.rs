//! Teams on buckets on Google Cloud.

use super::Stage;
use crate::harness::hcl;

const TEAM: &str = "wandb_team_storage.this";

#[test]
fn a_team_is_bound_to_its_bucket() {
    let stage = Stage::new("gcp-team");
    let team = hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              storage = wandb_byob_bucket.this.storage
              path = "teams/omega"
              on_destroy = "delete"
            }
        "#,
        name = stage.bucket()
    );
    let bucket = stage.bucket_block(r#"on_destroy = "delete_everything""#, "");
    stage.write_under(&stage.provider_with_wandb(), &format!("{bucket}{team}"));
    stage.apply();
    stage.assert_empty_plan();
    let made = stage.wandb.teams().into_iter().next().expect("a team");
    let of = |entry: &str| made.storage.get(entry).map(String::as_str);
    assert_eq!(of("provider"), Some("GCP"), "{:?}", made.storage);
    assert_eq!(of("name"), Some(stage.bucket()));
    assert_eq!(of("path"), Some("teams/omega"));
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
    assert!(!stage.exists());
}

#[test]
fn a_team_may_own_its_bucket() {
    let stage = Stage::new("gcp-own");
    let write = |arguments: &str, block: &str| {
        let team = hcl!(
            r#"
                resource "wandb_team_storage" "this" {
                  team = "<name>"
                  on_destroy = "delete"
                  byob_bucket {
                    name = "<name>"
                    on_destroy = "delete_everything"
                    <arguments>
                    gcp {
                      <block>
                    }
                  }
                }
            "#,
            name = stage.bucket(),
            arguments,
            block
        );
        stage.write_under(&stage.provider_with_wandb(), &team);
    };
    write("soft_delete_days = 0", "");
    let text = stage.plan_fails();
    assert!(text.contains("soft_delete_days"), "{text}");
    write("", "");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.state(TEAM);
    assert_eq!(state["storage_status"], "bound");
    assert_eq!(state["byob_bucket"]["verified"], true);
    assert_eq!(state["byob_bucket"]["soft_delete_days"], 7);
    write("soft_delete_days = 20", r#"storage_class = "NEARLINE""#);
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen()["storageClass"], "NEARLINE");
    assert_eq!(
        stage.seen()["softDeletePolicy"]["retentionDurationSeconds"],
        "1728000"
    );
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
    assert!(!stage.exists());
}
