//! A bucket from nothing to proven, and every argument.

use serde_json::json;
use simulator::servers::{MinioOptions, Server};

use crate::harness::{Login, Stage, ask, seaweedfs, wait};

/// W&B's eleven actions, as MinIO spells them.
const ACTIONS: [&str; 11] = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetBucketCors",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetObject*",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:PutObject",
];

#[test]
fn byob_bucket_minio_basic() {
    let stage = Stage::new("basic");
    stage.write_bucket(
        "tags = { cost_center = \"ml\" }",
        "create_access_key = true",
    );
    stage.apply();
    stage.assert_empty_plan();

    let bucket = stage.bucket();
    assert_eq!(stage.s3("get_bucket_versioning")["ok"]["Status"], "Enabled");
    let state = stage.this();
    let generation = state["generation"].as_str().expect("a generation");
    assert_eq!(generation.len(), 8);
    assert_eq!(
        stage.tags(),
        json!({"cost_center": "ml", "terraform-provider-wandb": format!("ready-{generation}")})
    );
    let host = stage.login.endpoint.replace("http://", "");
    assert_eq!(state["id"], format!("s3_compatible/{host}/{bucket}"));
    let address = format!("s3://{host}/{bucket}?region=us-east-1&tls=false");
    assert_eq!(state["storage_address"], address);
    assert_eq!(
        state["storage"],
        json!({"name": address, "provider": "MINIO"})
    );
    assert_eq!(state["tags"], json!({"cost_center": "ml"}));
    assert_eq!(state["verified"], true);

    // The probe has left nothing behind.
    let left = stage.s3("list_object_versions");
    assert_eq!(left["ok"].get("Versions"), None);
    assert_eq!(left["ok"].get("DeleteMarkers"), None);

    // W&B's key has just W&B's rights.
    let user = format!("wandb-byob-{generation}-{bucket}");
    let policy = ask(
        &stage.login,
        "admin",
        "policy_info",
        json!({"policy_name": user}),
    );
    let text = policy["ok"].to_string();
    for action in ACTIONS {
        assert!(
            text.contains(&format!("\"{action}\"")),
            "{action} is missing in {text}"
        );
    }
    let login = Login {
        access_key: state["access_key_id"].as_str().expect("an id").to_owned(),
        secret_key: state["secret_access_key"]
            .as_str()
            .expect("a secret")
            .to_owned(),
        ..stage.login.clone()
    };
    let args = json!({"Bucket": bucket, "Key": "by-wandb", "Body": "x"});
    assert!(ask(&login, "s3", "put_object", args).get("ok").is_some());
    let policy = json!({"Bucket": bucket, "Policy": "{}"});
    assert_eq!(
        ask(&login, "s3", "put_bucket_policy", policy)["error"],
        "AccessDenied"
    );
    assert_eq!(
        ask(&login, "s3", "delete_bucket", json!({"Bucket": bucket}))["error"],
        "AccessDenied"
    );
    assert_eq!(
        ask(
            &login,
            "s3",
            "list_objects_v2",
            json!({"Bucket": "another"})
        )["error"],
        "AccessDenied"
    );

    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
    let gone = ask(
        &stage.login,
        "admin",
        "user_info",
        json!({"access_key": user}),
    );
    assert!(
        gone["error"]
            .as_str()
            .is_some_and(|code| code.contains("NoSuchUser")),
        "{gone}"
    );
}

#[test]
fn byob_bucket_minio_every_argument() {
    let server = wait(Server::minio(MinioOptions {
        kms: true,
        ..MinioOptions::default()
    }))
    .expect("MinIO starts");
    let stage = Stage::on("everything", Login::of(&server));
    stage.write_bucket(
        "path = \"teams/omega\"\n scope = \"instance\"\n versioning = true\n noncurrent_version_days = 30\n \
         on_destroy = \"delete_everything\"\n adopt = false\n verify = \"probe\"\n register = false\n \
         registration_name = \"s3://internal:9000/omega\"\n cors_allowed_origins = [\"*\"]\n \
         cors_max_age_seconds = 3600\n tags = { team = \"omega\" }\n \
         timeouts {\n create = \"5m\"\n delete = \"10m\"\n }",
        "region = \"us-east-1\"\n path_style = true\n kms_key_name = \"wandb-key\"\n sse_algorithm = \"aws:kms\"\n \
         create_access_key = true\n admin_api = \"minio\"\n access_key_rotation = \"1\"",
    );
    stage.apply();
    stage.assert_empty_plan();

    let rules = stage.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    let rule = &rules["Rules"][0];
    assert_eq!(rule["NoncurrentVersionExpiration"]["NoncurrentDays"], 30);
    assert_eq!(rule["Filter"]["Prefix"], "teams/omega/");
    let encryption = stage.s3_ok("get_bucket_encryption", json!({}));
    let default = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"];
    assert_eq!(default["SSEAlgorithm"], "aws:kms");
    assert!(
        default["KMSMasterKeyID"]
            .as_str()
            .is_some_and(|key| key.ends_with("wandb-key")),
        "{default}"
    );

    let state = stage.this();
    assert_eq!(state["storage"]["path"], "teams/omega");
    assert_eq!(state["storage"]["name"], "s3://internal:9000/omega");
    // The key works under the path and nowhere else.
    let login = Login {
        access_key: state["access_key_id"].as_str().expect("an id").to_owned(),
        secret_key: state["secret_access_key"]
            .as_str()
            .expect("a secret")
            .to_owned(),
        ..stage.login.clone()
    };
    let put = |key: &str| {
        ask(
            &login,
            "s3",
            "put_object",
            json!({"Bucket": stage.bucket(), "Key": key, "Body": "x"}),
        )
    };
    assert!(put("teams/omega/run").get("ok").is_some());
    assert_eq!(put("elsewhere")["error"], "AccessDenied");

    // delete_everything
    stage.destroy();
    assert!(!stage.exists());
    wait(server.stop());
}

