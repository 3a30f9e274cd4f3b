//! Servers that repeat what they were sent: no secret of this run gets into an error, a log
//! or the state by their words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulator::wandb::{Fault, Severity};

use crate::harness::{API_KEY, Run};

/// A stage whose buckets are on MinIO.
type Stage = crate::harness::Stage<crate::harness::Minio>;

/// The key in every form that it is sent in.
fn forms() -> [String; 3] {
    [
        API_KEY.to_owned(),
        STANDARD.encode(format!("api:{API_KEY}")),
        STANDARD.encode(format!("admin:{API_KEY}")),
    ]
}

/// Applies, and returns all that Terraform and the provider have written.
fn applied(stage: &Stage) -> String {
    let mut command = stage.command(&["apply", "-auto-approve", "-no-color"]);
    command.env("TF_LOG_PROVIDER", "TRACE");
    Run(command.output().expect("terraform runs")).text()
}

fn is_clean(stage: &Stage, text: &str, also: &[&str]) {
    let state = std::fs::read_to_string(stage.path().join("terraform.tfstate")).unwrap_or_default();
    for secret in forms()
        .iter()
        .map(String::as_str)
        .chain(also.iter().copied())
    {
        assert!(!text.contains(secret), "{secret} is in {text}");
        assert!(!state.contains(secret), "{secret} is in {state}");
    }
}

#[test]
fn words_of_the_instance_are_scrubbed() {
    for (path, code, kind, username) in [
        ("GET /scim/Groups", 400, "application/scim+json", ""),
        ("GET /scim/Groups", 403, "text/html", ""),
        (
            "GET /scim/Groups",
            400,
            "application/scim+json",
            "username = \"admin\"",
        ),
        ("POST /scim/Groups", 400, "application/scim+json", ""),
        (
            "POST /scim/Groups",
            500,
            "text/html",
            "username = \"admin\"",
        ),
        ("TestBucket", 200, "application/json", ""),
        ("TestBucket", 401, "text/html", ""),
        ("TeamStorage", 200, "application/json", ""),
    ] {
        let stage = Stage::new("secrets-wandb");
        stage.wandb.fault(Fault::test_passes());
        stage.wandb.fault(Fault::echo(path, code, kind, None));
        let provider = stage.provider(username);
        stage.write_raw(&format!(
            "{provider}resource \"wandb_team_storage\" \"omega\" {{\n  team = \"omega\"\n  \
             storage = {{ name = \"acme\", provider = \"AWS\" }}\n}}\n"
        ));
        let text = applied(&stage);
        assert!(text.contains("***"), "{path} {code}: {text}");
        is_clean(&stage, &text, &[]);
    }
}

#[test]
fn findings_hold_no_secret_of_the_run() {
    let stage = Stage::new("secrets-findings");
    let secret = stage.login.secret_key.clone();
    let said = format!("I was sent {API_KEY} and {secret}");
    stage.wandb.fault(Fault::test_result(Severity::Warn, &said));
    stage.write_bucket("", "create_access_key = true");
    let text = applied(&stage);
    assert!(text.contains("I was sent ***"), "{text}");
    is_clean(&stage, &text, &[&secret]);
    let findings = stage.this()["findings"].clone();
    assert!(
        findings.to_string().contains("I was sent *** and ***"),
        "{findings}"
    );
    stage.wandb.clear_faults();
    stage.wandb.fault(Fault::test_passes());
    stage.destroy();
    // An address with credentials that the instance tells is told without them.
    let stage = Stage::new("secrets-bound");
    let storage = [
        ("name", "s3://KEY:hunter2-hunter2@h/b?region=r&tls=true"),
        ("provider", "MINIO"),
    ];
    let storage = storage.map(|(key, value)| (key.to_owned(), value.to_owned()));
    stage.wandb.add_team("omega", &[], storage.into());
    stage.write(
        "import {\n  to = wandb_team_storage.omega\n  id = \"omega\"\n}\n\
         resource \"wandb_team_storage\" \"omega\" {\n  team = \"omega\"\n  \
         storage = { name = \"s3://h/b?region=r&tls=true\", provider = \"MINIO\" }\n}\n",
    );
    let text = applied(&stage);
    is_clean(&stage, &text, &["hunter2-hunter2"]);
    stage.assert_empty_plan();
    assert_eq!(
        stage.state("wandb_team_storage.omega")["storage_status"],
        "bound"
    );
}
