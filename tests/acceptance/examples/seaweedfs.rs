//! The examples that need a server with settings for browsers of each bucket.

use serde_json::json;

use super::{BUCKET, Example, example, nothing, run};
use crate::harness::SeaweedFs;

type Stage = crate::harness::Stage<SeaweedFs>;

pub const EXAMPLES: &[Example<SeaweedFs>] = &[example(
    "resources/wandb_byob_bucket/cors.tf",
    nothing,
    own_cors,
)];

#[test]
fn every_example_is_applied_and_destroyed() {
    run(EXAMPLES, || Stage::new("example"));
}

fn own_cors(stage: &Stage) {
    let args = json!({"Bucket": "acme-wandb-omega"});
    let rule = stage.ok("s3", "get_bucket_cors", args)["CORSRules"][0].clone();
    assert_eq!(rule["AllowedOrigins"], json!([stage.wandb.url()]));
    assert_eq!(rule["AllowedMethods"], json!(["GET", "HEAD", "PUT"]));
    assert_eq!(rule["MaxAgeSeconds"], 600);
    assert_eq!(stage.state(BUCKET)["verified"], true);
}
