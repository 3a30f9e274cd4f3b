//! Inputs that are known only after something else of the same run is applied.

use serde_json::json;

use crate::aws_stage::Amazon;
use crate::harness::Stage;

/// A resource whose `output` is true once it is applied, and not known before.
const LATER: &str = "resource \"terraform_data\" \"later\" {\n  input = true\n}\n";

/// The text as an expression that is not known before [`LATER`] is applied.
fn later(value: &str) -> String {
    format!("terraform_data.later.output ? {value} : null")
}

/// Applies what was written at once, and everything is as planned.
fn applies(stage: &Stage, case: &str) {
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert!(run.0.status.success(), "{case}:\n{}", run.text());
    stage.assert_empty_plan();
}

#[test]
fn a_place_that_is_known_only_at_apply_makes_the_planned_bucket() {
    for (case, provider, own) in [
        ("endpoint of the provider", "endpoint", ""),
        ("region of the provider", "region", ""),
        ("endpoint of the bucket", "", "endpoint"),
        ("region of the bucket", "", "region"),
    ] {
        let stage = Stage::new("unknown-place");
        let endpoint = format!("endpoint = \"{}\"", stage.login.endpoint);
        let open = |name: &str| match name {
            "endpoint" => format!(
                "endpoint = {}",
                later(&format!("\"{}\"", stage.login.endpoint))
            ),
            "region" => format!("region = {}", later("\"us-east-1\"")),
            _ => String::new(),
        };
        let default = match (provider, own) {
            ("endpoint", _) => open(provider),
            (_, "endpoint") => String::new(),
            _ => format!("{endpoint}\n {}", open(provider)),
        };
        let block = stage.provider("").replace(&endpoint, &default);
        let body = stage.bucket_block(
            "path = \"p\"",
            &format!("create_access_key = true\n {}", open(own)),
        );
        stage.write_raw(&format!("{block}{LATER}{body}"));
        applies(&stage, case);
        let host = stage.login.endpoint.replace("http://", "");
        let expected = json!({"provider": "s3", "name": format!("{host}/{}", stage.bucket()),
            "region": "us-east-1", "path": "p"});
        assert_eq!(stage.this()["instance_bucket"], expected, "{case}");
        stage.destroy();
    }
}

#[test]
fn what_amazon_is_told_only_at_apply_makes_the_planned_bucket() {
    for (case, block, keys) in [
        (
            "no key",
            format!("sse_algorithm = {}", later("\"AES256\"")),
            vec!["name", "provider"],
        ),
        (
            "a key",
            format!("sse_algorithm = {}", later("\"aws:kms\"")),
            vec!["kms_key_id", "name", "provider"],
        ),
        (
            "no external id",
            "aws_external_id = terraform_data.later.output ? null : \"x\"".to_owned(),
            vec!["kms_key_id", "name", "provider"],
        ),
        (
            "a user",
            format!(
                "sse_algorithm = \"AES256\"\n create_access_key = {}",
                later("true")
            ),
            vec!["name", "provider"],
        ),
    ] {
        let stage = Amazon::new("unknown-aws");
        // The stand-in lets every key do everything, so there is nothing to try.
        stage.give("verify = \"off\"", &block);
        let text = std::fs::read_to_string(stage.path().join("main.tf")).expect("written");
        stage.write_raw(&format!("{text}{LATER}"));
        applies(&stage, case);
        let storage = stage.this()["storage"].clone();
        let found: Vec<&String> = storage.as_object().expect("a map").keys().collect();
        assert_eq!(found, keys, "{case}");
        stage.destroy();
    }
}

#[test]
fn tags_of_the_provider_that_are_not_known_yet_keep_the_state() {
    for (case, extra, tags) in [
        (
            "default_tags",
            "default_tags = { when = terraform_data.later.output ? \"later\" : \"\" }",
            json!({"own": "x", "when": "later"}),
        ),
        (
            "ignore_tags",
            "ignore_tags = terraform_data.later.output ? [\"other\"] : []",
            json!({"own": "x"}),
        ),
    ] {
        let stage = Stage::new("unknown-tags");
        let body = stage.bucket_block("tags = { own = \"x\" }", "create_access_key = true");
        stage.write(&body);
        stage.apply();
        let key = stage.this()["access_key_id"].clone();
        stage.write_raw(&format!("{}{LATER}{body}", stage.provider(extra)));
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
