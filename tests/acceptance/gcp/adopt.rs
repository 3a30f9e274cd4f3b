//! Names and buckets on Google Cloud that were there before.

use serde_json::json;

use super::{Stage, member};
use crate::harness::{ADMIN, DEPLOY, THIS, hcl};

#[test]
fn a_bucket_that_is_there_is_refused_with_its_import_block() {
    let stage = Stage::new("gcp-taken");
    stage.google("create", json!({"location": "EU"}));
    stage.put("theirs");
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(text.contains(&stage.import_id()), "{text}");
    stage.write_bucket("adopt = true", r#"location = "EU""#);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.is_ready());
    assert_eq!(stage.holds("live"), 1);
    assert_eq!(stage.seen()["location"], "EU");
    assert_eq!(stage.members(ADMIN), [member(DEPLOY)]);
    let text = stage.destroy_fails();
    assert!(text.contains("holds 1 object"), "{text}");
    stage.clean_up_objects();
    stage.destroy();
}

/// Names are the whole world's.
#[test]
fn a_name_of_somebody_elses_project_is_never_ours() {
    let stage = Stage::alone("gcp-world", simulator::gcs::Config::default());
    let stranger = "stranger@another-project.iam.gserviceaccount.com";
    stage.cloud().add_account(stranger);
    stage
        .cloud()
        .grant_project("another-project", "roles/storage.admin", &member(stranger));
    let file = stage.cloud().key_file(stranger).expect("a key");
    let made = crate::harness::google(
        &stage.cloud().url(),
        &file,
        "create",
        &json!({"name": stage.bucket()}),
    );
    assert!(made.get("error").is_none(), "{made}");
    for adopt in ["", "adopt = true"] {
        stage.write_bucket(adopt, "");
        let text = stage.apply_fails();
        assert!(!text.contains("import {"), "{text}");
        assert!(text.contains(stage.bucket()), "{text}");
    }
    assert_eq!(stage.labels(), json!(null));
}

#[test]
fn a_half_made_bucket_is_gone_on_with() {
    let stage = Stage::new("gcp-half");
    stage.google("create", json!({}));
    stage.mark("creating-00c0ffee");
    stage.write_bucket("", "");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.generation(), "00c0ffee");
    assert!(stage.is_ready());
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_bucket_of_another_state_is_refused() {
    let stage = Stage::new("gcp-other");
    stage.google("create", json!({}));
    stage.mark("ready-00c0ffee");
    stage.write_bucket("", "");
    let text = stage.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(stage.marker(), "ready-00c0ffee");
}

#[test]
fn rules_of_others_stay_when_a_bucket_is_taken_over() {
    let stage = Stage::new("gcp-rules");
    stage.google("create", json!({}));
    stage.change(json!({
        "cors": [{"origin": ["https://example.com"], "method": ["GET"], "maxAgeSeconds": 5}],
        "lifecycle": {"rule": [{"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
            "condition": {"age": 100, "matchesPrefix": ["logs/"]}}]},
        "labels": {"owner": "ops"},
    }));
    let arguments = r#"
        adopt = true
        noncurrent_version_days = 30
        tags = { owner = "ops" }
    "#;
    stage.write_bucket(arguments, "");
    stage.apply();
    stage.assert_empty_plan();
    let seen = stage.seen();
    let cors = seen["cors"].as_array().expect("rules");
    assert_eq!(cors.len(), 2, "{cors:?}");
    assert_eq!(cors[0]["origin"], json!(["*"]));
    assert_eq!(cors[1]["origin"], json!(["https://example.com"]));
    let rules = seen["lifecycle"]["rule"].to_string();
    assert!(rules.contains("COLDLINE"), "{rules}");
    assert_eq!(seen["lifecycle"]["rule"].as_array().map(Vec::len), Some(2));
    // No longer wanted, ours goes and theirs stays.
    stage.write_bucket(&arguments.replace("noncurrent_version_days = 30", ""), "");
    stage.apply();
    stage.assert_empty_plan();
    let rules = stage.seen()["lifecycle"]["rule"].clone();
    assert_eq!(rules.as_array().map(Vec::len), Some(1), "{rules}");
    assert!(rules.to_string().contains("COLDLINE"), "{rules}");
    stage.destroy();
}

#[test]
fn create_before_destroy_does_not_delete_the_bucket() {
    let stage = Stage::new("gcp-cbd");
    let lifecycle = hcl!(
        r#"
            adopt = true
            lifecycle {
              create_before_destroy = true
            }
        "#
    );
    stage.write_bucket(&lifecycle, "");
    stage.apply();
    let before = stage.generation();
    let run = stage.apply_with(&[&format!("-replace={THIS}")]);
    assert!(run.text().contains("was left alone"));
    stage.assert_empty_plan();
    assert!(stage.exists());
    assert_ne!(stage.generation(), before);
    stage.destroy();
    assert!(!stage.exists());
}
