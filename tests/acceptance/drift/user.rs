//! Rows about W&B's user, its key and its rights.

use serde_json::json;

use super::{Drift, drift};
use crate::harness::Minio;

const WITH_KEY: &str = "create_access_key = true";

#[test]
fn a_disabled_user_is_enabled_again_and_keeps_its_key_on_minio() {
    drift(Drift::<Minio> {
        what: "access.wandb_read_write",
        block: WITH_KEY,
        broken: |stage| {
            stage.admin("user_disable", json!({"access_key": stage.user()}));
        },
        mended: |stage, before| {
            let after = stage.this();
            for kept in ["access_key_id", "secret_access_key", "supported_file_store"] {
                assert_eq!(after[kept], before[kept], "{kept}");
            }
            let info = stage.admin("user_info", json!({"access_key": stage.user()}));
            assert_eq!(info["status"], "enabled", "{info}");
        },
        ..Drift::default()
    });
}

#[test]
fn a_disabled_user_without_its_key_gets_another_on_minio() {
    drift(Drift::<Minio> {
        what: "access.wandb_read_write",
        block: WITH_KEY,
        broken: |stage| {
            stage.admin("user_disable", json!({"access_key": stage.user()}));
            let key = json!({"access_key": stage.this()["access_key_id"]});
            stage.admin("delete_service_account", key);
        },
        mended: |stage, before| {
            assert_ne!(stage.this()["access_key_id"], before["access_key_id"]);
        },
        ..Drift::default()
    });
}

#[test]
fn a_user_that_is_gone_is_made_again_with_another_key_on_minio() {
    drift(Drift::<Minio> {
        what: "access.wandb_read_write",
        block: WITH_KEY,
        broken: |stage| {
            stage.admin("user_remove", json!({"access_key": stage.user()}));
        },
        mended: |stage, before| {
            assert_ne!(stage.this()["access_key_id"], before["access_key_id"]);
        },
        ..Drift::default()
    });
}

#[test]
fn a_key_that_is_gone_is_made_again_on_minio() {
    drift(Drift::<Minio> {
        what: "access.wandb_read_write",
        block: WITH_KEY,
        broken: |stage| {
            let key = json!({"access_key": stage.this()["access_key_id"]});
            stage.admin("delete_service_account", key);
        },
        mended: |stage, before| {
            assert_ne!(stage.this()["access_key_id"], before["access_key_id"]);
        },
        ..Drift::default()
    });
}

#[test]
fn wider_rights_are_narrowed_and_the_key_stays_on_minio() {
    drift(Drift::<Minio> {
        what: "access.wandb_read_write",
        block: WITH_KEY,
        broken: |stage| {
            let wide = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}]});
            let args = json!({"policy_name": stage.user(), "policy": wide});
            stage.admin("policy_add", args);
        },
        mended: |stage, before| {
            let policy = stage.admin("policy_info", json!({"policy_name": stage.user()}));
            assert!(!policy.to_string().contains("s3:*\""), "{policy}");
            assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
        },
        ..Drift::default()
    });
}
