//! W&B's key on servers with the IAM interface, and the interface that is asked for.

use serde_json::{Value, json};

use crate::harness::{Login, Stage, ask, seaweedfs};

fn of_wandb(stage: &Stage) -> Login {
    let state = stage.this();
    let text = |name: &str| state[name].as_str().expect("a text").to_owned();
    Login {
        access_key: text("access_key_id"),
        secret_key: text("secret_access_key"),
        ..stage.login.clone()
    }
}

fn user(stage: &Stage) -> String {
    let state = stage.this();
    let generation = state["generation"].as_str().expect("a generation");
    format!("wandb-byob-{generation}-{}", stage.bucket())
}

fn keys(stage: &Stage, user: &str) -> Value {
    let told = ask(
        &stage.login,
        "iam",
        "list_access_keys",
        json!({"UserName": user}),
    );
    let list = told["ok"]["AccessKeyMetadata"].as_array().cloned();
    let ids = list.unwrap_or_default().into_iter();
    ids.map(|key| key["AccessKeyId"].clone()).collect()
}

#[test]
fn a_key_by_iam_is_limited_to_the_path_rotated_and_removed() {
    let stage = Stage::on("iam-path", Login::of(seaweedfs()));
    let block = |turn: &str| {
        format!("create_access_key = true\n admin_api = \"iam\"\n access_key_rotation = \"{turn}\"")
    };
    stage.write_bucket("path = \"teams/omega\"", &block("1"));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    let put = |key: &str| {
        let args = json!({"Bucket": stage.bucket(), "Key": key, "Body": "x"});
        ask(&of_wandb(&stage), "s3", "put_object", args)
    };
    assert!(put("teams/omega/run").get("ok").is_some());
    assert_eq!(put("teams/other/run")["error"], "AccessDenied");
    let (user, before) = (user(&stage), of_wandb(&stage));
    assert_eq!(keys(&stage, &user), json!([before.access_key]));
    // Rotated in place: the old one goes.
    stage.write_bucket("path = \"teams/omega\"", &block("2"));
    stage.apply();
    stage.assert_empty_plan();
    let after = of_wandb(&stage);
    assert_ne!(after.access_key, before.access_key);
    assert_eq!(keys(&stage, &user), json!([after.access_key]));
    // A key that is gone is made again.
    let args = json!({"UserName": user, "AccessKeyId": after.access_key});
    let gone = ask(&stage.login, "iam", "delete_access_key", args);
    assert!(gone.get("ok").is_some(), "{gone}");
    let plan = stage.plan();
    assert_eq!(plan.actions("wandb_byob_bucket.this"), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(of_wandb(&stage).access_key, after.access_key);
    // Another path is another right, and the key stays.
    let key = of_wandb(&stage).access_key;
    stage.write_bucket("path = \"teams/other\"", &block("2"));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(of_wandb(&stage).access_key, key);
    assert!(put("teams/other/run").get("ok").is_some());
    assert_eq!(put("teams/omega/run")["error"], "AccessDenied");
    stage.clean_up_objects();
    stage.destroy();
    let told = ask(&stage.login, "iam", "get_user", json!({"UserName": user}));
    assert!(
        told["error"]
            .as_str()
            .is_some_and(|code| code.starts_with("NoSuchEntity")),
        "{told}"
    );
}

#[test]
fn an_interface_that_the_server_does_not_have_is_told() {
    let stage = Stage::new("wrong-api");
    stage.write_bucket("", "create_access_key = true\n admin_api = \"iam\"");
    let text = stage.apply_fails();
    assert!(text.contains("Set admin_api"), "{text}");
    // The next apply goes on with the right one.
    stage.write_bucket("", "create_access_key = true\n admin_api = \"minio\"");
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
    let user = user(&stage);
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["access_key_id"], Value::Null);
    assert_eq!(state["supported_file_store"], Value::Null);
    let told = ask(
        &stage.login,
        "admin",
        "user_info",
        json!({"access_key": user}),
    );
    assert!(
        told["error"]
            .as_str()
            .is_some_and(|text| text.contains("NoSuchUser")),
        "{told}"
    );
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
}

#[test]
fn without_a_kms_each_way_to_ask_for_encryption_is_told() {
    let stage = Stage::new("no-kms-named");
    stage.write_bucket("", "kms_key_name = \"wandb-key\"");
    let text = stage.apply_fails();
    assert!(
        text.contains("Encryption cannot be set on this server"),
        "{text}"
    );
    stage.write_bucket("abort_multipart_days = 3", "");
    let text = stage.apply_fails();
    assert!(
        text.contains("The lifecycle rule cannot be set on this server"),
        "{text}"
    );
    assert!(text.contains("abort_multipart_days"), "{text}");
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

/// Terraform taints and replaces what a failed create leaves. The key that the operator was
/// told to give to the instance has to be W&B's key afterwards.
#[test]
fn a_new_bucket_that_insists_on_its_registration_keeps_its_key() {
    let stage = Stage::new("insists");
    let write = |turn: &str| {
        let block = format!("create_access_key = true\n access_key_rotation = \"{turn}\"");
        stage.write_bucket("register = true", &block);
    };
    let accounts = || {
        let args = json!({"user": user(&stage)});
        let told = ask(&stage.login, "admin", "list_service_account", args);
        let list = told["ok"]["accounts"].as_array().cloned();
        let ids = list.unwrap_or_default().into_iter();
        ids.map(|key| key["accessKey"].clone()).collect::<Value>()
    };
    write("1");
    let text = stage.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    let (first, owner) = (stage.this(), user(&stage));
    // Nobody has told the instance yet: nothing changes.
    let plan = stage.plan();
    assert_eq!(plan.actions("wandb_byob_bucket.this"), ["delete", "create"]);
    stage.apply_fails();
    assert_eq!(
        stage.this()["supported_file_store"],
        first["supported_file_store"]
    );
    assert_eq!(accounts(), json!([first["access_key_id"]]));
    let store = first["supported_file_store"].as_str().expect("an address");
    stage.wandb.add_store(store);
    stage.apply();
    stage.assert_empty_plan();
    let second = stage.this();
    assert_eq!(user(&stage), owner);
    for kept in ["access_key_id", "secret_access_key", "generation"] {
        assert_eq!(second[kept], first[kept], "{kept}");
    }
    assert_eq!(second["findings"], json!([]));
    assert_eq!(accounts(), json!([first["access_key_id"]]));
    stage.clean_up_objects();
    stage.destroy();
    // Another rotation asks for another key, and a key that is gone is not gone on with.
    stage.wandb.clear_stores();
    write("1");
    stage.apply_fails();
    let first = stage.this()["access_key_id"].clone();
    write("2");
    stage.apply_fails();
    let second = stage.this()["access_key_id"].clone();
    assert_ne!(second, first);
    assert_eq!(accounts(), json!([second]));
    let args = json!({"access_key": second});
    let removed = ask(&stage.login, "admin", "delete_service_account", args);
    assert!(removed.get("ok").is_some(), "{removed}");
    stage.apply_fails();
    let third = stage.this()["access_key_id"].clone();
    assert_ne!(third, second);
    assert_eq!(accounts(), json!([third]));
    stage.destroy();
}
