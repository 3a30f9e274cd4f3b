//! A bucket on Google Cloud whose block leads to another project.

use super::{Stage, member};
use crate::harness::{PROJECT, THIS};

#[test]
fn another_project_is_another_bucket() {
    let stage = Stage::new("gcp-moved");
    let other = "moved-project";
    stage
        .cloud()
        .add_account(&format!("x@{other}.iam.gserviceaccount.com"));
    let owner = member(&stage.cloud().owner());
    stage.cloud().grant_project(other, "roles/owner", &owner);
    stage.write_bucket("", "");
    stage.apply();
    // A new default moves nothing.
    let provider = stage.provider("").replace(
        &format!("project = {PROJECT:?}"),
        &format!("project = {other:?}"),
    );
    stage.write_under(&provider, &stage.bucket_block("", ""));
    stage.assert_empty_plan();
    // Naming it does, while there is nothing in it.
    stage.put("data");
    let named = format!("project = {other:?}");
    stage.write_bucket("", &named);
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    stage.clean_up_objects();
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.this()["id"],
        format!("gcp/{other}/{}", stage.bucket())
    );
    stage.destroy();
    assert!(!stage.exists());
}
