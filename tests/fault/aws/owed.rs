//! What a failed apply has left to do, and what the next apply or destroy does of it.

use serde_json::json;
use simulator::amazon;

use super::{CALLER, QUIET, Stage, does, is_put, stage};
use crate::harness::{THIS, hcl};
use crate::kill::is_killed_at;

#[test]
fn a_key_whose_alias_was_refused_goes_with_its_bucket() {
    let (stage, proxy) = stage("owe-alias");
    stage.write_bucket(QUIET, "");
    let denied = amazon::kms_denied(CALLER, "kms:CreateAlias");
    proxy.reply(usize::MAX, denied, does("CreateAlias"));
    let text = stage.apply_fails();
    assert!(text.contains("kms:CreateAlias"), "{text}");
    let keys = stage.own_keys();
    assert_eq!(keys.len(), 1);
    stage.destroy();
    assert_eq!(stage.described(&keys[0])["KeyState"], "PendingDeletion");
}

/// Changes the block so that the bucket's own key encrypts nothing new, and destroys.
fn goes_with_its_bucket(name: &str, block: impl Fn(&Stage) -> String) {
    let stage = Stage::new(name);
    stage.write_bucket(QUIET, "");
    stage.apply();
    let key = stage.key();
    stage.write_bucket(QUIET, &block(&stage));
    stage.apply();
    stage.assert_empty_plan();
    // Old objects need it.
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}

#[test]
fn a_key_that_is_no_longer_used_goes_with_its_bucket() {
    goes_with_its_bucket("owe-aes", |_| r#"sse_algorithm = "AES256""#.to_owned());
    goes_with_its_bucket("owe-given", |stage| {
        let key = stage.foreign_key();
        hcl!(r#"kms_key_arn = "<key>""#, key)
    });
}

/// Terraform keeps no private data of an apply whose provider was killed, and none comes with
/// an import: the key is found by the name that people find it by.
#[test]
fn a_key_that_is_no_longer_used_is_found_again() {
    for imports in [false, true] {
        let (stage, proxy) = stage("owe-found");
        stage.write_bucket(QUIET, "");
        stage.apply();
        let key = stage.key();
        stage.write_bucket(QUIET, r#"sse_algorithm = "AES256""#);
        stage.apply();
        if imports {
            stage.forget(THIS);
            stage.import(THIS, &stage.import_id()).succeeds();
        } else {
            let tagged = format!("{QUIET}\n tags = {{ a = \"b\" }}");
            stage.write_bucket(&tagged, r#"sse_algorithm = "AES256""#);
            assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
            stage.apply();
            stage.assert_empty_plan();
        }
        assert_eq!(stage.described(&key)["KeyState"], "Enabled");
        stage.destroy();
        let state = &stage.described(&key)["KeyState"];
        assert_eq!(state, "PendingDeletion", "imports: {imports}");
    }
}

#[test]
fn a_default_key_that_somebody_changed_is_changed_back() {
    let stage = Stage::new("owe-default");
    stage.write_bucket(QUIET, "");
    stage.apply();
    let (key, theirs) = (stage.key(), stage.foreign_key());
    stage.put_encryption(json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": theirs}));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    let rules = stage.encryption().to_string();
    assert!(rules.contains(&key) && !rules.contains(&theirs), "{rules}");
    // Also where a refresh of its own comes between.
    stage.put_encryption(json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": theirs}));
    stage.terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    stage.put_encryption(json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": theirs}));
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
    assert_eq!(stage.described(&theirs)["KeyState"], "Enabled");
}

#[test]
fn a_rotation_whose_old_key_was_not_deleted_deletes_it_next_time() {
    let (stage, proxy) = stage("owe-rotation");
    let rotated = |turn: &str| {
        let block = hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
            "#,
            turn
        );
        stage.write_bucket(QUIET, &block);
    };
    rotated("1");
    stage.apply();
    let user = stage.user();
    let denied = amazon::iam_denied(CALLER, "iam:DeleteAccessKey", "*");
    proxy.reply(usize::MAX, denied, does("DeleteAccessKey"));
    rotated("2");
    let text = stage.apply_fails();
    assert!(text.contains("iam:DeleteAccessKey"), "{text}");
    assert_eq!(stage.access_keys_of(&user).len(), 2);
    assert_eq!(stage.this()["verified"], false);
    proxy.clear();
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.access_keys_of(&user),
        [stage.this()["access_key_id"].clone()]
    );
    stage.destroy();
}

#[test]
fn a_user_that_nobody_wants_any_more_goes_in_the_end() {
    for by_destroy in [false, true] {
        let (stage, proxy) = stage("owe-user");
        stage.write_bucket(QUIET, "create_access_key = true");
        stage.apply();
        let user = stage.user();
        stage.write_bucket(QUIET, "");
        let denied = amazon::iam_denied(CALLER, "iam:DeleteUser", "*");
        proxy.reply(usize::MAX, denied, does("DeleteUser"));
        let text = stage.apply_fails();
        assert!(text.contains("iam:DeleteUser"), "{text}");
        proxy.clear();
        if !by_destroy {
            assert_eq!(stage.plan().actions(THIS), ["update"]);
            stage.apply();
            stage.assert_empty_plan();
            let gone = stage.ask("iam", "get_user", json!({"UserName": user}));
            assert_eq!(gone["error"], "NoSuchEntity");
        }
        stage.destroy();
        let gone = stage.ask("iam", "get_user", json!({"UserName": user}));
        assert_eq!(gone["error"], "NoSuchEntity");
    }
}

#[test]
fn a_setting_that_failed_is_proven_by_the_next_apply() {
    let (stage, proxy) = stage("owe-proof");
    stage.write_bucket(QUIET, "");
    stage.apply();
    // The tags are the last thing of an apply: all else has been done.
    stage.write_bucket(&format!("{QUIET}\n tags = {{ a = \"b\" }}"), "");
    proxy.reply(usize::MAX, amazon::s3_denied(), is_put("?tagging"));
    stage.apply_fails();
    proxy.clear();
    assert_eq!(stage.this()["verified"], false);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_eq!(stage.tags()["a"], "b");
    stage.destroy();
}

#[test]
fn a_tainted_bucket_that_is_to_be_kept_is_not_forgotten() {
    let stage = Stage::new("owe-keep");
    let kept = format!("{QUIET}\n on_destroy = \"keep\"");
    stage.write_bucket(&kept, "create_access_key = true");
    stage.apply();
    let secret = stage.this()["secret_access_key"].clone();
    stage.terraform(&["taint", THIS]).succeeds();
    let text = stage.apply_fails();
    assert!(text.contains("terraform untaint"), "{text}");
    assert_eq!(stage.this()["secret_access_key"], secret);
    stage.terraform(&["untaint", THIS]).succeeds();
    // The private data went with the plan of the replacement, so nobody knows what is due.
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["secret_access_key"], secret);
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    stage.destroy();
}
