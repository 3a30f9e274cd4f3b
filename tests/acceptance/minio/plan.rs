//! What is refused before anything is made.

use serde_json::Value;

use super::Stage;
use crate::harness::Login;

#[test]
fn paths_that_mean_something_else_are_refused() {
    let stage = Stage::new("odd-paths");
    for path in [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/./b",
        "a/../b",
        "a*",
        "a?b",
        "${aws:username}",
        "a\\b",
    ] {
        stage.write_bucket(&format!("path = {}", quoted(path)), "");
        stage.plan_fails();
    }
    assert!(!stage.exists());
}

/// A text as Terraform's language writes it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${")
}

#[test]
fn the_address_of_wandb_as_the_endpoint_is_an_error() {
    let stage = Stage::new("wrong-endpoint");
    let login = Login {
        endpoint: stage.wandb.url(),
        ..stage.login.clone()
    };
    let body = stage.bucket_block("", "create_access_key = true");
    stage.write_under(&stage.provider_on(&login, ""), &body);
    let text = stage.plan_fails();
    assert!(text.contains("The bucket cannot be planned"), "{text}");
}

#[test]
fn bad_input_is_an_error_with_its_place() {
    let stage = Stage::new("bad-input");
    let fails = |arguments: &str, block: &str, words: &str| {
        stage.write_bucket(arguments, block);
        let text = stage.plan_fails();
        assert!(text.contains(words), "{words} is not in {text}");
        assert!(text.contains("on main.tf line"), "no place in {text}");
    };
    fails(r#"path = "/x""#, "", "slash");
    fails(r#"scope = "everybody""#, "", "may be one of");
    fails("noncurrent_version_days = 0", "", "from 1 to");
    fails("cors_allowed_origins = []", "", "it is empty");
    fails(r#"verify = "maybe""#, "", "may be one of");
    fails("", r#"endpoint = "ftp://x""#, "http://");
    fails(
        "",
        r#"
            kms_key_name = "k"
            sse_algorithm = "AES256"
        "#,
        "named key",
    );
    fails(
        "",
        r#"wandb_access_key = "k""#,
        "wandb_secret_key does not fit",
    );
    fails(
        "",
        r#"
            create_access_key = true
            wandb_access_key = "k"
            wandb_secret_key = "s"
        "#,
        "wandb_access_key does not fit",
    );
    fails(
        r#"
            timeouts {
              create = "soon"
            }
        "#,
        "",
        "no duration",
    );
    let body = stage
        .bucket_block("", "")
        .replace(stage.bucket(), "Not_A_Bucket");
    stage.write(&body);
    assert!(stage.plan_fails().contains("lower-case letters"));
    assert!(!stage.exists());
}

#[test]
fn wandbs_rules_about_where_buckets_may_be_are_kept() {
    let stage = Stage::new("matrix");
    let body = stage.bucket_block("", "");
    stage.write_under(&stage.provider(r#"deployment = "multi_tenant""#), &body);
    let text = stage.plan_fails();
    assert!(text.contains("not on S3-compatible storage"), "{text}");
    let without = stage
        .provider("")
        .replace(&format!("base_url = {:?}", stage.wandb.url()), "");
    stage.write_under(&without, &body);
    let text = stage.plan_fails();
    assert!(
        text.contains("base_url") && text.contains("deployment"),
        "{text}"
    );
}
