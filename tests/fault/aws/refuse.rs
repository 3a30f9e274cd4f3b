//! Amazon's refusals: each has a message of its own, with why, which call, what was left
//! behind and what to do.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::{Reply, Seen};

use super::Stage;
use super::{CALLER, HALF, QUIET, does, is_creation, is_put, says, stage};

/// Refused for good, then applied again without the refusal.
fn is_refused(
    name: &str,
    block: &str,
    reply: Reply,
    fits: impl Fn(&Seen) -> bool + Send + 'static,
    said: impl FnOnce(&str, &Stage),
) {
    let (stage, proxy) = stage(name);
    stage.write_bucket(QUIET, block);
    proxy.reply(usize::MAX, reply, fits);
    let text = stage.apply_fails();
    proxy.clear();
    assert!(text.contains(amazon::REQUEST_ID), "{text}");
    said(&text, &stage);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    stage.destroy();
}

#[test]
fn a_principal_that_does_not_exist_is_named() {
    let principal = "arn:aws:iam::830241207209:root";
    is_refused(
        "ans-principal",
        "",
        amazon::malformed_policy(principal),
        is_put("?policy"),
        |text, stage| {
            let call = format!(
                r#"s3:PutBucketPolicy on "{}", code MalformedPolicy, request id"#,
                stage.bucket()
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
fn a_principal_that_a_key_refuses_is_named() {
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
fn denials_name_the_action_and_the_caller() {
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
fn a_conflict_that_does_not_pass_is_reported() {
    is_refused(
        "ans-aborted",
        "",
        amazon::operation_aborted(),
        is_creation,
        |text, stage| {
            says(
                text,
                "The bucket was not made",
                "A conflicting conditional operation is currently in progress",
                "s3:CreateBucket on",
                "nothing new",
                "AWS keeps the name back for up to an hour",
            );
            assert!(!stage.exists());
        },
    );
}

#[test]
fn a_used_up_quota_of_keys_is_reported() {
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
fn a_key_that_stays_pending_deletion_is_reported() {
    let (stage, proxy) = stage("ans-stuck");
    stage.write_bucket(QUIET, "");
    stage.apply();
    let (key, id) = (stage.key(), stage.key_id());
    stage.kms("schedule_key_deletion", json!({"KeyId": id}));
    proxy.reply(
        usize::MAX,
        amazon::pending_deletion(&key),
        does("EnableKey"),
    );
    let text = stage.apply_fails();
    says(
        &text,
        "The bucket's key is not as configured",
        &format!("{key} is pending deletion."),
        "kms:EnableKey on",
        "the bucket with the settings that were written before",
        "Cancel the key's deletion and enable it, or name another key in kms_key_arn",
    );
    proxy.clear();
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

/// The bucket is in another region than the configuration says.
#[test]
fn a_bucket_in_another_region_is_reported_with_it() {
    for (name, reply) in [
        ("ans-redirect", amazon::permanent_redirect("b", "eu-west-1")),
        ("ans-region", amazon::wrong_region("us-east-1", "eu-west-1")),
    ] {
        let (stage, proxy) = stage(name);
        stage.write_bucket(QUIET, "");
        proxy.reply(usize::MAX, reply, |seen| {
            seen.method == "GET" && seen.target.contains("list-type=2")
        });
        let text = stage.apply_fails();
        says(
            &text,
            "The bucket cannot be planned",
            "the bucket is in region eu-west-1: ",
            "s3:ListBucket on",
            "nothing new",
            r#"Set region = "eu-west-1" for this bucket."#,
        );
        proxy.clear();
        assert!(!stage.exists());
    }
}
