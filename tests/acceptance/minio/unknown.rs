//! Inputs that are known only after something else of the same run is applied.

use serde_json::json;

use super::Stage;
use crate::harness::{THIS, hcl};
use crate::unknown::{LATER, applies, later};

#[test]
fn a_place_that_is_known_only_at_apply_makes_the_planned_bucket() {
    for (case, provider, own) in [
        ("endpoint of the provider", "endpoint", ""),
        ("region of the provider", "region", ""),
        ("endpoint of the bucket", "", "endpoint"),
        ("region of the bucket", "", "region"),
    ] {
        let stage = Stage::new("unknown-place");
        let endpoint = format!("endpoint = {:?}", stage.login.endpoint);
        let open = |name: &str| match name {
            "endpoint" => format!(
                "endpoint = {}",
                later(&format!("{:?}", stage.login.endpoint))
            ),
            "region" => format!("region = {}", later(r#""us-east-1""#)),
            _ => String::new(),
        };
        let default = match (provider, own) {
            ("endpoint", _) => open(provider),
            (_, "endpoint") => String::new(),
            _ => format!("{endpoint}\n{}", open(provider)),
        };
        let block = stage.provider("").replace(&endpoint, &default);
        let body = stage.bucket_block(
            r#"path = "p""#,
            &hcl!(
                r#"
                    create_access_key = true
                    <place>
                "#,
                place = open(own)
            ),
        );
        stage.write_under(&block, &format!("{LATER}{body}"));
        applies(&stage, case);
        let host = stage.host();
        let expected = json!({"provider": "s3", "name": format!("{host}/{}", stage.bucket()),
            "region": "us-east-1", "path": "p"});
        assert_eq!(stage.this()["instance_bucket"], expected, "{case}");
        stage.destroy();
    }
}

#[test]
fn tags_of_the_provider_that_are_not_known_yet_keep_the_state() {
    for (case, extra, tags) in [
        (
            "default_tags",
            r#"default_tags = { when = terraform_data.later.output ? "later" : "" }"#,
            json!({"own": "x", "when": "later"}),
        ),
        (
            "ignore_tags",
            r#"ignore_tags = terraform_data.later.output ? ["other"] : []"#,
            json!({"own": "x"}),
        ),
    ] {
        let stage = Stage::new("unknown-tags");
        let body = stage.bucket_block(r#"tags = { own = "x" }"#, "create_access_key = true");
        stage.write(&body);
        stage.apply();
        let key = stage.this()["access_key_id"].clone();
        stage.write_under(&stage.provider(extra), &format!("{LATER}{body}"));
        let plan = stage.plan();
        assert!(
            plan.text.contains("The bucket was not looked at"),
            "{case}: {}",
            plan.text
        );
        applies(&stage, case);
        let state = stage.this();
        assert_eq!(state["tags_all"], tags, "{case}");
        assert_eq!(state["access_key_id"], key, "{case}");
        for (name, value) in tags.as_object().expect("tags") {
            assert_eq!(stage.tags()[name], *value, "{case}");
        }
        stage.destroy();
        assert!(!stage.exists(), "{case}");
    }
}

/// The provider's block with its access key known only later, and what it is then.
fn with_key_known_later(stage: &Stage) -> (String, String) {
    let key = &stage.login.access_key;
    let provider = stage.provider("").replace(
        &format!("access_key = {key:?}"),
        "access_key = terraform_data.key.output",
    );
    let data = hcl!(
        r#"
            resource "terraform_data" "key" {
              input = "<key>"
            }
        "#,
        key
    );
    (provider, data)
}

#[test]
fn a_provider_that_is_unknown_at_plan_is_not_guessed() {
    let stage = Stage::new("unknown");
    let (provider, data) = with_key_known_later(&stage);
    let body = stage.bucket_block("", "");
    stage.write_under(&provider, &format!("{data}{body}"));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_provider_that_becomes_unknown_reads_nothing_and_keeps_the_state() {
    let stage = Stage::new("unknown-later");
    let body = stage.bucket_block("", "");
    stage.write(&body);
    stage.apply();
    let (provider, data) = with_key_known_later(&stage);
    stage.write_under(&provider, &format!("{data}{body}"));
    let plan = stage.plan();
    assert!(plan.text.contains("was not looked at"), "{}", plan.text);
    assert_eq!(plan.actions(THIS), ["no-op"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
