//! W&B's key: given or made, rotated, and no longer wanted.

use serde_json::{Value, json};
use simulator::servers::MinioOptions;

use super::Stage;
use crate::harness::{Login, THIS, ask, hcl, minio_with, wait};

#[test]
fn a_given_key_of_wandb_is_proven_and_never_kept_when_write_only() {
    let stage = Stage::new("given");
    let login = &stage.login;
    stage.write_bucket(
        "",
        &hcl!(
            r#"
                wandb_access_key = "<access_key>"
                wandb_secret_key_wo = "<secret_key>"
                wandb_secret_key_wo_version = 1
            "#,
            access_key = login.access_key,
            secret_key = login.secret_key
        ),
    );
    // The administrator's key can do more than W&B's may.
    stage.apply();
    let state = stage.this();
    let found = state["findings"].as_array().expect("findings").iter();
    let statuses: Vec<_> = found
        .filter(|one| one["requirement"] == "access.wandb_read_write")
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(statuses, ["warn"]);
    assert_eq!(state["verified"], false);
    assert_eq!(state["supported_file_store"], json!(null));
    let file = std::fs::read_to_string(stage.path().join("terraform.tfstate")).expect("a state");
    let key = state["s3_compatible"]["wandb_secret_key_wo"].clone();
    assert_eq!(key, json!(null));
    assert!(!file.contains(&format!(r#""wandb_secret_key_wo": "{}"#, login.secret_key)));
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_key_is_rotated_in_place() {
    let stage = Stage::new("rotate");
    stage.write_bucket(
        "",
        r#"
            create_access_key = true
            access_key_rotation = "1"
        "#,
    );
    stage.apply();
    let before = stage.this();
    stage.write_bucket(
        "",
        r#"
            create_access_key = true
            access_key_rotation = "2"
        "#,
    );
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let after = stage.this();
    assert_ne!(before["access_key_id"], after["access_key_id"]);
    assert_eq!(before["generation"], after["generation"]);
    let list = |state: &Value| {
        let login = stage.login.clone().with_key_of(state);
        let args = json!({"Bucket": stage.bucket()});
        ask(&login, "s3", "list_objects_v2", args)
    };
    assert_eq!(list(&before)["error"], "InvalidAccessKeyId");
    assert!(list(&after).get("ok").is_some());
    stage.destroy();
}

#[test]
fn an_interface_that_the_server_does_not_have_is_reported() {
    let stage = Stage::new("wrong-api");
    stage.write_bucket(
        "",
        r#"
            create_access_key = true
            admin_api = "iam"
        "#,
    );
    let text = stage.apply_fails();
    assert!(text.contains("Set admin_api"), "{text}");
    // The next apply goes on with the right one.
    stage.write_bucket(
        "",
        r#"
            create_access_key = true
            admin_api = "minio"
        "#,
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
}

#[test]
fn a_key_that_is_not_wanted_any_more_goes_with_its_user() {
    let stage = Stage::new("no-key-more");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let user = stage.user();
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["access_key_id"], Value::Null);
    assert_eq!(state["supported_file_store"], Value::Null);
    stage.assert_no_user(&user);
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
}

#[test]
fn another_bucket_that_is_open_to_everybody_is_no_fault_of_wandbs_key() {
    let server = minio_with(MinioOptions::default());
    let stage = Stage::on("open-neighbour", Login::of(&server));
    let name = "a-public-bucket";
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": ["*"]}, "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")]}]});
    stage.ok("s3", "create_bucket", json!({"Bucket": name}));
    let args = json!({"Bucket": name, "Policy": policy.to_string()});
    stage.ok("s3", "put_bucket_policy", args);
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    wait(server.stop());
}
