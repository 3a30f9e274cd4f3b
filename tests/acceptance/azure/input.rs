//! What somebody may write into arguments and variables about Azure and nobody can mean: refused
//! by the plan, at its place, without a secret in the message.

use super::{BY_KEY, Stage, alone};
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

/// Every text of a bucket's block.
const BUCKET: [&str; 11] = [
    "resource_group_name",
    "storage_account_name",
    "location",
    "replication",
    "min_tls_version",
    "access",
    "account_key",
    "oidc_issuer_url",
    "identity_name",
    "kubernetes_namespace",
    "wandb_principal_id",
];

#[test]
fn every_text_is_checked() {
    let stage = Stage::new("az-texts");
    let provider = [
        "subscription_id",
        "tenant_id",
        "client_id",
        "client_secret",
        "oidc_token",
        "oidc_token_file_path",
        "environment",
    ];
    let services = ["resource_manager", "authority", "blob"];
    for (why, value) in WRONG {
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n azure {{\n{}\n endpoints {{\n{}\n}}\n}}\n}}\n{}",
            head(&stage),
            assignments(&provider, value),
            assignments(&services, value),
            stage.bucket_block(BY_KEY, ""),
        ));
        let text = stage.plan_fails();
        assert!(text.contains(why), "{why}: {text}");
        for name in services.iter().chain(&provider) {
            assert_eq!(told(&text, name), 1, "{name} {value:?}: {text}");
        }
        let block = |name: &str| {
            format!(
                "name = \"acme-{name}\"\n azure {{\n{}\n wandb_roles = [\"{value}\"]\n \
                 kubernetes_service_accounts = [\"{value}\"]\n}}\n",
                assignments(&BUCKET, value)
            )
        };
        stage.write(&format!(
            "resource \"wandb_byob_bucket\" \"a\" {{\n{}}}\n\
             resource \"wandb_team_storage\" \"b\" {{\n team = \"b\"\n byob_bucket {{\n{}}}\n}}\n",
            block("a"),
            block("b"),
        ));
        let text = stage.plan_fails();
        let sets = ["wandb_roles", "kubernetes_service_accounts"];
        for name in BUCKET.iter().chain(&sets) {
            assert_eq!(told(&text, name), 2, "{name} {value:?}: {text}");
        }
    }
}

#[test]
fn secrets_are_never_repeated() {
    let stage = Stage::new("az-secrets");
    for name in ["client_secret", "oidc_token"] {
        for value in ["hunter2-hunter2\\nx", " hunter2-hunter2", "hunter2 hunter2"] {
            stage.write_raw(&format!(
                "{}provider \"wandb\" {{\n deployment = \"dedicated\"\n azure {{\n {name} = \
                 \"{value}\"\n}}\n}}\n{}",
                head(&stage),
                stage.bucket_block(BY_KEY, "")
            ));
            let text = stage.plan_fails();
            assert_eq!(told(&text, name), 1, "{value:?}: {text}");
            // Terraform repeats the line of the configuration, and nobody else does.
            assert!(text.matches("hunter2").count() <= 2, "{text}");
        }
    }
}

/// The bucket under nothing but addresses: all else is in variables.
fn under_variables(stage: &mut Stage) {
    let ready = stage.cloud().ready();
    for (variable, name) in [
        ("ARM_SUBSCRIPTION_ID", "subscription_id"),
        ("ARM_TENANT_ID", "tenant_id"),
        ("ARM_CLIENT_ID", "client_id"),
        ("ARM_CLIENT_SECRET", "client_secret"),
    ] {
        stage.set(variable, ready[name].as_str().expect("a text"));
    }
    let login = stage.login.saying("");
    let provider = stage.provider_on(&login, "");
    stage.write_under(&provider, &stage.bucket_block(BY_KEY, ""));
}

