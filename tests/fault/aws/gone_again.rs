//! What a bucket has left that is gone, and what was begun and not finished: the next run finds
//! all of it.

use serde_json::json;
use simulator::amazon;

use super::{CALLER, QUIET, Stage, does, stage};
use crate::harness::{THIS, hcl};
use crate::kill::is_killed_at;

const AES: &str = r#"sse_algorithm = "AES256""#;

fn destroy_fails(stage: &Stage) -> String {
    let run = stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
    run.fails()
}

/// The key encrypts nothing new by then, so no argument names it.
#[test]
fn a_key_out_of_use_whose_deletion_was_denied_goes_the_next_time() {
    let (stage, proxy) = stage("again-aes");
    stage.write_bucket(QUIET, "");
    stage.apply();
    let key = stage.key();
    stage.write_bucket(QUIET, AES);
    stage.apply();
    let denied = amazon::kms_denied(CALLER, "kms:ScheduleKeyDeletion");
    proxy.reply(usize::MAX, denied, does("ScheduleKeyDeletion"));
    assert!(destroy_fails(&stage).contains("kms:ScheduleKeyDeletion"));
    assert!(!stage.exists());
    proxy.clear();
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}

/// The key carries the generation of before a takeover that the destroy has begun.
#[test]
fn a_key_of_the_generation_before_goes_the_next_time() {
    let (stage, proxy) = stage("again-former");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let (key, user) = (stage.key(), stage.user());
    let made = stage.generation();
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    // A first change after the import was killed once this was written.
    stage.mark(&format!("ready-00c0ffee-{made}"));
    let denied = amazon::kms_denied(CALLER, "kms:ScheduleKeyDeletion");
    proxy.reply(usize::MAX, denied, does("ScheduleKeyDeletion"));
    assert!(destroy_fails(&stage).contains("kms:ScheduleKeyDeletion"));
    assert!(!stage.exists());
    proxy.clear();
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
    let answer = stage.ask("iam", "get_user", json!({"UserName": user}));
    assert!(answer.get("error").is_some(), "{answer}");
}

/// The key carries the generation of the run that was killed, which another one has gone on
/// with and not finished.
#[test]
fn a_key_of_a_killed_create_goes_with_a_failed_one() {
    let (first, proxy) = stage("again-count");
    first.write_bucket(QUIET, "");
    first.apply();
    let aliased = proxy.requests();
    let aliased = aliased.iter().position(|seen| seen.action == "CreateAlias");
    let number = aliased.expect("an alias is made") + 1;
    let (stage, proxy) = stage("again-create");
    stage.write_bucket(QUIET, "");
    // The plan of this run asks as many questions as the other's.
    let planned = {
        stage
            .terraform(&["plan", "-out=plan.bin", "-no-color"])
            .succeeds();
        let planned = proxy.requests().len();
        proxy.clear();
        planned
    };
    assert!(
        is_killed_at(&stage, &proxy, number - planned, &[]),
        "killed"
    );
    assert_eq!(stage.own_keys().len(), 1);
    let key = stage.own_keys()[0].clone();
    let denied = amazon::s3_denied();
    proxy.reply(usize::MAX, denied, |seen| {
        seen.method == "PUT" && seen.target.ends_with("?policy")
    });
    stage.apply_fails();
    proxy.clear();
    assert_eq!(stage.own_keys(), [key.as_str()]);
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}

/// A half-made bucket is handed on to the other half of its replacement only where that makes
/// the same one.
#[test]
fn a_half_made_bucket_goes_when_its_region_is_put_right() {
    let (stage, proxy) = stage("again-region");
    stage.write_bucket(QUIET, "");
    let denied = amazon::s3_denied();
    proxy.reply(usize::MAX, denied, |seen| {
        seen.method == "PUT" && seen.target.ends_with("?policy")
    });
    stage.apply_fails();
    proxy.clear();
    let key = stage.own_keys()[0].clone();
    let text = stage.written();
    let elsewhere = text.replace("us-east-1", "eu-west-1");
    assert_ne!(text, elsewhere);
    stage.write_raw(&elsewhere);
    stage.apply();
    assert_eq!(stage.this()["region"], "eu-west-1");
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
    stage.destroy();
}

/// Another configuration has made a bucket of that name since: the user of ours goes all the
/// same, for its rights go by the name.
#[test]
fn a_user_goes_although_its_bucket_is_another_ones_by_now() {
    let (stage, proxy) = stage("again-other");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let user = stage.user();
    let denied = amazon::iam_denied(CALLER, "iam:DeleteUser", "*");
    proxy.reply(usize::MAX, denied, does("DeleteUser"));
    assert!(destroy_fails(&stage).contains("iam:DeleteUser"));
    assert!(!stage.exists());
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("ready-00c0ffee");
    proxy.clear();
    let run = stage.destroy();
    assert!(run.text().contains("left alone"), "{}", run.text());
    assert!(stage.exists());
    let answer = stage.ask("iam", "get_user", json!({"UserName": user}));
    assert!(answer.get("error").is_some(), "{answer}");
    stage.s3_ok("delete_bucket", json!({}));
}

/// A look at the user that was not answered does not say that there is none: the first change
/// would remove it.
#[test]
fn an_import_does_not_take_a_refused_look_for_no_user() {
    let (stage, proxy) = stage("again-import");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    stage.forget(THIS);
    let broken = simulator::proxy::Reply {
        status: 400,
        headers: vec![("content-type", "text/xml".to_owned())],
        body: "<ErrorResponse><Error><Code>InvalidInput</Code><Message>no</Message></Error></ErrorResponse>".to_owned(),
    };
    proxy.reply(usize::MAX, broken, does("GetUser"));
    let run = stage.import(THIS, &stage.import_id());
    assert!(!run.0.status.success(), "{}", run.text());
    proxy.clear();
    stage.import(THIS, &stage.import_id()).succeeds();
    assert_eq!(stage.this()["access_key_owner"], user.as_str());
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    let tagged = hcl!(
        r#"
            verify = "settings"
            tags = { <key> = "b" }
        "#,
        key = "a"
    );
    stage.write_bucket(&tagged, "create_access_key = true");
    stage.apply();
    assert_eq!(stage.only_user(), user);
    stage.destroy();
}
