//! What an apply that was killed has left on AWS, and what is done about it.

use serde_json::json;
use simulator::amazon;

use super::{QUIET, Stage, does, stage};
use crate::harness::hcl;
use crate::kill::{dies_once_marked, is_killed_at};

/// The instance does not take the key of the provider, so nobody can know what it uses.
fn write(stage: &Stage, turn: &str, arguments: &str) {
    let wandb = hcl!(
        r#"
            base_url = "<url>"
            api_key = "<api_key>"
        "#,
        url = stage.wandb.url(),
        api_key = "f".repeat(40)
    );
    let block = hcl!(
        r#"
            create_access_key = true
            access_key_rotation = "<turn>"
        "#,
        turn
    );
    let body = stage.bucket_block(&format!("{QUIET}\n{arguments}"), &block);
    stage.write_under(&stage.provider(&wandb), &body);
}

/// AWS lets a user have two keys. The one that a rotation has replaced is still the
/// instance's, and the private data that says so went with a run that was killed.
#[test]
fn a_rotation_after_a_kill_makes_no_room_in_the_place_of_a_key_that_waits() {
    let (stage, proxy) = stage("cut-waits");
    write(&stage, "1", "");
    stage.apply();
    let first = stage.this()["access_key_id"].clone();
    write(&stage, "2", "");
    let text = stage.apply().text();
    assert!(text.contains("W&B's old access key still works"), "{text}");
    let (user, second) = (stage.user(), stage.this()["access_key_id"].clone());
    write(&stage, "2", r#"tags = { a = "b" }"#);
    assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
    // The stand-in knows no quota.
    let full = amazon::too_many_keys;
    proxy.reply(usize::MAX, full(), does("CreateAccessKey"));
    write(&stage, "3", "");
    let text = stage.apply_fails();
    let keys = stage.access_keys_of(&user);
    assert!(
        keys.contains(&first),
        "{first} is gone, of {keys:?}: {text}"
    );
    assert!(text.contains("register = false"), "{text}");
    assert!(text.contains("access_key_rotation"), "{text}");
    proxy.clear();
    // By the advice.
    assert!(stage.plan_fails().contains("register = false"));
    write(&stage, "2", "");
    let text = stage.apply().text();
    assert!(text.contains("W&B's old access key still works"), "{text}");
    stage.assert_empty_plan();
    write(&stage, "2", "register = false");
    stage.apply();
    assert_eq!(stage.access_keys_of(&user), [second]);
    stage.assert_empty_plan();
    stage.destroy();
}

/// The same where a destroy was refused in between, which has taken the bucket over for good.
#[test]
fn a_key_that_waits_is_known_after_a_kill_and_a_refused_destroy() {
    let (stage, proxy) = stage("cut-destroy");
    write(&stage, "1", "");
    stage.apply();
    let first = stage.this()["access_key_id"].clone();
    write(&stage, "2", "");
    stage.apply();
    let user = stage.user();
    write(&stage, "2", r#"tags = { a = "b" }"#);
    assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
    assert!(dies_once_marked(&stage, &proxy));
    stage.put("data");
    let text = stage.destroy_fails();
    assert!(text.contains("is not empty"), "{text}");
    let text = stage.apply().text();
    let keys = stage.access_keys_of(&user);
    assert!(
        keys.contains(&first),
        "{first} is gone, of {keys:?}: {text}"
    );
    assert!(text.contains("W&B's old access key still works"), "{text}");
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

/// A key of an earlier bucket of that name, on its way out, is nobody's to take up again.
#[test]
fn a_key_that_was_given_up_is_not_recalled() {
    for imports in [false, true] {
        let (stage, proxy) = stage("cut-given-up");
        stage.write_bucket(QUIET, "");
        stage.apply();
        let key = stage.key();
        stage.destroy();
        assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
        let tags = stage.kms("list_resource_tags", json!({"KeyId": key}));
        stage.write_bucket(QUIET, r#"sse_algorithm = "AES256""#);
        stage.apply();
        stage.write_bucket(
            &format!("{QUIET}\n tags = {{ a = \"b\" }}"),
            r#"sse_algorithm = "AES256""#,
        );
        if imports {
            stage.forget(crate::harness::THIS);
            let id = stage.import_id();
            stage.import(crate::harness::THIS, &id).succeeds();
        } else {
            assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
        }
        let pending = format!("{key} is pending deletion.");
        let refused = amazon::kms("KMSInvalidStateException", &pending);
        proxy.reply(usize::MAX, refused, does("TagResource"));
        stage.apply();
        stage.assert_empty_plan();
        let after = stage.kms("list_resource_tags", json!({"KeyId": key}));
        assert_eq!(after, tags, "imports: {imports}");
        stage.destroy();
    }
}

/// Somebody takes the marker away after a kill, and the next two runs die right after they have
/// written another one.
#[test]
fn a_bucket_that_lost_its_marker_stays_its_states_through_more_kills() {
    let (stage, proxy) = stage("cut-unmarked");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    let tagged = format!("{QUIET}\ntags = {{ a = \"b\" }}");
    stage.write_bucket(&tagged, "create_access_key = true");
    assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
    stage.s3_ok("delete_bucket_tagging", json!({}));
    for turn in 0..2 {
        assert!(dies_once_marked(&stage, &proxy), "turn {turn}");
    }
    stage.apply();
    stage.assert_empty_plan();
    let now = stage.this();
    for name in ["access_key_owner", "access_key_id", "secret_access_key"] {
        assert_eq!(now[name], before[name], "{name}");
    }
    let keys = stage.access_keys_of(&user);
    assert_eq!(json!(keys), json!([before["access_key_id"]]));
    stage.destroy();
    assert!(!stage.exists());
    let gone = stage.ask("iam", "get_user", json!({"UserName": user}));
    assert_eq!(gone["error"], "NoSuchEntity", "{gone}");
}
