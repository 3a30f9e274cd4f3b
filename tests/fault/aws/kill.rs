//! The provider killed at each request in turn. The first turn of each loop is undisturbed
//! and tells which requests there are; reads that follow each other are taken for one.

use serde_json::json;

use super::Stage;
use super::world::{ARGUMENTS, World, aliases, assert_empty_plan, assert_tidy, ends_well};
use crate::harness::{THIS, hcl};
use crate::kill::{is_killed_at, points_of};

#[test]
fn a_kill_at_any_request_of_a_create_is_survived() {
    let mut world = World::new();
    let (stage, proxy) = world.create("aws-undisturbed");
    let points = points_of(&stage, &proxy, &[]);
    let keys = world.new_keys(&stage);
    assert_tidy(&stage, &keys[0], "undisturbed");
    assert!(points.len() > 15, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let (stage, proxy) = world.create(&format!("aws-kill-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        apply_by_the_advice(&stage);
        assert_empty_plan(&stage, &when);
        let keys = world.new_keys(&stage);
        assert_eq!(keys.len(), 1, "{when}: {keys:?}");
        assert_tidy(&stage, &keys[0], &when);
        assert_eq!(stage.tags()["a"], "b", "{when}");
    }
}

/// Applies, and follows the advice of the error about a bucket that is there: a finished
/// bucket is another state's, which is imported and never taken. The request that the
/// provider was killed at may still be under way, and finish the bucket meanwhile.
fn apply_by_the_advice(stage: &Stage) {
    let was_ready = stage.is_ready();
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    if run.0.status.success() {
        assert!(!was_ready, "a finished bucket was taken: {}", run.text());
        return;
    }
    let (text, id) = (run.fails(), stage.import_id());
    assert!(stage.is_ready(), "{text}");
    assert!(text.contains(&id), "{text}");
    stage.import(THIS, &id).succeeds();
    // The secret of the access key went with the run, so W&B gets another one.
    stage.write_bucket(
        ARGUMENTS,
        r#"
            create_access_key = true
            access_key_rotation = "after the import"
        "#,
    );
    stage.apply();
}

/// An update of all that can be changed, the key's settings and W&B's access key among it.
#[test]
fn a_kill_at_any_request_of_an_update_is_survived() {
    let mut world = World::new();
    let (stage, proxy) = world.behind_proxy("aws-kill-update");
    let admin = stage.iam("create_user", json!({"UserName": "admin"}))["User"]["Arn"].clone();
    let admin = admin.as_str().expect("an ARN");
    let write = |turn: usize| write_turn(&stage, turn, admin);
    write(0);
    stage.apply();
    let keys = world.new_keys(&stage);
    write(1);
    let points = points_of(&stage, &proxy, &[]);
    assert_updated(&stage, &keys[0], 1, admin, "undisturbed");
    assert!(points.len() > 10, "only {points:?}");
    for (turn, number) in (2..).zip(points) {
        write(turn);
        let when = format!("turn {turn}, killed at {number}");
        let before = stage.this()["access_key_id"].clone();
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        ends_well(&stage, &when);
        assert_eq!(world.new_keys(&stage), Vec::<String>::new(), "{when}");
        assert_tidy(&stage, &keys[0], &when);
        assert_updated(&stage, &keys[0], turn, admin, &when);
        let after = stage.this()["access_key_id"].clone();
        assert_ne!(after, before, "{when}: the access key was not rotated");
    }
    stage.destroy();
}

/// An update of all that can be changed.
fn write_turn(stage: &Stage, turn: usize, admin: &str) {
    let (days, on) = (turn % 2 + 3, turn.is_multiple_of(2));
    let admins = if on {
        format!("{admin:?}")
    } else {
        String::new()
    };
    stage.write_bucket(
        &hcl!(
            r#"
                verify = "settings"
                tags = { turn = "<turn>" }
                noncurrent_version_days = <days>
                versioning = <on>
                cors_allowed_origins = ["https://<turn>.example"]
            "#,
            turn,
            days,
            on
        ),
        &hcl!(
            r#"
                create_access_key = true
                access_key_rotation = "<turn>"
                kms_key_rotation = <on>
                kms_admin_arns = [<admins>]
                bucket_key_enabled = <on>
            "#,
            turn,
            on,
            admins
        ),
    );
}

/// What the update of a turn asks for is there.
fn assert_updated(stage: &Stage, key: &str, turn: usize, admin: &str, when: &str) {
    let on = turn.is_multiple_of(2);
    assert_eq!(stage.tags()["turn"], turn.to_string(), "{when}");
    let days = &stage.lifecycle()[0]["NoncurrentVersionExpiration"]["NoncurrentDays"];
    assert_eq!(*days, json!(turn % 2 + 3), "{when}");
    let status = if on { "Enabled" } else { "Suspended" };
    assert_eq!(stage.versioning(), status, "{when}");
    let origins = &stage.cors()[0]["AllowedOrigins"];
    assert_eq!(
        *origins,
        json!([format!("https://{turn}.example")]),
        "{when}"
    );
    let rotation = stage.kms("get_key_rotation_status", json!({"KeyId": key}));
    assert_eq!(rotation["KeyRotationEnabled"], on, "{when}");
    let policy = stage.key_policy(key).to_string();
    assert_eq!(policy.contains(admin), on, "{when}: {policy}");
    let encryption = stage.s3_ok("get_bucket_encryption", json!({}));
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    assert_eq!(rule["BucketKeyEnabled"], on, "{when}");
}

/// Nothing stays behind but the key, pending deletion.
#[test]
fn a_kill_at_any_request_of_a_destroy_is_survived() {
    let mut world = World::new();
    let (stage, proxy) = world.behind_proxy("aws-kill-destroy");
    stage.write_bucket(
        r#"
            verify = "settings"
            on_destroy = "delete_everything"
        "#,
        r#"
            create_access_key = true
            kms_deletion_window_days = 7
        "#,
    );
    let fill = || {
        stage.apply();
        stage.put("a");
        stage.put("a");
        stage.s3_ok("create_multipart_upload", json!({"Key": "big"}));
        stage.this()
    };
    fill();
    let points = points_of(&stage, &proxy, &["-destroy"]);
    let keys = world.new_keys(&stage);
    assert!(points.len() > 8, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let state = fill();
        let user = stage.user();
        assert_eq!(state["aws"]["kms_key_arn"], keys[0], "{when}");
        assert!(
            is_killed_at(&stage, &proxy, number, &["-destroy"]),
            "not {when}"
        );
        stage.destroy();
        assert!(!stage.exists(), "{when}");
        let users = stage.iam("list_users", json!({}));
        assert!(!users.to_string().contains(&user), "{when}: {users}");
        let key_state = &stage.described(&keys[0])["KeyState"];
        assert_eq!(*key_state, "PendingDeletion", "{when}");
        // The next bucket of this name takes the key back by its alias.
        assert_eq!(aliases(&stage), keys, "{when}");
    }
    assert_eq!(world.new_keys(&stage), Vec::<String>::new());
}
