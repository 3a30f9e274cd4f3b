//! A bucket that is gone, and a state that does not know all that was made for it.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::Proxy;

use super::{Stage, behind_proxy};
use crate::gone::{destroy_unseen, no_such_bucket, refresh};
use crate::harness::THIS;
use crate::kill::{is_killed_at, points_of};

const MADE_KEY: &str = "create_access_key = true";
const QUIET: &str = r#"verify = "settings""#;

fn plain(name: &str) -> (Stage, Proxy) {
    let (stage, proxy) = behind_proxy(name);
    stage.write_bucket(QUIET, "");
    stage.apply();
    stage.write_bucket(QUIET, MADE_KEY);
    (stage, proxy)
}

/// The number of the last request to kill a run at that makes the first key.
fn last_point(name: &str) -> usize {
    let (stage, proxy) = plain(name);
    let points = points_of(&stage, &proxy, &[]);
    stage.destroy();
    *points.last().expect("a request")
}

/// A state whose bucket is gone, and whose refresh has told of the user that a killed run has
/// made; with that user.
fn lost_with_a_user(name: &str, number: usize) -> (Stage, Proxy, String) {
    let (stage, proxy) = plain(name);
    assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
    let mut killed = stage.users();
    assert_eq!(killed.len(), 1);
    stage.s3_ok("delete_bucket", json!({}));
    let (is_done, text) = refresh(&stage);
    assert!(is_done, "{text}");
    let killed = killed.remove(0);
    assert!(text.contains(&killed), "{text}");
    (stage, proxy, killed)
}

