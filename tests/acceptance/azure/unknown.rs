//! What is known on Azure only after something else of the same run is applied.

use serde_json::Value;

use super::{BY_KEY, Stage, alone};
use crate::harness::{THIS, hcl};
use crate::unknown::{LATER, applies, later};

#[test]
fn what_azure_hears_only_at_apply_makes_the_planned_bucket() {
    let either = |one: &str, other: &str| format!("terraform_data.later.output ? {one} : {other}");
    let issuer = Stage::new("az-later").login.issuer();
    let quoted = |text: &str| format!("\"{text}\"");
    let trust = format!("oidc_issuer_url = {}", quoted(&issuer));
    for (case, arguments, block) in [
        (
            "location",
            BY_KEY.to_owned(),
            format!("location = {}", later("\"northeurope\"")),
        ),
        (
            "no location",
            BY_KEY.to_owned(),
            format!("location = {}", either("null", "\"x\"")),
        ),
        (
            "copies",
            BY_KEY.to_owned(),
            format!("replication = {}", later("\"LRS\"")),
        ),
        (
            "tls",
            BY_KEY.to_owned(),
            format!("min_tls_version = {}", later("\"TLS1_3\"")),
        ),
        (
            "keys",
            BY_KEY.to_owned(),
            format!("shared_key_enabled = {}", later("true")),
        ),
        (
            "key",
            BY_KEY.to_owned(),
            format!("account_key = {}", later("\"key2\"")),
        ),
        (
            "access",
            String::new(),
            format!("access = {}", later("\"access_key\"")),
        ),
        (
            "scope",
            format!("scope = {}", either("\"instance\"", "\"team\"")),
            String::new(),
        ),
        (
            "issuer",
            String::new(),
            format!("oidc_issuer_url = {}", later(&quoted(&issuer))),
        ),
        (
            "name",
            String::new(),
            format!("{trust}\nidentity_name = {}", later("null")),
        ),
        (
            "space",
            String::new(),
            format!("{trust}\nkubernetes_namespace = {}", later("\"ml\"")),
        ),
        (
            "services",
            String::new(),
            format!(
                "{trust}\nkubernetes_service_accounts = [{}]",
                either("\"a\"", "\"b\"")
            ),
        ),
        (
            "roles",
            String::new(),
            format!(
                "{trust}\nwandb_roles = [{}]",
                either("\"Storage Blob Data Owner\"", "\"x\"")
            ),
        ),
        (
            "make",
            BY_KEY.to_owned(),
            format!("create_storage_account = {}", later("true")),
        ),
        (
            "days",
            format!("{BY_KEY}\nsoft_delete_days = {}", either("14", "8")),
            String::new(),
        ),
        (
            "tags",
            format!("{BY_KEY}\ntags = {{ a = {} }}", either("\"b\"", "\"c\"")),
            String::new(),
        ),
        (
            "path",
            format!("{BY_KEY}\npath = {}", later("\"a/b\"")),
            String::new(),
        ),
    ] {
        let stage = Stage::new("az-later");
        stage.write_bucket(&arguments, &block);
        let text = stage.written();
        stage.write_raw(&format!("{text}{LATER}"));
        applies(&stage, case);
        let state = stage.this();
        assert_eq!(state["verified"], true, "{case}: {}", state["findings"]);
        stage.destroy();
        assert_eq!(stage.seen_account(), Value::Null, "{case}");
    }
}

#[test]
fn a_group_and_an_account_that_are_known_late_are_taken() {
    let stage = Stage::new("az-lategroup");
    let block = stage.bucket_block(BY_KEY, "");
    let mut text = String::new();
    for line in block.lines() {
        match line.trim().split_once(" = ") {
            Some((name @ ("resource_group_name" | "storage_account_name"), value)) => {
                text.push_str(&format!("{name} = {}\n", later(value)));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    stage.write(&format!("{text}{LATER}"));
    applies(&stage, "late");
    assert_eq!(stage.this()["id"], stage.import_id());
    stage.destroy();
}

#[test]
fn what_is_no_good_once_it_is_known_makes_nothing() {
    let stage = Stage::new("az-nogood");
    for (arguments, block, words) in [
        (
            format!("{BY_KEY}\nsoft_delete_days = terraform_data.later.output ? 0 : 8"),
            String::new(),
            "soft_delete_days",
        ),
        (
            BY_KEY.to_owned(),
            format!("location = {}", later("\"a-b\"")),
            "location",
        ),
        (
            String::new(),
            format!("oidc_issuer_url = {}", later("null")),
            "oidc_issuer_url",
        ),
        (
            String::new(),
            format!("oidc_issuer_url = {}", later("\"http://a.example.com\"")),
            "oidc_issuer_url",
        ),
        (
            BY_KEY.to_owned(),
            format!("shared_key_enabled = {}", later("false")),
            "shared_key_enabled",
        ),
    ] {
        stage.write_bucket(&arguments, &block);
        let text = stage.written();
        stage.write_raw(&format!("{text}{LATER}"));
        let text = stage.apply_fails();
        assert!(text.contains(words), "{words}: {text}");
        assert_eq!(stage.seen_account(), Value::Null, "{words}");
        stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
    }
}

#[test]
fn a_provider_that_is_not_known_yet_is_not_guessed() {
    let stage = alone("az-openstate");
    let secret = stage.cloud().ready()["client_secret"].clone();
    let data = hcl!(
        r#"
            resource "terraform_data" "secret" {
              input = <secret>
            }
        "#,
        secret
    );
    let credentials = stage
        .login
        .credentials
        .replace(&secret.to_string(), "terraform_data.secret.output");
    let login = stage.login.saying(&credentials);
    let bucket = stage.bucket_block(BY_KEY, "");
    let provider = stage.provider_on(&login, "");
    stage.write_under(&provider, &format!("{data}{bucket}"));
    assert_eq!(stage.plan().actions(THIS), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    let data = data.replace(&secret.to_string(), "\"another-secret\"");
    stage.write_under(&provider, &format!("{data}{bucket}"));
    let plan = stage.plan();
    assert!(plan.text.contains("was not looked at"), "{}", plan.text);
    assert_eq!(plan.actions(THIS), ["no-op"], "{}", plan.text);
    stage.write_bucket(BY_KEY, "");
    stage.destroy();
}
