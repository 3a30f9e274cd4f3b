//! A bucket from nothing to proven, and every argument.

use serde_json::{Value, json};
use simulator::servers::MinioOptions;

use super::Stage;
use crate::harness::{Login, ask, minio_with, wait};

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
fn a_bucket_and_its_key_are_made_proven_and_removed() {
    let stage = Stage::new("basic");
    stage.write_bucket(
        r#"tags = { cost_center = "ml" }"#,
        "create_access_key = true",
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.versioning(), "Enabled");
    let (state, generation) = (stage.this(), stage.generation());
    assert_eq!(generation.len(), 8);
    assert_eq!(
        stage.tags(),
        json!({"cost_center": "ml", "terraform-provider-wandb": format!("ready-{generation}")})
    );
    let (host, bucket) = (stage.host(), stage.bucket());
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
    let left = stage.s3_ok("list_object_versions", json!({}));
    assert_eq!(left.get("Versions"), None);
    assert_eq!(left.get("DeleteMarkers"), None);
    let user = format!("wandb-byob-{generation}-{bucket}");
    the_key_has_wandbs_rights(&stage, &user);
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
    stage.assert_no_user(&user);
}

/// W&B's rights and no more.
fn the_key_has_wandbs_rights(stage: &Stage, user: &str) {
    let policy = stage.admin("policy_info", json!({"policy_name": user}));
    let text = policy.to_string();
    for action in ACTIONS {
        assert!(
            text.contains(&format!("{action:?}")),
            "{action} is missing in {text}"
        );
    }
    let (login, bucket) = (stage.login_of_wandb(), stage.bucket());
    let tries = |call: &str, args: Value| ask(&login, "s3", call, args)["error"].clone();
    let object = json!({"Bucket": bucket, "Key": "by-wandb", "Body": "x"});
    assert_eq!(tries("put_object", object), Value::Null);
    let policy = json!({"Bucket": bucket, "Policy": "{}"});
    assert_eq!(tries("put_bucket_policy", policy), "AccessDenied");
    assert_eq!(
        tries("delete_bucket", json!({"Bucket": bucket})),
        "AccessDenied"
    );
    assert_eq!(
        tries("list_objects_v2", json!({"Bucket": "another"})),
        "AccessDenied"
    );
}

#[test]
fn every_argument_reaches_the_server() {
    let server = minio_with(MinioOptions {
        kms: true,
        ..MinioOptions::default()
    });
    let stage = Stage::on("everything", Login::of(&server));
    stage.write_bucket(
        r#"
            path = "teams/omega"
            scope = "instance"
            versioning = true
            noncurrent_version_days = 30
            on_destroy = "delete_everything"
            adopt = false
            verify = "probe"
            register = false
            registration_name = "s3://internal:9000/omega"
            cors_allowed_origins = ["*"]
            cors_max_age_seconds = 3600
            tags = { team = "omega" }
            timeouts {
              create = "5m"
              delete = "10m"
            }
        "#,
        r#"
            region = "us-east-1"
            path_style = true
            kms_key_name = "wandb-key"
            sse_algorithm = "aws:kms"
            create_access_key = true
            admin_api = "minio"
            access_key_rotation = "1"
        "#,
    );
    stage.apply();
    stage.assert_empty_plan();

    the_server_has_every_setting(&stage);
    // delete_everything
    stage.destroy();
    assert!(!stage.exists());
    wait(server.stop());
}

fn the_server_has_every_setting(stage: &Stage) {
    let rule = stage.lifecycle()[0].clone();
    assert_eq!(rule["NoncurrentVersionExpiration"]["NoncurrentDays"], 30);
    assert_eq!(rule["Filter"]["Prefix"], "teams/omega/");
    let default = stage.encryption();
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
    let login = stage.login_of_wandb();
    let put = |key: &str| {
        let args = json!({"Bucket": stage.bucket(), "Key": key, "Body": "x"});
        ask(&login, "s3", "put_object", args)
    };
    assert!(put("teams/omega/run").get("ok").is_some());
    assert_eq!(put("elsewhere")["error"], "AccessDenied");
}
