//! MinIO is said to have no such bucket, user or page, and has it; and the other way round.

use serde_json::{Value, json};
use simulator::amazon;

use super::{Stage, behind_proxy};
use crate::gone::{
    a_lie_is_none_without_the_list, an_absence_is_proven_without_the_list, destroy_unseen,
    no_single_answer_makes_a_refresh_forget, no_such_bucket, page_not_found, refresh,
};
use crate::harness::{THIS, ask};

const MADE_KEY: &str = "create_access_key = true";
const FULL: &str = r#"on_destroy = "delete_everything""#;

fn fill(stage: &Stage) {
    let args = json!({"Prefix": "run-", "Count": 200});
    stage.s3_ok("many_versions", args);
}

/// Bucket with all that is in it, user, key and secret are where they were.
fn assert_untouched(stage: &Stage, before: &Value, data: &Value, when: &str) {
    assert_eq!(stage.s3_ok("holds", json!({})), *data, "{when}");
    let state = stage.this();
    for name in ["generation", "access_key_id", "secret_access_key"] {
        assert!(before[name].is_string(), "{when}: no {name} before");
        assert_eq!(state[name], before[name], "{when}: {name}");
    }
    let keys = stage.keys_of(&stage.user());
    assert_eq!(keys, [before["access_key_id"].clone()], "{when}");
    assert_key_works(stage, when);
}

fn assert_key_works(stage: &Stage, when: &str) {
    let args = json!({"Bucket": stage.bucket(), "MaxKeys": 1});
    let answer = ask(&stage.login_of_wandb(), "s3", "list_objects_v2", args);
    assert!(answer.get("ok").is_some(), "{when}: {answer}");
}

/// The delete's own questions, each answered that there is no such bucket.
#[test]
fn no_single_answer_makes_a_destroy_delete() {
    let (stage, proxy) = behind_proxy("gone-list");
    for arguments in ["", FULL] {
        stage.write_bucket(arguments, MADE_KEY);
        stage.apply();
        fill(&stage);
        let (before, data) = (stage.this(), stage.s3_ok("holds", json!({})));
        for query in ["list-type=2", "versions", "object-lock"] {
            if arguments.is_empty() && query == "object-lock" {
                continue;
            }
            let when = format!("{arguments} {query}");
            proxy.reply(usize::MAX, no_such_bucket(), move |seen| {
                seen.method == "GET" && seen.target.contains(query)
            });
            let text = destroy_unseen(&stage);
            proxy.clear();
            assert!(text.contains("was not deleted"), "{when}: {text}");
            assert_untouched(&stage, &before, &data, &when);
        }
    }
    stage.destroy();
    assert!(!stage.exists());
}

/// The deletion itself is answered that there is no such bucket: then its list names it.
#[test]
fn a_deletion_of_nothing_is_no_deletion() {
    let (stage, proxy) = behind_proxy("gone-delete");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let before = stage.this();
    let data = stage.s3_ok("holds", json!({}));
    proxy.reply(usize::MAX, no_such_bucket(), |seen| {
        seen.method == "DELETE" && !seen.target.contains("admin")
    });
    let text = stage.destroy_fails();
    proxy.clear();
    assert!(
        text.contains("one answer was that there is no such bucket"),
        "{text}"
    );
    assert!(text.contains("s3:ListAllMyBuckets names it"), "{text}");
    assert_untouched(&stage, &before, &data, "deletion");
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn no_single_answer_makes_a_refresh_forget_a_bucket() {
    let (stage, proxy) = behind_proxy("gone-read");
    stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
    stage.apply();
    no_single_answer_makes_a_refresh_forget(&stage, &proxy);
    stage.destroy();
}

/// A proxy's page in place of every answer, and of those about users alone.
#[test]
fn a_page_is_no_answer() {
    let (stage, proxy) = behind_proxy("gone-page");
    stage.write_bucket(FULL, MADE_KEY);
    stage.apply();
    fill(&stage);
    let (before, data) = (stage.this(), stage.s3_ok("holds", json!({})));
    for part in ["/", "/minio/admin/", "user-info", "/?"] {
        proxy.reply(usize::MAX, page_not_found(), move |seen| {
            seen.target.contains(part)
        });
        let (is_done, text) = refresh(&stage);
        assert!(!is_done || part == "/?", "{part}: {text}");
        if part == "/" {
            let text = destroy_unseen(&stage);
            assert!(text.contains("is not in the server's own form"), "{text}");
        }
        proxy.clear();
        assert_untouched(&stage, &before, &data, part);
    }
    // The bucket goes, and the server says nothing of its users.
    let user = stage.user();
    proxy.reply(usize::MAX, page_not_found(), |seen| {
        seen.target.contains("/minio/admin/")
    });
    let text = destroy_unseen(&stage);
    proxy.clear();
    assert!(text.contains("W&B's user was not removed"), "{text}");
    assert!(
        text.contains(&format!(
            "the user {user:?}, with its key; the bucket is gone"
        )),
        "{text}"
    );
    assert!(!stage.exists());
    assert_eq!(
        stage.this()["secret_access_key"],
        before["secret_access_key"]
    );
    let run = stage.destroy();
    assert!(run.text().contains("1 destroyed"), "{}", run.text());
    stage.assert_no_user(&user);
}

/// Nobody gets at W&B's user before the bucket is gone.
#[test]
fn a_refused_deletion_leaves_the_key_working() {
    let (stage, proxy) = behind_proxy("gone-refused");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, data) = (stage.this(), stage.s3_ok("holds", json!({})));
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
        seen.method == "DELETE" && !seen.target.contains("admin")
    });
    let text = stage.destroy_fails();
    proxy.clear();
    assert!(text.contains("s3:DeleteBucket on"), "{text}");
    assert_untouched(&stage, &before, &data, "refused");
    stage.destroy();
    assert!(!stage.exists());
}

