//! Buckets on AWS that are replaced, destroyed and made anew, and what becomes of their keys.

use serde_json::json;

use crate::aws_stage::{Amazon, THIS};

const DESTROY: [&str; 3] = ["destroy", "-auto-approve", "-no-color"];

fn triggered(amazon: &Amazon, input: &str) {
    let provider = amazon.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\"");
    let trigger = format!("resource \"terraform_data\" \"t\" {{\n input = \"{input}\"\n}}\n");
    let bucket = amazon.resource(
        "lifecycle {\n replace_triggered_by = [terraform_data.t]\n }",
        "",
    );
    amazon.write_raw(&format!("{provider}{trigger}{bucket}"));
}

#[test]
fn byob_bucket_aws_replaced_while_empty_and_never_while_full() {
    let amazon = Amazon::new("aws-replace");
    triggered(&amazon, "1");
    amazon.apply();
    let (key, before) = (amazon.key(), amazon.this()["generation"].clone());
    amazon.put("data");
    let replace = "-replace=wandb_byob_bucket.this";
    let text = amazon.terraform(&["plan", "-no-color", replace]).fails();
    assert!(text.contains("holds 1 object"), "{text}");
    assert!(text.contains("would be replaced"), "{text}");
    triggered(&amazon, "2");
    let text = amazon.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    amazon.s3_ok("head_object", json!({"Key": "data"}));
    amazon.clean_up_objects();
    amazon.apply();
    amazon.assert_empty_plan();
    assert_ne!(amazon.this()["generation"], before);
    // The key that was given up a moment before is taken back: there is no second one.
    assert_eq!(amazon.key(), key);
    assert_eq!(amazon.own_keys(), [key.as_str()]);
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    amazon.destroy();
    assert_eq!(amazon.described(&key)["KeyState"], "PendingDeletion");
    // The same when another run makes the bucket again.
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.key(), key);
    assert_eq!(amazon.own_keys(), [key.as_str()]);
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_create_before_destroy_deletes_neither_bucket_nor_key() {
    let amazon = Amazon::new("aws-cbd");
    amazon.give(
        "adopt = true\n lifecycle {\n create_before_destroy = true\n }",
        "",
    );
    amazon.apply();
    let (key, before) = (amazon.key(), amazon.this()["generation"].clone());
    let text = amazon.apply_with(&["-replace=wandb_byob_bucket.this"]);
    assert!(text.text().contains("was left alone"));
    amazon.assert_empty_plan();
    assert!(amazon.exists());
    assert_ne!(amazon.this()["generation"], before);
    assert_eq!(amazon.key(), key);
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    amazon.destroy();
    assert!(!amazon.exists());
    assert_eq!(amazon.described(&key)["KeyState"], "PendingDeletion");
}

#[test]
fn byob_bucket_aws_destroy_is_refused_for_whatever_is_left() {
    let amazon = Amazon::new("aws-refuse");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    let refused = |what: &str| {
        let text = amazon.terraform(&DESTROY).fails();
        assert!(text.contains(what), "{what} is not in {text}");
        assert!(amazon.exists());
        assert_ne!(amazon.this(), json!(null));
        assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    };
    amazon.put("a");
    amazon.put("b");
    refused("holds 2 objects (8 bytes)");
    amazon.s3_ok("delete_object", json!({"Key": "a"}));
    amazon.s3_ok("delete_object", json!({"Key": "b"}));
    refused("2 noncurrent versions and 2 delete markers");
    let versions = amazon.s3_ok("list_object_versions", json!({}));
    for one in versions["Versions"].as_array().expect("versions") {
        let args = json!({"Key": one["Key"], "VersionId": one["VersionId"]});
        amazon.s3_ok("delete_object", args);
    }
    refused("it holds 2 delete markers");
    amazon.clean_up_objects();
    let upload = amazon.s3_ok("create_multipart_upload", json!({"Key": "big"}));
    refused("1 unfinished upload");
    let args = json!({"Key": "big", "UploadId": upload["UploadId"]});
    amazon.s3_ok("abort_multipart_upload", args);
    // Kept, with its key.
    amazon.give("on_destroy = \"keep\"", "");
    amazon.apply();
    amazon.put("a");
    let text = amazon.destroy().text();
    assert!(text.contains("stays"), "{text}");
    amazon.s3_ok("head_object", json!({"Key": "a"}));
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    amazon.clean_up();
}

#[test]
fn byob_bucket_aws_delete_everything_deletes_thousands_of_versions() {
    let amazon = Amazon::new("aws-thousands");
    amazon.give(
        "on_destroy = \"delete_everything\"\n verify = \"settings\"",
        "",
    );
    amazon.apply();
    let key = amazon.key();
    amazon.s3_ok("many_versions", json!({"Prefix": "k", "Count": 2500}));
    amazon.s3_ok("delete_object", json!({"Key": "k0"}));
    amazon.s3_ok("create_multipart_upload", json!({"Key": "big"}));
    amazon.destroy();
    assert!(!amazon.exists());
    assert_eq!(amazon.described(&key)["KeyState"], "PendingDeletion");
}

#[test]
fn byob_bucket_aws_that_vanished_is_made_again_with_its_key() {
    let amazon = Amazon::new("aws-gone");
    amazon.give("", "");
    amazon.apply();
    let key = amazon.key();
    amazon.clean_up();
    assert_eq!(amazon.plan().actions(THIS), ["create"]);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.key(), key);
    assert_eq!(amazon.own_keys(), [key]);
    amazon.destroy();
}
