//! Parts of AWS of their own: every ARN is of that part.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::hcl;

/// From nothing to nothing in a part of AWS of its own; every ARN is of that part.
fn partition(partition: &str, region: &str) {
    let stage = Stage::new(&format!("p-{partition}"));
    let write = |block: &str| {
        let provider = stage.provider_in("", &hcl!(r#"region = "<region>""#, region));
        let body = stage.bucket_block(r#"verify = "settings""#, block);
        stage.write_under(&provider, &body);
    };
    // W&B's own principal is in the part that everybody else is in.
    write("");
    let text = stage.plan_fails();
    assert!(
        text.contains("wandb_principal_arns does not fit the region"),
        "{text}"
    );
    write(&hcl!(
        r#"
            wandb_principal_arns = ["arn:<partition>:iam::123456789012:role/wandb"]
            create_access_key = true
        "#,
        partition
    ));
    stage.apply();
    stage.assert_empty_plan();
    let (state, name, key) = (stage.this(), stage.bucket(), stage.key());
    assert_eq!(state["arn"], format!("arn:{partition}:s3:::{name}"));
    let keys = format!("arn:{partition}:kms:{region}:123456789012:key/");
    assert!(key.starts_with(&keys), "{key}");
    let answer = ask_in(
        &stage,
        region,
        "s3",
        "get_bucket_location",
        json!({"Bucket": name}),
    );
    assert_eq!(answer["ok"]["LocationConstraint"], region);
    for document in documents(&stage, region) {
        let text = document.to_string();
        assert!(text.contains(&format!("arn:{partition}:")), "{text}");
        assert!(!text.contains("arn:aws:"), "{text}");
    }
    let entry = state["supported_file_store"].as_str().expect("an address");
    let host = match partition {
        "aws-cn" => format!("s3.{region}.amazonaws.com.cn"),
        _ => format!("s3.{region}.amazonaws.com"),
    };
    assert!(
        entry.contains(&format!("@{host}/{name}?region={region}")),
        "another host"
    );
    stage.destroy();
    let gone = ask_in(&stage, region, "s3", "head_bucket", json!({"Bucket": name}));
    assert_eq!(gone["error"], "404");
}

/// Asks a service of that part.
fn ask_in(stage: &Stage, region: &str, service: &str, call: &str, args: Value) -> Value {
    stage.ask(&format!("{service}@{region}"), call, args)
}

/// The policies of the bucket, of its key and of W&B's user.
fn documents(stage: &Stage, region: &str) -> [Value; 3] {
    let there = |service: &str, call: &str, args: Value| {
        let answer = ask_in(stage, region, service, call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    };
    let (user, key) = (stage.user(), stage.key());
    let bucket = json!({"Bucket": stage.bucket()});
    let key = json!({"KeyId": key, "PolicyName": "default"});
    let user = json!({"UserName": user, "PolicyName": user});
    [
        there("s3", "get_bucket_policy", bucket)["Policy"].clone(),
        there("kms", "get_key_policy", key)["Policy"].clone(),
        there("iam", "get_user_policy", user)["PolicyDocument"].clone(),
    ]
}

#[test]
fn a_bucket_in_china_is_wholly_there() {
    partition("aws-cn", "cn-north-1");
}

#[test]
fn a_bucket_in_govcloud_is_wholly_there() {
    partition("aws-us-gov", "us-gov-west-1");
}
