//! Where credentials, project and addresses for Google Cloud come from. The simulated services
//! check tokens, so an empty plan of a bucket that is there says that the right ones were
//! found.

use std::fs;

use serde_json::{Value, json};

use super::Stage;
use crate::harness::{PROJECT, hcl};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A bucket that is there, and an environment that says nothing but the addresses.
fn stage(name: &str) -> Stage {
    let mut stage = Stage::alone(
        name,
        simulator::gcs::Config {
            metadata_account: None,
            ..Default::default()
        },
    );
    let (home, url) = (stage.path().display().to_string(), stage.cloud().url());
    stage.set("HOME", &home);
    stage.set("CLOUDSDK_CONFIG", "");
    for service in [
        "STORAGE",
        "IAM",
        "IAM_CREDENTIALS",
        "KMS",
        "RESOURCE_MANAGER",
    ] {
        stage.set(&format!("GOOGLE_{service}_CUSTOM_ENDPOINT"), &url);
    }
    stage.write_bucket("", "");
    stage.apply();
    stage
}

/// The provider's block `gcp` with these arguments and nothing else.
fn block(stage: &Stage, arguments: &str) {
    stage.write_raw(&hcl!(
        r#"
            terraform {
              required_providers {
                wandb = { source = "wandb-byob/wandb" }
              }
            }
            provider "wandb" {
              deployment = "dedicated"
              max_retries = 0
              gcp {
                <arguments>
              }
            }
            <bucket>
        "#,
        arguments,
        bucket = stage.bucket_block("", "")
    ));
}

/// Writes a file below the working directory; its path.
fn file(stage: &Stage, name: &str, text: &str) -> String {
    let path = stage.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// The key file of the project's owner.
fn owner(stage: &Stage) -> String {
    let owner = stage.cloud().owner();
    stage.cloud().key_file(&owner).expect("a key")
}

/// Puts the bucket's resource back under the owner, and destroys it.
fn end(stage: &Stage) {
    stage.write_bucket("", "");
    stage.destroy();
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[test]
fn credentials_are_a_file_or_its_text() {
    let mut stage = stage("gcp-c-file");
    let text = owner(&stage);
    let path = file(&stage, "keys/owner.json", &text);
    block(&stage, &format!("credentials = {path:?}"));
    stage.assert_empty_plan();
    block(&stage, &format!("credentials = {}", quoted(&text)));
    stage.assert_empty_plan();
    block(&stage, "");
    for value in [path.as_str(), text.as_str()] {
        stage.set("GOOGLE_CREDENTIALS", value);
        stage.assert_empty_plan();
    }
    stage.set("GOOGLE_CREDENTIALS", "");
    stage.set("GOOGLE_APPLICATION_CREDENTIALS", &path);
    stage.assert_empty_plan();
    // The first that is set has to be right.
    let missing = stage.path().join("none.json").display().to_string();
    stage.set("GOOGLE_CREDENTIALS", &missing);
    let text = stage.plan_fails();
    assert!(text.contains("none.json"), "{text}");
    assert!(text.contains("GOOGLE_CREDENTIALS"), "{text}");
    stage.set("GOOGLE_CREDENTIALS", "");
    stage.set("GOOGLE_APPLICATION_CREDENTIALS", &missing);
    let text = stage.plan_fails();
    let words = text.replace(['\n', '│'], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let words = words.join(" ");
    let why = "Why: GOOGLE_APPLICATION_CREDENTIALS is of no use: the file";
    assert!(words.contains(why), "{text}");
    assert!(words.contains("which it names, does not exist"), "{text}");
    let advice = "What to do: Set GOOGLE_APPLICATION_CREDENTIALS to the path of a file";
    assert!(words.contains(advice), "{text}");
    end(&stage);
}

#[test]
fn a_token_is_used_as_it_is_and_before_all_else() {
    let mut stage = stage("gcp-c-token");
    let token = stage.cloud().token(&stage.cloud().owner());
    let project = format!("project = {PROJECT:?}");
    block(
        &stage,
        &format!("{project}\naccess_token = {token:?}\ncredentials = \"none.json\""),
    );
    stage.assert_empty_plan();
    block(&stage, &project);
    stage.set("GOOGLE_CREDENTIALS", "none.json");
    stage.set("GOOGLE_OAUTH_ACCESS_TOKEN", &token);
    stage.assert_empty_plan();
    stage.set("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.hunter2-hunter2");
    let text = stage.plan_fails();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        text.contains("401") || text.contains("credentials"),
        "{text}"
    );
    end(&stage);
}

#[test]
fn a_bare_token_cannot_prove_the_bucket() {
    let stage = Stage::new("gcp-c-bare");
    let token = stage.cloud().token("jane@example.com");
    stage
        .cloud()
        .grant_project(PROJECT, "roles/owner", "user:jane@example.com");
    let login = stage.login.saying(&format!("access_token = {token:?}"));
    stage.write_under(&stage.provider_on(&login, ""), &stage.bucket_block("", ""));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], false);
    let found = super::finding(&stage, "probe.put").expect("a finding");
    assert_eq!(found["status"], "unknown");
    stage.destroy();
}

