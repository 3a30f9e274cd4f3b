//! A bucket whose block becomes another cloud's.

use serde_json::Value;
use simulator::amazon;

use crate::harness::{Cloud, Gcp, Minio, Stage, hcl, minio, proxy_to};

const MADE_KEY: &str = "create_access_key = true";

/// A provider's block that leads to both.
fn both(stage: &Stage<Minio>, google: &Stage<Gcp>) -> String {
    let block = hcl!(
        r#"
            gcp {
              project = "simulated-project"
              <credentials>
              <endpoints>
            }
            s3_compatible {
        "#,
        credentials = google.login.credentials,
        endpoints = google.login.endpoints()
    );
    stage.provider("").replacen("s3_compatible {", &block, 1)
}

#[test]
fn a_bucket_that_becomes_another_clouds_is_replaced() {
    for before in [false, true] {
        let (proxy, login) = proxy_to(minio());
        let stage = Stage::<Minio>::on("other-cloud", login);
        let google = Stage::<Gcp>::new("other-cloud-unused");
        let lifecycle = if before {
            "lifecycle { create_before_destroy = true }"
        } else {
            ""
        };
        let there = stage.bucket_block(lifecycle, MADE_KEY);
        let here = hcl!(
            r#"
                resource "wandb_byob_bucket" "this" {
                  name = "<name>"
                  <lifecycle>
                  gcp {
                    location = "us-east1"
                    create_access_key = true
                  }
                }
            "#,
            name = stage.bucket(),
            lifecycle
        );
        let provider = both(&stage, &google);
        stage.write_under(&provider, &there);
        stage.apply();
        stage.assert_empty_plan();
        stage.put("data");
        stage.write_under(&provider, &here);
        let text = stage.plan_fails();
        assert!(text.contains("would be replaced"), "{text}");
        stage.clean_up_objects();
        // The user of the bucket that goes stays at first.
        proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
            seen.method == "DELETE" && seen.target.contains("remove-user")
        });
        let text = stage.apply_fails();
        assert!(text.contains("W&B's user was not removed"), "{text}");
        assert!(!stage.exists());
        proxy.clear();
        stage.apply();
        stage.assert_empty_plan();
        assert_eq!(stage.users(), Vec::<String>::new());
        assert!(stage.this()["gcp"].is_object(), "{}", stage.this());
        // And back.
        stage.write_under(&provider, &there);
        stage.apply();
        stage.assert_empty_plan();
        assert_eq!(stage.users(), [stage.user()]);
        assert!(!Gcp::is_there(&google, stage.bucket()));
        stage.destroy();
        assert_eq!(stage.this(), Value::Null);
        assert_eq!(stage.users(), Vec::<String>::new());
    }
}
