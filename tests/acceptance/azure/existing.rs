//! Buckets in a storage account that is somebody else's: its settings are merged, and nothing of
//! it is taken away.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, finding};
use crate::harness::{THIS, hcl};

/// Ours as Azure keeps it.
fn ours() -> Value {
    json!({"allowedOrigins": ["*"], "allowedMethods": ["GET", "HEAD", "PUT"],
        "allowedHeaders": ["*"], "exposedHeaders": ["*"], "maxAgeInSeconds": 3600})
}

fn theirs(origin: &str) -> Value {
    json!({"allowedOrigins": [origin], "allowedMethods": ["GET"], "allowedHeaders": ["x-a"],
        "exposedHeaders": [], "maxAgeInSeconds": 5})
}

/// An account of somebody's that serves another container already.
fn used(stage: &Stage) {
    stage.make_account(json!({"tags": {"owner": "ops"}, "properties": {
        "minimumTlsVersion": "TLS1_0", "allowBlobPublicAccess": false,
        "supportsHttpsTrafficOnly": true, "allowSharedKeyAccess": true}}));
    stage.make_container("theirs", json!({}));
    stage.change_service(json!({
        "isVersioningEnabled": false,
        "deleteRetentionPolicy": {"enabled": true, "days": 30},
        "containerDeleteRetentionPolicy": {"enabled": false},
        "cors": {"corsRules": [theirs("https://a.example.com")]},
    }));
}

#[test]
fn settings_are_merged_and_stay_when_the_bucket_goes() {
    let stage = Stage::new("az-merged");
    used(&stage);
    stage.write_in_anothers(BY_KEY, "");
    stage.apply();
    stage.assert_empty_plan();
    let service = stage.service();
    assert_eq!(
        stage.cors(),
        json!([ours(), theirs("https://a.example.com")])
    );
    assert_eq!(service["isVersioningEnabled"], true);
    assert_eq!(service["deleteRetentionPolicy"]["days"], 30);
    assert_eq!(service["containerDeleteRetentionPolicy"]["enabled"], true);
    assert_eq!(service["containerDeleteRetentionPolicy"]["days"], 7);
    let account = stage.seen_account();
    assert_eq!(account["tags"], json!({"owner": "ops"}));
    assert_eq!(account["properties"]["minimumTlsVersion"], "TLS1_0");
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["soft_delete_days"], 7);
    let weak = finding(&stage, "access.https_only").expect("a finding");
    assert_eq!(weak["status"], "warn", "{weak}");
    let text = stage.destroy().text();
    assert!(text.contains("CORS"), "{text}");
    assert!(text.contains("was not made for this bucket"), "{text}");
    assert!(!stage.exists());
    assert_eq!(
        stage.cors(),
        json!([ours(), theirs("https://a.example.com")])
    );
    assert_eq!(stage.service()["isVersioningEnabled"], true);
    assert!(stage.container("theirs").is_some());
}