/// One refusal of a key, and one answer that its user is not there.
#[test]
fn no_single_answer_makes_a_refresh_forget_a_key() {
    let (stage, proxy) = behind_proxy("gone-key");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, data) = (stage.this(), stage.s3_ok("holds", json!({})));
    let no_user = || simulator::proxy::Reply {
        status: 404,
        headers: vec![("content-type", "application/json".to_owned())],
        body: r#"{"Code":"XMinioAdminNoSuchUser","Message":"The specified user does not exist."}"#
            .to_owned(),
    };
    let no_key = || {
        let text = "The Access Key Id you provided does not exist in our records.";
        amazon::s3(403, "InvalidAccessKeyId", text, "")
    };
    for (part, reply) in [("user-info", no_user()), ("?location", no_key())] {
        proxy.reply(usize::MAX, reply, move |seen| seen.target.contains(part));
        let (is_done, text) = refresh(&stage);
        proxy.clear();
        assert!(!is_done, "{part}: {text}");
        assert!(
            text.contains("one answer is that it is not there"),
            "{text}"
        );
        assert_untouched(&stage, &before, &data, part);
    }
    stage.destroy();
}

/// Somebody has deleted the bucket: its user stays in the state until it is made again, or
/// given up.
#[test]
fn what_outlives_its_bucket_is_taken_over_or_given_up() {
    let (stage, _proxy) = behind_proxy("gone-outlived");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    stage.s3_ok("delete_bucket", json!({}));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    assert!(
        plan.text
            .contains("is gone, and what was made for it is not"),
        "{}",
        plan.text
    );
    assert!(
        plan.text
            .contains(&format!("the user {user:?}, with its key")),
        "{}",
        plan.text
    );
    stage.apply();
    assert_eq!(
        stage.marker(),
        format!("ready-{}", before["generation"].as_str().expect("one"))
    );
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    assert_eq!(stage.this()["verified"], true);
    assert_key_works(&stage, "made again");
    stage.assert_empty_plan();

    stage.s3_ok("delete_bucket", json!({}));
    let run = stage.destroy();
    assert!(run.text().contains("1 destroyed"), "{}", run.text());
    stage.assert_no_user(&user);
}

/// A bucket that was made a moment ago is not known everywhere for a while.
#[test]
fn a_new_bucket_that_is_not_known_yet_is_waited_for() {
    let (stage, proxy) = behind_proxy("gone-late");
    stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
    proxy.reply(3, no_such_bucket(), |seen| {
        seen.method == "PUT" && seen.target.contains("tagging")
    });
    for query in ["?tagging", "?versioning", "?cors", "?lifecycle"] {
        proxy.reply(3, no_such_bucket(), move |seen| {
            seen.method == "GET" && seen.target.contains(query)
        });
    }
    stage.apply();
    proxy.clear();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["a"], "b");
    stage.destroy();
}

/// Without the right to list all buckets: a `HEAD` is asked in its place.
#[test]
fn nothing_is_forgotten_without_the_right_to_list() {
    let (stage, proxy) = behind_proxy("gone-unlisted");
    stage.write_bucket(FULL, MADE_KEY);
    stage.apply();
    fill(&stage);
    let (before, data) = (stage.this(), stage.s3_ok("holds", json!({})));
    a_lie_is_none_without_the_list(&stage, &proxy, |when| {
        assert_untouched(&stage, &before, &data, when);
    });
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn an_absence_is_proven_without_the_right_to_list() {
    let (stage, proxy) = behind_proxy("gone-unlisted-for-good");
    stage.write_bucket("", "");
    an_absence_is_proven_without_the_list(&stage, &proxy, || {
        stage.s3_ok("delete_bucket", json!({}));
    });
}
