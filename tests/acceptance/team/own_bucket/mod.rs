//! A team with a bucket of its own.

mod absent;
mod create;
mod delete;
mod read;
mod update;

use std::collections::BTreeMap;

use serde_json::Value;
use simulator::wandb::TeamView;

use super::Stage;
use crate::harness::hcl;

/// With leave to delete everything in the bucket.
const ALL: &str = r#"on_destroy = "delete_everything""#;

/// With leave to delete the team.
const DELETE: &str = r#"on_destroy = "delete""#;

const TEAM: &str = "wandb_team_storage.this";

/// Writes a team whose bucket is called after the test.
fn write(stage: &Stage, arguments: &str, bucket: &str) {
    write_named(stage, stage.bucket(), arguments, bucket);
}

/// The same with a name for the bucket.
fn write_named(stage: &Stage, name: &str, arguments: &str, bucket: &str) {
    stage.write(&hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<team>"
              <arguments>
              byob_bucket {
                name = "<name>"
                <bucket>
                s3_compatible {
                  create_access_key = true
                }
              }
            }
        "#,
        team = stage.bucket(),
        arguments,
        name,
        bucket
    ));
}

/// The bucket in the state of a team.
fn bucket_of(state: &Value) -> Value {
    state["byob_bucket"].clone()
}

/// The team at the instance.
fn team_of(stage: &Stage) -> Option<TeamView> {
    let teams = stage.wandb.teams();
    teams.into_iter().find(|team| team.name == stage.bucket())
}

/// The operator of the instance adds the made key to its file stores.
fn tell_instance(stage: &Stage) {
    stage.tell_instance_of(&bucket_of(&stage.state(TEAM)));
}

/// A team on its own bucket: bucket first, then the instance is told, then the team.
fn made(name: &str, arguments: &str, bucket: &str) -> Stage {
    let stage = Stage::new(name);
    write(&stage, arguments, bucket);
    stage.apply();
    tell_instance(&stage);
    stage.apply();
    stage
}

/// The storage of a team that is bound to this bucket.
fn bound_to(name: &str) -> BTreeMap<String, String> {
    let pairs = [("name", name), ("provider", "MINIO")];
    pairs.map(|(key, value)| (key.into(), value.into())).into()
}
