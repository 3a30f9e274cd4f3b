//! Names, buckets and keys on AWS that were there before.

use serde_json::json;

use crate::aws_stage::{Amazon, THIS};

fn marked(amazon: &Amazon, marker: &str) {
    let tags = json!({"TagSet": [{"Key": "terraform-provider-wandb", "Value": marker}]});
    amazon.s3_ok("put_bucket_tagging", json!({"Tagging": tags}));
}

#[test]
fn byob_bucket_aws_of_another_state_is_refused_and_a_half_made_one_is_gone_on_with() {
    let amazon = Amazon::new("aws-taken");
    amazon.s3_ok("create_bucket", json!({}));
    marked(&amazon, "ready-00c0ffee");
    amazon.give("", "");
    let text = amazon.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    let id = format!("id = \"aws/us-east-1/{}\"", amazon.bucket());
    assert!(text.contains(&id), "{text}");
    assert_eq!(amazon.own_keys(), Vec::<String>::new());
    // What died half-way has no key yet, or one without an alias.
    marked(&amazon, "creating-00c0ffee");
    let made = amazon.kms(
        "create_key",
        json!({"Description": format!("Encrypts the bucket {} for Weights & Biases", amazon.bucket()),
            "Tags": [{"TagKey": "terraform-provider-wandb", "TagValue": "creating-00c0ffee"}]}),
    );
    let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    let plan = amazon.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
    let generation = amazon.this()["generation"].clone();
    let generation = generation.as_str().expect("a generation");
    assert_ne!(generation, "00c0ffee");
    let marker = format!("ready-{generation}");
    assert_eq!(amazon.tags()["terraform-provider-wandb"], marker);
    assert_eq!(amazon.own_keys(), [key]);
    assert_eq!(amazon.key(), key);
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_adoption_that_fails_leaves_no_state_and_can_be_repeated() {
    let amazon = Amazon::new("aws-adopt");
    amazon.s3_ok("create_bucket", json!({}));
    amazon.put("theirs");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Everybody", "Effect": "Allow",
        "Principal": "*", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{}", amazon.bucket())}]});
    amazon.s3_ok("put_bucket_policy", json!({"Policy": policy.to_string()}));
    amazon.give("adopt = true", "");
    let text = amazon.apply_fails();
    assert!(text.contains("statement Everybody"), "{text}");
    assert!(text.contains("exclusive_policy"), "{text}");
    assert_eq!(amazon.this(), json!(null));
    assert_eq!(amazon.policy(), policy);
    let marker = amazon.tags()["terraform-provider-wandb"].clone();
    let creating = marker
        .as_str()
        .is_some_and(|text| text.starts_with("creating"));
    assert!(!creating, "{marker}");
    amazon.s3_ok("head_object", json!({"Key": "theirs"}));
    // Once the statement is gone the adoption goes through, with the key of the first try.
    amazon.s3_ok("delete_bucket_policy", json!({}));
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), [amazon.key()]);
    amazon.clean_up_objects();
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_alias_of_somebody_else_is_not_moved() {
    let amazon = Amazon::new("aws-alias");
    let theirs = amazon.foreign_key();
    let alias = format!("alias/wandb-byob/{}", amazon.bucket());
    let args = json!({"AliasName": alias, "TargetKeyId": theirs});
    amazon.kms("create_alias", args);
    amazon.give("", "");
    let text = amazon.apply_fails();
    assert!(text.contains("this provider did not make"), "{text}");
    assert!(text.contains(&theirs), "{text}");
    assert_eq!(amazon.described(&alias)["Arn"], theirs);
    assert_eq!(amazon.own_keys(), Vec::<String>::new());
    // The half-made bucket is in the state, and goes on once the alias is out of the way.
    amazon.kms("delete_alias", json!({"AliasName": alias}));
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), [amazon.key()]);
    amazon.destroy();
    assert_eq!(amazon.described(&theirs)["KeyState"], "Enabled");
}

#[test]
fn byob_bucket_aws_twenty_at_once() {
    let amazon = Amazon::new("aws-twenty");
    let provider = amazon.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\"");
    let name = amazon.bucket().to_owned();
    let many = amazon.resource("count = 20", "").replace(
        &format!("\"{name}\""),
        &format!("\"{name}-${{count.index}}\""),
    );
    amazon.write_raw(&format!("{provider}{many}"));
    amazon.apply_with(&["-parallelism=20"]);
    let plan = amazon.plan_with(&["-parallelism=20"]);
    assert!(plan.is_empty(), "{}", plan.text);
    for number in [0, 9, 19] {
        let alias = format!("alias/wandb-byob/{name}-{number}");
        let of = amazon.state(&format!("{THIS}[{number}]"));
        assert_eq!(amazon.described(&alias)["Arn"], of["aws"]["kms_key_arn"]);
        assert_eq!(of["verified"], true);
    }
    let arguments = ["destroy", "-auto-approve", "-no-color", "-parallelism=20"];
    amazon.terraform(&arguments).succeeds();
    for number in 0..20 {
        let described = amazon.described(&format!("alias/wandb-byob/{name}-{number}"));
        assert_eq!(described["KeyState"], "PendingDeletion");
    }
}

#[test]
fn byob_bucket_aws_under_a_provider_that_is_not_known_yet() {
    let amazon = Amazon::new("aws-unknown");
    let key = amazon.login.access_key.clone();
    let data = format!(
        "resource \"terraform_data\" \"key\" {{\n input = \"{key}\"\n}}\n\
         resource \"terraform_data\" \"region\" {{\n input = \"us-east-1\"\n}}\n"
    );
    let provider = amazon
        .provider_block(
            "deployment = \"dedicated\"",
            "region = terraform_data.region.output",
        )
        .replace(
            &format!("access_key = \"{key}\""),
            "access_key = terraform_data.key.output",
        );
    amazon.write_raw(&format!("{provider}{data}{}", amazon.resource("", "")));
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["create"]);
    assert_eq!(plan.change(THIS)["after_unknown"]["region"], true);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(
        amazon.this()["arn"],
        format!("arn:aws:s3:::{}", amazon.bucket())
    );
    // Known no more: nothing is read with whatever else the machine has, and nothing changes.
    let data = data.replace(&format!("\"{key}\""), "\"another\"");
    amazon.write_raw(&format!("{provider}{data}{}", amazon.resource("", "")));
    let plan = amazon.plan();
    assert!(plan.text.contains("was not looked at"), "{}", plan.text);
    assert_eq!(plan.actions(THIS), ["no-op"], "{}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
    amazon.destroy();
}
