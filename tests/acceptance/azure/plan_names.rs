//! Names and tags on Azure.

use serde_json::json;

use super::{BY_KEY, Stage};
use crate::input::told;

#[test]
fn bad_values_are_refused_at_their_argument() {
    let stage = Stage::new("az-n-bad");
    let long = "a".repeat(25);
    let long_account = format!("storage_account_name = \"{long}\"");
    for (block, argument) in [
        (r#"storage_account_name = "ab""#, "storage_account_name"),
        (
            r#"storage_account_name = "acme-wandb""#,
            "storage_account_name",
        ),
        (r#"storage_account_name = "Acme""#, "storage_account_name"),
        (long_account.as_str(), "storage_account_name"),
        (r#"resource_group_name = "acme.""#, "resource_group_name"),
        (r#"resource_group_name = "a/b""#, "resource_group_name"),
        (r#"location = "west-europe""#, "location"),
        (r#"replication = "zrs""#, "replication"),
        (r#"replication = "Standard_ZRS""#, "replication"),
        (r#"min_tls_version = "TLS1_1""#, "min_tls_version"),
        (r#"access = "sas""#, "access"),
        (r#"account_key = "key3""#, "account_key"),
        (
            r#"oidc_issuer_url = "http://a.example.com""#,
            "oidc_issuer_url",
        ),
        (
            r#"oidc_issuer_url = "https://a.example.com/?x""#,
            "oidc_issuer_url",
        ),
        (r#"identity_name = "a.b""#, "identity_name"),
        (r#"kubernetes_namespace = "ML""#, "kubernetes_namespace"),
        (
            r#"kubernetes_service_accounts = ["wandb_app"]"#,
            "kubernetes_service_accounts",
        ),
        (r#"wandb_principal_id = "acme""#, "wandb_principal_id"),
        (r#"wandb_roles = ["a/b"]"#, "wandb_roles"),
    ] {
        let (name, _) = block.split_once(' ').expect("a name");
        let usual: Vec<String> = stage
            .usual
            .lines()
            .filter(|line| !line.trim().starts_with(name))
            .map(str::to_owned)
            .collect();
        let text = stage
            .bucket_block("", block)
            .replace(&stage.usual, &usual.join("\n"));
        stage.write(&text);
        let text = stage.plan_fails();
        assert_eq!(told(&text, argument), 1, "{block}: {text}");
    }
}

#[test]
fn containers_follow_azures_rules() {
    let stage = Stage::new("az-n-names");
    let long = "a".repeat(64);
    for name in [
        "ab",
        "Acme",
        "acme_wandb",
        "-acme",
        "acme-",
        "a--b",
        "acme.wandb",
        "$root",
        &long,
    ] {
        let bucket = stage.bucket_block(BY_KEY, "").replace(
            &format!("name = \"{}\"", stage.bucket()),
            &format!("name = \"{name}\""),
        );
        stage.write(&bucket);
        let text = stage.plan_fails();
        assert_eq!(
            text.matches("Error: Invalid name").count(),
            1,
            "{name}: {text}"
        );
    }
    for name in ["0acme", "a-b-c", &"a".repeat(63)] {
        let bucket = stage.bucket_block(BY_KEY, "").replace(
            &format!("name = \"{}\"", stage.bucket()),
            &format!("name = \"{name}\""),
        );
        stage.write(&bucket);
        stage.plan();
    }
}

#[test]
fn tags_follow_azures_rules() {
    let stage = Stage::new("az-n-tags");
    let long_key = "a".repeat(513);
    let long_value = "a".repeat(257);
    let many: Vec<String> = (0..50).map(|one| format!("t{one} = \"\"")).collect();
    for tags in [
        r#"{ "a<b" = "ml" }"#.to_owned(),
        r#"{ "a%b" = "ml" }"#.to_owned(),
        r#"{ "a&b" = "ml" }"#.to_owned(),
        r#"{ "a/b" = "ml" }"#.to_owned(),
        r#"{ "a?b" = "ml" }"#.to_owned(),
        r#"{ "a\\b" = "ml" }"#.to_owned(),
        format!("{{ {long_key} = \"\" }}"),
        format!("{{ cost = \"{long_value}\" }}"),
        format!("{{ {} }}", many.join("\n")),
        r#"{ "terraform-provider-wandb" = "x" }"#.to_owned(),
        r#"{ "terraform-provider-wandb-container" = "x" }"#.to_owned(),
    ] {
        stage.write_bucket(&format!("{BY_KEY}\ntags = {tags}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("Invalid tags"), "{tags}: {text}");
    }
    let provider = stage.provider(r#"default_tags = { "a<b" = "ops" }"#);
    stage.write_under(&provider, &stage.bucket_block(BY_KEY, ""));
    let text = stage.plan_fails();
    assert!(text.contains(r#"default_tags["a<b"]"#), "{text}");
    let arguments =
        format!("{BY_KEY}\ntags = {{ \"Cost Center\" = \"ML (ü) a=b\", empty = \"\" }}");
    stage.write_bucket(&arguments, "");
    stage.apply();
    stage.assert_empty_plan();
    let tags = stage.seen_account()["tags"].clone();
    assert_eq!(tags["Cost Center"], "ML (ü) a=b");
    assert_eq!(tags["empty"], "");
    assert_eq!(
        stage.this()["tags_all"],
        json!({"Cost Center": "ML (ü) a=b", "empty": ""})
    );
    stage.destroy();
}

/// Azure keeps the first spelling of a tag's name.
#[test]
fn tags_that_differ_in_case_alone_are_refused() {
    let stage = Stage::new("az-n-tagcase");
    let arguments = format!("{BY_KEY}\ntags = {{ Cost = \"a\", cost = \"b\" }}");
    stage.write_bucket(&arguments, "");
    let text = stage.plan_fails();
    assert!(text.contains("Invalid tags"), "{text}");
}
