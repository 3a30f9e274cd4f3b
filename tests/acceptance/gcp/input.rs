//! What somebody may write into arguments and variables about Google Cloud and nobody can
//! mean: refused by the plan, at its place, without a secret in the message.

use super::Stage;
use crate::harness::PROJECT;
use crate::input::{head, told};

/// Written into every text: what is wrong with it, and how it looks in a configuration.
const WRONG: [(&str, &str); 6] = [
    ("it is empty", ""),
    ("nothing but blanks", "  "),
    ("begins or ends with a blank", " hunter2x"),
    ("begins or ends with a blank", "hunter2x "),
    ("it holds a line break", "hunter2x\\n"),
    ("invisible character U+0001", "hunter2x\\u0001"),
];

fn assignments(names: &[&str], value: &str) -> String {
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("{name} = \"{value}\""))
        .collect();
    lines.join("\n")
}

#[test]
fn every_text_is_checked() {
    let stage = Stage::new("gcp-texts");
    let provider = ["project", "access_token", "impersonate_service_account"];
    let services = [
        "storage",
        "iam",
        "iam_credentials",
        "kms",
        "resource_manager",
        "sts",
    ];
    let bucket = [
        "location",
        "storage_class",
        "wandb_service_account",
        "kms_key_name",
        "public_access_prevention",
    ];
    for (why, value) in WRONG {
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n gcp {{\n{}\n endpoints {{\n{}\n}}\n}}\n}}\n{}",
            head(&stage),
            assignments(&provider, value),
            assignments(&services, value),
            stage.bucket_block("", ""),
        ));
        let text = stage.plan_fails();
        assert!(text.contains(why), "{why}: {text}");
        for name in services.iter().chain(&provider) {
            assert_eq!(told(&text, name), 1, "{name} {value:?}: {text}");
        }
        stage.write(&format!(
            "resource \"wandb_byob_bucket\" \"a\" {{\n name = \"acme-a\"\n gcp {{\n project = \"{value}\"\n{}\n \
             wandb_roles = [\"{value}\"]\n}}\n}}\n\
             resource \"wandb_team_storage\" \"b\" {{\n team = \"b\"\n byob_bucket {{\n name = \"acme-b\"\n gcp {{\n{}\n \
             wandb_roles = [\"{value}\"]\n}}\n}}\n}}\n",
            assignments(&bucket, value),
            assignments(&bucket, value),
        ));
        let text = stage.plan_fails();
        assert_eq!(told(&text, "project"), 1, "{value:?}: {text}");
        for name in bucket.iter().chain(&["wandb_roles"]) {
            assert_eq!(told(&text, name), 2, "{name} {value:?}: {text}");
        }
    }
}

#[test]
fn credentials_are_checked_and_never_repeated() {
    let stage = Stage::new("gcp-json");
    for value in [
        "",
        "  ",
        "hunter2-hunter2\\nx",
        "{\\\"hunter2-hunter2\\\"}",
        "{\\\"type\\\": \\\"hunter2-hunter2\\\"}",
    ] {
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n deployment = \"dedicated\"\n gcp {{\n project = {PROJECT:?}\n \
             credentials = \"{value}\"\n}}\n}}\n{}",
            head(&stage),
            stage.bucket_block("", "")
        ));
        let text = stage.plan_fails();
        assert_eq!(told(&text, "credentials"), 1, "{value:?}: {text}");
        // Terraform repeats the line of the configuration, and nobody else does.
        assert!(text.matches("hunter2").count() <= 2, "{text}");
    }
}

