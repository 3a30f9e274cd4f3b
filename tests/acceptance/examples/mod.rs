//! Every example from the plan to the destroy, as it stands in its file.
//!
//! Addresses and keys come in by variables. A file below `examples/resources` is a
//! configuration together with `examples/provider/provider.tf`; every other folder with
//! configurations is one by itself.

mod aws;
mod azure;
mod gcp;
mod minio;
mod seaweedfs;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{API_KEY, Cloud, Stage};

/// The bucket's resource in most examples.
const BUCKET: &str = "wandb_byob_bucket.omega";

/// One example, and what it needs and does beyond being applied.
struct Example<C: Cloud> {
    /// Below `examples`: a file, or a folder.
    path: &'static str,
    /// What has to be there before it is planned.
    prepare: fn(&mut Stage<C>),
    /// What has to be there once it is applied, asked by independent clients.
    look: fn(&Stage<C>),
}

const fn example<C: Cloud>(
    path: &'static str,
    prepare: fn(&mut Stage<C>),
    look: fn(&Stage<C>),
) -> Example<C> {
    Example {
        path,
        prepare,
        look,
    }
}

fn nothing<C: Cloud>(_: &mut Stage<C>) {}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Everything below `examples` that is a configuration, by the paths of [`Example`].
fn found() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|kind| kind != "tf") {
                continue;
            }
            let file = path.strip_prefix(folder()).expect("below");
            let by_file = [
                "provider",
                "resources",
                "data-sources",
                "ephemeral-resources",
            ];
            let unit = match by_file.iter().any(|top| file.starts_with(top)) {
                true => file,
                false => file.parent().expect("a folder"),
            };
            found.insert(unit.display().to_string());
        }
    }
    found
}

#[test]
fn every_example_is_known() {
    let paths = minio::EXAMPLES.iter().map(|one| one.path);
    let paths = paths.chain(seaweedfs::EXAMPLES.iter().map(|one| one.path));
    let paths = paths.chain(aws::EXAMPLES.iter().map(|one| one.path));
    let paths = paths.chain(azure::EXAMPLES.iter().map(|one| one.path));
    let paths = paths.chain(gcp::EXAMPLES.iter().map(|one| one.path));
    let known: BTreeSet<String> = paths.map(str::to_owned).collect();
    let unknown: Vec<String> = found().difference(&known).cloned().collect();
    assert!(
        unknown.is_empty(),
        "nothing applies these examples; add them to EXAMPLES of their cloud in tests/acceptance/examples: {unknown:?}"
    );
}

/// Applies examples one after another, each on a stage of its own.
fn run<C: Cloud>(examples: &[Example<C>], stage: impl Fn() -> Stage<C>) {
    let there = |one: &&Example<C>| folder().join(one.path).exists();
    for example in examples.iter().filter(there) {
        // Shown when the test fails.
        println!("example {}", example.path);
        let mut stage = stage();
        give_variables(&mut stage);
        take(&stage, example.path);
        (example.prepare)(&mut stage);
        plan_apply_destroy(&stage, example);
    }
}

/// Plan, apply, a second plan that is empty, a look at the server, destroy.
fn plan_apply_destroy<C: Cloud>(stage: &Stage<C>, example: &Example<C>) {
    let plan = stage.plan();
    let is_provider = example.path.starts_with("provider/");
    // An import is no change, and it is planned all the same.
    let planned = plan.json["resource_changes"].as_array();
    assert_eq!(planned.is_none(), is_provider, "{}", plan.text);
    // The very plan that was looked at.
    stage.apply_plan().succeeds();
    stage.assert_empty_plan();
    (example.look)(stage);
    let buckets = buckets(stage);
    assert_eq!(buckets.is_empty(), is_provider);
    // What the W&B instance has left behind by trying them: with versioning, deleted
    // objects leave a version and a marker.
    for bucket in &buckets {
        C::clean_up(stage, bucket);
    }
    stage.destroy();
    for bucket in buckets {
        assert!(!C::is_there(stage, &bucket), "{bucket} is still there");
    }
}

/// The names of the buckets in the state.
fn buckets(stage: &Stage<impl Cloud>) -> Vec<String> {
    let shown = stage.terraform(&["show", "-json"]).succeeds();
    let state: Value = serde_json::from_slice(&shown.0.stdout).expect("JSON");
    let resources = state["values"]["root_module"]["resources"]
        .as_array()
        .cloned();
    resources
        .unwrap_or_default()
        .iter()
        .filter_map(|one| match one["type"].as_str() {
            Some("wandb_byob_bucket") => one["values"]["name"].as_str(),
            _ => one["values"]["byob_bucket"]["name"].as_str(),
        })
        .map(str::to_owned)
        .collect()
}

/// Everything that any example asks for. Terraform ignores what one does not declare.
fn give_variables<C: Cloud>(stage: &mut Stage<C>) {
    let url = stage.wandb.url();
    stage.set("TF_VAR_wandb_base_url", &url);
    stage.set("TF_VAR_wandb_api_key", API_KEY);
    for (name, value) in C::variables(&stage.login) {
        stage.set(&format!("TF_VAR_{name}"), &value);
    }
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
}

/// Copies an example, byte for byte, with the files that make it whole.
fn take(stage: &Stage<impl Cloud>, path: &str) {
    let from = folder().join(path);
    let mut files = Vec::new();
    if from.is_dir() {
        for entry in fs::read_dir(&from).expect("a folder") {
            files.push(entry.expect("an entry").path());
        }
        files.retain(|file| file.extension().is_some_and(|kind| kind == "tf"));
    } else {
        // An import block comes once there is something to import.
        files.push(if path.ends_with("/import.tf") {
            from.with_file_name("resource.tf")
        } else {
            from
        });
        files.push(folder().join("provider/provider.tf"));
    }
    for file in files {
        let name = file.file_name().expect("a file");
        fs::copy(&file, stage.path().join(name)).expect("copied");
    }
}
