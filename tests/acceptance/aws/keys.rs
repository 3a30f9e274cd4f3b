//! W&B's access key on AWS, and the user that it belongs to.

use serde_json::{Value, json};

use super::Stage;
use super::callers::{caller, iam, keys_of, root};
use crate::harness::{ACCOUNT, THIS, ask, hcl};
use crate::permissions::listed;

#[test]
fn an_access_key_is_made_rotated_and_removed() {
    let stage = Stage::new("aws-user");
    let write = |turn: &str| {
        let block = hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
            "#,
            turn
        );
        // The stand-in lets every key do everything, which the probe would find.
        stage.write_bucket(r#"verify = "settings""#, &block);
    };
    write("1");
    stage.apply();
    stage.assert_empty_plan();
    let (first, user) = (stage.this()["access_key_id"].clone(), stage.user());
    assert_eq!(json!(stage.access_keys_of(&user)), json!([first]));
    write("2");
    stage.apply();
    stage.assert_empty_plan();
    let rotated = stage.this()["access_key_id"].clone();
    assert_ne!(rotated, first);
    assert_eq!(stage.access_keys_of(&user), [rotated]);
    stage.destroy();
    let gone = stage.ask("iam", "get_user", json!({"UserName": user}));
    assert_eq!(gone["error"], "NoSuchEntity");
}

/// The lists of the page that this caller needs, by words of their headings.
const LISTS: [&str; 4] = ["Every bucket", "verify", "kms_key_arn", "create_access_key"];

/// Breaks something about W&B's user, sees it, and has it mended.
fn mended(stage: &Stage, what: &str, spoil: impl Fn()) {
    spoil();
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{what}: {}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    // The probe was made with the key.
    assert_eq!(stage.this()["verified"], true, "{what}");
}

#[test]
fn an_access_key_is_proven_and_its_user_kept_as_it_should_be() {
    let allowed = listed("AWS", &LISTS);
    let stage = Stage::on("aws-key", caller("listed-only", &allowed));
    let path = r#"path = "teams/omega""#;
    stage.write_bucket(path, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let (state, user) = (stage.this(), stage.user());
    assert_eq!(state["verified"], true);
    let findings = state["findings"].to_string();
    assert!(
        !findings.contains("unknown") && !findings.contains("fail"),
        "{findings}"
    );
    the_key_has_wandbs_rights(&stage);
    stage.clean_up_objects();
    rights_are_mended(&stage, &user);
    keys_are_mended(&stage, &user);
    // Bounded in place.
    let boundary = format!("arn:aws:iam::{ACCOUNT}:policy/listed-only");
    let block = hcl!(
        r#"
            create_access_key = true
            permissions_boundary_arn = "<boundary>"
        "#,
        boundary
    );
    stage.write_bucket(path, &block);
    stage.apply();
    stage.assert_empty_plan();
    let answer = iam("get_user", json!({"UserName": user}));
    assert_eq!(
        answer["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"],
        boundary
    );
    mended(&stage, "boundary gone", || {
        let args = json!({"UserName": user});
        iam("delete_user_permissions_boundary", args);
    });
    stage.destroy();
    let gone = ask(&root(), "iam", "get_user", json!({"UserName": user}));
    assert_eq!(gone["error"], "NoSuchEntity");
}

/// W&B's rights below the path, and no more.
fn the_key_has_wandbs_rights(stage: &Stage) {
    let (name, wandb) = (stage.bucket(), stage.login_of_wandb());
    let tries =
        |service: &str, call: &str, args: Value| ask(&wandb, service, call, args)["error"].clone();
    let put = |key: &str| {
        let args = json!({"Bucket": name, "Key": key, "Body": "x"});
        tries("s3", "put_object", args)
    };
    assert_eq!(put("teams/omega/run"), Value::Null);
    assert_eq!(put("teams/other/run"), "AccessDenied");
    assert_eq!(
        tries("s3", "delete_bucket", json!({"Bucket": name})),
        "AccessDenied"
    );
    let policy = json!({"Bucket": name, "Policy": "{}"});
    assert_eq!(tries("s3", "put_bucket_policy", policy), "AccessDenied");
    assert_eq!(tries("iam", "list_users", json!({})), "AccessDenied");
}

/// Other rights of the user, none and more are put right, and the key stays.
fn rights_are_mended(stage: &Stage, user: &str) {
    let key = stage.login_of_wandb().access_key;
    let own = json!({"UserName": user, "PolicyName": user});
    mended(stage, "other rights", || {
        let everything = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let mut args = own.clone();
        args["PolicyDocument"] = json!(everything.to_string());
        iam("put_user_policy", args);
    });
    mended(stage, "no rights", || {
        iam("delete_user_policy", own.clone());
    });
    mended(stage, "more rights", || {
        let arn = format!("arn:aws:iam::{ACCOUNT}:policy/listed-only");
        let args = json!({"UserName": user, "PolicyArn": arn});
        iam("attach_user_policy", args);
    });
    let attached = iam("list_attached_user_policies", json!({"UserName": user}));
    assert_eq!(attached["AttachedPolicies"], json!([]));
    assert_eq!(
        keys_of(user),
        [json!(key)],
        "its key stays through all that"
    );
}

/// A key that is disabled or gone, and a user that is gone, are put right.
fn keys_are_mended(stage: &Stage, user: &str) {
    let key = || {
        let id = stage.login_of_wandb().access_key;
        json!({"UserName": user, "AccessKeyId": id})
    };
    mended(stage, "key disabled", || {
        let mut args = key();
        args["Status"] = json!("Inactive");
        iam("update_access_key", args);
    });
    mended(stage, "key gone", || {
        iam("delete_access_key", key());
    });
    mended(stage, "user gone", || {
        iam("delete_access_key", key());
        let policy = json!({"UserName": user, "PolicyName": user});
        iam("delete_user_policy", policy);
        iam("delete_user", json!({"UserName": user}));
    });
    assert_eq!(keys_of(user), [json!(stage.login_of_wandb().access_key)]);
}
