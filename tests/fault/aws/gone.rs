//! AWS is said to have no such bucket, user or key, and has it; and the other way round.

use serde_json::{Value, json};
use simulator::amazon;
use simulator::proxy::Reply;
use simulator::servers::Server;

use super::{CALLER, QUIET, Stage, does, stage};
use crate::gone::{
    a_lie_is_none_without_the_list, an_absence_is_proven_without_the_list, destroy_unseen,
    no_single_answer_makes_a_refresh_forget, no_such_bucket, page_not_found, refresh,
};
use crate::harness::{THIS, hcl, wait};

const MADE_KEY: &str = r#"
    create_access_key = true
    kms_deletion_window_days = 7
"#;

/// The bucket with all that is in it, its key, W&B's user and secret are where they were.
fn assert_untouched(stage: &Stage, before: &Value, objects: u64, when: &str) {
    let data = stage.s3_ok("holds", json!({}));
    assert_eq!(data["objects"], objects, "{when}");
    let state = stage.this();
    for name in ["generation", "access_key_id", "secret_access_key"] {
        assert!(before[name].is_string(), "{when}: no {name} before");
        assert_eq!(state[name], before[name], "{when}: {name}");
    }
    assert_eq!(
        state["aws"]["kms_key_arn"], before["aws"]["kms_key_arn"],
        "{when}"
    );
    assert_eq!(
        stage.described(&stage.key())["KeyState"],
        "Enabled",
        "{when}"
    );
    let keys = stage.access_keys_of(&stage.user());
    assert_eq!(keys, [before["access_key_id"].clone()], "{when}");
}

fn assert_nothing_left(stage: &Stage, user: &str, key: &str) {
    assert!(!stage.exists());
    let users = stage.iam("list_users", json!({}));
    assert!(!users.to_string().contains(user), "{users}");
    assert_eq!(stage.described(key)["KeyState"], "PendingDeletion");
}

/// The delete's own questions, each answered that there is no such bucket, and pages.
#[test]
fn no_single_answer_makes_a_destroy_delete() {
    let (stage, proxy) = stage("aws-gone-list");
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    for number in 0..20 {
        stage.put(&format!("run-{number}"));
    }
    let before = stage.this();
    let (user, key) = (stage.user(), stage.key());
    for query in ["list-type=2", "versions"] {
        for (reply, said) in [
            (no_such_bucket(), "was not deleted"),
            (page_not_found(), "is not in the server's own form"),
        ] {
            proxy.reply(usize::MAX, reply, move |seen| {
                seen.method == "GET" && seen.target.contains(query)
            });
            let text = destroy_unseen(&stage);
            proxy.clear();
            assert!(text.contains(said), "{query}: {text}");
            assert_untouched(&stage, &before, 20, query);
        }
    }
    stage.clean_up_objects();
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
        seen.method == "DELETE"
    });
    let text = stage.destroy_fails();
    proxy.clear();
    assert!(text.contains("s3:DeleteBucket on"), "{text}");
    assert_untouched(&stage, &before, 0, "refused");
    stage.destroy();
    assert_nothing_left(&stage, &user, &key);
}

#[test]
fn no_single_answer_makes_a_refresh_forget_a_bucket() {
    let (stage, proxy) = stage("aws-gone-read");
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    no_single_answer_makes_a_refresh_forget(&stage, &proxy);
    stage.destroy();
}

