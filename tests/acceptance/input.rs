//! What somebody may write into arguments and variables and nobody can mean: refused by the
//! plan, at its place, without a secret in the message.

use crate::harness::{self, API_KEY, Aws, Cloud, hcl};

/// A stage whose buckets are on MinIO.
type Stage = crate::harness::Stage<crate::harness::Minio>;

/// Written into every text: what is wrong with it, and how it looks in a configuration.
const WRONG: [(&str, &str); 6] = [
    ("it is empty", ""),
    ("nothing but blanks", "  "),
    ("begins or ends with a blank", " hunter2x"),
    ("begins or ends with a blank", "hunter2x "),
    ("it holds a line break", "hunter2x\\n"),
    ("invisible character U+0001", "hunter2x\\u0001"),
];

pub fn head(stage: &harness::Stage<impl Cloud>) -> String {
    let provider = stage.provider("");
    let end = provider.find("provider \"wandb\"").expect("a block");
    provider[..end].to_owned()
}

fn assignments(names: &[&str], value: &str) -> String {
    let lines: Vec<String> = names
        .iter()
        .map(|name| format!("{name} = \"{value}\""))
        .collect();
    lines.join("\n")
}

/// How often a problem with this argument is told.
pub fn told(text: &str, name: &str) -> usize {
    text.matches(&format!("Error: Invalid {name} ")).count()
}

#[test]
fn every_text_of_the_provider_is_checked() {
    let stage = Stage::new("input-provider");
    let general = ["base_url", "api_key", "username", "organization"];
    let s3 = ["endpoint", "region", "access_key", "secret_key"];
    let aws = [
        "region",
        "profile",
        "access_key",
        "secret_key",
        "token",
        "assume_role_arn",
        "external_id",
    ];
    let services = ["s3", "kms", "iam", "sts"];
    for (why, value) in WRONG {
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n{}\n aws {{\n{}\n assume_role_with_web_identity = {{ role_arn = \"{value}\" }}\n \
             endpoints {{\n{}\n}}\n}}\n s3_compatible {{\n{}\n}}\n}}\n{}",
            head(&stage),
            assignments(&general, value),
            assignments(&aws, value),
            assignments(&services, value),
            assignments(&s3, value),
            stage.bucket_block("", ""),
        ));
        let text = stage.plan_fails();
        assert!(text.contains(why), "{why}: {text}");
        for name in general.iter().chain(&services) {
            assert_eq!(told(&text, name), 1, "{name} {value:?}: {text}");
        }
        for name in ["region", "access_key", "secret_key"] {
            assert_eq!(told(&text, name), 2, "{name} {value:?}: {text}");
        }
        for name in [
            "endpoint",
            "profile",
            "token",
            "assume_role_arn",
            "external_id",
        ] {
            assert_eq!(told(&text, name), 1, "{name} {value:?}: {text}");
        }
        assert_eq!(told(&text, "assume_role_with_web_identity"), 1, "{text}");
    }
    // Certificates are lines, and nothing is still none.
    for (ca_bundle, count) in [("", 2), ("\\n", 2), ("no certificate", 2)] {
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n ca_bundle = \"{ca_bundle}\"\n s3_compatible {{\n ca_bundle = \"{ca_bundle}\"\n}}\n}}\n{}",
            head(&stage),
            stage.bucket_block("", ""),
        ));
        assert_eq!(told(&stage.plan_fails(), "ca_bundle"), count, "{ca_bundle}");
    }
}

#[test]
fn every_text_of_the_resources_is_checked() {
    let stage = Stage::new("input-resources");
    let bucket = ["name", "path", "registration_name"];
    let s3 = [
        "endpoint",
        "region",
        "access_key",
        "secret_key",
        "ca_bundle",
        "kms_key_name",
        "wandb_access_key",
        "wandb_secret_key",
    ];
    let aws = [
        "region",
        "kms_key_arn",
        "aws_external_id",
        "permissions_boundary_arn",
    ];
    let sets = |value: &str| {
        format!("wandb_principal_arns = [\"{value}\"]\n kms_admin_arns = [\"{value}\"]")
    };
    for (why, value) in WRONG {
        // Certificates may have blanks and line breaks around them, and still are none.
        stage.write(&format!(
            "resource \"wandb_byob_bucket\" \"a\" {{\n{bucket}\n cors_allowed_origins = [\"{value}\"]\n s3_compatible {{\n{}\n}}\n}}\n\
             resource \"wandb_byob_bucket\" \"b\" {{\n name = \"acme-b\"\n aws {{\n{}\n{}\n}}\n}}\n\
             resource \"wandb_team_storage\" \"c\" {{\n team = \"{value}\"\n path = \"{value}\"\n members = [\"{value}\"]\n \
             storage = {{ name = \"{value}\", provider = \"AWS\" }}\n}}\n\
             resource \"wandb_team_storage\" \"d\" {{\n team = \"d\"\n byob_bucket {{\n{bucket}\n s3_compatible {{\n{}\n}}\n}}\n}}\n",
            assignments(&s3, value),
            assignments(&aws, value),
            sets(value),
            assignments(&s3, value),
            bucket = assignments(&bucket, value),
        ));
        let text = stage.plan_fails();
        assert!(text.contains(why), "{why}: {text}");
        for name in s3.iter().filter(|name| **name != "region") {
            assert_eq!(told(&text, name), 2, "{name} {value:?}: {text}");
        }
        assert_eq!(told(&text, "region"), 3, "{value:?}: {text}");
        for name in aws.iter().filter(|name| **name != "region") {
            assert_eq!(told(&text, name), 1, "{name} {value:?}: {text}");
        }
        for (name, count) in [
            ("name", 2),
            ("path", 3),
            ("registration_name", 2),
            ("cors_allowed_origins", 1),
            ("wandb_principal_arns", 1),
            ("kms_admin_arns", 1),
            ("team", 1),
            ("members", 1),
            ("storage", 1),
        ] {
            assert_eq!(told(&text, name), count, "{name} {value:?}: {text}");
        }
    }
}

