//! Buckets on a server that has settings of its own for browsers.

use serde_json::json;

use super::Stage;
use crate::harness::{THIS, ask, hcl};

#[test]
fn a_bucket_and_its_key_are_made_and_proven() {
    let stage = Stage::new("weed");
    stage.write_bucket(r#"tags = { a = "b" }"#, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(stage.versioning(), "Enabled");
    // The server lets every origin in by itself, so there is nothing to write.
    let none = stage.s3("get_bucket_cors");
    assert_eq!(none["error"], "NoSuchCORSConfiguration");
    let login = stage.login_of_wandb();
    let args = json!({"Bucket": stage.bucket(), "Key": "by-wandb", "Body": "x"});
    assert!(ask(&login, "s3", "put_object", args).get("ok").is_some());
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn origins_of_its_own_are_written_and_mended() {
    let stage = Stage::new("weed-cors");
    let origin = stage.wandb.url();
    let arguments = hcl!(
        r#"
            cors_allowed_origins = ["<origin>"]
            cors_max_age_seconds = 60
        "#,
        origin
    );
    stage.write_bucket(&arguments, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    let rule = &stage.cors()[0];
    assert_eq!(rule["AllowedOrigins"], json!([origin]));
    assert_eq!(rule["AllowedMethods"], json!(["GET", "HEAD", "PUT"]));
    assert_eq!(rule["AllowedHeaders"], json!(["*"]));
    assert_eq!(rule["ExposeHeaders"], json!(["ETag"]));
    assert_eq!(rule["MaxAgeSeconds"], 60);
    // Another origin is drift on its attribute.
    stage.put_cors(json!([{"AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedOrigins": ["https://example.com"], "ID": "wandb-byob"}]));
    let plan = stage.plan();
    let changed = plan.changed(THIS);
    assert!(
        changed.contains(&"cors_allowed_origins".to_owned()),
        "{changed:?}"
    );
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
