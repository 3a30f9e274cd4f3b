//! Where credentials, subscription and addresses for Azure come from. The simulated services
//! check tokens, so an empty plan of a bucket that is there says that the right ones were found.

use std::fs;

use serde_json::{Value, json};
use simulator::azure::Config;

use super::{BY_KEY, Stage, alone, text};
use crate::harness::{AzureLogin, hcl};

/// What the ready server says about itself, under a name.
pub fn told(stage: &Stage, name: &str) -> String {
    text(&stage.cloud().ready()[name])
}

/// A bucket that is there.
pub fn stage(name: &str) -> Stage {
    let mut stage = alone(name);
    let home = stage.path().display().to_string();
    stage.set("HOME", &home);
    stage.set("AZURE_CONFIG_DIR", &home);
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage
}

/// The provider's block `azure` with these arguments and its addresses.
pub fn block(stage: &Stage, arguments: &str) {
    let login = stage.login.saying(arguments);
    let provider = stage.provider_on(&login, "");
    let provider = provider.replace("max_retries = 2", "max_retries = 0");
    stage.write_under(&provider, &stage.bucket_block(BY_KEY, ""));
}

/// Writes a file below the working directory; its path.
pub fn file(stage: &Stage, name: &str, text: &str) -> String {
    let path = stage.path().join(name);
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// Puts the bucket's resource back under the owner, and destroys it.
pub fn end(stage: &Stage) {
    stage.write_bucket(BY_KEY, "");
    stage.destroy();
}

/// Who may do everything with accounts and blobs, and has no secret.
pub fn helper(stage: &Stage) -> (String, String) {
    let made = stage.login.control("POST", "/principals", json!({}));
    let principal = text(&made["object_id"]);
    for role in ["Owner", "Storage Blob Data Owner"] {
        stage.login.grant(&principal, role);
    }
    (principal, text(&made["client_id"]))
}

#[test]
fn an_application_and_its_secret_are_arguments_or_variables() {
    let mut stage = stage("az-c-secret");
    let own = stage.login.credentials.clone();
    block(&stage, &own);
    stage.assert_empty_plan();
    block(&stage, "");
    for prefix in ["AZURE", "ARM"] {
        for (variable, name) in [
            ("SUBSCRIPTION_ID", "subscription_id"),
            ("TENANT_ID", "tenant_id"),
            ("CLIENT_ID", "client_id"),
            ("CLIENT_SECRET", "client_secret"),
        ] {
            let value = told(&stage, name);
            stage.set(&format!("{prefix}_{variable}"), &value);
        }
        stage.assert_empty_plan();
        if prefix == "AZURE" {
            for variable in ["SUBSCRIPTION_ID", "TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"] {
                stage.set(&format!("AZURE_{variable}"), "");
            }
        }
    }
    // ARM_* comes before AZURE_*, and what is empty is not set.
    let nobody = "99999999-9999-4999-a999-999999999999";
    stage.set("AZURE_CLIENT_ID", nobody);
    stage.assert_empty_plan();
    stage.set("ARM_CLIENT_ID", "");
    let text = stage.plan_fails();
    assert!(text.contains("AADSTS700016"), "{text}");
    // The block comes before both.
    block(&stage, &own);
    stage.assert_empty_plan();
    end(&stage);
}

#[test]
fn a_wrong_secret_is_told_with_what_to_do() {
    let stage = stage("az-c-wrong");
    let right = told(&stage, "client_secret");
    let own = stage.login.credentials.clone();
    let wrong = own.replace(&right, "hunter2-hunter2");
    block(&stage, &wrong);
    let text = stage.plan_fails();
    assert!(text.contains("AADSTS7000215"), "{text}");
    assert!(text.contains("ARM_CLIENT_SECRET"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    let tenant = told(&stage, "tenant_id");
    let elsewhere = own.replace(&tenant, "99999999-9999-4999-a999-999999999999");
    block(&stage, &elsewhere);
    let text = stage.plan_fails();
    assert!(text.contains("AADSTS90002"), "{text}");
    assert!(text.contains("tenant_id"), "{text}");
    for missing in ["tenant_id", "client_id"] {
        let lines: Vec<&str> = own.lines().filter(|one| !one.contains(missing)).collect();
        block(&stage, &lines.join("\n"));
        let text = stage.plan_fails();
        let variable = format!("ARM_{}", missing.to_uppercase());
        assert!(text.contains(&variable), "{missing}: {text}");
    }
    end(&stage);
}

#[test]
fn missing_credentials_and_subscriptions_are_told_with_what_to_do() {
    let mut stage = stage("az-c-none");
    stage.set("PATH", "/nonexistent");
    let subscription = format!("subscription_id = \"{}\"", told(&stage, "subscription_id"));
    // Terraform itself is found by its full name.
    let terraform = |stage: &Stage| {
        let found = std::env::split_paths(&std::env::var_os("PATH").expect("a path"))
            .map(|folder| folder.join("terraform"))
            .find(|path| path.is_file())
            .expect("terraform is installed");
        let made = stage.command(&["plan", "-no-color"]);
        let mut command = std::process::Command::new(found);
        command
            .args(made.get_args())
            .current_dir(made.get_current_dir().expect("a folder"));
        for (name, value) in made.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        crate::harness::Run(command.output().expect("terraform runs")).fails()
    };
    block(&stage, &subscription);
    let text = terraform(&stage);
    assert!(text.contains("az login"), "{text}");
    assert!(text.contains("ARM_CLIENT_SECRET"), "{text}");
    block(&stage, &format!("{subscription}\nuse_cli = false"));
    let text = terraform(&stage);
    assert!(text.contains("use_oidc"), "{text}");
    assert!(text.contains("use_msi"), "{text}");
    let own = stage.login.credentials.clone();
    let lines: Vec<&str> = own
        .lines()
        .filter(|one| !one.contains("subscription"))
        .collect();
    block(&stage, &lines.join("\n"));
    let text = terraform(&stage);
    assert!(text.contains("ARM_SUBSCRIPTION_ID"), "{text}");
    assert!(text.contains("az account show"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    stage.set("PATH", &std::env::var("PATH").expect("a path"));
    end(&stage);
}

/// Azure keeps the ids of subscriptions in any case.
#[test]
fn a_subscription_in_capitals_is_the_same() {
    let config = Config {
        subscription: "abcdefab-2222-4222-a222-222222222222".to_owned(),
        ..Config::default()
    };
    let stage = Stage::on("az-c-case", AzureLogin::start(config));
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let own = told(&stage, "subscription_id");
    let capitals = stage.login.credentials.replace(&own, &own.to_uppercase());
    block(&stage, &capitals);
    stage.assert_empty_plan();
    end(&stage);
}

#[test]
fn another_environment_has_other_addresses() {
    let stage = stage("az-c-cloud");
    let own = stage.login.credentials.clone();
    // The addresses of the block are in force wherever the tokens are for.
    for (environment, resource) in [
        ("usgovernment", "management.usgovcloudapi.net"),
        ("china", "management.chinacloudapi.cn"),
    ] {
        block(&stage, &format!("{own}\nenvironment = \"{environment}\""));
        let run = stage.terraform(&["plan", "-no-color"]);
        let asked = stage.cloud().requests();
        let signed_in = asked.iter().any(|one| one.service == "authority");
        assert!(signed_in, "{environment}");
        let text = run.text();
        assert!(
            run.0.status.success() || text.contains(resource),
            "{resource}: {text}"
        );
    }
    for environment in ["german", "", "Public"] {
        block(&stage, &format!("{own}\nenvironment = \"{environment}\""));
        let text = stage.plan_fails();
        assert!(text.contains("environment"), "{text}");
    }
    end(&stage);
}

#[test]
fn an_environment_that_is_no_cloud_is_refused_in_the_variable_as_well() {
    let mut stage = stage("az-c-cloudvar");
    let own = stage.login.credentials.clone();
    block(&stage, &own);
    stage.set("ARM_ENVIRONMENT", "public");
    stage.assert_empty_plan();
    stage.set("ARM_ENVIRONMENT", "mars");
    let text = stage.plan_fails();
    assert!(text.contains("ARM_ENVIRONMENT"), "{text}");
    stage.set("ARM_ENVIRONMENT", "");
    end(&stage);
}

#[test]
fn the_bundle_of_the_provider_covers_every_service() {
    let stage = stage("az-c-bundle");
    let pem = Value::from(stage.cloud().authority_pem()).to_string();
    let provider = stage.provider("");
    assert!(provider.contains(&format!("ca_bundle = {pem}")));
    let without = provider.replace(&format!("ca_bundle = {pem}"), "");
    stage.write_under(&without, &stage.bucket_block(BY_KEY, ""));
    let text = stage.plan_fails();
    assert!(text.contains("certificate"), "{text}");
    assert!(text.contains("ca_bundle"), "{text}");
    assert!(!text.contains("ARM_CLIENT_SECRET"), "{text}");
    end(&stage);
    // Management, authority, blobs and discovery are behind the same certificate, and a bucket
    // whose identity trusts that cluster needs them all.
    let stage = alone("az-c-bundleall");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let requests = stage.cloud().requests();
    for service in ["arm", "authority", "blob", "issuer"] {
        assert!(
            requests.iter().any(|one| one.service == service),
            "{service}"
        );
    }
    stage.destroy();
}

#[test]
fn a_template_of_the_blob_address_names_the_account() {
    let stage = stage("az-c-template");
    let blob = stage.login.blob.clone();
    for address in [
        format!("{blob}/{{account}}"),
        format!("{blob}/{{account}}/"),
        format!("{blob}/"),
    ] {
        let provider = stage.provider("").replace(
            &format!("blob = \"{blob}\""),
            &format!("blob = \"{address}\""),
        );
        assert!(provider.contains(&address));
        stage.write_under(&provider, &stage.bucket_block(BY_KEY, ""));
        stage.assert_empty_plan();
    }
    end(&stage);
}

#[test]
fn the_address_of_the_authority_may_be_a_variable() {
    let mut stage = stage("az-c-authority");
    let authority = stage.cloud().addresses().authority.clone();
    let line = format!("authority = \"{authority}\"");
    let provider = stage.provider("").replace(&line, "");
    stage.write_under(&provider, &stage.bucket_block(BY_KEY, ""));
    for address in [authority.clone(), format!("{authority}/")] {
        stage.set("AZURE_AUTHORITY_HOST", &address);
        stage.assert_empty_plan();
    }
    stage.set("AZURE_AUTHORITY_HOST", "http://login.example.com");
    let text = stage.plan_fails();
    assert!(text.contains("AZURE_AUTHORITY_HOST"), "{text}");
    stage.set("AZURE_AUTHORITY_HOST", "");
    end(&stage);
}

#[test]
fn no_secret_is_printed() {
    let mut stage = alone("az-c-trace");
    stage.set("TF_LOG", "TRACE");
    stage.write_bucket(BY_KEY, "");
    let text = stage.apply().text();
    let key = text_of_key(&stage);
    let secret = told(&stage, "client_secret");
    for secret in [&key, &secret] {
        assert!(!text.contains(secret.as_str()));
    }
    assert!(!text.contains("Bearer ey"), "a token was printed");
    let escaped = key.replace('+', "%2B").replace('/', "%2F");
    assert!(!text.contains(escaped.trim_end_matches('=')));
    assert!(!text.contains("&sig="), "a signature was printed");
    let text = stage.destroy().text();
    assert!(!text.contains(&key));
}

fn text_of_key(stage: &Stage) -> String {
    text(&stage.seen_account()["keys"][0])
}

#[test]
fn the_callers_new_secret_is_used_at_once() {
    let stage = stage("az-c-new");
    let (login, principal) = stage.login.somebody();
    for role in ["Owner", "Storage Blob Data Owner"] {
        login.grant(&principal, role);
    }
    block(&stage, &login.credentials);
    stage.assert_empty_plan();
    let broken =
        hcl!("<all>", all = login.credentials).replace("client_secret = \"", "client_secret = \"x");
    block(&stage, &broken);
    assert!(stage.plan_fails().contains("AADSTS7000215"));
    block(&stage, &login.credentials);
    stage.assert_empty_plan();
    end(&stage);
}
