//! Teams on their buckets.

mod create;
mod delete;
mod faults;
mod import;
mod instance;
mod members;
mod own_bucket;
mod read;
mod update;

use crate::harness::hcl;

/// A stage for teams, whose buckets are on MinIO.
pub type Stage = crate::harness::Stage<crate::harness::Minio>;

const TEAM: &str = "wandb_team_storage.omega";

/// A bucket with W&B's key, known to the instance, as an operator would have done it.
fn with_bucket(name: &str) -> Stage {
    let stage = Stage::new(name);
    stage.write(&bucket(&stage));
    stage.apply();
    stage.tell_instance();
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
    stage.wandb.add_user("u-joe", "joe", "joe@example.com");
    stage
}

/// The text of that bucket.
fn bucket(stage: &Stage) -> String {
    stage.bucket_block(
        r#"on_destroy = "delete_everything""#,
        "create_access_key = true",
    )
}

/// The text of a team on it.
fn team(arguments: &str) -> String {
    hcl!(
        r#"
            resource "wandb_team_storage" "omega" {
              team = "omega"
              storage = wandb_byob_bucket.this.storage
              <arguments>
            }
        "#,
        arguments
    )
}

/// Writes both.
fn write(stage: &Stage, arguments: &str) {
    stage.write(&format!("{}{}", bucket(stage), team(arguments)));
}

/// The members of the team at the instance.
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