#[test]
fn a_variable_is_checked_like_its_argument() {
    let mut stage = Stage::new("gcp-variables");
    let owner = stage
        .cloud()
        .key_file(&stage.cloud().owner())
        .expect("a key");
    let url = stage.cloud().url();
    stage.set("GOOGLE_CREDENTIALS", &owner);
    for service in [
        "STORAGE",
        "IAM",
        "IAM_CREDENTIALS",
        "KMS",
        "RESOURCE_MANAGER",
    ] {
        stage.set(&format!("GOOGLE_{service}_CUSTOM_ENDPOINT"), &url);
    }
    stage.write_raw(&format!(
        "{}provider \"wandb\" {{\n deployment = \"dedicated\"\n max_retries = 0\n}}\n{}",
        head(&stage),
        stage.bucket_block("", "")
    ));
    stage.plan();
    let wrong_text: &[&str] = &[
        " ",
        "hunter2-hunter2\n",
        " hunter2-hunter2",
        "hunter2 hunter2",
    ];
    let wrong_project: &[&str] = &[" ", "Acme", "acme prod", "acme-prod\n", "123456789012"];
    let wrong_address: &[&str] = &[
        "http://storage.example.com",
        "http://10.0.0.1:9023/storage/v1/",
        "https://h/data",
        " https://h",
        "https://h\n",
        "ftp://h",
        "https://u:hunter2-hunter2@h",
    ];
    let wrong_json: &[&str] = &[
        "{\"hunter2-hunter2\"}",
        "{\"type\": \"hunter2-hunter2\"}",
        "a\nhunter2-hunter2",
    ];
    for (name, values, good) in [
        ("GOOGLE_PROJECT", wrong_project, ""),
        ("GOOGLE_CLOUD_PROJECT", wrong_project, ""),
        ("GCLOUD_PROJECT", wrong_project, ""),
        ("CLOUDSDK_CORE_PROJECT", wrong_project, ""),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", wrong_text, ""),
        (
            "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
            &[
                "jane@example.com",
                "a@b-project.iam.gserviceaccount.com\n",
                " ",
            ],
            "",
        ),
        ("GOOGLE_STORAGE_CUSTOM_ENDPOINT", wrong_address, &url),
        ("GOOGLE_IAM_CUSTOM_ENDPOINT", wrong_address, &url),
        (
            "GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT",
            wrong_address,
            &url,
        ),
        ("GOOGLE_KMS_CUSTOM_ENDPOINT", wrong_address, &url),
        (
            "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
            wrong_address,
            &url,
        ),
        ("GOOGLE_CREDENTIALS", wrong_json, &owner),
        (
            "GCE_METADATA_HOST",
            &["http://127.0.0.1", "127.0.0.1/x", "a:b", "key:hunter2@h"],
            "",
        ),
    ] {
        for value in values {
            stage.set(name, value);
            let text = stage.plan_fails();
            assert!(
                text.contains(&format!("Invalid {name}")),
                "{value:?}: {text}"
            );
            assert!(!text.contains("hunter2"), "{name}: {text}");
        }
        stage.set(name, good);
    }
    stage.set("GOOGLE_STORAGE_CUSTOM_ENDPOINT", "");
    stage.set("STORAGE_EMULATOR_HOST", "storage.example.com:9023");
    let text = stage.plan_fails();
    assert!(text.contains("Invalid STORAGE_EMULATOR_HOST"), "{text}");
    stage.set("STORAGE_EMULATOR_HOST", "");
    stage.set("GOOGLE_STORAGE_CUSTOM_ENDPOINT", &url);
    stage.plan();
}

#[test]
fn an_address_in_the_clear_is_refused() {
    let stage = Stage::new("gcp-clear");
    let url = stage.cloud().url();
    for service in [
        "storage",
        "iam",
        "iam_credentials",
        "kms",
        "resource_manager",
        "sts",
    ] {
        let good = format!("{service} = \"{url}\"");
        let bad = format!("{service} = \"http://private.example.com\"");
        let provider = stage.provider("").replace(&good, &bad);
        assert!(provider.contains(&bad));
        stage.write_under(&provider, &stage.bucket_block("", ""));
        let text = stage.plan_fails();
        assert_eq!(told(&text, service), 1, "{text}");
        assert!(text.contains("loopback"), "{text}");
    }
}

#[test]
fn null_is_nothing() {
    let stage = Stage::new("gcp-null");
    let names = [
        "project",
        "location",
        "storage_class",
        "wandb_service_account",
        "wandb_roles",
        "kms_key_name",
        "public_access_prevention",
        "create_access_key",
        "access_key_rotation",
    ];
    let nulls: Vec<String> = names.iter().map(|name| format!("{name} = null")).collect();
    stage.write_bucket("soft_delete_days = null", &nulls.join("\n"));
    stage.apply();
    stage.assert_empty_plan();
    stage.write_bucket("", "");
    stage.assert_empty_plan();
    stage.destroy();
}
