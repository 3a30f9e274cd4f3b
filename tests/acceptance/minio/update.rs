//! Changes of a bucket that is there.

use serde_json::json;

use super::Stage;
use crate::harness::{Login, THIS, hcl};

#[test]
fn settings_of_terraform_alone_touch_no_cloud() {
    let stage = Stage::new("alone");
    stage.write_bucket("", "");
    stage.apply();
    let before = stage.tags();
    stage.write_bucket(
        r#"
            on_destroy = "delete_everything"
            timeouts {
              create = "1m"
            }
        "#,
        "",
    );
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"]);
    assert_eq!(plan.changed(THIS), ["on_destroy", "timeouts"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags(), before);
    stage.destroy();
}

#[test]
fn the_callers_new_key_is_used_at_once() {
    let stage = Stage::new("caller-key");
    let own = stage.user_of_its_own("caller", "caller-secret-1");
    let args = json!({"policies": ["consoleAdmin"], "user": own.access_key});
    stage.admin("attach_policy", args);
    let block = |secret: &str| {
        hcl!(
            r#"
                access_key = "<access_key>"
                secret_key = "<secret>"
            "#,
            access_key = own.access_key,
            secret
        )
    };
    stage.write_bucket("", &block(&own.secret_key));
    stage.apply();
    let changed = json!({"access_key": own.access_key, "secret_key": "caller-secret-2"});
    stage.admin("user_add", changed);
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
fn an_endpoint_is_the_same_in_every_spelling() {
    let stage = Stage::new("spelling");
    stage.write_bucket("", "");
    stage.apply();
    let body = stage.bucket_block("", "");
    let other = Login {
        endpoint: format!("{}/", stage.login.endpoint.replace("http", "HTTP")),
        ..stage.login.clone()
    };
    stage.write_under(&stage.provider_on(&other, ""), &body);
    stage.assert_empty_plan();
    stage.write_bucket(
        "",
        &hcl!(
            r#"endpoint = "<endpoint>/""#,
            endpoint = stage.login.endpoint
        ),
    );
    let plan = stage.plan();
    assert_ne!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
