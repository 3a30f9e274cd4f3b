//! What is known on AWS only after something else of the same run is applied.

use super::Stage;
use crate::harness::{THIS, hcl};
use crate::unknown::{LATER, applies, later};

#[test]
fn what_amazon_hears_only_at_apply_makes_the_planned_bucket() {
    for (case, block, keys) in [
        (
            "no key",
            format!("sse_algorithm = {}", later(r#""AES256""#)),
            vec!["name", "provider"],
        ),
        (
            "a key",
            format!("sse_algorithm = {}", later(r#""aws:kms""#)),
            vec!["kms_key_id", "name", "provider"],
        ),
        (
            "no external id",
            r#"aws_external_id = terraform_data.later.output ? null : "x""#.to_owned(),
            vec!["kms_key_id", "name", "provider"],
        ),
        (
            "a user",
            hcl!(
                r#"
                    sse_algorithm = "AES256"
                    create_access_key = <later>
                "#,
                later = later("true")
            ),
            vec!["name", "provider"],
        ),
    ] {
        let stage = Stage::new("unknown-aws");
        // The stand-in lets every key do everything, so there is nothing to try.
        stage.write_bucket(r#"verify = "off""#, &block);
        let text = stage.written();
        stage.write_raw(&format!("{text}{LATER}"));
        applies(&stage, case);
        let storage = stage.this()["storage"].clone();
        let found: Vec<&String> = storage.as_object().expect("a map").keys().collect();
        assert_eq!(found, keys, "{case}");
        stage.destroy();
    }
}

#[test]
fn a_provider_that_is_not_known_yet_is_not_guessed() {
    let stage = Stage::new("aws-unknown");
    let key = stage.login.access_key.clone();
    let data = hcl!(
        r#"
            resource "terraform_data" "key" {
              input = "<key>"
            }
            resource "terraform_data" "region" {
              input = "us-east-1"
            }
        "#,
        key
    );
    let provider = stage
        .provider_in("", "region = terraform_data.region.output")
        .replace(
            &format!("access_key = {key:?}"),
            "access_key = terraform_data.key.output",
        );
    let bucket = stage.bucket_block("", "");
    stage.write_under(&provider, &format!("{data}{bucket}"));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["create"]);
    assert_eq!(plan.change(THIS)["after_unknown"]["region"], true);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.this()["arn"],
        format!("arn:aws:s3:::{}", stage.bucket())
    );
    // Known no more: nothing is read with whatever else the machine has, and nothing changes.
    let data = data.replace(&format!("{key:?}"), r#""another""#);
    stage.write_under(&provider, &format!("{data}{bucket}"));
    let plan = stage.plan();
    assert!(plan.text.contains("was not looked at"), "{}", plan.text);
    assert_eq!(plan.actions(THIS), ["no-op"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
