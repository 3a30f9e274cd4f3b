//! Requirements on AWS that need more than a change of one setting to be broken.

use serde_json::{Value, json};

use crate::aws_stage::{ACCOUNT, Amazon, THIS, behind_tls};
use crate::harness::{Login, ask, moto};

/// The findings about a requirement.
fn finding(amazon: &Amazon, requirement: &str) -> Option<Value> {
    let findings = amazon.this()["findings"].as_array().cloned();
    let mut of_it = findings.unwrap_or_default().into_iter();
    of_it.find(|one| one["requirement"] == requirement)
}

/// What a change of the policy's statement about plain HTTP leads to.
fn spoil_deny(amazon: &Amazon, spoil: impl Fn(&mut Vec<Value>)) {
    let mut policy = amazon.policy();
    spoil(policy["Statement"].as_array_mut().expect("statements"));
    amazon.s3_ok("put_bucket_policy", json!({"Policy": policy.to_string()}));
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
}

/// The server is behind TLS here, and applies the rule: see `amazon.py`.
#[test]
fn byob_bucket_aws_https_only_refuses_plain_http() {
    let mut amazon = Amazon::behind_tls("aws-https");
    amazon.set(
        "AWS_CA_BUNDLE",
        &behind_tls().certificate.display().to_string(),
    );
    let give = |https: &str| {
        let provider =
            amazon.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\"");
        let resource = amazon.resource("", "").replace("https_only = false", https);
        amazon.write_raw(&format!("{provider}{resource}"));
    };
    give("");
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.this()["verified"], true);
    assert_eq!(amazon.this()["findings"], json!([]));
    amazon.put("data");
    let plain = |call: &str| {
        let args = json!({"Bucket": amazon.bucket(), "Key": "data"});
        ask(&Login::of(moto()), "s3", call, args)
    };
    assert_eq!(plain("head_object")["error"], "403");
    // Gone: the attribute shows it.
    spoil_deny(&amazon, |all| all.retain(|one| one["Effect"] != "Deny"));
    assert_eq!(plain("head_object")["error"], "403");
    // Changed: a finding shows it.
    spoil_deny(&amazon, |all| {
        for one in all.iter_mut().filter(|one| one["Effect"] == "Deny") {
            one["Action"] = json!("s3:PutObject");
        }
    });
    assert_eq!(plain("head_object")["error"], "403");
    // Taken back by choice, which is a warning.
    give("https_only = false");
    amazon.apply();
    amazon.assert_empty_plan();
    assert!(plain("head_object").get("ok").is_some());
    let told = finding(&amazon, "access.https_only").expect("a finding");
    assert_eq!(told["status"], "warn");
    amazon.clean_up_objects();
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_key_for_signatures_is_found() {
    let amazon = Amazon::new("aws-usage");
    let made = amazon.kms(
        "create_key",
        json!({"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}),
    );
    let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    amazon.give(
        "",
        &format!("kms_key_arn = \"{key}\"\n kms_key_rotation = false"),
    );
    let text = amazon.plan_with(&[]).text;
    assert!(
        text.contains("kms_key_rotation does nothing to a given key"),
        "{text}"
    );
    let text = amazon.apply().text();
    assert!(text.contains("kms.key_usage"), "{text}");
    let told = finding(&amazon, "kms.key_usage").expect("a finding");
    assert_eq!(told["status"], "fail");
    assert_eq!(told["actual"], "SIGN_VERIFY");
    assert_eq!(amazon.this()["verified"], false);
    // Another key, in place.
    let good = amazon.foreign_key();
    let mut document = amazon.key_policy(&good);
    let more = json!({"Sid": "W", "Effect": "Allow", "Principal": {"AWS": "830241207209"},
        "Action": "kms:*", "Resource": "*"});
    document["Statement"]
        .as_array_mut()
        .expect("statements")
        .push(more);
    let args = json!({"KeyId": good, "PolicyName": "default", "Policy": document.to_string()});
    amazon.kms("put_key_policy", args);
    amazon.give("", &format!("kms_key_arn = \"{good}\""));
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(finding(&amazon, "kms.key_usage"), None);
    assert_eq!(amazon.this()["verified"], true);
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_key_that_its_account_lost_is_given_back() {
    let amazon = Amazon::new("aws-admin");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    let mut document = amazon.key_policy(&key);
    for one in document["Statement"].as_array_mut().expect("statements") {
        if one["Sid"] == "Internal" {
            one["Principal"]["AWS"] = json!("arn:aws:iam::111122223333:root");
        }
    }
    let put = |document: &Value| {
        let args = json!({"KeyId": key, "PolicyName": "default", "Policy": document.to_string()});
        amazon.kms("put_key_policy", args);
    };
    put(&document);
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    assert!(plan.text.contains("kms.account_admin"), "{}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
    let now = amazon.key_policy(&key).to_string();
    assert!(
        now.contains(&format!("arn:aws:iam::{ACCOUNT}:root")),
        "{now}"
    );
    assert!(!now.contains("111122223333"), "{now}");
    // The same in other words is no difference.
    let mut document = amazon.key_policy(&key);
    let all = document["Statement"].as_array_mut().expect("statements");
    all.reverse();
    for one in all.iter_mut().filter(|one| one["Sid"] == "Internal") {
        one["Principal"]["AWS"] = json!(ACCOUNT);
        one["Action"] = json!(["KMS:*"]);
    }
    put(&document);
    amazon.assert_empty_plan();
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_rules_of_others_stay() {
    let amazon = Amazon::new("aws-others");
    amazon.give("path = \"p\"", "");
    amazon.apply();
    let theirs = json!({"ID": "theirs", "AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"]});
    let mut rules = amazon.s3_ok("get_bucket_cors", json!({}))["CORSRules"].clone();
    rules[0]["AllowedMethods"] = json!(["GET"]);
    let rules = json!({"CORSConfiguration": {"CORSRules": [theirs, rules[0]]}});
    amazon.s3_ok("put_bucket_cors", rules);
    let expiring = json!({"ID": "clean", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}});
    amazon.s3_ok(
        "put_bucket_lifecycle_configuration",
        json!({"LifecycleConfiguration": {"Rules": [expiring]}}),
    );
    assert_eq!(amazon.plan().actions(THIS), ["update"]);
    amazon.apply();
    amazon.assert_empty_plan();
    let now = amazon.s3_ok("get_bucket_cors", json!({}));
    let ids: Vec<&Value> = now["CORSRules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|one| &one["ID"])
        .collect();
    assert_eq!(ids, ["wandb-byob", "theirs"], "{now}");
    let told = finding(&amazon, "lifecycle.no_expiry").expect("a finding");
    assert_eq!(
        (&told["status"], &told["actual"]),
        (&json!("warn"), &json!("clean"))
    );
    amazon.give("path = \"p\"\n noncurrent_version_days = 4", "");
    amazon.apply();
    amazon.assert_empty_plan();
    let now = amazon.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    assert_eq!(now["Rules"].as_array().map(Vec::len), Some(2), "{now}");
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_deleted_principal_is_named() {
    let amazon = Amazon::new("aws-aroa");
    amazon.give("", "");
    amazon.apply();
    // What Amazon makes of a principal whose role was deleted.
    let mut policy = amazon.policy();
    policy["Statement"][0]["Principal"]["AWS"] = json!(["AROAEXAMPLEID"]);
    amazon.s3_ok("put_bucket_policy", json!({"Policy": policy.to_string()}));
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    assert!(
        plan.text.contains("deleted (AROAEXAMPLEID)"),
        "{}",
        plan.text
    );
    amazon.apply();
    amazon.assert_empty_plan();
    amazon.destroy();
}