#[test]
fn a_variable_is_checked_like_its_argument() {
    let mut stage = alone("az-variables");
    under_variables(&mut stage);
    stage.plan();
    let wrong_id: &[&str] = &[" ", "acme", "hunter2-hunter2\n", " hunter2-hunter2"];
    let wrong_secret: &[&str] = &[
        " ",
        "hunter2-hunter2\n",
        " hunter2-hunter2",
        "hunter2-hunter2\u{1}",
    ];
    for (name, values) in [
        ("SUBSCRIPTION_ID", wrong_id),
        ("TENANT_ID", wrong_id),
        ("CLIENT_ID", wrong_id),
        ("CLIENT_SECRET", wrong_secret),
    ] {
        let good = stage.cloud().ready()[name.to_lowercase()]
            .as_str()
            .expect("a text")
            .to_owned();
        for prefix in ["ARM", "AZURE"] {
            let variable = format!("{prefix}_{name}");
            stage.set(&format!("ARM_{name}"), "");
            for value in values {
                stage.set(&variable, value);
                let text = stage.plan_fails();
                assert!(
                    text.contains(&format!("Invalid {variable}")),
                    "{value:?}: {text}"
                );
                assert!(!text.contains("hunter2-hunter2\u{1}"), "{text}");
                if name == "CLIENT_SECRET" {
                    assert!(!text.contains("hunter2"), "{variable}: {text}");
                }
            }
            stage.set(&variable, "");
            stage.set(&format!("ARM_{name}"), &good);
        }
    }
    stage.plan();
}

#[test]
fn other_variables_are_checked_as_well() {
    let mut stage = alone("az-variables2");
    under_variables(&mut stage);
    let authority = stage.cloud().addresses().authority.clone();
    let written = stage.written();
    stage.write_raw(&written.replace(&format!("authority = \"{authority}\""), ""));
    stage.set("AZURE_AUTHORITY_HOST", &authority);
    stage.plan();
    let wrong_flag: &[&str] = &["perhaps", " ", "TRUE\n", "2"];
    let wrong_secret: &[&str] = &["hunter2-hunter2\n", " hunter2-hunter2"];
    for (name, values, before) in [
        ("ARM_ENVIRONMENT", &["mars", "public\n", " "][..], ""),
        ("ARM_USE_OIDC", wrong_flag, ""),
        ("ARM_USE_MSI", wrong_flag, "ARM_CLIENT_SECRET"),
        ("ARM_USE_CLI", wrong_flag, "ARM_CLIENT_SECRET"),
        ("ARM_OIDC_TOKEN", wrong_secret, "ARM_CLIENT_SECRET"),
        (
            "ARM_OIDC_TOKEN_FILE_PATH",
            &[" ", "/x\n"][..],
            "ARM_CLIENT_SECRET",
        ),
        (
            "AZURE_FEDERATED_TOKEN_FILE",
            &[" ", "/x\n"][..],
            "ARM_CLIENT_SECRET",
        ),
        (
            "AZURE_AUTHORITY_HOST",
            &[
                "http://login.example.com",
                "login.example.com",
                "https://u:hunter2@h",
                "https://h/x",
                " https://h",
            ][..],
            "",
        ),
    ] {
        // What comes first is not asked for then.
        let good = std::env::var(before).ok();
        if name == "ARM_USE_OIDC" {
            stage.set("ARM_CLIENT_SECRET", "");
        } else if !before.is_empty() {
            stage.set(before, "");
        }
        drop(good);
        let kept = authority.clone();
        for value in values {
            stage.set(name, value);
            let text = stage.plan_fails();
            assert!(
                text.contains(&format!("Invalid {name}")),
                "{name} {value:?}: {text}"
            );
            assert!(!text.contains("hunter2"), "{name}: {text}");
        }
        stage.set(
            name,
            if name == "AZURE_AUTHORITY_HOST" {
                &kept
            } else {
                ""
            },
        );
        let secret = stage.cloud().ready()["client_secret"]
            .as_str()
            .expect("a secret")
            .to_owned();
        stage.set("ARM_CLIENT_SECRET", &secret);
    }
    stage.plan();
}

