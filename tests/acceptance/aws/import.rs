//! Buckets on AWS that are imported.

use serde_json::json;

use super::Stage;
use crate::harness::{THIS, hcl};

#[test]
fn a_bucket_that_exists_is_adopted_or_imported_and_never_taken() {
    let stage = Stage::new("aws-there");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    let id = stage.import_id();
    assert!(text.contains(&id), "{text}");
    assert_eq!(stage.own_keys(), Vec::<String>::new());
    stage.write_bucket("adopt = true", "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    let key = stage.key();
    // Forgotten, and imported with a configuration that Terraform writes itself.
    stage.forget(THIS);
    let import = hcl!(
        r#"
            import {
              to = <this>
              id = "<id>"
            }
        "#,
        this = THIS,
        id
    );
    stage.write(&import);
    let plan = stage.plan_with(&["-generate-config-out=made.tf"]);
    assert!(plan.is_empty(), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    stage.clean_up_objects();
    stage.destroy();
}