#[test]
fn byob_bucket_seaweedfs_basic() {
    let stage = Stage::on("weed", Login::of(seaweedfs()));
    stage.write_bucket("tags = { a = \"b\" }", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(stage.s3("get_bucket_versioning")["ok"]["Status"], "Enabled");
    // The server lets every origin in by itself, so there is nothing to write.
    let none = stage.s3("get_bucket_cors");
    assert_eq!(none["error"], "NoSuchCORSConfiguration");
    let login = Login {
        access_key: state["access_key_id"].as_str().expect("an id").to_owned(),
        secret_key: state["secret_access_key"]
            .as_str()
            .expect("a secret")
            .to_owned(),
        ..stage.login.clone()
    };
    let args = json!({"Bucket": stage.bucket(), "Key": "by-wandb", "Body": "x"});
    assert!(ask(&login, "s3", "put_object", args).get("ok").is_some());
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn byob_bucket_seaweedfs_cors_of_its_own() {
    let stage = Stage::on("weed-cors", Login::of(seaweedfs()));
    let origin = stage.wandb.url();
    let arguments = format!("cors_allowed_origins = [\"{origin}\"]\n cors_max_age_seconds = 60");
    stage.write_bucket(&arguments, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    let cors = stage.s3_ok("get_bucket_cors", json!({}));
    let rule = &cors["CORSRules"][0];
    assert_eq!(rule["AllowedOrigins"], json!([origin]));
    assert_eq!(rule["AllowedMethods"], json!(["GET", "HEAD", "PUT"]));
    assert_eq!(rule["AllowedHeaders"], json!(["*"]));
    assert_eq!(rule["ExposeHeaders"], json!(["ETag"]));
    assert_eq!(rule["MaxAgeSeconds"], 60);
    // Another origin is drift on its attribute.
    let other = json!({"AllowedMethods": ["GET", "HEAD", "PUT"], "AllowedOrigins": ["https://example.com"], "ID": "wandb-byob"});
    stage.s3_ok(
        "put_bucket_cors",
        json!({"CORSConfiguration": {"CORSRules": [other]}}),
    );
    let plan = stage.plan();
    let changed = plan.changed("wandb_byob_bucket.this");
    assert!(
        changed.contains(&"cors_allowed_origins".to_owned()),
        "{changed:?}"
    );
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_given_key_of_wandb_is_proven_and_never_kept_when_write_only() {
    let stage = Stage::new("given");
    let login = &stage.login;
    stage.write_bucket(
        "",
        &format!(
            "wandb_access_key = \"{}\"\n wandb_secret_key_wo = \"{}\"\n wandb_secret_key_wo_version = 1",
            login.access_key, login.secret_key
        ),
    );
    // The administrator's key can do more than W&B's may.
    let text = stage.apply().text();
    assert!(text.contains("access.wandb_read_write"), "{text}");
    let state = stage.this();
    assert_eq!(state["verified"], false);
    assert_eq!(state["supported_file_store"], json!(null));
    let file = std::fs::read_to_string(stage.path().join("terraform.tfstate")).expect("a state");
    let key = state["s3_compatible"]["wandb_secret_key_wo"].clone();
    assert_eq!(key, json!(null));
    assert!(!file.contains(&format!("\"wandb_secret_key_wo\": \"{}", login.secret_key)));
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_key_is_rotated_in_place() {
    let stage = Stage::new("rotate");
    stage.write_bucket("", "create_access_key = true\n access_key_rotation = \"1\"");
    stage.apply();
    let before = stage.this();
    stage.write_bucket("", "create_access_key = true\n access_key_rotation = \"2\"");
    let plan = stage.plan();
    assert_eq!(plan.actions("wandb_byob_bucket.this"), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let after = stage.this();
    assert_ne!(before["access_key_id"], after["access_key_id"]);
    assert_eq!(before["generation"], after["generation"]);
    let works = |state: &serde_json::Value| {
        let login = Login {
            access_key: state["access_key_id"].as_str().expect("an id").to_owned(),
            secret_key: state["secret_access_key"]
                .as_str()
                .expect("a secret")
                .to_owned(),
            ..stage.login.clone()
        };
        ask(
            &login,
            "s3",
            "list_objects_v2",
            json!({"Bucket": stage.bucket()}),
        )
    };
    assert_eq!(works(&before)["error"], "InvalidAccessKeyId");
    assert!(works(&after).get("ok").is_some());
    stage.destroy();
}

#[test]
fn settings_of_terraform_alone_touch_no_cloud() {
    let stage = Stage::new("alone");
    stage.write_bucket("", "");
    stage.apply();
    let before = stage.tags();
    stage.write_bucket(
        "on_destroy = \"delete_everything\"\n timeouts {\n create = \"1m\"\n }",
        "",
    );
    let plan = stage.plan();
    assert_eq!(plan.actions("wandb_byob_bucket.this"), ["update"]);
    assert_eq!(
        plan.changed("wandb_byob_bucket.this"),
        ["on_destroy", "timeouts"]
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags(), before);
    stage.destroy();
}
