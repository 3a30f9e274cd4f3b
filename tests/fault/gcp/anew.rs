//! A bucket that somebody deletes and makes anew in the middle of a run: the new one is theirs.

use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use simulator::gcs;
use simulator::proxy::Proxy;

use super::{Stage, World, ends_well};
use crate::harness::{PROJECT, Run, THIS};
use crate::kill::{is_killed_at, points_of};

const THEIRS: &str = "ready-00c0ffee";

/// Another state's bucket of that name in the place of ours, by curl.
fn make_anew(cloud: &Arc<gcs::Instance>, name: &str) {
    cloud.remove_bucket(name);
    let url = format!("{}/storage/v1/b?project={PROJECT}", cloud.url());
    let token = format!("authorization: Bearer {}", cloud.token(&cloud.owner()));
    let body = json!({"name": name, "labels": {"terraform-provider-wandb": THEIRS}});
    let output = Command::new("curl")
        .args(["-sSf", "-X", "POST", "-H", &token, "-d", &body.to_string()])
        .args(["-H", "content-type: application/json", &url])
        .output()
        .expect("curl");
    assert!(output.status.success(), "{output:?}");
}

fn apply_while_it_is_made_anew(stage: &Stage, world: &World, proxy: &Proxy, number: usize) -> Run {
    stage
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    proxy.clear();
    let (cloud, name) = (world.0.cloud.clone(), stage.bucket().to_owned());
    proxy.run_at(number, move || {
        tokio::task::block_in_place(|| make_anew(&cloud, &name));
    });
    let run = stage.apply_plan();
    proxy.clear();
    run
}

fn write(stage: &Stage, turn: usize) {
    let roles = match turn % 2 {
        0 => r#"wandb_roles = ["roles/storage.admin"]"#,
        _ => r#"wandb_roles = ["roles/storage.objectAdmin", "roles/storage.legacyBucketReader"]"#,
    };
    let days = 8 + turn % 2;
    let arguments =
        format!("verify = \"settings\"\nsoft_delete_days = {days}\ntags = {{ turn = \"{turn}\" }}");
    stage.write_bucket(&arguments, roles);
}

#[test]
fn a_bucket_that_is_made_anew_in_the_middle_of_an_update_is_not_touched() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-anew-update");
    write(&stage, 0);
    stage.apply();
    write(&stage, 1);
    let points = points_of(&stage, &proxy, &[]);
    let mut touched = Vec::new();
    for number in points {
        stage.cloud().remove_bucket(stage.bucket());
        if !stage.this().is_null() {
            stage.forget(THIS);
        }
        write(&stage, 0);
        stage.apply();
        write(&stage, 1);
        let run = apply_while_it_is_made_anew(&stage, &world, &proxy, number);
        let members = stage.policy().to_string();
        let good = stage.marker() == THEIRS
            && stage.seen()["metageneration"] == "1"
            && !members.contains("wandb-production")
            && !run.0.status.success();
        if !good {
            touched.push(format!(
                "{number}: {} {} {members} {}",
                stage.marker(),
                stage.seen(),
                run.text()
            ));
        }
    }
    assert!(touched.is_empty(), "{}", touched.join("\n\n"));
}

#[test]
fn a_bucket_that_is_made_anew_in_the_middle_of_a_create_is_not_touched() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-anew-create");
    let block = "create_access_key = true";
    stage.write_bucket("verify = \"settings\"", block);
    let mut points = points_of(&stage, &proxy, &[]);
    // Two policies that were never written have the same tag, so the write itself is not safe.
    let requests = proxy.requests();
    points.retain(|number| requests[number - 1].method != "PUT");
    let mut touched = Vec::new();
    for number in points.into_iter().skip(1) {
        stage.cloud().remove_bucket(stage.bucket());
        if !stage.this().is_null() {
            stage.forget(THIS);
        }
        let run = apply_while_it_is_made_anew(&stage, &world, &proxy, number);
        let members = stage.policy().to_string();
        let good = stage.marker() == THEIRS
            && stage.seen()["metageneration"] == "1"
            && !members.contains("serviceAccount:wandb-byob")
            && !run.0.status.success();
        if !good {
            touched.push(format!(
                "{number}: {} {} {members} {}",
                stage.marker(),
                stage.seen(),
                run.text()
            ));
        }
    }
    assert!(touched.is_empty(), "{}", touched.join("\n\n"));
}

#[test]
fn twenty_buckets_of_a_run_that_was_killed_are_finished_by_the_next() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-twenty");
    let numbered = format!("{}-${{count.index}}", stage.bucket());
    let body = stage.bucket_block("count = 20", "create_access_key = true");
    stage.write(&body.replace(stage.bucket(), &numbered));
    for number in [60, 90] {
        assert!(
            is_killed_at(&stage, &proxy, number, &[]),
            "not killed at {number}"
        );
    }
    ends_well(&stage, "twenty");
    assert_eq!(stage.made_accounts().len(), 20);
    assert_eq!(stage.cloud().buckets().len(), 20);
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
    assert!(stage.cloud().buckets().is_empty());
}