#[test]
fn five_cors_rules_of_others_leave_no_room_and_four_do() {
    let stage = Stage::new("az-fivecors");
    used(&stage);
    let five: Vec<Value> = ["a", "b", "c", "d", "e"]
        .map(|one| theirs(&format!("https://{one}.example.com")))
        .into();
    stage.change_service(json!({"cors": {"corsRules": five}}));
    stage.write_in_anothers(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(text.contains("5 CORS rules"), "{text}");
    assert_eq!(stage.cors(), json!(five));
    stage.change_service(json!({"cors": {"corsRules": five[..4]}}));
    stage.apply();
    stage.assert_empty_plan();
    let rules = stage.cors();
    assert_eq!(rules.as_array().map(Vec::len), Some(5), "{rules}");
    assert_eq!(rules[0], ours());
    assert_eq!(rules[4], five[3]);
    stage.destroy();
}

#[test]
fn a_longer_retention_is_kept_and_a_shorter_one_is_put_right() {
    let stage = Stage::new("az-longer");
    used(&stage);
    stage.write_in_anothers(&format!("{BY_KEY}\nsoft_delete_days = 14"), "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.service()["deleteRetentionPolicy"]["days"], 30);
    assert_eq!(
        stage.service()["containerDeleteRetentionPolicy"]["days"],
        14
    );
    stage.change_service(json!({"deleteRetentionPolicy": {"enabled": true, "days": 3}}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.service()["deleteRetentionPolicy"]["days"], 14);
    stage.destroy();
}

#[test]
fn tags_are_for_an_account_of_our_own() {
    let stage = Stage::new("az-tags");
    used(&stage);
    stage.write_in_anothers(&format!("{BY_KEY}\ntags = {{ a = \"b\" }}"), "");
    let text = stage.plan_fails();
    assert!(
        text.contains("Invalid tags") || text.contains("tags"),
        "{text}"
    );
    assert_eq!(text.matches("Error: ").count(), 1, "{text}");
    let provider = stage.provider(r#"default_tags = { a = "b" }"#);
    let block = "create_storage_account = false";
    stage.write_under(&provider, &stage.bucket_block(BY_KEY, block));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen_account()["tags"], json!({"owner": "ops"}));
    assert_eq!(stage.this()["tags_all"], json!({}));
    stage.destroy();
    // In an account of our own they are the account's.
    let stage = Stage::new("az-owntags");
    let provider = stage.provider(r#"default_tags = { a = "b" }"#);
    let own = format!("{BY_KEY}\ntags = {{ c = \"d\" }}");
    stage.write_under(&provider, &stage.bucket_block(&own, ""));
    stage.apply();
    stage.assert_empty_plan();
    let tags = stage.seen_account()["tags"].clone();
    assert_eq!((&tags["a"], &tags["c"]), (&json!("b"), &json!("d")));
    stage.destroy();
}

#[test]
fn a_missing_account_is_told() {
    let stage = Stage::new("az-noaccount");
    stage.write_in_anothers(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(text.contains("create_storage_account"), "{text}");
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn an_account_that_takes_no_keys_is_told() {
    let stage = Stage::new("az-nokeys");
    used(&stage);
    stage.change_account(json!({"allowSharedKeyAccess": false}));
    stage.write_in_anothers(BY_KEY, "");
    let text = stage.apply_fails();
    assert!(text.contains("takes no keys"), "{text}");
    assert_eq!(
        stage.seen_account()["properties"]["allowSharedKeyAccess"],
        false
    );
}

/// Two buckets in the account, for pages of these origins.
fn two(stage: &Stage, origins: [&str; 2]) -> String {
    let block = |resource: &str, name: &str, origin: &str| {
        hcl!(
            r#"
                resource "wandb_byob_bucket" "<resource>" {
                  name = "<name>"
                  scope = "instance"
                  cors_allowed_origins = ["<origin>"]
                  noncurrent_version_days = 9
                  verify = "settings"
                  azure {
                    <usual>
                    create_storage_account = false
                  }
                }
            "#,
            resource,
            name,
            origin,
            usual = stage.usual
        )
    };
    let second = format!("{}-2", stage.bucket());
    let one = block("this", stage.bucket(), origins[0]);
    format!("{one}{}", block("that", &second, origins[1]))
}

fn rules(stage: &Stage) -> usize {
    let policy = stage.seen_account()["policy"].clone();
    policy["rules"].as_array().map_or(0, Vec::len)
}

#[test]
fn two_buckets_of_one_apply_share_an_account_and_neither_loses_its_rule() {
    let stage = Stage::new("az-two");
    stage.make_account(json!({}));
    stage.write(&two(
        &stage,
        ["https://one.example.com", "https://two.example.com"],
    ));
    stage.apply_with(&["-parallelism=10"]);
    let cors = stage.cors();
    let first: Vec<&Value> = cors
        .as_array()
        .expect("rules")
        .iter()
        .map(|one| &one["allowedOrigins"][0])
        .collect();
    assert_eq!(first.len(), 2, "{cors}");
    assert!(first.contains(&&json!("https://two.example.com")), "{cors}");
    assert!(first.contains(&&json!("https://one.example.com")), "{cors}");
    assert_eq!(rules(&stage), 2);
    stage.destroy();
}

#[test]
fn the_rule_that_two_buckets_want_is_there_once_and_each_goes_by_itself() {
    let stage = Stage::new("az-twice");
    stage.make_account(json!({}));
    stage.write(&two(&stage, ["*", "*"]));
    stage.apply_with(&["-parallelism=10"]);
    stage.assert_empty_plan();
    assert_eq!(stage.cors(), json!([ours()]));
    assert_eq!(rules(&stage), 2);
    let second = format!("{}-2", stage.bucket());
    let text = stage.written();
    let end = text.find("resource \"wandb_byob_bucket\" \"that\"");
    stage.write_raw(&text[..end.expect("the second")]);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.container(&second).is_none());
    assert!(stage.exists());
    assert_eq!(rules(&stage), 1);
    assert_eq!(stage.cors(), json!([ours()]));
    stage.destroy();
}
