//! AWS's own answers, which its stand-in never gives: each has a message of its own, with
//! why, which call, what was left behind and what to do; or passes by itself.

use serde_json::{Value, json};
use simulator::amazon;
use simulator::proxy::{Proxy, Reply, Seen};

use crate::aws_stage::Amazon;
use crate::harness::{Stage, moto};
use crate::kill::proxy_to;

/// The stand-in's one caller.
pub const CALLER: &str = "arn:aws:sts::123456789012:user/moto";
/// The probe is not what is tried here.
pub const QUIET: &str = "verify = \"settings\"";

pub fn stage(name: &str) -> (Amazon, Proxy) {
    let (proxy, login) = proxy_to(moto());
    (Stage::on(name, login).into(), proxy)
}

fn is_put(part: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.method == "PUT" && seen.target.ends_with(part)
}

/// A request about the bucket itself; it is in the path, and nothing else is.
fn is_creation(seen: &Seen) -> bool {
    seen.method == "PUT" && !seen.target.contains('?')
}

pub fn does(action: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.action == action
}

pub fn count(proxy: &Proxy, fits: impl Fn(&Seen) -> bool) -> usize {
    proxy.requests().iter().filter(|seen| fits(seen)).count()
}

/// The four parts of a message, each with what it has to say.
fn says(text: &str, summary: &str, why: &str, call: &str, left: &str, advice: &str) {
    for part in [
        summary.to_owned(),
        format!("Why: {why}"),
        format!("Call: {call}"),
        format!("Left behind: {left}"),
        "What to do: ".to_owned(),
        advice.to_owned(),
    ] {
        assert!(text.contains(&part), "no {part:?} in\n{text}");
    }
}

const HALF: &str = "the bucket, half made; the next apply goes on with it";

/// Refused for good, then applied again without the refusal.
fn is_refused(
    name: &str,
    block: &str,
    reply: Reply,
    fits: impl Fn(&Seen) -> bool + Send + 'static,
    said: impl FnOnce(&str, &Amazon),
) {
    let (amazon, proxy) = stage(name);
    amazon.give(QUIET, block);
    proxy.reply(usize::MAX, reply, fits);
    let text = amazon.apply_fails();
    proxy.clear();
    assert!(text.contains(amazon::REQUEST_ID), "{text}");
    said(&text, &amazon);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), [amazon.key()]);
    amazon.destroy();
}

#[test]
fn aws_principal_that_is_not_there() {
    let principal = "arn:aws:iam::830241207209:root";
    is_refused(
        "ans-principal",
        "",
        amazon::malformed_policy(principal),
        is_put("?policy"),
        |text, amazon| {
            let call = format!(
                "s3:PutBucketPolicy on \"{}\", code MalformedPolicy, request id",
                amazon.bucket()
            );
            says(
                text,
                "The bucket's access rules were not set",
                "Invalid principal in policy",
                &call,
                HALF,
                "AWS refuses principals that do not exist. Check wandb_principal_arns",
            );
        },
    );
}

#[test]
fn aws_principal_that_a_key_does_not_know() {
    is_refused(
        "ans-key-principal",
        "",
        amazon::malformed_key_policy(),
        does("CreateKey"),
        |text, _| {
            says(
                text,
                "The bucket's key was not made",
                "Policy contains a statement with one or more invalid principals.",
                "kms:CreateKey on",
                HALF,
                "AWS refuses principals that do not exist. Check wandb_principal_arns and kms_admin_arns",
            );
        },
    );
}

