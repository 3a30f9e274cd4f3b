//! What a refresh says of a bucket on Google Cloud.

use serde_json::{Value, json};
use simulator::gcs::Fault;

use super::Stage;
use crate::harness::THIS;

#[test]
fn a_bucket_that_is_gone_is_made_again() {
    let stage = Stage::new("gcp-gone");
    stage.write_bucket("", "");
    stage.apply();
    assert!(stage.cloud().remove_bucket(stage.bucket()));
    assert_eq!(stage.plan().actions(THIS), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.exists());
    stage.destroy();
}

#[test]
fn one_404_is_no_proof_and_forgets_nothing() {
    let stage = Stage::alone("gcp-lies", simulator::gcs::Config::default());
    stage.write_bucket("", "");
    stage.apply();
    let place = format!("GET /storage/v1/b/{}?", stage.bucket());
    stage.cloud().fault(Fault::status(&place, 404, None));
    let text = stage.plan_fails();
    assert!(text.contains(stage.bucket()), "{text}");
    assert_ne!(stage.this(), Value::Null);
    stage.cloud().clear_faults();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn what_the_caller_may_not_read_is_an_error_and_names_the_permission() {
    let stage = Stage::alone("gcp-denied", simulator::gcs::Config::default());
    stage.write_bucket("", "");
    stage.apply();
    let nobody = "nobody@simulated-project.iam.gserviceaccount.com";
    stage.cloud().add_account(nobody);
    let token = stage.cloud().token(nobody);
    let login = stage.login.saying(&format!("access_token = {token:?}"));
    stage.write_under(&stage.provider_on(&login, ""), &stage.bucket_block("", ""));
    let text = stage.plan_fails();
    assert!(text.contains("storage.buckets.get"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    stage.write_bucket("", "");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn another_location_behind_the_same_name_is_a_replacement() {
    let stage = Stage::new("gcp-elsewhere");
    stage.write_bucket("", r#"location = "us-east1""#);
    stage.apply();
    // In another case it is the same one.
    stage.write_bucket("", r#"location = "US-EAST1""#);
    let plan = stage.plan();
    assert_ne!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen()["location"], "US-EAST1");
    stage.write_bucket("", r#"location = "us-west1""#);
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.put("data");
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    stage.clean_up_objects();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen()["location"], "US-WEST1");
    assert_eq!(stage.this()["gcp"]["location"], json!("us-west1"));
    stage.destroy();
}
