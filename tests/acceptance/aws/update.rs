//! Changes of a bucket on AWS that is there.

use serde_json::{Value, json};

use super::{Stage, statement};
use crate::harness::THIS;

#[test]
fn every_setting_is_updated_in_place() {
    let stage = Stage::new("aws-update");
    stage.write_bucket("", "");
    stage.apply();
    let key = stage.key();
    stage.write_bucket(
        r#"
            path = "teams/omega"
            cors_max_age_seconds = 60
            noncurrent_version_days = 9
            abort_multipart_days = 3
            tags = { a = "b" }
        "#,
        r#"
            kms_key_rotation = false
            kms_admin_arns = ["arn:aws:iam::123456789012:role/admin"]
            bucket_key_enabled = false
            aws_external_id = "x"
            kms_deletion_window_days = 7
            wandb_principal_arns = ["arn:aws:iam::111122223333:role/wandb"]
        "#,
    );
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    assert_eq!(stage.this()["storage"]["aws_external_id"], "x");
    let wandb = statement(&stage.policy(), "WAndBAccountAccess");
    let who = json!(["arn:aws:iam::111122223333:role/wandb"]);
    assert_eq!(wandb["Principal"]["AWS"], who);
    let document = stage.key_policy(&key);
    assert_eq!(statement(&document, "External")["Principal"]["AWS"], who);
    assert!(document.to_string().contains("role/admin"), "{document}");
    let rotation = stage.kms("get_key_rotation_status", json!({"KeyId": key}));
    assert_eq!(rotation["KeyRotationEnabled"], false);
    assert_eq!(stage.lifecycle().as_array().map(Vec::len), Some(2));
    stage.destroy();
    let left = stage.described(&key);
    assert_eq!(left["KeyState"], "PendingDeletion");
    assert_eq!(left["PendingDeletionWindowInDays"], Value::Null);
}
