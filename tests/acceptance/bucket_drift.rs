//! What changes behind Terraform's back shows on the attribute that it belongs to, and
//! the next apply mends it.

use serde_json::json;
use simulator::servers::{MinioOptions, Server};

use crate::harness::{Login, Stage, ask, seaweedfs, wait};

const THIS: &str = "wandb_byob_bucket.this";

/// Applies, breaks something, sees it in the plan, mends it, sees nothing more.
fn drift(stage: &Stage, arguments: &str, block: &str, spoil: impl FnOnce(), attribute: &str) {
    stage.write_bucket(arguments, block);
    stage.apply();
    stage.assert_empty_plan();
    spoil();
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    let changed = plan.changed(THIS);
    assert!(
        changed.iter().any(|name| name == attribute),
        "{attribute} is not among {changed:?}"
    );
    stage.apply();
    stage.assert_empty_plan();
}

#[test]
fn byob_bucket_minio_drift_versioning() {
    let stage = Stage::new("drift-versioning");
    let spoil = || {
        stage.s3_ok(
            "put_bucket_versioning",
            json!({"VersioningConfiguration": {"Status": "Suspended"}}),
        );
    };
    drift(&stage, "", "", spoil, "versioning");
    assert_eq!(stage.s3("get_bucket_versioning")["ok"]["Status"], "Enabled");
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_tags() {
    let stage = Stage::new("drift-tags");
    let spoil = || {
        let tags =
            json!({"TagSet": [{"Key": "a", "Value": "changed"}, {"Key": "stray", "Value": "x"}]});
        stage.s3_ok("put_bucket_tagging", json!({"Tagging": tags}));
    };
    drift(&stage, "tags = { a = \"b\" }", "", spoil, "tags");
    let tags = stage.tags();
    assert_eq!(tags["a"], "b");
    assert_eq!(tags.get("stray"), None);
    // The marker, which went with the tags, is back.
    let generation = stage.this()["generation"]
        .as_str()
        .expect("a generation")
        .to_owned();
    assert_eq!(
        tags["terraform-provider-wandb"],
        format!("ready-{generation}")
    );
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_marker() {
    let stage = Stage::new("drift-marker");
    stage.write_bucket("", "");
    stage.apply();
    stage.s3_ok("delete_bucket_tagging", json!({}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let generation = stage.this()["generation"]
        .as_str()
        .expect("a generation")
        .to_owned();
    assert_eq!(
        stage.tags()["terraform-provider-wandb"],
        format!("ready-{generation}")
    );
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_lifecycle() {
    let stage = Stage::new("drift-lifecycle");
    let foreign = json!({"ID": "foreign", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}});
    let spoil = || {
        let rules = json!({"Rules": [foreign]});
        stage.s3_ok(
            "put_bucket_lifecycle_configuration",
            json!({"LifecycleConfiguration": rules}),
        );
    };
    drift(
        &stage,
        "path = \"p\"\n noncurrent_version_days = 7",
        "",
        spoil,
        "noncurrent_version_days",
    );
    let rules = stage.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    let ids: Vec<&str> = rules["Rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["ID"].as_str())
        .collect();
    assert!(ids.contains(&"foreign"), "{ids:?}");
    assert_eq!(ids.len(), 2, "{ids:?}");
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_encryption() {
    let options = MinioOptions {
        kms: true,
        ..MinioOptions::default()
    };
    let server = wait(Server::minio(options)).expect("MinIO starts");
    let stage = Stage::on("drift-encryption", Login::of(&server));
    let default = || {
        let encryption = stage.s3_ok("get_bucket_encryption", json!({}));
        encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
            ["ApplyServerSideEncryptionByDefault"]
            .clone()
    };
    stage.write_bucket("", "kms_key_name = \"wandb-key\"");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(default()["SSEAlgorithm"], "aws:kms");
    // Another algorithm.
    let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}});
    stage.s3_ok(
        "put_bucket_encryption",
        json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}}),
    );
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    assert!(plan.text.contains("kms_key_name"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(default()["SSEAlgorithm"], "aws:kms");
    // None at all.
    stage.s3_ok("delete_bucket_encryption", json!({}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(default()["SSEAlgorithm"], "aws:kms");
    stage.destroy();
    wait(server.stop());
}

#[test]
fn byob_bucket_seaweedfs_drift_unfinished_uploads() {
    let stage = Stage::on("drift-uploads", Login::of(seaweedfs()));
    let spoil = || {
        stage.s3_ok("delete_bucket_lifecycle", json!({}));
    };
    drift(
        &stage,
        "abort_multipart_days = 3",
        "",
        spoil,
        "abort_multipart_days",
    );
    let rules = stage.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    let days = &rules["Rules"][0]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"];
    assert_eq!(*days, 3);
    // Not managed any more: the rule goes.
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.s3("get_bucket_lifecycle_configuration")["error"],
        "NoSuchLifecycleConfiguration"
    );
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_user() {
    let stage = Stage::new("drift-user");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let state = stage.this();
    let user = format!(
        "wandb-byob-{}-{}",
        state["generation"].as_str().expect("a generation"),
        stage.bucket()
    );
    let admin = |call: &str, args: serde_json::Value| {
        let told = ask(&stage.login, "admin", call, args);
        assert!(told.get("ok").is_some(), "{call}: {told}");
    };
    // Disabled: enabled again, and the key stays.
    admin("user_disable", json!({"access_key": user}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let mended = stage.this();
    assert_eq!(mended["verified"], true);
    for kept in ["access_key_id", "secret_access_key", "supported_file_store"] {
        assert_eq!(mended[kept], state[kept], "{kept}");
    }
    let name = json!({"access_key": user});
    let told = ask(&stage.login, "admin", "user_info", name);
    assert_eq!(told["ok"]["status"], "enabled", "{told}");
    // Disabled, and the key is gone: made again with it.
    admin("user_disable", json!({"access_key": user}));
    let key = json!({"access_key": state["access_key_id"]});
    admin("delete_service_account", key);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_ne!(stage.this()["access_key_id"], state["access_key_id"]);
    // Gone: made again with a new key.
    let state = stage.this();
    admin("user_remove", json!({"access_key": user}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_ne!(stage.this()["access_key_id"], state["access_key_id"]);
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_access_key() {
    let stage = Stage::new("drift-key");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let old = stage.this()["access_key_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let gone = ask(
        &stage.login,
        "admin",
        "delete_service_account",
        json!({"access_key": old}),
    );
    assert!(gone.get("ok").is_some(), "{gone}");
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_ne!(state["access_key_id"], old);
    assert_eq!(state["verified"], true);
    stage.destroy();
}

#[test]
fn byob_bucket_minio_drift_rights() {
    let stage = Stage::new("drift-rights");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let state = stage.this();
    let user = format!(
        "wandb-byob-{}-{}",
        state["generation"].as_str().expect("a generation"),
        stage.bucket()
    );
    let wide = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}]});
    let put = ask(
        &stage.login,
        "admin",
        "policy_add",
        json!({"policy_name": user, "policy": wide}),
    );
    assert!(put.get("ok").is_some(), "{put}");
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    assert!(plan.changed(THIS).contains(&"findings".to_owned()));
    stage.apply();
    stage.assert_empty_plan();
    let policy = ask(
        &stage.login,
        "admin",
        "policy_info",
        json!({"policy_name": user}),
    );
    assert!(!policy["ok"].to_string().contains("s3:*\""), "{policy}");
    assert_eq!(stage.this()["access_key_id"], state["access_key_id"]);
    stage.destroy();
}

#[test]
fn byob_bucket_seaweedfs_drift_cors() {
    let stage = Stage::on("drift-cors", Login::of(seaweedfs()));
    let spoil = || {
        let rule = json!({"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]});
        stage.s3_ok(
            "put_bucket_cors",
            json!({"CORSConfiguration": {"CORSRules": [rule]}}),
        );
    };
    drift(&stage, "", "", spoil, "findings");
    let cors = stage.s3_ok("get_bucket_cors", json!({}));
    let rules = cors["CORSRules"].as_array().expect("rules");
    assert_eq!(rules[0]["AllowedOrigins"], json!(["*"]));
    // Somebody else's rule stays, after ours.
    assert_eq!(rules[1]["AllowedOrigins"], json!(["https://example.com"]));
    stage.destroy();
}

#[test]
fn byob_bucket_minio_disappears() {
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
    let nobody = Login {
        access_key: format!("nobody{}", &stage.bucket()[stage.bucket().len() - 8..]),
        secret_key: "nobody-secret-1".to_owned(),
        ..stage.login.clone()
    };
    let made = ask(
        &stage.login,
        "admin",
        "user_add",
        json!({"access_key": nobody.access_key, "secret_key": nobody.secret_key}),
    );
    assert!(made.get("ok").is_some(), "{made}");
    let body = stage.bucket_block("", "");
    stage.write_raw(&format!("{}{body}", stage.provider_on(&nobody, "")));
    let text = stage.plan_fails();
    assert!(text.contains("AccessDenied"), "{text}");
    assert_eq!(stage.this()["name"], stage.bucket());
    stage.write(&body);
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn tags_of_the_provider_are_merged_and_ignored_ones_left_alone() {
    let stage = Stage::new("default-tags");
    let body = stage.bucket_block("tags = { own = \"1\" }", "");
    let extra = "default_tags = { owner = \"ml\", own = \"0\" }\n ignore_tags = [\"scanner\"]";
    stage.write_raw(&format!("{}{body}", stage.provider(extra)));
    stage.apply();
    stage.assert_empty_plan();
    let mut set: Vec<_> = stage
        .tags()
        .as_object()
        .expect("tags")
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    set.push(json!({"Key": "scanner", "Value": "seen"}));
    stage.s3_ok("put_bucket_tagging", json!({"Tagging": {"TagSet": set}}));
    stage.assert_empty_plan();
    let body = stage.bucket_block("tags = { own = \"2\" }", "");
    stage.write_raw(&format!("{}{body}", stage.provider(extra)));
    stage.apply();
    let tags = stage.tags();
    assert_eq!(
        (&tags["own"], &tags["owner"], &tags["scanner"]),
        (&json!("2"), &json!("ml"), &json!("seen"))
    );
    assert_eq!(stage.this()["tags_all"], json!({"own": "2", "owner": "ml"}));
    stage.destroy();
}
