//! Names and paths with everything that they may hold.

use serde_json::json;

use super::Stage;
use crate::harness::{self, S3Compatible, hcl};

/// The same for every server of the kind.
pub fn odd_names_and_paths<C: S3Compatible>(stage: &harness::Stage<C>) {
    // 63 characters with dots, and a path with everything that a path may hold.
    let name = format!(
        "{}.b-{}",
        "a".repeat(62 - stage.bucket().len() - 1),
        stage.bucket()
    );
    let name = name[name.len() - 63.min(name.len())..].trim_start_matches(['.', '-']);
    let path = "teams/Ünï côdé/it's (1) & more = x+y@z!,;:";
    let arguments = hcl!(
        r#"
            path = "<path>"
            on_destroy = "delete_everything"
        "#,
        path
    );
    let body = stage
        .bucket_block(&arguments, "create_access_key = true")
        .replace(stage.bucket(), name);
    stage.write(&body);
    stage.apply();
    let plan = stage.plan();
    assert!(plan.is_empty(), "{}", plan.text);
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["storage"]["path"], path);
    let held = stage.ask("s3", "holds", json!({"Bucket": name}));
    assert_eq!(held["ok"]["objects"], 0, "{held}");
    assert_eq!(held["ok"]["versions"], 0, "{held}");
    stage.destroy();
}

#[test]
fn odd_names_and_paths_work() {
    odd_names_and_paths(&Stage::new("odd"));
}