#[test]
fn an_address_in_the_clear_is_refused() {
    let stage = Stage::new("az-clear");
    for service in ["resource_manager", "authority", "blob"] {
        let line = stage
            .provider("")
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with(&format!("{service} = ")))
            .expect("an address")
            .to_owned();
        for bad in ["http://private.example.com", "http://10.0.0.1:10000"] {
            let wrong = format!("{service} = \"{bad}\"");
            let provider = stage.provider("").replace(&line, &wrong);
            assert!(provider.contains(&wrong));
            stage.write_under(&provider, &stage.bucket_block(BY_KEY, ""));
            let text = stage.plan_fails();
            assert_eq!(told(&text, service), 1, "{text}");
            assert!(text.contains("https://"), "{text}");
        }
    }
}

#[test]
fn null_is_nothing() {
    let stage = Stage::new("az-null");
    let names = [
        "location",
        "create_storage_account",
        "replication",
        "min_tls_version",
        "shared_key_enabled",
        "access",
        "account_key",
        "oidc_issuer_url",
        "identity_name",
        "kubernetes_namespace",
        "kubernetes_service_accounts",
        "wandb_principal_id",
        "wandb_roles",
    ];
    let nulls: Vec<String> = names.iter().map(|name| format!("{name} = null")).collect();
    let arguments = format!("{BY_KEY}\nsoft_delete_days = null");
    stage.write_bucket(&arguments, &nulls.join("\n"));
    stage.apply();
    stage.assert_empty_plan();
    stage.write_bucket(BY_KEY, "");
    stage.assert_empty_plan();
    stage.destroy();
    for name in ["resource_group_name", "storage_account_name"] {
        let block = stage.bucket_block(BY_KEY, "");
        let line = block
            .lines()
            .find(|line| line.trim().starts_with(name))
            .expect("a line");
        stage.write(&block.replace(line, &format!("{name} = null")));
        let text = stage.plan_fails();
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn null_in_a_set_is_an_error() {
    let stage = Stage::new("az-nullset");
    for name in ["wandb_roles", "kubernetes_service_accounts"] {
        let block = format!("{}\n{name} = [\"a\", null]", stage.by_identity());
        stage.write_bucket("", &block);
        let text = stage.plan_fails();
        assert_eq!(told(&text, name), 1, "{text}");
        let block = format!("{}\n{name} = []", stage.by_identity());
        stage.write_bucket("", &block);
        let text = stage.plan_fails();
        assert_eq!(told(&text, name), 1, "{text}");
    }
}

#[test]
fn what_the_provider_block_leaves_open_is_not_taken_from_the_environment() {
    const LATER: &str = "resource \"terraform_data\" \"later\" {\n  input = \"x\"\n}\n";
    let open = "terraform_data.later.output";
    for argument in [
        "subscription_id",
        "tenant_id",
        "client_id",
        "client_secret",
        "environment",
        "resource_manager",
        "authority",
        "blob",
    ] {
        let mut stage = alone("az-open");
        under_variables(&mut stage);
        let text = stage.written();
        let text = match text.find(&format!("{argument} = ")) {
            Some(at) => {
                let end = at + text[at..].find('\n').expect("a line");
                format!("{}{argument} = {open}{}", &text[..at], &text[end..])
            }
            None => text.replace("azure {\n", &format!("azure {{\n{argument} = {open}\n")),
        };
        // The bucket's own block has no such argument.
        let text = match text.find("resource \"wandb_byob_bucket\"") {
            Some(at) => format!(
                "{}{}",
                &text[..at],
                text[at..].replace(&format!("{argument} = {open}\n"), "")
            ),
            None => text,
        };
        stage.write_raw(&format!("{text}{LATER}"));
        let plan = stage.plan();
        assert_eq!(
            plan.actions("wandb_byob_bucket.this"),
            ["create"],
            "{argument}: {}",
            plan.text
        );
        let asked = stage.cloud().requests();
        assert!(asked.is_empty(), "{argument}: {asked:?}");
    }
}