/// The user that a killed run has made is in no state, and then somebody deletes the bucket.
#[test]
fn a_user_of_a_killed_run_is_not_forgotten_with_its_bucket() {
    let (stage, proxy) = plain("lost-first");
    let points = points_of(&stage, &proxy, &[]);
    stage.destroy();
    for (turn, number) in points.into_iter().enumerate() {
        let (stage, proxy) = plain(&format!("lost-first-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        if stage.users().is_empty() {
            continue;
        }
        stage.s3_ok("delete_bucket", json!({}));
        if turn % 2 == 0 {
            let (is_done, text) = refresh(&stage);
            assert!(is_done, "{text}");
        } else {
            stage.apply();
            stage.assert_empty_plan();
            assert_eq!(stage.users(), [stage.user()], "killed at {number}");
        }
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        assert_eq!(stage.users(), Vec::<String>::new(), "killed at {number}");
    }
}

/// Its deletion fails: the state is all that knows of it.
#[test]
fn a_user_of_a_killed_run_that_was_not_removed_is_not_forgotten() {
    let number = last_point("lost-busy");
    for is_taken in [false, true] {
        let (stage, proxy, killed) = lost_with_a_user(&format!("lost-busy-{is_taken}"), number);
        if is_taken {
            stage.s3_ok("create_bucket", json!({}));
            stage.put_tags(&json!({"terraform-provider-wandb": "ready-00c0ffee"}));
        }
        let failed = match is_taken {
            false => amazon::s3(400, "XMinioAdminBusy", "The server is busy", ""),
            true => amazon::s3_denied(),
        };
        proxy.reply(usize::MAX, failed, |seen| {
            seen.method == "DELETE" && seen.target.contains("remove-user")
        });
        let text = stage.destroy_fails();
        assert!(text.contains(&killed), "{text}");
        proxy.clear();
        stage.destroy();
        assert_eq!(stage.users(), Vec::<String>::new(), "taken: {is_taken}");
        if is_taken {
            stage.s3_ok("delete_bucket", json!({}));
        }
    }
}

/// A tainted bucket that is to be kept: one answer that it is gone forgets no secret.
#[test]
fn one_answer_forgets_no_bucket_that_is_to_be_kept() {
    let (stage, proxy) = behind_proxy("lost-keep");
    stage.write_bucket(r#"on_destroy = "keep""#, MADE_KEY);
    stage.apply();
    let secret = stage.this()["secret_access_key"].clone();
    stage.terraform(&["taint", THIS]).succeeds();
    stage.plan_to_file();
    let bucket = format!("/{}", stage.bucket());
    proxy.clear();
    proxy.reply(1, no_such_bucket(), move |seen| {
        seen.method == "GET" && seen.target.starts_with(&bucket)
    });
    let run = stage.apply_plan();
    let text = run.text();
    proxy.clear();
    assert_eq!(stage.this()["secret_access_key"], secret, "{text}");
    stage.terraform(&["untaint", THIS]).succeeds();
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    stage.destroy();
}

/// A bucket that was to be kept and is gone: nothing is left to be kept.
#[test]
fn what_outlives_a_bucket_that_was_to_be_kept_is_given_up() {
    let keep = r#"on_destroy = "keep""#;
    let (stage, _proxy) = behind_proxy("lost-kept");
    for taken in [None, Some("ready-00c0ffee")] {
        stage.write_bucket(keep, MADE_KEY);
        stage.apply();
        let user = stage.user();
        stage.s3_ok("delete_bucket", json!({}));
        if taken.is_none() {
            stage.terraform(&["taint", THIS]).succeeds();
            stage.apply();
            assert_eq!(stage.users(), [stage.user()]);
            stage.assert_empty_plan();
            stage.s3_ok("delete_bucket", json!({}));
        }
        let (is_done, text) = refresh(&stage);
        assert!(is_done, "{text}");
        if let Some(marker) = taken {
            stage.s3_ok("create_bucket", json!({}));
            stage.put_tags(&json!({"terraform-provider-wandb": marker}));
        }
        // By the advice.
        assert!(
            text.contains("Run terraform destroy to give up the rest"),
            "{text}"
        );
        let text = stage.destroy().text();
        assert!(!text.contains("\" stays"), "{user}: {text}");
        assert_eq!(stage.users(), Vec::<String>::new(), "{text}");
        assert_eq!(stage.exists(), taken.is_some());
    }
    stage.s3_ok("delete_bucket", json!({}));
}

/// The same user once somebody else has a bucket of that name: in a destroy, in a replacement,
/// and where nobody wants a key any more.
#[test]
fn a_user_of_a_killed_run_goes_although_somebody_else_has_the_name() {
    let number = last_point("lost-taken");
    for turn in 0..4 {
        let (stage, _proxy, killed) = lost_with_a_user(&format!("lost-taken-{turn}"), number);
        if turn < 3 {
            stage.s3_ok("create_bucket", json!({}));
            let marker = ["ready-00c0ffee", "ready-00c0ffee", "creating-00c0ffee"][turn];
            stage.put_tags(&json!({"terraform-provider-wandb": marker}));
        }
        match turn {
            0 => drop(stage.destroy()),
            1 => drop(stage.apply_fails_with(&["-replace", THIS])),
            2 => {
                stage.apply_with(&["-replace", THIS]);
            }
            _ => {
                stage.write_bucket(QUIET, "");
                stage.apply();
                stage.assert_empty_plan();
            }
        }
        assert!(!stage.users().contains(&killed), "turn {turn}");
        if stage.exists() && turn < 2 {
            stage.s3_ok("delete_bucket", json!({}));
        } else {
            stage.destroy();
        }
    }
}

/// Makes a bucket of that name as somebody else, with something in it.
fn make_anew(stage: &Stage) {
    stage.s3_ok("delete_bucket", json!({}));
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
}

fn assert_refused(stage: &Stage) {
    let text = stage.apply_fails();
    assert!(text.contains("was made anew by somebody else"), "{text}");
    let text = destroy_unseen(stage);
    assert!(text.contains("lost its tag"), "{text}");
    stage.s3_ok("head_object", json!({"Key": "theirs"}));
    assert_eq!(stage.tags(), json!({}));
    stage.clean_up();
}

const UNVERSIONED: &str = r#"
    versioning = false
    on_destroy = "delete_everything"
"#;

/// A replacement that was refused leaves a state which still knows when it had the bucket.
#[test]
fn a_bucket_that_was_made_anew_after_a_refused_replacement_is_left_alone() {
    let (stage, proxy) = behind_proxy("lost-seen");
    stage.write_bucket(UNVERSIONED, "");
    stage.apply();
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
        seen.method == "DELETE" && !seen.target.contains('?')
    });
    let text = stage.apply_fails_with(&["-replace", THIS]);
    assert!(text.contains("s3:DeleteBucket"), "{text}");
    proxy.clear();
    make_anew(&stage);
    assert_refused(&stage);
}

/// A killed run leaves a state that does not know when it had the bucket.
#[test]
fn a_bucket_without_old_versions_that_was_made_anew_after_a_kill_is_left_alone() {
    let (stage, proxy) = behind_proxy("lost-kill");
    stage.write_bucket(UNVERSIONED, "");
    stage.apply();
    stage.write_bucket(&format!("{UNVERSIONED}\n tags = {{ a = \"b\" }}"), "");
    assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
    make_anew(&stage);
    assert_refused(&stage);
}
