//! Every example from the plan to the destroy, as it stands in its file.
//!
//! Addresses and keys come in by variables. A file below `examples/resources` is a
//! configuration together with `examples/provider/provider.tf`; every other folder with
//! configurations is one by itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use simulator::servers::{MinioOptions, Server};

use crate::aws_examples;
use crate::harness::{API_KEY, Login, Stage, ask, seaweedfs, wait};

const BUCKET: &str = "wandb_byob_bucket.omega";
/// What examples call the host of their server.
const HOST: &str = "minio.example.com:9000";

/// The server that an example runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Minio,
    SeaweedFs,
    Amazon,
}

/// One example, and what it needs and does beyond being applied.
struct Example {
    /// Below `examples`: a file, or a folder.
    path: &'static str,
    on: On,
    /// What has to be there before it is planned.
    prepare: fn(&mut Stage),
    /// What has to be there once it is applied, asked by independent clients.
    look: fn(&Stage),
}

const fn example(path: &'static str, prepare: fn(&mut Stage), look: fn(&Stage)) -> Example {
    Example {
        path,
        on: On::Minio,
        prepare,
        look,
    }
}

const fn on_aws(path: &'static str, prepare: fn(&mut Stage), look: fn(&Stage)) -> Example {
    Example {
        on: On::Amazon,
        ..example(path, prepare, look)
    }
}

const EXAMPLES: &[Example] = &[
    example("provider/provider.tf", nothing, no_bucket),
    example("resources/wandb_byob_bucket/resource.tf", nothing, made_key),
    Example {
        on: On::SeaweedFs,
        ..example("resources/wandb_byob_bucket/cors.tf", nothing, own_cors)
    },
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
    on_aws("aws-team", aws_examples::reached_bucket, aws_examples::team),
    on_aws("aws-instance", nothing, aws_examples::instance),
    on_aws(
        "aws-given-key",
        aws_examples::key_of_others,
        aws_examples::given_key,
    ),
];

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
    let known: BTreeSet<String> = EXAMPLES.iter().map(|one| one.path.to_owned()).collect();
    let unknown: Vec<String> = found().difference(&known).cloned().collect();
    assert!(
        unknown.is_empty(),
        "nothing applies these examples; add them to EXAMPLES in tests/acceptance/examples.rs: {unknown:?}"
    );
}

#[test]
fn every_example_lives() {
    let minio = wait(Server::minio(MinioOptions {
        kms: true,
        ..MinioOptions::default()
    }))
    .expect("MinIO starts");
    for example in EXAMPLES
        .iter()
        .filter(|one| folder().join(one.path).exists())
    {
        // Shown when the test fails.
        println!("example {}", example.path);
        let mut stage = match example.on {
            On::Minio => Stage::on("example", Login::of(&minio)),
            On::SeaweedFs => Stage::on("example", Login::of(seaweedfs())),
            On::Amazon => aws_examples::stage(),
        };
        give_variables(&mut stage);
        take(&stage, example.path);
        (example.prepare)(&mut stage);
        live(&stage, example);
    }
    wait(minio.stop());
}

/// Plan, apply, a second plan that is empty, a look at the server, destroy.
fn live(stage: &Stage, example: &Example) {
    let plan = stage.plan();
    let is_provider = example.path.starts_with("provider/");
    // An import is no change, and it is planned all the same.
    let planned = plan.json["resource_changes"].as_array();
    assert_eq!(planned.is_none(), is_provider, "{}", plan.text);
    // The very plan that was looked at.
    stage
        .terraform(&["apply", "-no-color", "plan.bin"])
        .succeeds();
    stage.assert_empty_plan();
    (example.look)(stage);
    let buckets = buckets(stage);
    assert_eq!(buckets.is_empty(), is_provider);
    for bucket in &buckets {
        empty(stage, bucket);
    }
    stage.destroy();
    for bucket in buckets {
        let answer = ask(&stage.login, "s3", "head_bucket", json!({"Bucket": bucket}));
        assert_eq!(answer["error"], "404", "{bucket} is still there");
    }
}

/// Removes what the W&B instance has left behind by trying the bucket: with versioning,
/// deleted objects leave a version and a marker.
fn empty(stage: &Stage, bucket: &str) {
    let on = |call: &str, mut args: Value| {
        args["Bucket"] = json!(bucket);
        ask(&stage.login, "s3", call, args)
    };
    let left = on("list_object_versions", json!({}));
    for kind in ["Versions", "DeleteMarkers"] {
        for one in left["ok"][kind].as_array().into_iter().flatten() {
            let args = json!({"Key": one["Key"], "VersionId": one["VersionId"]});
            on("delete_object", args);
        }
    }
}

/// The names of the buckets in the state.
fn buckets(stage: &Stage) -> Vec<String> {
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
fn give_variables(stage: &mut Stage) {
    let login = stage.login.clone();
    let host = login.endpoint.replace("http://", "");
    for (name, value) in [
        ("wandb_base_url", stage.wandb.url().as_str()),
        ("wandb_api_key", API_KEY),
        ("s3_endpoint", &login.endpoint),
        ("s3_access_key", &login.access_key),
        ("s3_secret_key", &login.secret_key),
        ("s3_host", &host),
        ("minio_endpoint", &login.endpoint),
        ("minio_access_key", &login.access_key),
        ("minio_secret_key", &login.secret_key),
    ] {
        stage.set(&format!("TF_VAR_{name}"), value);
    }
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
}

/// Copies an example, byte for byte, with the files that make it whole.
fn take(stage: &Stage, path: &str) {
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

fn nothing(_: &mut Stage) {}

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
    stage.terraform(&["state", "rm", address]).succeeds();
    // On the command line first, which is forgotten again.
    let shell = fs::read_to_string(folder().join(format!("resources/{resource}/import.sh")))
        .expect("a file");
    let host = stage.login.endpoint.replace("http://", "");
    let words: Vec<String> = shell
        .split_whitespace()
        .map(|word| word.replace(HOST, &host))
        .collect();
    assert_eq!(words[0], "terraform");
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    stage.terraform(&words).succeeds();
    assert_ne!(stage.state(address), Value::Null);
    stage.terraform(&["state", "rm", address]).succeeds();
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
        let answer = ask(&stage.login, "admin", call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
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
    let answer = ask(
        &stage.login,
        "s3",
        call,
        json!({"Bucket": "acme-wandb-omega"}),
    );
    assert!(answer.get("ok").is_some(), "{call}: {answer}");
    answer["ok"].clone()
}

fn no_bucket(stage: &Stage) {
    let answer = ask(&stage.login, "s3", "list_buckets", json!({}));
    assert_eq!(answer["ok"]["Buckets"].as_array().map_or(0, Vec::len), 0);
}

fn made_key(stage: &Stage) {
    assert_eq!(omega(stage, "get_bucket_versioning")["Status"], "Enabled");
    let users = ask(&stage.login, "admin", "user_list", json!({}));
    let users = users["ok"].as_object().expect("users");
    let made = users.keys().filter(|name| name.starts_with("wandb-byob-"));
    assert_eq!(made.count(), 1, "{users:?}");
}

fn own_cors(stage: &Stage) {
    let rule = omega(stage, "get_bucket_cors")["CORSRules"][0].clone();
    assert_eq!(rule["AllowedOrigins"], json!([stage.wandb.url()]));
    assert_eq!(rule["AllowedMethods"], json!(["GET", "HEAD", "PUT"]));
    assert_eq!(rule["MaxAgeSeconds"], 600);
    assert_eq!(stage.state(BUCKET)["verified"], true);
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
