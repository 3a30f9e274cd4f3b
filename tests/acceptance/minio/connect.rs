//! How the server is reached, and what the user reads when it is not.

use std::time::Duration;

use simulator::proxy::{Cut, Options, Proxy};
use simulator::servers::MinioOptions;

use super::Stage;
use crate::harness::{API_KEY, Login, hcl, minio, minio_with, wait};

#[test]
fn a_wrong_secret_is_reported_and_never_printed() {
    let stage = Stage::new("wrong-secret");
    let login = Login {
        secret_key: "not-the-secret-42".to_owned(),
        ..stage.login.clone()
    };
    stage.write_under(&stage.provider_on(&login, ""), &stage.bucket_block("", ""));
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
fn an_unreachable_server_is_reported() {
    let stage = Stage::new("unreachable");
    // Nothing listens on the discard port.
    let login = Login {
        endpoint: "http://127.0.0.1:9".to_owned(),
        ..stage.login.clone()
    };
    stage.write_under(
        &stage
            .provider_on(&login, "")
            .replace("max_retries = 2", "max_retries = 0"),
        &stage.bucket_block("", ""),
    );
    let text = stage.plan_fails();
    assert!(text.contains("Check the endpoint"), "{text}");
}

#[test]
fn a_server_of_an_authority_of_its_own_is_trusted_by_ca_bundle() {
    let options = MinioOptions {
        tls: true,
        ..MinioOptions::default()
    };
    let server = minio_with(options);
    let stage = Stage::on("tls", Login::of(&server));
    let authority = server.authority().expect("an authority");
    let bundle = hcl!(
        r#"
            ca_bundle = <<-PEM
            <authority>
            PEM
        "#,
        authority
    );
    // In the provider's block, in the resource's, and nowhere.
    let write = |provider: &str, resource: &str| write_with_bundles(&stage, provider, resource);
    write("", "");
    let text = stage.apply_fails();
    assert!(text.contains("certificate"), "{text}");
    assert!(text.contains("ca_bundle"), "{text}");
    assert!(!text.contains(API_KEY), "{text}");
    assert!(!stage.exists());
    write(&bundle, "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["a"], "b");
    assert_eq!(stage.versioning(), "Enabled");
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let host = server.address();
    assert_eq!(
        state["storage_address"],
        format!("s3://{host}/{}?region=us-east-1&tls=true", stage.bucket())
    );
    // From the one to the other by way of both: a refresh has what the state has.
    write(&bundle, &bundle);
    stage.apply();
    write("", &bundle);
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
    wait(server.stop());
}

fn write_with_bundles(stage: &Stage, provider: &str, resource: &str) {
    let block = hcl!(
        r#"
            create_access_key = true
            <resource>
        "#,
        resource
    );
    let arguments = r#"
        register = false
        tags = { a = "b" }
    "#;
    let body = stage.bucket_block(arguments, &block);
    stage.write_under(&stage.provider_in("", provider), &body);
}

#[test]
fn an_operation_that_takes_too_long_says_so_and_is_gone_on_with() {
    let delay = Options {
        delay: Duration::from_millis(200),
    };
    let proxy = wait(Proxy::start(minio().address(), delay)).expect("the proxy starts");
    let login = Login {
        endpoint: proxy.url(),
        ..Login::of(minio())
    };
    let stage = Stage::on("slow", login);
    let arguments = |time: &str| {
        hcl!(
            r#"
                timeouts {
                  create = "<time>"
                }
            "#,
            time
        )
    };
    stage.write_bucket(&arguments("1s"), "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("the operation's timeout passed"), "{text}");
    assert!(text.contains("timeouts block"), "{text}");
    stage.write_bucket(&arguments("5m"), "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn without_retries_a_lost_answer_is_reported_and_gone_on_with() {
    let proxy = wait(Proxy::start(minio().address(), Options::default())).expect("it starts");
    let login = Login {
        endpoint: proxy.url(),
        ..Login::of(minio())
    };
    let stage = Stage::on("no-retries", login);
    let provider = stage
        .provider("")
        .replace("max_retries = 2", "max_retries = 0");
    let body = stage.bucket_block("", "create_access_key = true");
    stage.write_under(&provider, &body);
    // The bucket is made, and nobody hears of it.
    stage.plan_to_file();
    proxy.clear();
    // Terraform plans once more, which looks, and the second request is it.
    proxy.cut_at(2, Cut::After);
    let text = stage.apply_plan().fails();
    assert!(text.contains("s3:CreateBucket"), "{text}");
    assert!(text.contains("the bucket, bare"), "{text}");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
