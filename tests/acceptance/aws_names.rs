//! Names, tags and parts of AWS.

use serde_json::{Value, json};

use crate::aws_stage::{Amazon, THIS};
use crate::harness::ask;

#[test]
fn byob_bucket_aws_name_with_dots() {
    let amazon = Amazon::new("aws-dots");
    let name = format!("acme.wandb.{}", amazon.bucket());
    let provider = amazon.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\"");
    let resource = amazon.resource("", "").replace(amazon.bucket(), &name);
    amazon.write_raw(&format!("{provider}{resource}"));
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.this()["verified"], true);
    // KMS allows no dots in an alias.
    let alias = format!("alias/wandb-byob/acme_wandb_{}", amazon.bucket());
    assert_eq!(amazon.described(&alias)["Arn"], amazon.key());
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_default_tags_and_ignored_ones() {
    let amazon = Amazon::new("aws-tags");
    let write = |tags: &str| {
        let provider = amazon.provider_block(
            "deployment = \"dedicated\"\n  default_tags = { team = \"ml\", stage = \"prod\" }\n  \
             ignore_tags = [\"audit\"]",
            "region = \"us-east-1\"",
        );
        amazon.write_raw(&format!("{provider}{}", amazon.resource(tags, "")));
    };
    let of_key = |key: &str| {
        let told = amazon.kms("list_resource_tags", json!({"KeyId": key}));
        let pairs = told["Tags"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .into_iter();
        let pair = |tag: Value| Some((tag["TagKey"].as_str()?.to_owned(), tag["TagValue"].clone()));
        Value::Object(pairs.filter_map(pair).collect())
    };
    write("tags = { stage = \"test\" }");
    amazon.apply();
    amazon.assert_empty_plan();
    let key = amazon.key();
    for tags in [amazon.tags(), of_key(&key)] {
        assert_eq!(
            (&tags["team"], &tags["stage"]),
            (&json!("ml"), &json!("test")),
            "{tags}"
        );
    }
    assert_eq!(
        amazon.this()["tags_all"],
        json!({"team": "ml", "stage": "test"})
    );
    // Somebody's own tag, which is to be left alone, and one that is not.
    let put = |extra: &str| {
        let mut set = amazon.tags();
        set[extra] = json!("x");
        let set: Vec<Value> = set
            .as_object()
            .expect("tags")
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        amazon.s3_ok("put_bucket_tagging", json!({"Tagging": {"TagSet": set}}));
    };
    put("audit");
    amazon.assert_empty_plan();
    put("stray");
    assert_eq!(amazon.plan().actions(THIS), ["update"]);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.tags().get("stray"), None);
    write("tags = { stage = \"later\" }");
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.tags()["audit"], "x");
    for tags in [amazon.tags(), of_key(&key)] {
        assert_eq!(tags["stage"], "later", "{tags}");
    }
    // The key has the tags of its bucket, and others' tags that are ignored.
    let args = json!({"KeyId": key, "Tags": [{"TagKey": "audit", "TagValue": "y"}]});
    amazon.kms("tag_resource", args);
    write("tags = { more = \"1\" }");
    amazon.apply();
    amazon.assert_empty_plan();
    let marker = &amazon.tags()["terraform-provider-wandb"].clone();
    assert_eq!(
        of_key(&key),
        json!({"team": "ml", "stage": "prod", "more": "1", "audit": "y", "terraform-provider-wandb": marker})
    );
    write("");
    amazon.apply();
    assert_eq!(of_key(&key).get("more"), None);
    amazon.destroy();
}

/// From nothing to nothing in a part of AWS of its own; every ARN is of that part.
fn partition(partition: &str, region: &str) {
    let amazon = Amazon::new(&format!("p-{partition}"));
    let give = |block: &str| {
        let provider = amazon.provider_block(
            "deployment = \"dedicated\"",
            &format!("region = \"{region}\""),
        );
        amazon.write_raw(&format!(
            "{provider}{}",
            amazon.resource("verify = \"settings\"", block)
        ));
    };
    // W&B's own principal is in the part that everybody else is in.
    give("");
    let text = amazon.plan_fails();
    assert!(
        text.contains("wandb_principal_arns does not fit the region"),
        "{text}"
    );
    let role = format!("arn:{partition}:iam::123456789012:role/wandb");
    give(&format!(
        "wandb_principal_arns = [\"{role}\"]\n create_access_key = true"
    ));
    amazon.apply();
    amazon.assert_empty_plan();
    let (state, name) = (amazon.this(), amazon.bucket());
    let key = amazon.key();
    assert_eq!(state["arn"], format!("arn:{partition}:s3:::{name}"));
    assert!(
        key.starts_with(&format!("arn:{partition}:kms:{region}:123456789012:key/")),
        "{key}"
    );
    let there = |service: &str, call: &str, args: Value| {
        let answer = ask(&amazon.login, &format!("{service}@{region}"), call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    };
    let place = there("s3", "get_bucket_location", json!({"Bucket": name}));
    assert_eq!(place["LocationConstraint"], region);
    let documents = [
        there("s3", "get_bucket_policy", json!({"Bucket": name}))["Policy"].clone(),
        there(
            "kms",
            "get_key_policy",
            json!({"KeyId": key, "PolicyName": "default"}),
        )["Policy"]
            .clone(),
        {
            let generation = state["generation"].as_str().expect("a generation");
            let user = format!("wandb-byob-{generation}-{name}");
            there(
                "iam",
                "get_user_policy",
                json!({"UserName": user, "PolicyName": user}),
            )["PolicyDocument"]
                .clone()
        },
    ];
    for document in documents {
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
    amazon.destroy();
    let gone = ask(
        &amazon.login,
        &format!("s3@{region}"),
        "head_bucket",
        json!({"Bucket": name}),
    );
    assert_eq!(gone["error"], "404");
}

#[test]
fn byob_bucket_aws_in_china() {
    partition("aws-cn", "cn-north-1");
}

#[test]
fn byob_bucket_aws_in_govcloud() {
    partition("aws-us-gov", "us-gov-west-1");
}
