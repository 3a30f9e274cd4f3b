//! The bucket's policy: what it lets W&B do, and what it refuses.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::{Login, ask, hcl, seaweedfs, until};

/// The very document that was written for AWS, at a server that applies it to a second
/// principal. SeaweedFS has no block on public access, so it cannot take the whole bucket.
#[test]
fn the_policy_lets_wandb_do_its_work_and_no_more() {
    let stage = Stage::new("aws-principal");
    let (bucket, user) = (stage.bucket(), format!("wandb-{}", stage.bucket()));
    let block = hcl!(
        r#"wandb_principal_arns = ["arn:aws:iam::000000000000:user/<user>"]"#,
        user
    );
    stage.write_bucket(r#"path = "teams/omega""#, &block);
    stage.apply();
    let policy = json!({"Bucket": bucket, "Policy": stage.policy().to_string()});
    stage.destroy();

    let server = Login::of(seaweedfs());
    let other = format!("{bucket}-2");
    for name in [bucket, &other] {
        does(&server, "s3", "create_bucket", json!({"Bucket": name}));
        let args = json!({"Bucket": name, "Key": "teams/other/run", "Body": "theirs"});
        does(&server, "s3", "put_object", args);
    }
    let wandb = user_of(&server, &user);
    let put = || {
        let args = json!({"Bucket": bucket, "Key": "teams/omega/run", "Body": "x"});
        ask(&wandb, "s3", "put_object", args)["error"].clone()
    };
    assert_eq!(put(), "AccessDenied", "before the policy");
    does(&server, "s3", "put_bucket_policy", policy.clone());
    until("the policy", || put().is_null());
    the_policy_allows_just_wandbs_work(&wandb, bucket, policy);
    let list = json!({"Bucket": other});
    assert_eq!(
        ask(&wandb, "s3", "list_objects_v2", list)["error"],
        "AccessDenied"
    );
    let args = json!({"Bucket": bucket});
    does(&server, "s3", "delete_bucket_policy", args);
    until("the end of the policy", || put() == "AccessDenied");
}

/// Does something that has to work.
fn does(login: &Login, service: &str, call: &str, args: Value) -> Value {
    let answer = ask(login, service, call, args);
    assert!(answer.get("ok").is_some(), "{call}: {answer}");
    answer["ok"].clone()
}

/// A user without any rights of its own.
fn user_of(server: &Login, user: &str) -> Login {
    does(server, "iam", "create_user", json!({"UserName": user}));
    let args = json!({"UserName": user});
    let made = does(server, "iam", "create_access_key", args);
    let text = |name: &str| made["AccessKey"][name].as_str().expect("a text").to_owned();
    Login {
        access_key: text("AccessKeyId"),
        secret_key: text("SecretAccessKey"),
        ..server.clone()
    }
}

fn the_policy_allows_just_wandbs_work(wandb: &Login, bucket: &str, policy: Value) {
    let tries = |call: &str, args: Value| ask(wandb, "s3", call, args)["error"].clone();
    let at = |key: &str| json!({"Bucket": bucket, "Key": key});
    for call in [
        "get_object",
        "head_object",
        "create_multipart_upload",
        "delete_object",
    ] {
        assert_eq!(tries(call, at("teams/omega/run")), Value::Null, "{call}");
    }
    let whole = json!({"Bucket": bucket});
    for call in [
        "list_objects_v2",
        "list_object_versions",
        "list_multipart_uploads",
        "get_bucket_location",
    ] {
        assert_eq!(tries(call, whole.clone()), Value::Null, "{call}");
    }
    let put = json!({"Bucket": bucket, "Key": "teams/other/run", "Body": "x"});
    assert_eq!(tries("put_object", put), "AccessDenied");
    assert_eq!(tries("get_object", at("teams/other/run")), "AccessDenied");
    assert_eq!(tries("put_bucket_policy", policy), "AccessDenied");
    assert_eq!(tries("delete_bucket", whole), "AccessDenied");
}