#[test]
fn aws_denials_name_the_action_and_the_caller() {
    is_refused(
        "ans-s3-denied",
        "",
        amazon::s3_denied(),
        is_put("?publicAccessBlock"),
        |text, _| {
            says(
                text,
                "The block on public access was not set",
                "Access Denied",
                "s3:PutBucketPublicAccessBlock on",
                HALF,
                &format!("Allow s3:PutBucketPublicAccessBlock to {CALLER}"),
            );
        },
    );
    is_refused(
        "ans-kms-denied",
        "",
        amazon::kms_denied(CALLER, "kms:CreateKey"),
        does("CreateKey"),
        |text, _| {
            says(
                text,
                "The bucket's key was not made",
                &format!("User: {CALLER} is not authorized to perform: kms:CreateKey"),
                "kms:CreateKey on",
                HALF,
                &format!("Allow kms:CreateKey to {CALLER}"),
            );
        },
    );
    is_refused(
        "ans-iam-denied",
        "create_access_key = true",
        amazon::iam_denied(CALLER, "iam:CreateUser", "arn:aws:iam::123456789012:user/x"),
        does("CreateUser"),
        |text, _| {
            says(
                text,
                "W&B's access key was not made",
                &format!("User: {CALLER} is not authorized to perform: iam:CreateUser"),
                "iam:CreateUser on",
                HALF,
                &format!("Allow iam:CreateUser to {CALLER}"),
            );
        },
    );
}

/// A name that somebody gave up a moment ago, and a bucket that others change for long.
#[test]
fn aws_operation_aborted_for_good() {
    is_refused(
        "ans-aborted",
        "",
        amazon::operation_aborted(),
        is_creation,
        |text, amazon| {
            says(
                text,
                "The bucket was not made",
                "A conflicting conditional operation is currently in progress",
                "s3:CreateBucket on",
                "nothing new",
                "AWS keeps the name back for up to an hour",
            );
            assert!(!amazon.exists());
        },
    );
}

#[test]
fn aws_quota_of_keys() {
    is_refused(
        "ans-quota",
        "",
        amazon::kms(
            "LimitExceededException",
            "The request was rejected because a quota was exceeded.",
        ),
        does("CreateKey"),
        |text, _| {
            says(
                text,
                "The bucket's key was not made",
                "The request was rejected because a quota was exceeded.",
                "kms:CreateKey on",
                HALF,
                "A quota of the account is used up",
            );
        },
    );
}

#[test]
fn aws_throttling_and_conflicts_pass() {
    let (amazon, proxy) = stage("ans-pass");
    amazon.give(QUIET, "create_access_key = true");
    amazon
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    proxy.clear();
    // Three attempts are the whole patience of these stages.
    proxy.reply(2, amazon::operation_aborted(), is_creation);
    proxy.reply(2, amazon::slow_down(), is_put("?versioning"));
    proxy.reply(2, amazon::operation_aborted(), is_put("?cors"));
    proxy.reply(2, amazon::kms_throttling(), does("CreateKey"));
    proxy.reply(2, amazon::kms_throttling(), does("TagResource"));
    proxy.reply(2, amazon::iam_throttling(), does("CreateAccessKey"));
    let one: fn(&Seen) -> bool = |seen| seen.target.ends_with("?lifecycle");
    proxy.reply(2, amazon::slow_down(), one);
    amazon
        .terraform(&["apply", "-no-color", "plan.bin"])
        .succeeds();
    assert_eq!(count(&proxy, is_creation), 3);
    for part in ["?versioning", "?cors"] {
        assert_eq!(count(&proxy, is_put(part)), 3, "{part}");
    }
    for action in ["CreateKey", "TagResource", "CreateAccessKey"] {
        assert_eq!(count(&proxy, does(action)), 3, "{action}");
    }
    assert_eq!(count(&proxy, one), 3);
    proxy.clear();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), [amazon.key()]);
    amazon.destroy();
}

