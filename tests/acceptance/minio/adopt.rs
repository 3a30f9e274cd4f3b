//! Buckets that were there before: refused, adopted, half made.

use serde_json::json;

use super::Stage;

#[test]
fn a_name_that_is_taken_offers_the_import() {
    let stage = Stage::new("taken");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    let id = format!("id = {:?}", stage.import_id());
    assert!(text.contains(&id), "{text}");
    assert_eq!(stage.tags(), json!({}));
    stage.clean_up();
}

#[test]
fn a_finished_bucket_of_another_state_is_refused_at_apply() {
    let stage = Stage::new("other-state");
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("ready-00c0ffee");
    stage.write_bucket("", "");
    let text = stage.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(stage.tags()["terraform-provider-wandb"], "ready-00c0ffee");
    assert_eq!(stage.this(), json!(null));
    stage.clean_up();
}

#[test]
fn adopt_takes_a_bucket_over_and_keeps_its_data() {
    let stage = Stage::new("adopt");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    stage.write_bucket("adopt = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.versioning(), "Enabled");
    stage.s3_ok("head_object", json!({"Key": "theirs"}));
    assert!(stage.is_ready());
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn an_adoption_that_fails_leaves_no_state_and_can_be_repeated() {
    let stage = Stage::new("adopt-fails");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    // MinIO without a key service cannot encrypt.
    stage.write_bucket("adopt = true", r#"sse_algorithm = "AES256""#);
    let text = stage.apply_fails();
    assert!(text.contains("Encryption"), "{text}");
    assert_eq!(stage.this(), json!(null));
    assert!(
        stage
            .tags()
            .get("terraform-provider-wandb")
            .is_none_or(|text| !text.as_str().unwrap_or_default().starts_with("creating"))
    );
    stage.write_bucket("adopt = true", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn a_half_made_bucket_is_gone_on_with() {
    let stage = Stage::new("half");
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("creating-00c0ffee");
    stage.write_bucket("", "create_access_key = true");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    // Of its own: another state may hold the one that began it.
    let generation = stage.generation();
    assert_ne!(generation, "00c0ffee");
    let marker = format!("ready-{generation}");
    assert_eq!(stage.marker(), marker);
    stage.destroy();
}

#[test]
fn a_bare_young_bucket_counts_as_half_made() {
    let stage = Stage::new("bare");
    stage.s3_ok("create_bucket", json!({}));
    stage.write_bucket("", "");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn the_same_bucket_twice_in_one_run_is_refused() {
    let stage = Stage::new("twice");
    let one = stage.bucket_block("", "");
    let two = one.replace(r#""this""#, r#""other""#);
    stage.write(&format!("{one}{two}"));
    let text = stage.plan_fails();
    assert!(text.contains("is made twice"), "{text}");
    assert!(!stage.exists());
}
