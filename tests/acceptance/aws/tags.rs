//! Tags of a bucket on AWS and of its key.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::THIS;

fn tags_of_key(stage: &Stage, key: &str) -> Value {
    let answer = stage.kms("list_resource_tags", json!({"KeyId": key}));
    let tags = answer["Tags"].as_array().cloned().unwrap_or_default();
    let pair = |tag: Value| Some((tag["TagKey"].as_str()?.to_owned(), tag["TagValue"].clone()));
    Value::Object(tags.into_iter().filter_map(pair).collect())
}

#[test]
fn tags_of_the_provider_are_merged_and_ignored_ones_left_alone() {
    let stage = Stage::new("aws-tags");
    let write = |tags: &str| {
        let provider = stage.provider(
            r#"
                default_tags = { team = "ml", stage = "prod" }
                ignore_tags = ["audit"]
            "#,
        );
        stage.write_under(&provider, &stage.bucket_block(tags, ""));
    };
    write(r#"tags = { stage = "test" }"#);
    stage.apply();
    stage.assert_empty_plan();
    let key = stage.key();
    for tags in [stage.tags(), tags_of_key(&stage, &key)] {
        assert_eq!(tags["team"], "ml", "{tags}");
        assert_eq!(tags["stage"], "test", "{tags}");
    }
    let all = json!({"team": "ml", "stage": "test"});
    assert_eq!(stage.this()["tags_all"], all);
    // Somebody's own tag, which is to be left alone, and one that is not.
    let put = |extra: &str| {
        let mut tags = stage.tags();
        tags[extra] = json!("x");
        stage.put_tags(&tags);
    };
    put("audit");
    stage.assert_empty_plan();
    put("stray");
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags().get("stray"), None);
    write(r#"tags = { stage = "later" }"#);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["audit"], "x");
    for tags in [stage.tags(), tags_of_key(&stage, &key)] {
        assert_eq!(tags["stage"], "later", "{tags}");
    }
    // The key has the tags of its bucket, and others' tags that are ignored.
    let args = json!({"KeyId": key, "Tags": [{"TagKey": "audit", "TagValue": "y"}]});
    stage.kms("tag_resource", args);
    write(r#"tags = { more = "1" }"#);
    stage.apply();
    stage.assert_empty_plan();
    let marker = stage.marker();
    assert_eq!(
        tags_of_key(&stage, &key),
        json!({"team": "ml", "stage": "prod", "more": "1", "audit": "y",
            "terraform-provider-wandb/bucket": stage.bucket(),
            "terraform-provider-wandb": marker})
    );
    write("");
    stage.apply();
    assert_eq!(tags_of_key(&stage, &key).get("more"), None);
    stage.destroy();
}
