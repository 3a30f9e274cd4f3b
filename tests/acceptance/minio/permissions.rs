//! The permissions that the documentation lists are enough: a caller of real MinIO has
//! nothing else.

use serde_json::{Value, json};
use simulator::servers::MinioOptions;

use super::Stage;
use crate::harness::{Login, ask, hcl, minio, minio_with, wait};
use crate::permissions::listed;

/// The lists that a caller gets, by words of their headings.
const FOR_A_BUCKET: &[&str] = &["Every bucket", "verify"];

const FOR_EVERYTHING: &[&str] = &["Every bucket", "verify", "delete_everything", "MinIO"];

/// The actions of some lists, as MinIO spells them.
fn actions(lists: &[&str]) -> Vec<String> {
    let listed = listed("S3-compatible storage", lists);
    let spelled = listed.iter().map(|action| action.replace("CORS", "Cors"));
    spelled.collect()
}

fn admin(login: &Login, call: &str, args: Value) -> Value {
    let answer = ask(login, "admin", call, args);
    assert!(answer.get("ok").is_some(), "{call}: {answer}");
    answer["ok"].clone()
}

/// A user of the server with just these actions.
fn caller(root: &Login, name: &str, actions: &[String]) -> Login {
    let (admins, others): (Vec<&String>, Vec<&String>) = actions
        .iter()
        .partition(|action| action.starts_with("admin:"));
    let mut statements =
        vec![json!({"Effect": "Allow", "Action": others, "Resource": ["arn:aws:s3:::*"]})];
    if !admins.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": admins}));
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let secret = format!("{name}-secret");
    admin(
        root,
        "policy_add",
        json!({"policy_name": name, "policy": policy}),
    );
    admin(
        root,
        "user_add",
        json!({"access_key": name, "secret_key": secret}),
    );
    admin(
        root,
        "attach_policy",
        json!({"policies": [name], "user": name}),
    );
    Login {
        endpoint: root.endpoint.clone(),
        access_key: name.to_owned(),
        secret_key: secret,
    }
}

#[test]
fn a_bucket_needs_no_more_than_what_is_listed() {
    let root = Login::of(minio());
    let login = caller(&root, "caller-of-buckets", &actions(FOR_A_BUCKET));
    let stage = Stage::on("permitted", login);
    stage.write_bucket(
        r#"
            tags = { a = "b" }
            noncurrent_version_days = 3
        "#,
        "",
    );
    stage.apply();
    stage.assert_empty_plan();
    // Something that may not be looked at would stand there as unknown.
    let findings = stage.this()["findings"].to_string();
    assert!(!findings.contains("not allowed"), "{findings}");
    stage.destroy();
    let gone = ask(
        &root,
        "s3",
        "head_bucket",
        json!({"Bucket": stage.bucket()}),
    );
    assert_eq!(gone["error"], "404");
}

#[test]
fn keys_and_data_need_no_more_than_what_is_listed() {
    let server = minio_with(MinioOptions {
        kms: true,
        ..MinioOptions::default()
    });
    let root = Login::of(&server);
    let login = caller(&root, "caller-of-all", &actions(FOR_EVERYTHING));
    let stage = Stage::on("permitted-all", login);
    let write = |rotation: &str| {
        stage.write_bucket(
            r#"
                path = "p"
                on_destroy = "delete_everything"
            "#,
            &hcl!(
                r#"
                    create_access_key = true
                    access_key_rotation = "<rotation>"
                    sse_algorithm = "aws:kms"
                    kms_key_name = "wandb-key"
                "#,
                rotation
            ),
        );
    };
    write("1");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let user = json!({"access_key": stage.user()});
    admin(&root, "user_disable", user.clone());
    write("2");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(admin(&root, "user_info", user.clone())["status"], "enabled");
    for body in ["old", "new"] {
        let args = json!({"Bucket": stage.bucket(), "Key": "p/run", "Body": body});
        assert!(ask(&root, "s3", "put_object", args).get("ok").is_some());
    }
    stage.destroy();
    let gone = ask(
        &root,
        "s3",
        "head_bucket",
        json!({"Bucket": stage.bucket()}),
    );
    assert_eq!(gone["error"], "404");
    let gone = ask(&root, "admin", "user_info", user);
    assert!(
        gone["error"]
            .as_str()
            .is_some_and(|text| text.contains("NoSuchUser")),
        "{gone}"
    );
    wait(server.stop());
}
