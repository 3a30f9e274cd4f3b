//! Many buckets at once.

use serde_json::json;

use super::Stage;
use crate::harness::THIS;

#[test]
fn twenty_buckets_in_one_apply() {
    let stage = Stage::new("twenty");
    let numbered = format!("{}-${{count.index}}", stage.bucket());
    let body = stage.bucket_block("count = 20", "create_access_key = true");
    let body = body.replace(stage.bucket(), &numbered);
    stage.write(&body);
    stage.apply_with(&["-parallelism=20"]);
    let plan = stage.plan_with(&["-parallelism=20"]);
    assert!(plan.is_empty(), "{}", plan.text);
    for index in 0..20 {
        let name = format!("{}-{index}", stage.bucket());
        let answer = stage.ask("s3", "get_bucket_versioning", json!({"Bucket": name}));
        assert_eq!(answer["ok"]["Status"], "Enabled", "{name}");
    }
    stage
        .terraform(&["destroy", "-auto-approve", "-no-color", "-parallelism=20"])
        .succeeds();
    assert_eq!(stage.state(&format!("{THIS}[0]")), json!(null));
}
