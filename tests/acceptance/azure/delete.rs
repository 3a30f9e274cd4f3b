//! Buckets on Azure that are destroyed: what is in them.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, alone};

/// The account that Microsoft's library signs in to, with the account's own key.
fn by_key(stage: &Stage) -> Value {
    json!({"account": stage.account(), "key": stage.seen_account()["keys"][0]})
}

fn blobs(stage: &Stage, call: &str, args: Value, more: Value) -> Value {
    let answer = stage.try_microsoft(by_key(stage), call, args, more);
    assert!(answer.get("error").is_none(), "{call}: {answer}");
    answer
}

#[test]
fn destroy_is_refused_for_whatever_is_left() {
    let stage = Stage::new("az-refuse");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let refused = |what: &str| {
        let text = stage.destroy_fails();
        assert!(text.contains(what), "{what} is not in {text}");
        assert!(text.contains("delete_everything"), "{text}");
        assert!(stage.exists());
        assert_ne!(stage.this(), json!(null));
    };
    stage.put("a");
    stage.put("b");
    refused("holds 2 objects (8 bytes)");
    let name = stage.bucket();
    for key in ["a", "b"] {
        blobs(&stage, "delete", json!([name, key]), json!({}));
    }
    refused("2 noncurrent versions");
    let live = stage.cloud().blobs(&stage.account(), name);
    for one in live.iter().filter(|one| one.state == "version") {
        let more = json!({"version_id": one.version});
        blobs(&stage, "delete", json!([name, one.name]), more);
    }
    assert!(stage.holds("deleted") > 0);
    // What is deleted softly blocks nothing.
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn uncommitted_blocks_are_data() {
    let stage = Stage::new("az-blocks");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let name = stage.bucket();
    let args = json!([name, "half", "MDAwMQ==", "0123456789"]);
    blobs(&stage, "stage", args, json!({}));
    let text = stage.destroy_fails();
    assert!(text.contains("1 unfinished upload"), "{text}");
    assert!(stage.exists());
    let arguments = format!("{BY_KEY}\non_destroy = \"delete_everything\"");
    stage.write_bucket(&arguments, "");
    stage.apply();
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn delete_everything_deletes_blobs_versions_snapshots_and_blocks() {
    let stage = Stage::new("az-everything");
    stage.make_account(json!({}));
    stage.make_container("theirs", json!({}));
    stage.write_in_anothers(BY_KEY, "");
    stage.apply();
    let name = stage.bucket();
    for round in 0..3 {
        for number in 0..20 {
            stage.put(&format!("runs/{number}/file with blanks & {round}"));
        }
        stage.put("same");
        stage.put("ü/ß%25+?#");
    }
    blobs(&stage, "snapshot", json!([name, "same"]), json!({}));
    let args = json!([name, "half", "MDAwMQ==", "0123456789"]);
    blobs(&stage, "stage", args, json!({}));
    // What counts is what the last apply said.
    let arguments = format!("{BY_KEY}\non_destroy = \"delete_everything\"");
    stage.write_in_anothers(&arguments, "");
    let text = stage.destroy_fails();
    assert!(text.contains("delete_everything"), "{text}");
    assert_eq!(stage.holds("live"), 62);
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
    assert!(stage.container("theirs").is_some());
}

/// A data contributor can delete blobs, and no version of one.
#[test]
fn whoever_may_not_delete_versions_is_told_the_role() {
    let stage = Stage::new("az-versions");
    let arguments = "on_destroy = \"delete_everything\"";
    stage.write_bucket(arguments, &stage.by_identity());
    stage.apply();
    stage.put("a");
    stage.put("a");
    let (login, principal) = stage.login.somebody();
    for role in ["Owner", "Storage Blob Data Contributor"] {
        login.grant(&principal, role);
    }
    let bucket = stage.bucket_block(arguments, &stage.by_identity());
    stage.write_under(&stage.provider_on(&login, ""), &bucket);
    let text = stage.destroy_fails();
    assert!(text.contains("Storage Blob Data Owner"), "{text}");
    assert!(stage.exists());
    assert_ne!(stage.this(), Value::Null);
    stage.write_bucket(arguments, &stage.by_identity());
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_kept_bucket_stays_with_all_that_is_in_it() {
    let stage = Stage::new("az-keep");
    stage.write_bucket(r#"on_destroy = "keep""#, &stage.by_identity());
    stage.apply();
    stage.put("a");
    let text = stage.destroy().text();
    assert!(text.contains("stays"), "{text}");
    assert_eq!(stage.holds("live"), 1);
    assert_eq!(stage.identities().len(), 1);
    let principal = super::text(&stage.identity()["object_id"]);
    assert_eq!(stage.roles_of(&principal).len(), 2);
}

#[test]
fn holds_and_policies_stop_the_deletion_before_anything_is_deleted() {
    let stage = Stage::new("az-held");
    let arguments = format!("{BY_KEY}\non_destroy = \"delete_everything\"");
    stage.write_bucket(&arguments, "");
    stage.apply();
    stage.put("a");
    stage.put("b");
    let place = json!([crate::harness::GROUP, stage.account(), stage.bucket()]);
    let hold = |call: &str| {
        let mut args = place.clone();
        let list = args.as_array_mut().expect("a list");
        list.push(json!({"tags": ["audit"]}));
        stage.microsoft(&format!("storage.blob_containers.{call}_legal_hold"), args)
    };
    hold("set");
    let text = stage.destroy_fails();
    assert!(text.contains("legal hold"), "{text}");
    assert_eq!(stage.holds("live"), 2);
    hold("clear");
    let policy = json!({"properties": {"immutabilityPeriodSinceCreationInDays": 3}});
    let answer = stage.try_microsoft(
        json!({}),
        "storage.blob_containers.create_or_update_immutability_policy",
        place,
        json!({"parameters": policy}),
    );
    assert!(answer.get("error").is_none(), "{answer}");
    let text = stage.destroy_fails();
    assert!(text.contains("immutability policy"), "{text}");
    assert_eq!(stage.holds("live"), 2);
}

/// A lock on the account does not guard what is in it from the service for blobs.
#[test]
fn a_lock_stops_the_deletion_before_anything_is_deleted() {
    let stage = alone("az-locked");
    let arguments = format!("{BY_KEY}\non_destroy = \"delete_everything\"");
    stage.write_bucket(&arguments, "");
    stage.apply();
    stage.put("a");
    let scope = stage.account_id();
    for level in ["CanNotDelete", "ReadOnly"] {
        let lock = json!({"name": "guard", "scope": scope, "level": level});
        stage.login.control("POST", "/locks", lock);
        let run = stage.terraform(&["destroy", "-auto-approve", "-no-color", "-refresh=false"]);
        let text = run.fails();
        assert!(text.contains("guard"), "{level}: {text}");
        assert!(text.contains("az lock delete"), "{level}: {text}");
        assert_eq!(stage.holds("live"), 1, "{level}");
        stage.login.control("DELETE", "/locks", json!({}));
    }
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_bucket_that_is_gone_is_destroyed_with_its_identity() {
    let stage = Stage::new("az-gonedel");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let path = format!("/accounts/{}", stage.account());
    stage.login.control("DELETE", &path, json!({}));
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn a_name_is_free_again_after_a_while() {
    let config = simulator::azure::Config {
        container_deletion: std::time::Duration::from_secs(2),
        ..Default::default()
    };
    let stage = Stage::alone_on_azure("az-being", config);
    stage.make_account(json!({}));
    stage.write_in_anothers(BY_KEY, "");
    stage.apply();
    stage.destroy();
    // Its name is on its way out now.
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.exists());
    stage.destroy();
}
