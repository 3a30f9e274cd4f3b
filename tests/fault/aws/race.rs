//! What others, or runs that ended too early, have left at Amazon.

use serde_json::json;
use simulator::amazon;

use super::{QUIET, does, says, stage};
use crate::harness::hcl;

/// Runs that ended too early have used up the two keys that a user may have.
#[test]
fn keys_without_secrets_make_room() {
    let (stage, proxy) = stage("ans-keys");
    let write = |turn: &str| {
        let block = hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
            "#,
            turn
        );
        stage.write_bucket(QUIET, &block);
    };
    write("1");
    stage.apply();
    let user = stage.user();
    let stale = stage.iam("create_access_key", json!({"UserName": user}));
    let stale = &stale["AccessKey"]["AccessKeyId"];
    write("2");
    proxy.clear();
    stage.apply();
    // The key in use outlives the making of its successor.
    let changes = ["CreateAccessKey", "DeleteAccessKey"];
    let requests = proxy.requests();
    let steps: Vec<(&str, Option<u16>)> = requests
        .iter()
        .map(|seen| (seen.action.as_str(), seen.status))
        .filter(|(action, _)| changes.contains(action))
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
    let ids = stage.access_keys_of(&user);
    assert_eq!(ids, [stage.this()["access_key_id"].clone()]);
    assert_ne!(&ids[0], stale);
    stage.assert_empty_plan();
    // And where nothing can be removed, the message says so.
    write("3");
    proxy.reply(usize::MAX, amazon::too_many_keys(), does("CreateAccessKey"));
    let text = stage.apply_fails();
    says(
        &text,
        "W&B's access key was not made",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        "iam:CreateAccessKey on",
        "the bucket with the settings that were written before",
        "AWS allows a user two access keys.",
    );
    proxy.clear();
    stage.destroy();
}

/// In us-east-1 a second creation by the owner is answered with success.
#[test]
fn a_bucket_that_was_made_in_the_meantime_is_not_taken() {
    for (name, tags) in [
        ("ans-twice", json!([{"Key": "team", "Value": "theirs"}])),
        (
            "ans-race",
            json!([{"Key": "terraform-provider-wandb", "Value": "creating-01020304"}]),
        ),
    ] {
        let (stage, proxy) = stage(name);
        stage.write_bucket(QUIET, "");
        stage.plan_to_file();
        stage.s3_ok("create_bucket", json!({}));
        stage.s3_ok("put_bucket_tagging", json!({"Tagging": {"TagSet": tags}}));
        proxy.clear();
        // The look before the creation came too early.
        let absent = amazon::no_such_bucket(stage.bucket());
        proxy.reply(usize::MAX, absent, |seen| {
            seen.method == "GET" && seen.target.contains("list-type=2")
        });
        let text = stage.apply_plan().fails();
        let made = proxy.requests();
        proxy.clear();
        assert!(text.contains("exists already"), "{text}");
        let id = stage.import_id();
        assert!(text.contains(&id), "{text}");
        let writes = made.iter().filter(|seen| seen.method == "PUT").count();
        assert_eq!(writes, 1, "nothing was written over: {made:?}");
        assert_eq!(stage.s3_ok("get_bucket_tagging", json!({}))["TagSet"], tags);
        assert_eq!(stage.own_keys(), Vec::<String>::new());
        stage.clean_up();
    }
}
