//! Changes of a bucket on Azure that is there.

use serde_json::{Value, json};

use super::{BY_KEY, Stage};
use crate::harness::THIS;

#[test]
fn every_setting_is_updated_in_place() {
    let stage = Stage::new("az-update");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let (generation, key) = (stage.generation(), stage.seen_account()["keys"].clone());
    stage.write_bucket(
        r#"
            scope = "instance"
            path = "teams/omega"
            versioning = false
            soft_delete_days = 30
            cors_allowed_origins = ["https://acme.wandb.io"]
            cors_max_age_seconds = 60
            noncurrent_version_days = 9
            verify = "settings"
            tags = { a = "b" }
        "#,
        r#"
            min_tls_version = "TLS1_3"
            account_key = "key2"
        "#,
    );
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.generation(), generation);
    let (account, service) = (stage.seen_account(), stage.service());
    assert_eq!(account["properties"]["minimumTlsVersion"], "TLS1_3");
    assert_eq!(account["tags"]["a"], "b");
    assert_eq!(account["keys"], key);
    assert_eq!(service["isVersioningEnabled"], false);
    assert_eq!(service["deleteRetentionPolicy"]["days"], 30);
    assert_eq!(service["containerDeleteRetentionPolicy"]["days"], 30);
    assert_eq!(
        stage.cors(),
        json!([{"allowedOrigins": ["https://acme.wandb.io"],
            "allowedMethods": ["GET", "HEAD", "PUT"], "allowedHeaders": ["*"],
            "exposedHeaders": ["*"], "maxAgeInSeconds": 60}])
    );
    let rules = account["policy"]["rules"].clone();
    assert_eq!(rules.as_array().map(Vec::len), Some(1), "{rules}");
    assert_eq!(
        rules[0]["definition"]["filters"]["prefixMatch"],
        json!([format!("{}/teams/omega/", stage.bucket())])
    );
    let days = &rules[0]["definition"]["actions"]["version"]["delete"];
    assert_eq!(days["daysAfterCreationGreaterThan"], 9);
    let state = stage.this();
    assert_eq!(state["access_key_id"], "key2");
    assert_eq!(
        state["storage"]["path"],
        format!("{}/teams/omega", stage.bucket())
    );
    // And all of it back.
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.assert_empty_plan();
    let (account, service) = (stage.seen_account(), stage.service());
    assert_eq!(account["properties"]["minimumTlsVersion"], "TLS1_2");
    assert_eq!(account["tags"].get("a"), None);
    assert_eq!(service["isVersioningEnabled"], true);
    assert_eq!(service["deleteRetentionPolicy"]["days"], 7);
    let rules = account["policy"]["rules"].clone();
    assert_eq!(rules.as_array().map_or(0, Vec::len), 0, "{rules}");
    assert_eq!(stage.cors().as_array().map(Vec::len), Some(1));
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn rules_of_others_stay_when_ours_change() {
    let stage = Stage::new("az-rules");
    stage.write_bucket(&format!("{BY_KEY}\nnoncurrent_version_days = 9"), "");
    stage.apply();
    let mut rules = stage.seen_account()["policy"]["rules"].clone();
    let theirs = json!({"enabled": true, "name": "logs", "type": "Lifecycle", "definition": {
        "actions": {"baseBlob": {"tierToCool": {"daysAfterModificationGreaterThan": 30}}},
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["logs/"]}}});
    let list = rules.as_array_mut().expect("rules");
    list.push(theirs.clone());
    let policy = json!({"properties": {"policy": {"rules": rules}}});
    stage.microsoft(
        "storage.management_policies.create_or_update",
        json!([crate::harness::GROUP, stage.account(), "default", policy]),
    );
    stage.assert_empty_plan();
    for arguments in ["noncurrent_version_days = 10", ""] {
        stage.write_bucket(&format!("{BY_KEY}\n{arguments}"), "");
        stage.apply();
        stage.assert_empty_plan();
        let now = stage.seen_account()["policy"]["rules"].clone();
        let now = now.as_array().expect("rules");
        let kept = now.iter().find(|one| one["name"] == "logs");
        let kept = kept.expect("theirs");
        assert_eq!(
            kept["definition"]["filters"],
            theirs["definition"]["filters"]
        );
        assert_eq!(now.len(), if arguments.is_empty() { 1 } else { 2 });
    }
    stage.destroy();
}

#[test]
fn foreign_cors_rules_of_our_own_account_stay_after_ours() {
    let stage = Stage::new("az-cors");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let ours = stage.cors()[0].clone();
    let theirs = json!({"allowedOrigins": ["https://example.com"], "allowedMethods": ["GET"],
        "allowedHeaders": [], "exposedHeaders": [], "maxAgeInSeconds": 9});
    stage.change_service(json!({"cors": {"corsRules": [ours, theirs]}}));
    stage.assert_empty_plan();
    let arguments = format!("{BY_KEY}\ncors_max_age_seconds = 60");
    stage.write_bucket(&arguments, "");
    stage.apply();
    stage.assert_empty_plan();
    let rules = stage.cors();
    assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
    assert_eq!(rules[0]["maxAgeInSeconds"], 60);
    assert_eq!(rules[1], theirs);
    stage.destroy();
}

#[test]
fn what_says_nothing_to_azure_asks_nothing_of_it() {
    let stage = super::alone("az-quiet");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.write_bucket(
        r#"
            scope = "instance"
            on_destroy = "delete_everything"
            timeouts {
              create = "7m"
            }
        "#,
        "",
    );
    stage.cloud().clear_requests();
    stage.apply();
    let requests = stage.cloud().requests();
    let writes = requests
        .iter()
        .filter(|one| one.service != "authority" && !matches!(one.method.as_str(), "GET" | "HEAD"));
    assert_eq!(writes.count(), 0, "{requests:#?}");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn the_way_that_a_location_is_spelled_says_nothing() {
    let stage = Stage::new("az-spelled");
    stage.write_bucket(BY_KEY, r#"location = "North Europe""#);
    stage.apply();
    stage.assert_empty_plan();
    let there = stage.seen_account()["location"].clone();
    assert_eq!(stage.this()["azure"]["location"], "North Europe");
    stage.write_bucket(BY_KEY, r#"location = "northeurope""#);
    let plan = stage.plan();
    assert_ne!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen_account()["location"], there);
    stage.destroy();
}
