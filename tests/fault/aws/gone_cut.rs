//! A bucket that is gone, and a state that does not know the key that was made for it.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::Proxy;

use super::gone_taken::outlived_by_its_user;
use super::{CALLER, QUIET, Stage, does, stage};
use crate::gone::refresh;
use crate::harness::THIS;
use crate::kill::{is_killed_at, points_of};

const AES: &str = r#"sse_algorithm = "AES256""#;

fn plain(name: &str) -> (Stage, Proxy) {
    let (stage, proxy) = stage(name);
    stage.write_bucket(QUIET, AES);
    stage.apply();
    stage.write_bucket(QUIET, "create_access_key = true");
    (stage, proxy)
}

fn no_users(stage: &Stage) -> bool {
    let listed = stage.iam("list_users", json!({"MaxItems": 1000}));
    let names = listed["Users"].as_array().expect("users").iter();
    let ours = names.filter_map(|user| user["UserName"].as_str());
    !ours.into_iter().any(|name| name.ends_with(stage.bucket()))
}

/// Key and user that a killed run has made are in no state, and then somebody deletes the
/// bucket.
#[test]
fn what_a_killed_run_has_made_is_not_forgotten_with_its_bucket() {
    let (stage, proxy) = plain("aws-lost");
    let points = points_of(&stage, &proxy, &[]);
    stage.destroy();
    for number in points {
        let (stage, proxy) = plain(&format!("aws-lost-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        let aliases = super::world::aliases(&stage);
        if aliases.is_empty() {
            continue;
        }
        stage.s3_ok("delete_bucket", json!({}));
        let (is_done, text) = refresh(&stage);
        assert!(is_done, "{text}");
        let keys = stage.own_keys();
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        assert!(no_users(&stage), "killed at {number}");
        for key in keys {
            let described = stage.described(&key);
            assert_eq!(described["KeyState"], "PendingDeletion", "at {number}");
        }
    }
}

/// Whoever may not look at users imports a bucket, which then goes.
#[test]
fn a_user_that_an_import_might_not_see_is_not_forgotten_with_its_bucket() {
    let (stage, proxy) = stage("aws-lost-import");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let user = stage.user();
    stage.forget(THIS);
    let denied = amazon::iam_denied(CALLER, "iam:GetUser", "*");
    proxy.reply(usize::MAX, denied, does("GetUser"));
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.s3_ok("delete_bucket", json!({}));
    proxy.clear();
    let (is_done, text) = refresh(&stage);
    assert!(is_done, "{text}");
    assert!(text.contains(&user), "{text}");
    stage.destroy();
    assert!(no_users(&stage));
}

/// A tainted bucket that was to be kept and is gone: its key encrypts nothing any more.
#[test]
fn a_bucket_that_was_to_be_kept_and_is_gone_is_replaced() {
    let (stage, _proxy) = stage("aws-lost-kept");
    let keep = format!("{QUIET}\n on_destroy = \"keep\"");
    stage.write_bucket(&keep, "create_access_key = true");
    stage.apply();
    stage.s3_ok("delete_bucket", json!({}));
    stage.terraform(&["taint", THIS]).succeeds();
    stage.apply();
    assert_eq!(stage.only_user(), stage.user());
    stage.assert_empty_plan();
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    stage.destroy();
    assert!(no_users(&stage));
}

/// A given key that the caller may not look at is nobody's business when its bucket goes.
#[test]
fn a_given_key_that_may_not_be_looked_at_keeps_no_destroy_from_its_end() {
    let (stage, proxy) = stage("aws-lost-given");
    let given = stage.foreign_key();
    let block = format!("create_access_key = true\n kms_key_arn = {given:?}");
    stage.write_bucket(QUIET, &block);
    stage.apply();
    let denied = || {
        for action in ["DescribeKey", "ListResourceTags", "GetKeyPolicy"] {
            let denied = amazon::kms_denied(CALLER, &format!("kms:{action}"));
            proxy.reply(usize::MAX, denied, does(action));
        }
    };
    denied();
    stage.apply();
    stage.destroy();
    assert!(!stage.exists());
    assert!(no_users(&stage));
    proxy.clear();
    // The same for one that somebody has deleted before.
    stage.apply();
    stage.s3_ok("delete_bucket", json!({}));
    denied();
    let (is_done, text) = refresh(&stage);
    assert!(is_done, "{text}");
    stage.destroy();
    proxy.clear();
    assert!(no_users(&stage));
    assert_eq!(stage.described(&given)["KeyState"], "Enabled");
}

/// Names are the whole world's: somebody in another account has the name by now.
#[test]
fn a_user_goes_although_another_account_has_its_buckets_name() {
    let (stage, proxy, user) = outlived_by_its_user("aws-lost-name");
    let bucket = format!("/{}", stage.bucket());
    proxy.reply(usize::MAX, amazon::s3_denied(), move |seen| {
        seen.target.starts_with(&bucket)
    });
    let (is_done, text) = refresh(&stage);
    assert!(is_done, "{text}");
    let text = stage.apply_fails();
    assert!(text.contains("was not made again"), "{text}");
    // By the advice.
    let text = stage.destroy().text();
    assert!(text.contains("somebody else may have its name"), "{text}");
    proxy.clear();
    assert!(no_users(&stage), "{user}");
    assert_eq!(stage.this(), json!(null));
}
