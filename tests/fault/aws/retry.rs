//! Answers of Amazon that pass by themselves.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::Seen;

use super::{QUIET, count, does, is_creation, is_put, stage};

#[test]
fn throttling_and_conflicts_pass() {
    let (stage, proxy) = stage("ans-pass");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.plan_to_file();
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
    stage.apply_plan().succeeds();
    assert_eq!(count(&proxy, is_creation), 3);
    for part in ["?versioning", "?cors"] {
        assert_eq!(count(&proxy, is_put(part)), 3, "{part}");
    }
    for action in ["CreateKey", "TagResource", "CreateAccessKey"] {
        assert_eq!(count(&proxy, does(action)), 3, "{action}");
    }
    assert_eq!(count(&proxy, one), 3);
    proxy.clear();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    stage.destroy();
}

/// What was made a moment ago is not known everywhere yet.
#[test]
fn new_things_are_waited_for() {
    let (stage, proxy) = stage("ans-new");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.plan_to_file();
    proxy.clear();
    let no_bucket = || amazon::no_such_bucket(stage.bucket());
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
    stage.apply_plan().succeeds();
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
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    stage.destroy();
}

/// The key's deletion is taken back, and not every part of KMS knows it at once.
#[test]
fn a_key_that_was_pending_deletion_is_waited_for() {
    let (stage, proxy) = stage("ans-pending");
    stage.write_bucket(QUIET, "");
    stage.apply();
    let (key, id) = (stage.key(), stage.key_id());
    stage.kms("schedule_key_deletion", json!({"KeyId": id}));
    proxy.reply(3, amazon::pending_deletion(&key), does("EnableKey"));
    stage.apply();
    assert_eq!(count(&proxy, does("EnableKey")), 4);
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    // The answer to the end of the key was lost, and the second one is a refusal.
    proxy.clear();
    proxy.reply(
        1,
        amazon::pending_deletion(&key),
        does("ScheduleKeyDeletion"),
    );
    stage.destroy();
    assert_eq!(count(&proxy, does("ScheduleKeyDeletion")), 1);
}