/// What was made a moment ago is not known everywhere yet.
#[test]
fn aws_new_things_are_waited_for() {
    let (amazon, proxy) = stage("ans-new");
    amazon.give(QUIET, "create_access_key = true");
    amazon
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    proxy.clear();
    let no_bucket = || amazon::no_such_bucket(amazon.bucket());
    let no_key = || amazon::kms("NotFoundException", "Key 'arn:aws:kms:x' does not exist");
    let no_user = || amazon::query(404, "NoSuchEntity", "The user with name x cannot be found.");
    proxy.reply(4, no_bucket(), is_put("?publicAccessBlock"));
    proxy.reply(4, no_bucket(), |seen| {
        seen.method == "GET" && seen.target.ends_with("?tagging")
    });
    proxy.reply(4, no_bucket(), |seen| {
        seen.method == "GET" && seen.target.ends_with("?versioning")
    });
    proxy.reply(4, amazon::malformed_policy("arn:x"), is_put("?policy"));
    proxy.reply(4, amazon::malformed_key_policy(), does("CreateKey"));
    proxy.reply(4, no_key(), does("CreateAlias"));
    proxy.reply(4, no_key(), does("EnableKeyRotation"));
    proxy.reply(4, no_user(), does("PutUserPolicy"));
    proxy.reply(4, no_user(), does("CreateAccessKey"));
    amazon
        .terraform(&["apply", "-no-color", "plan.bin"])
        .succeeds();
    for action in [
        "CreateKey",
        "CreateAlias",
        "PutUserPolicy",
        "CreateAccessKey",
    ] {
        assert_eq!(count(&proxy, does(action)), 5, "{action}");
    }
    assert_eq!(count(&proxy, is_put("?publicAccessBlock")), 5);
    proxy.clear();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), [amazon.key()]);
    amazon.destroy();
}

/// The key's deletion is taken back, and not every part of KMS knows it at once.
#[test]
fn aws_key_that_was_pending_deletion() {
    let (amazon, proxy) = stage("ans-pending");
    amazon.give(QUIET, "");
    amazon.apply();
    let (key, id) = (amazon.key(), amazon.key_id());
    amazon.kms("schedule_key_deletion", json!({"KeyId": id}));
    proxy.reply(3, amazon::pending_deletion(&key), does("EnableKey"));
    amazon.apply();
    assert_eq!(count(&proxy, does("EnableKey")), 4);
    assert_eq!(amazon.described(&key)["KeyState"], "Enabled");
    // The answer to the end of the key was lost, and the second one is a refusal.
    proxy.clear();
    proxy.reply(
        1,
        amazon::pending_deletion(&key),
        does("ScheduleKeyDeletion"),
    );
    amazon.destroy();
    assert_eq!(count(&proxy, does("ScheduleKeyDeletion")), 1);
}

#[test]
fn aws_key_that_stays_pending() {
    let (amazon, proxy) = stage("ans-stuck");
    amazon.give(QUIET, "");
    amazon.apply();
    let (key, id) = (amazon.key(), amazon.key_id());
    amazon.kms("schedule_key_deletion", json!({"KeyId": id}));
    proxy.reply(
        usize::MAX,
        amazon::pending_deletion(&key),
        does("EnableKey"),
    );
    let text = amazon.apply_fails();
    says(
        &text,
        "The bucket's key was not made",
        &format!("{key} is pending deletion."),
        "kms:EnableKey on",
        "the bucket with the settings that were written before",
        "Cancel the key's deletion and enable it, or name another key in kms_key_arn",
    );
    proxy.clear();
    amazon.apply();
    amazon.assert_empty_plan();
    amazon.destroy();
}

/// The bucket is in another region than the configuration says.
#[test]
fn aws_wrong_region() {
    for (name, reply) in [
        ("ans-redirect", amazon::permanent_redirect("b", "eu-west-1")),
        ("ans-region", amazon::wrong_region("us-east-1", "eu-west-1")),
    ] {
        let (amazon, proxy) = stage(name);
        amazon.give(QUIET, "");
        proxy.reply(usize::MAX, reply, |seen| {
            seen.method == "GET" && seen.target.contains("list-type=2")
        });
        let text = amazon.apply_fails();
        says(
            &text,
            "The bucket cannot be planned",
            "the bucket is in region eu-west-1: ",
            "s3:ListBucket on",
            "nothing new",
            "Set region = \"eu-west-1\" for this bucket.",
        );
        proxy.clear();
        assert!(!amazon.exists());
    }
}

