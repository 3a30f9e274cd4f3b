//! What a look at the server finds: gone, denied, another server, settings of others.

use serde_json::json;
use simulator::servers::MinioOptions;
use simulator::wandb::{Config, Instance};

use super::Stage;
use crate::harness::{Login, THIS, minio_with, wait};

#[test]
fn a_bucket_that_vanished_is_made_again() {
    let stage = Stage::new("disappears");
    stage.write_bucket("", "");
    stage.apply();
    stage.s3_ok("delete_bucket", json!({}));
    assert_eq!(stage.plan().actions(THIS), ["create"]);
    stage.apply();
    assert!(stage.exists());
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn denied_is_not_gone() {
    let stage = Stage::new("denied");
    stage.write_bucket("", "");
    stage.apply();
    let nobody = stage.user_of_its_own("nobody", "nobody-secret-1");
    let body = stage.bucket_block("", "");
    stage.write_under(&stage.provider_on(&nobody, ""), &body);
    let text = stage.plan_fails();
    assert!(text.contains("AccessDenied"), "{text}");
    assert_eq!(stage.this()["name"], stage.bucket());
    stage.write(&body);
    stage.assert_empty_plan();
    stage.destroy();
}

/// The findings of a status, by requirement.
fn findings(stage: &Stage, status: &str) -> Vec<String> {
    let list = stage.this()["findings"].as_array().cloned();
    list.unwrap_or_default()
        .iter()
        .filter(|one| one["status"] == status)
        .filter_map(|one| one["requirement"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn another_server_at_the_same_address_is_no_deletion() {
    let server = minio_with(MinioOptions::default());
    let address = server.address();
    let stage = Stage::on("moved", Login::of(&server));
    stage.write_bucket("", "");
    stage.apply();
    wait(server.stop());
    // Whatever answers there now with 404 to everything is not the bucket's server.
    let config = Config {
        listen: address,
        ..Config::default()
    };
    let other = wait(Instance::start(config)).expect("the port is free again");
    let text = stage.plan_fails();
    assert!(text.contains("The bucket was not looked at"), "{text}");
    assert_ne!(stage.state(THIS), json!(null));
    stage.destroy_fails();
    assert_ne!(stage.state(THIS), json!(null));
    wait(other.stop());
}

#[test]
fn what_others_set_on_the_bucket_is_reported_and_stays() {
    let stage = Stage::new("foreign-settings");
    stage.write_bucket(r#"path = "p""#, "create_access_key = true");
    stage.apply();
    let resource = format!("arn:aws:s3:::{}/*", stage.bucket());
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Everybody", "Effect": "Allow",
        "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": [resource]}]});
    stage.put_policy(&policy);
    let rule = json!({"ID": "clean", "Status": "Enabled", "Filter": {"Prefix": ""},
        "Expiration": {"Days": 30}});
    stage.put_lifecycle(json!([rule]));
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let warned = findings(&stage, "warn");
    for requirement in ["access.public_blocked", "lifecycle.no_expiry"] {
        assert!(warned.iter().any(|one| one == requirement), "{warned:?}");
    }
    let text = stage.this()["findings"].to_string();
    assert!(text.contains("Everybody"), "{text}");
    stage.assert_empty_plan();
    // An apply of something else leaves both.
    stage.write_bucket(
        r#"
            path = "p"
            noncurrent_version_days = 4
        "#,
        "create_access_key = true",
    );
    stage.apply();
    let rules = stage.lifecycle();
    assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
    stage.s3_ok("get_bucket_policy", json!({}));
    stage.destroy();
}