#[test]
fn a_variable_is_checked_like_its_argument() {
    let secret = "hunter2-hunter2";
    let wrong_address = [
        "http://h/data",
        "127.0.0.1:9000",
        " http://h",
        "http://h\n",
        " ",
        "ftp://h",
        "http://u:hunter2-hunter2@h",
    ];
    let wrong_text = [
        " ",
        "hunter2-hunter2\n",
        " hunter2-hunter2",
        "hunter2-hunter2\u{1}",
    ];
    let s3: [(&str, &[&str]); 4] = [
        ("AWS_ENDPOINT_URL_S3", &wrong_address),
        ("AWS_REGION", &["us-east-1\n", "us east", " "]),
        ("AWS_ACCESS_KEY_ID", &wrong_text),
        ("AWS_SECRET_ACCESS_KEY", &wrong_text),
    ];
    let mut stage = Stage::new("input-variables");
    let login = stage.login.clone();
    let given = [
        ("AWS_ENDPOINT_URL_S3", login.endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", &login.access_key),
        ("AWS_SECRET_ACCESS_KEY", &login.secret_key),
    ];
    for (name, value) in given {
        stage.set(name, value);
    }
    let bucket = stage.bucket_block("", "");
    stage.write_raw(&format!(
        "{}provider \"wandb\" {{\n deployment = \"self_managed\"\n}}\n{bucket}",
        head(&stage)
    ));
    stage.plan();
    for ((name, good), (_, values)) in given.into_iter().zip(s3) {
        for value in values {
            stage.set(name, value);
            let text = stage.plan_fails();
            assert!(
                text.contains(&format!("Invalid {name}")),
                "{value:?}: {text}"
            );
            assert!(!text.contains(secret), "{name}: {text}");
        }
        stage.set(name, good);
    }
    // Set and empty is not set.
    stage.set("AWS_ENDPOINT_URL_S3", "");
    assert!(stage.plan_fails().contains("no endpoint is set"));
    stage.set("AWS_ENDPOINT_URL_S3", &login.endpoint);
    stage.set("AWS_REGION", "");
    stage.plan();
    // W&B's own.
    for (name, values) in [
        ("WANDB_BASE_URL", &wrong_address[..]),
        ("WANDB_API_KEY", &wrong_text[..]),
    ] {
        for value in values {
            stage.set(name, value);
            let text = stage.plan_fails();
            assert!(
                text.contains(&format!("Invalid {name}")),
                "{value:?}: {text}"
            );
            assert!(!text.contains(secret), "{name}: {text}");
        }
        stage.set(name, "");
        stage.plan();
    }
    // What the block says is what counts: nobody asks the variables then.
    for (name, values) in s3 {
        stage.set(name, values[0]);
    }
    stage.write(&stage.bucket_block("", "region = \"us-east-1\""));
    stage.plan();
}

#[test]
fn a_variable_of_amazons_tools_is_checked_before_they_read_it() {
    let mut stage = harness::Stage::<Aws>::new("input-aws");
    stage.tell_by_environment();
    stage.write_raw(&format!(
        "{}provider \"wandb\" {{\n deployment = \"dedicated\"\n}}\nresource \"wandb_byob_bucket\" \"this\" {{\n  \
         name = \"{}\"\n  aws {{\n  }}\n}}\n",
        head(&stage),
        stage.bucket()
    ));
    stage.set("AWS_REGION", "us-east-1");
    stage.plan();
    let wrong_text: &[&str] = &[" ", "hunter2-hunter2\n", " hunter2-hunter2"];
    let wrong_address: &[&str] = &[
        "https://h/data",
        "h",
        " https://h",
        "https://u:hunter2-hunter2@h",
    ];
    let wrong_region: &[&str] = &["us-east-1\n", "us-east", " "];
    for (name, values, good) in [
        ("AWS_ENDPOINT_URL_S3", wrong_address, ""),
        ("AWS_ENDPOINT_URL_KMS", wrong_address, ""),
        ("AWS_ENDPOINT_URL_IAM", wrong_address, ""),
        ("AWS_ENDPOINT_URL_STS", wrong_address, ""),
        ("AWS_SESSION_TOKEN", wrong_text, ""),
        ("AWS_PROFILE", &["a\n"][..], ""),
        ("AWS_REGION", wrong_region, "us-east-1"),
    ] {
        for value in values {
            stage.set(name, value);
            let text = stage.plan_fails();
            assert!(
                text.contains(&format!("Invalid {name}")),
                "{value:?}: {text}"
            );
            assert!(!text.contains("hunter2-hunter2"), "{name}: {text}");
        }
        stage.set(name, good);
    }
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ENDPOINT_URL",
    ] {
        stage.set(name, "https://hunter2-hunter2\n");
        let text = stage.plan_fails();
        assert!(text.contains(&format!("Invalid {name}")), "{text}");
        assert!(!text.contains("hunter2-hunter2"), "{text}");
        stage.tell_by_environment();
    }
    stage.plan();
}