/// Runs that ended too early have used up the two keys that a user may have.
#[test]
fn aws_keys_without_secrets_make_room() {
    let (amazon, proxy) = stage("ans-keys");
    let give = |turn: &str| {
        let block = format!("create_access_key = true\n access_key_rotation = \"{turn}\"");
        amazon.give(QUIET, &block);
    };
    give("1");
    amazon.apply();
    let state = amazon.this();
    let user = format!(
        "wandb-byob-{}-{}",
        state["generation"].as_str().expect("a generation"),
        amazon.bucket()
    );
    let stale = amazon.iam("create_access_key", json!({"UserName": user}));
    let stale = &stale["AccessKey"]["AccessKeyId"];
    give("2");
    proxy.clear();
    amazon.apply();
    // The key in use outlives the making of its successor.
    let ended: Vec<Seen> = proxy
        .requests()
        .into_iter()
        .filter(|seen| ["CreateAccessKey", "DeleteAccessKey"].contains(&seen.action.as_str()))
        .collect();
    let steps: Vec<(&str, Option<u16>)> = ended
        .iter()
        .map(|seen| (seen.action.as_str(), seen.status))
        .collect();
    assert_eq!(
        steps,
        [
            ("CreateAccessKey", Some(409)),
            ("DeleteAccessKey", Some(200)),
            ("CreateAccessKey", Some(200)),
            ("DeleteAccessKey", Some(200)),
        ]
    );
    let listed = amazon.iam("list_access_keys", json!({"UserName": user}));
    let ids: Vec<&Value> = listed["AccessKeyMetadata"]
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| &key["AccessKeyId"])
        .collect();
    assert_eq!(ids, [&amazon.this()["access_key_id"]]);
    assert_ne!(ids[0], stale);
    amazon.assert_empty_plan();
    // And where nothing can be removed, the message says so.
    give("3");
    proxy.reply(usize::MAX, amazon::too_many_keys(), does("CreateAccessKey"));
    let text = amazon.apply_fails();
    says(
        &text,
        "W&B's access key was not made",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        "iam:CreateAccessKey on",
        "the bucket with the settings that were written before",
        "AWS allows a user two access keys.",
    );
    proxy.clear();
    amazon.destroy();
}

/// In us-east-1 a second creation by the owner is answered with success.
#[test]
fn aws_bucket_that_was_made_in_the_meantime() {
    for (name, tags) in [
        ("ans-twice", json!([{"Key": "team", "Value": "theirs"}])),
        (
            "ans-race",
            json!([{"Key": "terraform-provider-wandb", "Value": "creating-01020304"}]),
        ),
    ] {
        let (amazon, proxy) = stage(name);
        amazon.give(QUIET, "");
        amazon
            .terraform(&["plan", "-out=plan.bin", "-no-color"])
            .succeeds();
        amazon.s3_ok("create_bucket", json!({}));
        amazon.s3_ok("put_bucket_tagging", json!({"Tagging": {"TagSet": tags}}));
        proxy.clear();
        // The look before the creation came too early.
        let absent = amazon::no_such_bucket(amazon.bucket());
        proxy.reply(usize::MAX, absent, |seen| {
            seen.method == "GET" && seen.target.contains("list-type=2")
        });
        let text = amazon
            .terraform(&["apply", "-no-color", "plan.bin"])
            .fails();
        let made = proxy.requests();
        proxy.clear();
        assert!(text.contains("exists already"), "{text}");
        let id = format!("aws/us-east-1/{}", amazon.bucket());
        assert!(text.contains(&id), "{text}");
        let writes = made.iter().filter(|seen| seen.method == "PUT").count();
        assert_eq!(writes, 1, "nothing was written over: {made:?}");
        assert_eq!(
            amazon.s3_ok("get_bucket_tagging", json!({}))["TagSet"],
            tags
        );
        assert_eq!(amazon.own_keys(), Vec::<String>::new());
        amazon.clean_up();
    }
}
