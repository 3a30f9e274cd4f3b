//! The examples on MinIO.

use std::fs;

use serde_json::{Value, json};
use simulator::servers::MinioOptions;

use super::{BUCKET, Example, example, folder, nothing, run};
use crate::harness::{Login, Minio, minio_with, wait};

type Stage = crate::harness::Stage<Minio>;

/// What examples call the host of their server.
const HOST: &str = "minio.example.com:9000";

pub const EXAMPLES: &[Example<Minio>] = &[
    example("provider/provider.tf", nothing, no_bucket),
    example("resources/wandb_byob_bucket/resource.tf", nothing, made_key),
    example(
        "resources/wandb_byob_bucket/given_key.tf",
        key_of_wandb,
        given_key,
    ),
    example("resources/wandb_byob_bucket/settings.tf", nothing, settings),
    example(
        "resources/wandb_byob_bucket/import.tf",
        forgotten_bucket,
        made_key,
    ),
    example(
        "resources/wandb_team_storage/resource.tf",
        known_store,
        one_team,
    ),
    example(
        "resources/wandb_team_storage/shared.tf",
        known_shared_store,
        two_teams,
    ),
    example(
        "resources/wandb_team_storage/byob_bucket.tf",
        known_own_store,
        one_team,
    ),
    example(
        "resources/wandb_team_storage/import.tf",
        forgotten_team,
        one_team,
    ),
    example("two-providers", both_overridden, made_key),
    example("minio", first_step, team_of_minio),
];

#[test]
fn every_example_is_applied_and_destroyed() {
    let server = minio_with(MinioOptions {
        kms: true,
        ..MinioOptions::default()
    });
    run(EXAMPLES, || Stage::on("example", Login::of(&server)));
    wait(server.stop());
}

/// The step of the instance's operator: the bucket is made by an apply with these
/// arguments, and its address becomes known.
fn know_store(stage: &Stage, arguments: &[&str]) {
    stage.apply_with(arguments);
    let output = stage
        .terraform(&["output", "-raw", "supported_file_store"])
        .succeeds();
    let entry = String::from_utf8(output.0.stdout).expect("UTF-8");
    stage.wandb.add_store(&entry);
}

fn known_store(stage: &mut Stage) {
    know_store(stage, &["-target=wandb_byob_bucket.omega"]);
}

fn known_shared_store(stage: &mut Stage) {
    know_store(stage, &["-target=wandb_byob_bucket.shared"]);
}

fn known_own_store(stage: &mut Stage) {
    know_store(stage, &[]);
}

fn first_step(stage: &mut Stage) {
    know_store(stage, &[]);
    stage.set("TF_VAR_instance_knows_the_key", "true");
}

/// What is in the resource's example is there, and the state does not know it.
fn forget(stage: &Stage, resource: &str, address: &str) {
    stage.apply();
    stage.forget(address);
    // On the command line first, which is forgotten again.
    let shell = fs::read_to_string(folder().join(format!("resources/{resource}/import.sh")))
        .expect("a file");
    let host = stage.host();
    // The ids of other clouds are imported by their own tests.
    let mut commands = shell.lines().filter(|line| !line.starts_with('#'));
    let words: Vec<String> = commands
        .next()
        .expect("a command")
        .split_whitespace()
        .map(|word| word.replace(HOST, &host))
        .collect();
    assert_eq!(words[0], "terraform");
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    stage.terraform(&words).succeeds();
    assert_ne!(stage.state(address), Value::Null);
    stage.forget(address);
    take_import(stage, resource);
}

fn take_import(stage: &Stage, resource: &str) {
    let from = folder().join(format!("resources/{resource}/import.tf"));
    fs::copy(from, stage.path().join("import.tf")).expect("copied");
}

fn forgotten_bucket(stage: &mut Stage) {
    forget(stage, "wandb_byob_bucket", BUCKET);
}

fn forgotten_team(stage: &mut Stage) {
    known_store(stage);
    forget(stage, "wandb_team_storage", "wandb_team_storage.omega");
}