#[test]
fn a_name_that_wandb_is_told_holds_no_credentials_and_no_detours() {
    let stage = Stage::new("input-names");
    for (name, path) in [
        ("s3://KEY:hunter2@h/b?region=r&tls=true", "a"),
        ("s3://h/../b", "a"),
        ("/b/", "a"),
        ("b", "/a/"),
        ("b", "../x"),
        ("b", "a//b"),
    ] {
        let place = if path == "a" { "name" } else { "path" };
        stage.write(&format!(
            "resource \"wandb_team_storage\" \"c\" {{\n team = \"c\"\n storage = {{\n provider = \"AWS\"\n \
             name = \"{name}\"\n path = \"{path}\"\n }}\n}}\n"
        ));
        let text = stage.plan_fails();
        assert_eq!(told(&text, "storage"), 1, "{name} {path}: {text}");
        assert!(
            text.contains(&format!("{place} of storage is not valid")),
            "{text}"
        );
        // Terraform repeats the line of the configuration, and nobody else does.
        assert!(text.matches("hunter2").count() <= 1, "{text}");
        if place == "name" {
            stage.write_bucket(&format!("registration_name = \"{name}\""), "");
            let text = stage.plan_fails();
            assert_eq!(told(&text, "registration_name"), 1, "{text}");
            assert!(text.matches("hunter2").count() <= 1, "{text}");
        }
    }
    // Null in a map is nothing.
    stage.wandb.fault(simulator::wandb::Fault::test_passes());
    stage.write(
        "resource \"wandb_team_storage\" \"c\" {\n team = \"c\"\n storage = {\n provider = \"AWS\"\n \
         name = \"b\"\n path = null\n kms_key_id = null\n }\n}\n",
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams()[0].storage.len(), 2);
}

/// The key of W&B's admin is sent in the clear to this very machine only, by no proxy.
#[test]
fn a_key_is_not_sent_in_the_clear() {
    let mut stage = Stage::new("input-clear");
    let write = |stage: &Stage, provider: &str| {
        let team = hcl!(
            r#"
                resource "wandb_team_storage" "this" {
                  team = "<name>"
                  storage = { name = "<name>", provider = "AWS" }
                }
            "#,
            name = stage.bucket()
        );
        let head = stage.provider("");
        let head = head.split("provider \"wandb\"").next().expect("a head");
        stage.write_raw(&format!(
            "{head}provider \"wandb\" {{\n{provider}\n}}\n{team}"
        ));
    };
    let key = format!("api_key = \"{API_KEY}\"");
    for address in [
        "http://wandb.example.com",
        "http://localhost.example.com:8080",
        "http://host.docker.internal",
        "http://192.168.7.8:8080",
        "http://0.0.0.0:8080",
        "http://[fe80::1]:8080",
    ] {
        write(&stage, &format!("base_url = \"{address}\"\n{key}"));
        let text = stage.plan_fails();
        assert!(
            text.contains("api_key is sent without TLS"),
            "{address}: {text}"
        );
        assert!(
            text.contains("base_url = "),
            "{address}: no place in {text}"
        );
        assert!(!text.contains(API_KEY), "{address}: {text}");
    }
    stage.set("WANDB_BASE_URL", "http://wandb.example.com");
    write(&stage, &key);
    assert!(stage.plan_fails().contains("WANDB_BASE_URL"));
    stage.set("WANDB_API_KEY", API_KEY);
    write(&stage, "");
    assert!(stage.plan_fails().contains("WANDB_BASE_URL"));
    // Nobody listens there.
    let own = stage.wandb.url();
    stage.set("WANDB_BASE_URL", &own);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        stage.set(name, "http://127.0.0.1:9");
    }
    stage.plan();
    assert!(!stage.wandb.requests().is_empty());
}
