//! Names, buckets and keys on AWS that were there before.

use serde_json::json;

use super::Stage;

#[test]
fn a_bucket_of_another_state_is_refused_and_a_half_made_one_is_gone_on_with() {
    let stage = Stage::new("aws-taken");
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("ready-00c0ffee");
    stage.write_bucket("", "");
    let text = stage.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    let id = format!("id = {:?}", stage.import_id());
    assert!(text.contains(&id), "{text}");
    assert_eq!(stage.own_keys(), Vec::<String>::new());
    // What died half-way has no key yet, or one without an alias.
    stage.mark("creating-00c0ffee");
    let description = format!(
        "Encrypts the bucket {} for Weights & Biases",
        stage.bucket()
    );
    let marker = json!({"TagKey": "terraform-provider-wandb", "TagValue": "creating-00c0ffee"});
    let owner = json!({"TagKey": "terraform-provider-wandb/bucket", "TagValue": stage.bucket()});
    let args = json!({"Description": description, "Tags": [marker, owner]});
    let made = stage.kms("create_key", args);
    let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let generation = stage.generation();
    assert_ne!(generation, "00c0ffee");
    let marker = format!("ready-{generation}");
    assert_eq!(stage.marker(), marker);
    assert_eq!(stage.own_keys(), [key]);
    assert_eq!(stage.key(), key);
    stage.destroy();
}

#[test]
fn an_adoption_that_fails_leaves_no_state_and_can_be_repeated() {
    let stage = Stage::new("aws-adopt");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Everybody",
        "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket",
        "Resource": format!("arn:aws:s3:::{}", stage.bucket())}]});
    stage.put_policy(&policy);
    stage.write_bucket("adopt = true", "");
    let text = stage.apply_fails();
    assert!(text.contains("statement Everybody"), "{text}");
    assert!(text.contains("exclusive_policy"), "{text}");
    assert_eq!(stage.this(), json!(null));
    assert_eq!(stage.policy(), policy);
    let marker = stage.tags()["terraform-provider-wandb"].clone();
    let creating = marker
        .as_str()
        .is_some_and(|text| text.starts_with("creating"));
    assert!(!creating, "{marker}");
    stage.s3_ok("head_object", json!({"Key": "theirs"}));
    // Once the statement is gone the adoption goes through, with the key of the first try.
    stage.s3_ok("delete_bucket_policy", json!({}));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn an_alias_of_somebody_else_is_not_moved() {
    let stage = Stage::new("aws-alias");
    let theirs = stage.foreign_key();
    let alias = stage.alias();
    let args = json!({"AliasName": alias, "TargetKeyId": theirs});
    stage.kms("create_alias", args);
    stage.write_bucket("", "");
    let text = stage.apply_fails();
    assert!(text.contains("this provider did not make"), "{text}");
    assert!(text.contains(&theirs), "{text}");
    assert_eq!(stage.described(&alias)["Arn"], theirs);
    assert_eq!(stage.own_keys(), Vec::<String>::new());
    // The half-made bucket is in the state, and goes on once the alias is out of the way.
    stage.kms("delete_alias", json!({"AliasName": alias}));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    stage.destroy();
    assert_eq!(stage.described(&theirs)["KeyState"], "Enabled");
}
