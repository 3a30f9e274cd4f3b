//! What goes wrong, and what the user is told.

use serde_json::json;
use simulator::servers::{MinioOptions, Server};
use simulator::wandb::Config;

use crate::harness::{API_KEY, Login, Stage, ask, minio, wait};

const THIS: &str = "wandb_byob_bucket.this";

#[test]
fn a_wrong_secret_is_told_and_never_printed() {
    let stage = Stage::new("wrong-secret");
    let login = Login {
        secret_key: "not-the-secret-42".to_owned(),
        ..stage.login.clone()
    };
    stage.write_raw(&format!(
        "{}{}",
        stage.provider_on(&login, ""),
        stage.bucket_block("", "")
    ));
    let text = stage.plan_fails();
    assert!(text.contains("SignatureDoesNotMatch"), "{text}");
    assert!(text.contains("What to do: "), "{text}");
    assert!(!text.contains("not-the-secret-42"), "{text}");
}

#[test]
fn secrets_are_not_in_the_log_at_trace() {
    let mut stage = Stage::new("trace");
    stage.set("TF_LOG", "TRACE");
    stage.set("TF_LOG_PATH", "trace.log");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let state = stage.this();
    let log = std::fs::read_to_string(stage.path().join("trace.log")).expect("a log");
    assert!(
        log.contains("ApplyResourceChange"),
        "the log is not the provider's"
    );
    for line in log
        .lines()
        .filter(|line| line.contains("provider.terraform-provider-wandb"))
    {
        for secret in [
            &stage.login.secret_key,
            API_KEY,
            state["secret_access_key"].as_str().expect("a secret"),
        ] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    stage.destroy();
}

#[test]
fn an_unreachable_server_is_told() {
    let stage = Stage::new("unreachable");
    // Nothing listens on the discard port.
    let login = Login {
        endpoint: "http://127.0.0.1:9".to_owned(),
        ..stage.login.clone()
    };
    stage.write_raw(&format!(
        "{}{}",
        stage
            .provider_on(&login, "")
            .replace("max_retries = 2", "max_retries = 0"),
        stage.bucket_block("", "")
    ));
    let text = stage.plan_fails();
    assert!(text.contains("Check the endpoint"), "{text}");
}

#[test]
fn a_setting_that_the_user_wants_and_the_server_cannot_do_is_an_error() {
    let stage = Stage::new("no-kms");
    stage.write_bucket("", "sse_algorithm = \"AES256\"");
    let text = stage.apply_fails();
    assert!(
        text.contains("Encryption cannot be set on this server"),
        "{text}"
    );
    assert!(text.contains("KMS is not configured"), "{text}");
    // It is in the state, and the next apply goes on with it.
    assert!(stage.exists());
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_server_that_shuts_wandbs_browser_out_is_found_by_the_probe() {
    let options = MinioOptions {
        cors_origin: Some("https://example.com".to_owned()),
        ..MinioOptions::default()
    };
    let server = wait(Server::minio(options)).expect("MinIO starts");
    let stage = Stage::on("cors-origin", Login::of(&server));
    stage.write_bucket("", "create_access_key = true");
    let text = stage.apply().text();
    assert!(text.contains("probe.preflight"), "{text}");
    assert!(text.contains("does not yet work for W&B"), "{text}");
    assert_eq!(stage.this()["verified"], false);
    stage.assert_empty_plan();
    stage.destroy();
    wait(server.stop());
}

#[test]
fn a_read_only_key_cannot_make_a_bucket_and_says_which_call_failed() {
    let stage = Stage::new("readonly");
    let reader = Login {
        access_key: format!("reader{}", &stage.bucket()[stage.bucket().len() - 8..]),
        secret_key: "reader-secret-1".to_owned(),
        ..stage.login.clone()
    };
    let args = json!({"access_key": reader.access_key, "secret_key": reader.secret_key});
    assert!(
        ask(&stage.login, "admin", "user_add", args)
            .get("ok")
            .is_some()
    );
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": ["arn:aws:s3:::*"]}]});
    let name = format!("read-{}", reader.access_key);
    assert!(
        ask(
            &stage.login,
            "admin",
            "policy_add",
            json!({"policy_name": name, "policy": policy})
        )
        .get("ok")
        .is_some()
    );
    assert!(
        ask(
            &stage.login,
            "admin",
            "attach_policy",
            json!({"policies": [name], "user": reader.access_key})
        )
        .get("ok")
        .is_some()
    );
    stage.write_raw(&format!(
        "{}{}",
        stage.provider_on(&reader, ""),
        stage.bucket_block("", "")
    ));
    let text = stage.apply_fails();
    assert!(text.contains("s3:CreateBucket"), "{text}");
    assert!(text.contains("AccessDenied"), "{text}");
    assert!(!stage.exists());
}

#[test]
fn bad_input_is_an_error_at_plan_with_its_place() {
    let stage = Stage::new("bad-input");
    let fails = |arguments: &str, block: &str, words: &str| {
        stage.write_bucket(arguments, block);
        let text = stage.plan_fails();
        assert!(text.contains(words), "{words} is not in {text}");
        assert!(text.contains("on main.tf line"), "no place in {text}");
    };
    fails("path = \"/x\"", "", "slash");
    fails("scope = \"everybody\"", "", "may be one of");
    fails("noncurrent_version_days = 0", "", "from 1 to");
    fails("cors_allowed_origins = []", "", "it is empty");
    fails("verify = \"maybe\"", "", "may be one of");
    fails("", "endpoint = \"ftp://x\"", "http://");
    fails(
        "",
        "kms_key_name = \"k\"\n sse_algorithm = \"AES256\"",
        "named key",
    );
    fails(
        "",
        "wandb_access_key = \"k\"",
        "wandb_secret_key does not fit",
    );
    fails(
        "",
        "create_access_key = true\n wandb_access_key = \"k\"\n wandb_secret_key = \"s\"",
        "wandb_access_key does not fit",
    );
    fails("timeouts {\n create = \"soon\"\n }", "", "no duration");
    let body = stage
        .bucket_block("", "")
        .replace(stage.bucket(), "Not_A_Bucket");
    stage.write(&body);
    assert!(stage.plan_fails().contains("lower-case letters"));
    assert!(!stage.exists());
}

#[test]
fn wandbs_rules_about_where_buckets_may_be_are_kept_at_plan() {
    let stage = Stage::new("matrix");
    let body = stage.bucket_block("", "");
    stage.write_raw(&format!(
        "{}{body}",
        stage.provider("deployment = \"multi_tenant\"")
    ));
    let text = stage.plan_fails();
    assert!(text.contains("not on S3-compatible storage"), "{text}");
    let without = stage
        .provider("")
        .replace(&format!("base_url = \"{}\"", stage.wandb.url()), "");
    stage.write_raw(&format!("{without}{body}"));
    let text = stage.plan_fails();
    assert!(
        text.contains("base_url") && text.contains("deployment"),
        "{text}"
    );
}

#[test]
fn a_provider_that_is_unknown_at_plan_is_not_guessed() {
    let stage = Stage::new("unknown");
    let login = stage.login.clone();
    let provider = stage.provider("").replace(
        &format!("access_key = \"{}\"", login.access_key),
        "access_key = terraform_data.key.output",
    );
    let body = format!(
        "resource \"terraform_data\" \"key\" {{\n input = \"{}\"\n}}\n{}",
        login.access_key,
        stage.bucket_block("", "")
    );
    stage.write_raw(&format!("{provider}{body}"));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn the_callers_new_key_is_used_at_once() {
    let stage = Stage::new("caller-key");
    let own = Login {
        access_key: format!("caller{}", &stage.bucket()[stage.bucket().len() - 8..]),
        secret_key: "caller-secret-1".to_owned(),
        ..stage.login.clone()
    };
    let add = |secret: &str| {
        let args = json!({"access_key": own.access_key, "secret_key": secret});
        assert!(
            ask(&stage.login, "admin", "user_add", args)
                .get("ok")
                .is_some()
        );
    };
    add(&own.secret_key);
    let args = json!({"policies": ["consoleAdmin"], "user": own.access_key});
    assert!(
        ask(&stage.login, "admin", "attach_policy", args)
            .get("ok")
            .is_some()
    );
    let block = |secret: &str| {
        format!(
            "access_key = \"{}\"\n secret_key = \"{secret}\"",
            own.access_key
        )
    };
    stage.write_bucket("", &block(&own.secret_key));
    stage.apply();
    add("caller-secret-2");
    stage.write_bucket("", &block("caller-secret-2"));
    let text = stage
        .terraform(&["plan", "-no-color", "-refresh=false"])
        .succeeds()
        .text();
    assert!(text.contains("1 to change"), "{text}");
    stage.apply_with(&["-refresh=false"]);
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn registration_is_asked_for_as_configured() {
    let stage = Stage::new("register");
    // null: the instance cannot know the key yet, so its error is a warning finding.
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let findings = stage.this()["findings"].clone();
    let connection = findings
        .as_array()
        .expect("findings")
        .iter()
        .find(|one| one["requirement"] == "wandb.connection")
        .cloned();
    let connection = connection.expect("a finding about the connection");
    assert_eq!(connection["status"], "warn");
    assert!(
        connection["message"]
            .as_str()
            .is_some_and(|text| text.contains("GORILLA_SUPPORTED_FILE_STORES"))
    );
    assert_eq!(stage.this()["verified"], true);
    // true: it fails the apply.
    stage.write_bucket("register = true", "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    // Once the operator has told the instance, it passes.
    let store = stage.this()["supported_file_store"]
        .as_str()
        .expect("an address")
        .to_owned();
    stage.wandb.add_store(&store);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["findings"], json!([]));
    // false: nobody asks.
    stage.write_bucket("register = false", "create_access_key = true");
    stage.wandb.clear_requests();
    stage.apply();
    assert!(
        stage.wandb.requests().is_empty(),
        "{:?}",
        stage.wandb.requests().len()
    );
    // The instance has tried the bucket with a key that may not delete versions.
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn a_server_that_is_too_old_to_test_is_no_failure() {
    let config = Config {
        api_key: API_KEY.to_owned(),
        old_schema: true,
        ..Config::default()
    };
    let stage = Stage::with("old-schema", Login::of(minio()), config);
    stage.write_bucket("register = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let findings = stage.this()["findings"].clone();
    assert_eq!(findings[0]["requirement"], "wandb.connection");
    assert_eq!(findings[0]["status"], "unknown");
    stage.destroy();
}