#[test]
fn a_persons_credentials_are_used() {
    let mut stage = stage("gcp-c-person");
    stage
        .cloud()
        .grant_project(PROJECT, "roles/owner", "user:jane@example.com");
    let person = stage.cloud().user_file("jane@example.com");
    let path = file(&stage, "person.json", &person);
    stage.set("GOOGLE_APPLICATION_CREDENTIALS", &path);
    block(&stage, &format!("project = {PROJECT:?}"));
    stage.assert_empty_plan();
    // What gcloud writes is found by itself.
    stage.set("GOOGLE_APPLICATION_CREDENTIALS", "");
    let home = file(
        &stage,
        ".config/gcloud/application_default_credentials.json",
        &person,
    );
    assert!(home.starts_with(&stage.path().display().to_string()));
    stage.assert_empty_plan();
    // Wherever gcloud is told to keep its files.
    fs::remove_file(&home).expect("a file");
    assert!(stage.plan_fails().contains("gcloud auth"));
    let moved = file(
        &stage,
        "config/application_default_credentials.json",
        &person,
    );
    let folder = moved.rsplit_once('/').expect("a folder").0.to_owned();
    stage.set("CLOUDSDK_CONFIG", &folder);
    stage.assert_empty_plan();
    end(&stage);
}

#[test]
fn another_account_is_acted_as() {
    let mut stage = stage("gcp-c-act");
    let deployer = super::account(&stage, "deployer");
    let path = file(&stage, "owner.json", &owner(&stage));
    stage.set("GOOGLE_CREDENTIALS", &path);
    let act = format!("impersonate_service_account = {deployer:?}");
    block(&stage, &format!("project = {PROJECT:?}\n{act}"));
    let text = stage.plan_fails();
    assert!(text.contains(&deployer), "{text}");
    let owner = super::member(&stage.cloud().owner());
    stage
        .cloud()
        .grant_account(&deployer, "roles/iam.serviceAccountTokenCreator", &owner);
    stage
        .cloud()
        .grant_project(PROJECT, "roles/storage.admin", &super::member(&deployer));
    stage.assert_empty_plan();
    block(&stage, &format!("project = {PROJECT:?}"));
    stage.set("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", &deployer);
    stage.assert_empty_plan();
    stage.set("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "");
    end(&stage);
}

#[test]
fn the_project_is_looked_for_in_its_order() {
    let mut stage = stage("gcp-c-project");
    let path = file(&stage, "owner.json", &owner(&stage));
    stage.set("GOOGLE_CREDENTIALS", &path);
    // The credentials' own.
    block(&stage, "");
    stage.assert_empty_plan();
    let planned = |stage: &Stage| {
        stage.forget(crate::harness::THIS);
        let plan = stage.terraform(&["plan", "-no-color", "-refresh=false"]);
        plan.text()
    };
    stage.forget(crate::harness::THIS);
    let _ = planned;
    for (index, name) in [
        "CLOUDSDK_CORE_PROJECT",
        "GCLOUD_PROJECT",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_PROJECT",
    ]
    .iter()
    .enumerate()
    {
        let project = format!("project-number-{index}");
        stage
            .cloud()
            .add_account(&format!("x@{project}.iam.gserviceaccount.com"));
        let owner = super::member(&stage.cloud().owner());
        stage.cloud().grant_project(&project, "roles/owner", &owner);
        stage.set(name, &project);
        let other = stage.bucket_block("", "").replace(stage.bucket(), &project);
        let text = stage.written();
        let start = text.find("resource").expect("a resource");
        stage.write_raw(&format!("{}{other}", &text[..start]));
        let plan = stage.plan();
        let after = &plan.change(crate::harness::THIS)["after"];
        assert_eq!(after["gcp"]["project"], project, "{name}");
    }
    block(&stage, &format!("project = {PROJECT:?}"));
    stage
        .import(crate::harness::THIS, &stage.import_id())
        .succeeds();
    end(&stage);
}

#[test]
fn addresses_of_the_environment_are_used() {
    let mut stage = stage("gcp-c-address");
    let path = file(&stage, "owner.json", &owner(&stage));
    stage.set("GOOGLE_CREDENTIALS", &path);
    block(&stage, "");
    let url = stage.cloud().url();
    for address in [format!("{url}/storage/v1/"), format!("{url}/")] {
        stage.set("GOOGLE_STORAGE_CUSTOM_ENDPOINT", &address);
        stage.assert_empty_plan();
    }
    stage.set("GOOGLE_STORAGE_CUSTOM_ENDPOINT", "");
    let host = url.replace("http://", "");
    for address in [url.as_str(), host.as_str()] {
        stage.set("STORAGE_EMULATOR_HOST", address);
        stage.assert_empty_plan();
    }
    stage.set("GOOGLE_STORAGE_CUSTOM_ENDPOINT", NOWHERE);
    let text = stage.plan_fails();
    assert!(text.contains("Connection refused"), "{text}");
    // The block has the last word.
    block(
        &stage,
        &hcl!(
            r#"
                endpoints {
                  storage = "<url>/storage/v1/"
                }
            "#,
            url
        ),
    );
    stage.assert_empty_plan();
    end(&stage);
}

#[test]
fn missing_credentials_are_told_with_what_to_do() {
    let stage = stage("gcp-c-none");
    block(&stage, &format!("project = {PROJECT:?}"));
    let text = stage.plan_fails();
    assert!(text.contains("credentials"), "{text}");
    assert!(
        text.contains("GOOGLE_APPLICATION_CREDENTIALS") || text.contains("gcloud auth"),
        "{text}"
    );
    assert_ne!(stage.this(), json!(null));
    end(&stage);
}

#[test]
fn the_callers_new_key_is_used_at_once() {
    let stage = stage("gcp-c-new");
    let first = stage
        .cloud()
        .key_file(&stage.cloud().owner())
        .expect("a key");
    block(&stage, &format!("credentials = {}", quoted(&first)));
    stage.assert_empty_plan();
    let broken = first.replace("simulated-project.iam", "another-project.iam");
    block(&stage, &format!("credentials = {}", quoted(&broken)));
    let text = stage.plan_fails();
    assert!(!text.contains("PRIVATE KEY"), "{text}");
    block(&stage, &format!("credentials = {}", quoted(&owner(&stage))));
    stage.assert_empty_plan();
    end(&stage);
}

/// Who asks in the name of a project has to have the right to: so it is seen that it is named.
#[test]
fn the_buckets_project_pays_where_that_is_asked_for() {
    let stage = stage("gcp-c-pays");
    let person = "pays@example.com";
    let member = format!("user:{person}");
    let cloud = stage.cloud();
    cloud.grant_project(PROJECT, "roles/storage.admin", &member);
    let token = cloud.token(person);
    let pays = |is_asked: bool| {
        block(
            &stage,
            &hcl!(
                r#"
                    access_token = "<token>"
                    user_project_override = <is_asked>
                "#,
                token,
                is_asked
            ),
        );
    };
    pays(false);
    stage.assert_empty_plan();
    pays(true);
    let text = stage.plan_fails();
    assert!(text.contains("serviceusage.services.use"), "{text}");
    let role = "roles/serviceusage.serviceUsageConsumer";
    cloud.grant_project(PROJECT, role, &member);
    stage.assert_empty_plan();
    end(&stage);
}
