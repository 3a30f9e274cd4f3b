//! What is refused on Azure before anything is made, and what the caller is told.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, alone};
use crate::harness::{THIS, hcl};
use crate::input::told;

#[test]
fn what_does_not_fit_together_is_refused_at_its_argument() {
    let stage = Stage::new("az-p-fit");
    let key = |more: &str| (BY_KEY.to_owned(), more.to_owned());
    let identity = |more: &str| {
        let issuer = stage.login.issuer();
        (
            String::new(),
            format!("oidc_issuer_url = \"{issuer}\"\n{more}"),
        )
    };
    let principal = |more: &str| {
        let block = format!(
            "access = \"principal\"\nwandb_principal_id = \
             \"99999999-9999-4999-a999-999999999999\"\n{more}"
        );
        (String::new(), block)
    };
    for ((arguments, block), argument) in [
        (
            (
                String::new(),
                "access = \"access_key\"\noidc_issuer_url = \"https://a.example.com\"".to_owned(),
            ),
            "oidc_issuer_url",
        ),
        (
            (
                String::new(),
                "access = \"access_key\"\nidentity_name = \"acme\"".to_owned(),
            ),
            "identity_name",
        ),
        (
            (
                String::new(),
                "access = \"access_key\"\nshared_key_enabled = false".to_owned(),
            ),
            "shared_key_enabled",
        ),
        (
            identity("access = \"workload_identity\"\naccount_key = \"key2\""),
            "account_key",
        ),
        (
            principal("oidc_issuer_url = \"https://a.example.com\""),
            "oidc_issuer_url",
        ),
        (
            key("create_storage_account = false\nreplication = \"LRS\""),
            "replication",
        ),
        (
            key("create_storage_account = false\nmin_tls_version = \"TLS1_3\""),
            "min_tls_version",
        ),
        (
            key("create_storage_account = false\nshared_key_enabled = true"),
            "shared_key_enabled",
        ),
    ] {
        stage.write_bucket(&arguments, &block);
        let run = stage.terraform(&["plan", "-no-color"]);
        assert!(!run.0.status.success(), "{block}: {}", run.text());
        let text = run.fails();
        assert!(
            text.contains(&format!("{argument} does not fit the other arguments")),
            "{block}: {text}"
        );
        assert_eq!(text.matches("Error: ").count(), 1, "{block}: {text}");
    }
    // What a way in needs and nobody has said.
    for (arguments, block, argument) in [
        ("", "", "oidc_issuer_url"),
        (BY_KEY, "access = \"workload_identity\"", "oidc_issuer_url"),
        ("", "access = \"principal\"", "wandb_principal_id"),
    ] {
        stage.write_bucket(arguments, block);
        let text = stage.plan_fails();
        assert!(text.contains(&format!("Set {argument}")), "{block}: {text}");
    }
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn soft_delete_is_within_what_azure_takes() {
    let stage = Stage::new("az-p-days");
    for days in ["0", "366", "-7", "7.5"] {
        stage.write_bucket(&format!("{BY_KEY}\nsoft_delete_days = {days}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("soft_delete_days"), "{days}: {text}");
        assert_eq!(text.matches("Error: ").count(), 1, "{days}: {text}");
    }
    for days in ["1", "365"] {
        stage.write_bucket(&format!("{BY_KEY}\nsoft_delete_days = {days}"), "");
        stage.plan();
    }
}

#[test]
fn what_azure_does_not_have_is_refused() {
    let stage = Stage::new("az-p-none");
    stage.write_bucket(&format!("{BY_KEY}\nabort_multipart_days = 3"), "");
    let text = stage.plan_fails();
    assert_eq!(told(&text, "abort_multipart_days"), 1, "{text}");
    for argument in [
        "https_only = true",
        "kms_key_arn = \"x\"",
        "create_access_key = true",
    ] {
        stage.write_bucket(BY_KEY, argument);
        let text = stage.plan_fails();
        let (name, _) = argument.split_once(' ').expect("a name");
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_hierarchical_namespace_keeps_no_versions() {
    let stage = Stage::new("az-p-hns");
    stage.make_account(json!({"properties": {"isHnsEnabled": true}}));
    stage.write_in_anothers(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(text.contains("hierarchical namespace"), "{text}");
    assert!(text.contains("versioning = false"), "{text}");
    assert_ne!(stage.service()["isVersioningEnabled"], true);
    stage.write_in_anothers(&format!("{BY_KEY}\nversioning = false"), "");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn another_replication_is_azures_to_make() {
    let stage = Stage::new("az-p-copies");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.write_bucket(BY_KEY, r#"replication = "GRS""#);
    let text = stage.plan_fails();
    assert!(text.contains("az storage account"), "{text}");
    assert!(text.contains("GRS"), "{text}");
    assert_eq!(stage.seen_account()["sku"], "Standard_ZRS");
    stage.write_bucket(BY_KEY, "");
    stage.assert_empty_plan();
    stage.destroy();
    for (replication, sku) in [("LRS", "Standard_LRS"), ("RAGZRS", "Standard_RAGZRS")] {
        stage.write_bucket(BY_KEY, &format!("replication = \"{replication}\""));
        stage.apply();
        stage.assert_empty_plan();
        assert_eq!(stage.seen_account()["sku"], sku);
        stage.destroy();
    }
}

/// Azure has moved it, and the configuration has to follow.
#[test]
fn another_replication_at_azure_is_told() {
    let stage = alone("az-p-moved");
    stage.write_bucket(BY_KEY, r#"replication = "LRS""#);
    stage.apply();
    stage.microsoft(
        "storage.storage_accounts.update",
        json!([crate::harness::GROUP, stage.account(), {"sku": {"name": "Standard_GRS"}}]),
    );
    let text = stage.plan_fails();
    assert!(text.contains("GRS"), "{text}");
    stage.write_bucket(BY_KEY, r#"replication = "GRS""#);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn what_a_deployment_does_not_take_is_refused() {
    let stage = Stage::new("az-p-where");
    for (arguments, block) in [
        ("", stage.by_identity()),
        ("", "access = \"access_key\"".to_owned()),
    ] {
        let provider = stage.provider("").replace("dedicated", "multi_tenant");
        stage.write_under(&provider, &stage.bucket_block(arguments, &block));
        let text = stage.plan_fails();
        assert!(text.contains("W&B's multi-tenant service takes"), "{text}");
        assert_eq!(text.matches("Error: ").count(), 1, "{text}");
    }
    let provider = stage.provider("").replace("dedicated", "self_managed");
    stage.write_under(&provider, &stage.bucket_block("", &stage.by_identity()));
    stage.plan();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_missing_group_is_told_with_what_to_do() {
    let stage = Stage::new("az-p-group");
    let bucket = stage
        .bucket_block(BY_KEY, "")
        .replace(crate::harness::GROUP, "no-such-group");
    stage.write(&bucket);
    let text = stage.apply_fails();
    assert!(text.contains("no-such-group"), "{text}");
    assert!(text.contains("az group create"), "{text}");
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_subscription_that_is_not_registered_is_told_the_command() {
    let stage = alone("az-p-register");
    let registered = |is: bool| {
        let body = json!({ "registered": is });
        let path = "/providers/Microsoft.Storage";
        stage.login.control("PUT", path, body);
    };
    registered(false);
    stage.write_bucket(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(
        text.contains("az provider register --namespace Microsoft.Storage"),
        "{text}"
    );
    registered(true);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_name_that_is_taken_is_told_by_the_plan() {
    let stage = alone("az-p-taken");
    let theirs = "33333333-3333-4333-a333-333333333333";
    let other = json!({"id": theirs, "tenant": "44444444-4444-4444-a444-444444444444"});
    stage.login.control("POST", "/subscriptions", other);
    stage.make_account(json!({"subscription": theirs}));
    stage.write_bucket(BY_KEY, "");
    let text = stage.plan_fails();
    assert!(text.contains("taken"), "{text}");
    assert!(text.contains("storage_account_name"), "{text}");
    assert_eq!(stage.this(), Value::Null);
}

#[test]
fn an_account_in_another_group_of_the_subscription_is_told() {
    let stage = Stage::new("az-p-othergroup");
    stage.make_account(json!({"group": "another-group"}));
    stage.write_bucket(BY_KEY, "");
    let text = stage.plan_fails();
    assert!(text.contains("resource_group_name"), "{text}");
    assert!(text.contains("create_storage_account = false"), "{text}");
}

#[test]
fn what_the_caller_may_not_do_is_a_warning() {
    let stage = Stage::new("az-p-rights");
    let (login, principal) = stage.login.somebody();
    login.grant(&principal, "Reader");
    stage.write_under(
        &stage.provider_on(&login, ""),
        &stage.bucket_block("", &stage.by_identity()),
    );
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["create"]);
    for action in [
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    ] {
        assert!(plan.text.contains(action), "{action}: {}", plan.text);
    }
    assert!(
        !plan
            .text
            .contains("Microsoft.Storage/storageAccounts/read "),
        "{}",
        plan.text
    );
    // A contributor may do all but give roles.
    login.grant(&principal, "Contributor");
    let plan = stage.plan();
    assert!(
        plan.text
            .contains("Microsoft.Authorization/roleAssignments/write"),
        "{}",
        plan.text
    );
    assert!(
        !plan
            .text
            .contains("Microsoft.Storage/storageAccounts/write"),
        "{}",
        plan.text
    );
    login.grant(&principal, "Owner");
    let plan = stage.plan();
    assert!(!plan.text.contains("lack rights"), "{}", plan.text);
}

#[test]
fn a_refusal_names_the_action_and_what_was_made_is_gone_on_with() {
    let stage = Stage::new("az-p-refused");
    let (login, principal) = stage.login.somebody();
    for role in ["Contributor", "Storage Blob Data Owner"] {
        login.grant(&principal, role);
    }
    let bucket = stage.bucket_block("", &stage.by_identity());
    stage.write_under(&stage.provider_on(&login, ""), &bucket);
    let text = stage.apply_fails();
    assert!(
        text.contains("Microsoft.Authorization/roleAssignments/write"),
        "{text}"
    );
    assert!(text.contains("Give the caller a role"), "{text}");
    assert!(stage.exists());
    let made = stage.seen_account()["keys"].clone();
    login.grant(&principal, "Owner");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen_account()["keys"], made);
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn the_same_container_twice_is_an_error() {
    let stage = Stage::new("az-p-twice");
    let one = stage.bucket_block(BY_KEY, "");
    let two = one.replace("\"this\"", "\"that\"");
    stage.write(&format!("{one}{two}"));
    let text = stage.apply_fails();
    assert!(
        text.contains("twice") || text.contains("another resource"),
        "{text}"
    );
    stage.destroy();
}

#[test]
fn a_replacement_of_data_is_refused() {
    let stage = Stage::new("az-p-replace");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.put("a");
    let replace = ["plan", "-no-color", "-replace=wandb_byob_bucket.this"];
    let text = stage.terraform(&replace).fails();
    assert!(text.contains("1 object"), "{text}");
    let renamed = stage
        .bucket_block(BY_KEY, "")
        .replace(&stage.account(), "anotheraccount");
    stage.write(&renamed);
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    let text = {
        let block = hcl!(r#"location = "northeurope""#);
        stage.write_bucket(BY_KEY, &block);
        stage.plan_fails()
    };
    assert!(text.contains("would be replaced"), "{text}");
    stage.clean_up_objects();
}