/// The address of S3 leads to another server, which has no such bucket; the services for
/// keys and users are the same.
#[test]
fn another_server_does_not_know_the_bucket() {
    let (stage, _proxy) = stage("aws-gone-elsewhere");
    let block = stage.bucket_block(QUIET, MADE_KEY);
    stage.write(&block);
    stage.apply();
    stage.put("run");
    let before = stage.this();
    let elsewhere = wait(Server::moto()).expect("moto starts");
    let (here, there) = (stage.login.endpoint.clone(), elsewhere.endpoint());
    let provider = stage.provider("").replace(
        &hcl!(r#"s3 = "<here>""#, here),
        &hcl!(r#"s3 = "<there>""#, there),
    );
    assert!(provider.contains(&there), "{provider}");
    stage.write_under(&provider, &block);
    let said = format!(
        "the bucket is not at {there} (account 123456789012), and it was last seen at {here}"
    );
    let (is_done, text) = refresh(&stage);
    assert!(!is_done, "{text}");
    assert!(text.contains(&said), "{text}");
    let text = destroy_unseen(&stage);
    assert!(text.contains(&said), "{text}");
    stage.write(&block);
    assert_untouched(&stage, &before, 1, "elsewhere");
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

/// One answer that W&B's user, its keys, or the bucket's key is not there.
#[test]
fn no_single_answer_makes_a_refresh_forget_a_key() {
    let (stage, proxy) = stage("aws-gone-key");
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    let before = stage.this();
    let no_user = || amazon::query(404, "NoSuchEntity", "The user cannot be found.");
    let no_key = || amazon::kms("NotFoundException", "Key does not exist");
    let one = "one answer is that";
    let lies: [(&str, Reply, &str); 4] = [
        ("GetUser", no_user(), one),
        ("ListAccessKeys", no_user(), one),
        ("ListAccessKeys", no_keys(), "lacks a key that is there"),
        ("DescribeKey", no_key(), one),
    ];
    for (action, reply, said) in lies {
        proxy.reply(usize::MAX, reply.clone(), does(action));
        let (is_done, text) = refresh(&stage);
        proxy.clear();
        assert!(!is_done, "{action}: {text}");
        assert!(text.contains(said), "{action}: {text}");
        assert_untouched(&stage, &before, 0, action);
    }
    stage.destroy();
}

/// A list in good form that says that the user has no keys.
fn no_keys() -> Reply {
    let body = "<ListAccessKeysResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
                <ListAccessKeysResult><AccessKeyMetadata/><IsTruncated>false</IsTruncated>\
                </ListAccessKeysResult></ListAccessKeysResponse>";
    Reply {
        status: 200,
        headers: vec![("content-type", "text/xml".to_owned())],
        body: body.to_owned(),
    }
}

/// Each step after the bucket's deletion refused in turn: the state keeps what is left, and
/// a plain destroy finishes it.
#[test]
fn a_destroy_that_stops_half_way_is_finished_by_the_next() {
    let denied =
        |action: &str| amazon::iam_denied(CALLER, action, "arn:aws:iam::123456789012:user/x");
    for (action, reply, said) in [
        (
            "DeleteAccessKey",
            denied("iam:DeleteAccessKey"),
            "W&B's user was not removed",
        ),
        (
            "DeleteUser",
            denied("iam:DeleteUser"),
            "W&B's user was not removed",
        ),
        (
            "ScheduleKeyDeletion",
            amazon::kms_denied(CALLER, "kms:ScheduleKeyDeletion"),
            "The bucket's key was not given up",
        ),
    ] {
        let (stage, proxy) = stage(&format!("aws-half-{}", action.to_lowercase()));
        stage.write_bucket(QUIET, MADE_KEY);
        stage.apply();
        let (user, key) = (stage.user(), stage.key());
        proxy.reply(usize::MAX, reply, does(action));
        let text = stage.destroy_fails();
        proxy.clear();
        assert!(text.contains(said), "{action}: {text}");
        assert!(
            text.contains(&format!("the key {key}; the bucket is gone")),
            "{action}: {text}"
        );
        assert!(!stage.exists(), "{action}");
        assert_eq!(stage.described(&key)["KeyState"], "Enabled", "{action}");
        assert_eq!(stage.plan().actions(THIS), ["update"], "{action}");
        let run = stage.destroy();
        assert!(
            run.text().contains("1 destroyed"),
            "{action}: {}",
            run.text()
        );
        assert_nothing_left(&stage, &user, &key);
    }
}

/// Somebody has deleted the bucket: the next apply makes it again, with its key and user.
#[test]
fn what_outlives_its_bucket_is_taken_over() {
    let (stage, _proxy) = stage("aws-gone-outlived");
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    let (before, user, key) = (stage.this(), stage.user(), stage.key());
    stage.s3_ok("delete_bucket", json!({}));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    assert!(
        plan.text.contains(&format!("the key {key}")),
        "{}",
        plan.text
    );
    stage.apply();
    assert_untouched(&stage, &before, 0, "made again");
    assert_eq!(stage.encryption()["KMSMasterKeyID"], key.as_str());
    assert_eq!(stage.own_keys(), std::slice::from_ref(&key));
    stage.assert_empty_plan();
    stage.destroy();
    assert_nothing_left(&stage, &user, &key);
}

/// Without the right to list all buckets: a `HEAD` is asked in its place.
#[test]
fn nothing_is_forgotten_without_the_right_to_list() {
    let (stage, proxy) = stage("aws-gone-unlisted");
    let arguments = format!("{QUIET}\non_destroy = \"delete_everything\"");
    stage.write_bucket(&arguments, MADE_KEY);
    stage.apply();
    stage.put("run");
    let before = stage.this();
    a_lie_is_none_without_the_list(&stage, &proxy, |when| {
        assert_untouched(&stage, &before, 1, when);
    });
    let (user, key) = (stage.user(), stage.key());
    stage.destroy();
    assert_nothing_left(&stage, &user, &key);
}

#[test]
fn an_absence_is_proven_without_the_right_to_list() {
    let (stage, proxy) = stage("aws-gone-unlisted-for-good");
    stage.write_bucket(QUIET, r#"sse_algorithm = "AES256""#);
    an_absence_is_proven_without_the_list(&stage, &proxy, || {
        stage.s3_ok("delete_bucket", json!({}));
    });
}
