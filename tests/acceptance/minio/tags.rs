//! Tags: as many as fit, odd ones, and those of the provider.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::hcl;

#[test]
fn tags_of_the_provider_are_merged_and_ignored_ones_left_alone() {
    let stage = Stage::new("default-tags");
    let body = stage.bucket_block(r#"tags = { own = "1" }"#, "");
    let extra = r#"
        default_tags = { owner = "ml", own = "0" }
        ignore_tags = ["scanner"]
    "#;
    stage.write_under(&stage.provider(extra), &body);
    stage.apply();
    stage.assert_empty_plan();
    let mut tags = stage.tags();
    tags["scanner"] = json!("seen");
    stage.put_tags(&tags);
    stage.assert_empty_plan();
    let body = stage.bucket_block(r#"tags = { own = "2" }"#, "");
    stage.write_under(&stage.provider(extra), &body);
    stage.apply();
    let tags = stage.tags();
    assert_eq!(
        (&tags["own"], &tags["owner"], &tags["scanner"]),
        (&json!("2"), &json!("ml"), &json!("seen"))
    );
    assert_eq!(stage.this()["tags_all"], json!({"own": "2", "owner": "ml"}));
    stage.destroy();
}

#[test]
fn as_many_tags_as_fit_beside_the_marker() {
    let stage = Stage::new("tags-many");
    let tags = |count: usize| {
        let all: Vec<String> = (0..count)
            .map(|number| hcl!(r#"t<number> = "v""#, number))
            .collect();
        hcl!(
            r#"
                tags = {
                  <all>
                }
            "#,
            all = all.join("\n")
        )
    };
    stage.write_bucket(&tags(50), "");
    let text = stage.plan_fails();
    assert!(text.contains("49"), "{text}");
    assert!(!stage.exists());
    stage.write_bucket(&tags(49), "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags().as_object().map(|tags| tags.len()), Some(50));
    stage.destroy();
}

#[test]
fn odd_tags_are_kept_and_refused_ones_reported() {
    let stage = Stage::new("tags-odd");
    // MinIO takes no letters but ASCII's, and says so after the bucket is made.
    stage.write_bucket(r#"tags = { "Ünï" = "côdé" }"#, "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("The bucket's tags were not set"), "{text}");
    assert!(text.contains("TagKey"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    let marker = stage.marker();
    assert!(marker.starts_with("creating-"), "{marker}");
    let arguments = r#"tags = { "a b" = "x=y:z/+-@_.", "empty" = "", "k.1:2/3=4+5-6@7_8" = "v" }"#;
    stage.write_bucket(arguments, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let tags = stage.tags();
    assert_eq!(tags["a b"], "x=y:z/+-@_.");
    assert_eq!(tags["empty"], "");
    assert_eq!(tags.as_object().map(|tags| tags.len()), Some(4));
    stage.destroy();
}

#[test]
fn tags_that_never_reach_the_bucket_are_no_difference() {
    let stage = Stage::new("tags-unsent");
    for (extra, tags, all) in [
        (
            r#"ignore_tags = ["theirs"]"#,
            r#"{ theirs = "x", b = "y" }"#,
            json!({"b": "y"}),
        ),
        ("", r#"{ a = null, b = "" }"#, json!({"b": ""})),
        (
            r#"default_tags = { a = "z", c = null }"#,
            "{ a = null }",
            json!({"a": "z"}),
        ),
    ] {
        let body = stage.bucket_block(&format!("tags = {tags}"), "");
        stage.write_under(&stage.provider(extra), &body);
        stage.apply();
        stage.assert_empty_plan();
        let mut found = stage.tags();
        let marker = found
            .as_object_mut()
            .and_then(|tags| tags.remove("terraform-provider-wandb"));
        assert!(marker.is_some(), "{tags}");
        assert_eq!(found, all, "{tags}");
        assert_eq!(stage.this()["tags_all"], all, "{tags}");
        stage.destroy();
    }
}

#[test]
fn tags_that_are_the_providers_or_too_long_are_refused_at_plan() {
    let stage = Stage::new("tags-bad");
    let long = "x".repeat(257);
    for tags in [
        r#"{ "terraform-provider-wandb" = "ready-00c0ffee" }"#.to_owned(),
        r#"{ "" = "x" }"#.to_owned(),
        hcl!(r#"{ "<long>" = "x" }"#, long = &long[..129]),
        hcl!(r#"{ "a" = "<long>" }"#, long),
        r#"{ "aws:a" = "x" }"#.to_owned(),
    ] {
        stage.write_bucket(&format!("tags = {tags}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("on main.tf line"), "{text}");
        assert!(text.contains("tags"), "{text}");
    }
    let body = stage.bucket_block("", "");
    let provider = stage.provider(r#"ignore_tags = ["terraform-provider-wandb"]"#);
    stage.write_under(&provider, &body);
    let text = stage.plan_fails();
    assert!(text.contains("ignore_tags"), "{text}");
    assert!(!stage.exists());
}
