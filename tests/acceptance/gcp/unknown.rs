//! What is known on Google Cloud only after something else of the same run is applied.

use super::{Stage, account, key};
use crate::harness::{THIS, hcl};
use crate::unknown::{LATER, applies, later};

#[test]
fn what_google_hears_only_at_apply_makes_the_planned_bucket() {
    for (case, arguments, block) in [
        ("no key", "", format!("kms_key_name = {}", later("null"))),
        ("location", "", format!("location = {}", later(r#""EU""#))),
        (
            "class",
            "",
            format!("storage_class = {}", later(r#""NEARLINE""#)),
        ),
        (
            "roles",
            "",
            format!(
                "wandb_roles = [{}]",
                r#"terraform_data.later.output ? "roles/storage.admin" : "roles/x""#
            ),
        ),
        (
            "an account",
            "",
            format!("create_access_key = {}", later("true")),
        ),
        (
            "prevention",
            "",
            format!("public_access_prevention = {}", later(r#""enforced""#)),
        ),
        (
            "project",
            "",
            format!("project = {}", later(r#""simulated-project""#)),
        ),
        (
            "days",
            "soft_delete_days = terraform_data.later.output ? 14 : 8",
            String::new(),
        ),
        (
            "no days",
            "soft_delete_days = terraform_data.later.output ? null : 8",
            String::new(),
        ),
        (
            "path",
            r#"path = terraform_data.later.output ? "a/b" : null"#,
            String::new(),
        ),
    ] {
        let stage = Stage::new("gcp-later");
        stage.write_bucket(arguments, &block);
        let text = stage.written();
        stage.write_raw(&format!("{text}{LATER}"));
        applies(&stage, case);
        assert_eq!(stage.this()["verified"], true, "{case}");
        stage.destroy();
    }
}

#[test]
fn a_key_and_an_account_that_are_known_late_are_taken() {
    let stage = Stage::new("gcp-late");
    let (email, key) = (account(&stage, "late-pods"), key(&stage, "us"));
    let block = hcl!(
        r#"
            wandb_service_account = terraform_data.later.output ? "<email>" : null
            kms_key_name = terraform_data.later.output ? "<key>" : null
        "#,
        email,
        key
    );
    let provider = stage.provider("").replace("dedicated", "self_managed");
    let bucket = stage.bucket_block("", &block);
    stage.write_under(&provider, &format!("{bucket}{LATER}"));
    applies(&stage, "late");
    assert_eq!(stage.this()["gcp"]["wandb_service_account"], email);
    assert_eq!(stage.seen()["encryption"]["defaultKmsKeyName"], key);
    stage.destroy();
}

#[test]
fn what_is_no_good_once_it_is_known_makes_nothing() {
    let stage = Stage::new("gcp-nogood");
    for (arguments, block, words) in [
        (
            "soft_delete_days = terraform_data.later.output ? 0 : 8",
            "",
            "soft_delete_days",
        ),
        (
            "",
            r#"wandb_service_account = terraform_data.later.output ? "jane@example.com" : null"#,
            "wandb_service_account",
        ),
        (
            "",
            r#"location = terraform_data.later.output ? "us east" : null"#,
            "location",
        ),
    ] {
        stage.write_bucket(arguments, block);
        let text = stage.written();
        stage.write_raw(&format!("{text}{LATER}"));
        let text = stage.apply_fails();
        assert!(text.contains(words), "{text}");
        assert!(!stage.exists());
        stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
    }
}

#[test]
fn a_provider_that_is_not_known_yet_is_not_guessed() {
    let stage = Stage::new("gcp-open");
    let token = stage.cloud().token(&stage.cloud().owner());
    let data = hcl!(
        r#"
            resource "terraform_data" "token" {
              input = "<token>"
            }
        "#,
        token
    );
    let login = stage
        .login
        .saying("access_token = terraform_data.token.output");
    let bucket = stage.bucket_block("", "");
    let provider = stage.provider_on(&login, "");
    stage.write_under(&provider, &format!("{data}{bucket}"));
    assert_eq!(stage.plan().actions(THIS), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    let data = data.replace(&token, "another-token");
    stage.write_under(&provider, &format!("{data}{bucket}"));
    let plan = stage.plan();
    assert!(plan.text.contains("was not looked at"), "{}", plan.text);
    assert_eq!(plan.actions(THIS), ["no-op"], "{}", plan.text);
    stage.write_bucket("", "");
    stage.destroy();
}