/// A user with W&B's rights, as the server's operator would have made it.
fn key_of_wandb(stage: &mut Stage) {
    let on = |actions: &[&str], resource: &str| json!({"Effect": "Allow", "Action": actions, "Resource": [resource]});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        on(&["s3:GetBucketCors", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration",
             "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"], "arn:aws:s3:::acme-wandb-omega"),
        on(&["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject*", "s3:PutObject"],
           "arn:aws:s3:::acme-wandb-omega/*"),
    ]});
    for (call, args) in [
        (
            "policy_add",
            json!({"policy_name": "wandb", "policy": policy}),
        ),
        (
            "user_add",
            json!({"access_key": "wandb", "secret_key": "wandb-secret-1"}),
        ),
        (
            "attach_policy",
            json!({"policies": ["wandb"], "user": "wandb"}),
        ),
    ] {
        stage.admin(call, args);
    }
    stage.set("TF_VAR_wandb_access_key", "wandb");
    stage.set("TF_VAR_wandb_secret_key", "wandb-secret-1");
}

/// The other provider is not needed to see whether the two can be told apart.
fn both_overridden(stage: &mut Stage) {
    let rules = fs::read_to_string(stage.path().join("cli.tfrc")).expect("a file");
    let line = rules
        .lines()
        .find(|line| line.contains("wandb-byob/wandb"))
        .expect("an override");
    let both = format!(
        "{line}\n{}",
        line.replace("wandb-byob/wandb", "wandb/wandb")
    );
    let file = stage.path().join("both.tfrc");
    fs::write(&file, rules.replace(line, &both)).expect("written");
    stage.set("TF_CLI_CONFIG_FILE", &file.display().to_string());
}

/// Asks about the bucket of most examples; the answer is a success.
fn omega(stage: &Stage, call: &str) -> Value {
    let answer = stage.ask("s3", call, json!({"Bucket": "acme-wandb-omega"}));
    assert!(answer.get("ok").is_some(), "{call}: {answer}");
    answer["ok"].clone()
}

fn no_bucket(stage: &Stage) {
    let answer = stage.ask("s3", "list_buckets", json!({}));
    assert_eq!(answer["ok"]["Buckets"].as_array().map_or(0, Vec::len), 0);
}

fn made_key(stage: &Stage) {
    assert_eq!(omega(stage, "get_bucket_versioning")["Status"], "Enabled");
    let users = stage.admin("user_list", json!({}));
    let users = users.as_object().expect("users");
    let made = users.keys().filter(|name| name.starts_with("wandb-byob-"));
    assert_eq!(made.count(), 1, "{users:?}");
}

fn given_key(stage: &Stage) {
    assert_eq!(omega(stage, "get_bucket_versioning")["Status"], "Enabled");
    let state = stage.state(BUCKET);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let kept = fs::read_to_string(stage.path().join("terraform.tfstate")).expect("a state");
    assert!(!kept.contains("wandb-secret-1"));
}

fn settings(stage: &Stage) {
    let rules = omega(stage, "get_bucket_lifecycle_configuration");
    assert_eq!(
        rules["Rules"][0]["NoncurrentVersionExpiration"]["NoncurrentDays"],
        30
    );
    assert_eq!(rules["Rules"][0]["Filter"]["Prefix"], "teams/omega/");
    let encryption = omega(stage, "get_bucket_encryption");
    let default = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"];
    assert_eq!(default["SSEAlgorithm"], "aws:kms");
    let tags = omega(stage, "get_bucket_tagging").to_string();
    assert!(tags.contains(r#""Value":"ml""#), "{tags}");
    made_key(stage);
}

/// The teams of the instance with their paths.
fn teams(stage: &Stage) -> Vec<(String, Option<String>)> {
    let teams = stage.wandb.teams().into_iter();
    teams
        .map(|team| (team.name, team.storage.get("path").cloned()))
        .collect()
}

fn one_team(stage: &Stage) {
    assert_eq!(teams(stage), [("omega".to_owned(), None)]);
    assert_eq!(stage.wandb.teams()[0].members, ["u-jane"]);
    made_key(stage);
}

fn two_teams(stage: &Stage) {
    let mut teams = teams(stage);
    teams.sort();
    let path = |team: &str| (team.to_owned(), Some(format!("teams/{team}")));
    assert_eq!(teams, [path("omega"), path("sigma")]);
}

fn team_of_minio(stage: &Stage) {
    let path = Some("teams/omega".to_owned());
    assert_eq!(teams(stage), [("omega".to_owned(), path)]);
    let rules = omega(stage, "get_bucket_lifecycle_configuration");
    let rule = &rules["Rules"][0]["NoncurrentVersionExpiration"];
    assert_eq!(rule["NoncurrentDays"], 30);
    // The instance was asked again once it knew the key.
    assert_eq!(stage.state(BUCKET)["findings"], json!([]));
    made_key(stage);
}
