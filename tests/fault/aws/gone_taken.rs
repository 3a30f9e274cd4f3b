//! A bucket that is gone, whose name somebody else has by now: what ours has left goes all the
//! same, in whichever order it is asked for.

use serde_json::{Value, json};
use simulator::amazon;
use simulator::proxy::Proxy;
use simulator::servers::Server;

use super::{CALLER, QUIET, Stage, does, stage};
use crate::gone::refresh;
use crate::harness::proxy_to;
use crate::harness::{Login, THIS, ask, moto, wait};

const MADE_KEY: &str = "create_access_key = true";

/// A state whose bucket went in a destroy, and whose user did not.
pub(super) fn outlived_by_its_user(name: &str) -> (Stage, Proxy, String) {
    let (stage, proxy) = stage(name);
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    let user = stage.user();
    let denied = amazon::iam_denied(CALLER, "iam:DeleteUser", "*");
    proxy.reply(usize::MAX, denied, does("DeleteUser"));
    assert!(stage.destroy_fails().contains("iam:DeleteUser"));
    assert!(!stage.exists());
    proxy.clear();
    (stage, proxy, user)
}

fn assert_no_user(stage: &Stage, user: &str) {
    let answer = stage.ask("iam", "get_user", json!({"UserName": user}));
    assert!(answer.get("error").is_some(), "{answer}");
}

/// An apply, and a plan before it, is refused; the destroy after it knows the user still.
#[test]
fn a_user_goes_after_an_apply_onto_another_ones_bucket_was_refused() {
    for marker in ["ready-00c0ffee", "creating-00c0ffee"] {
        let (stage, _proxy, user) = outlived_by_its_user("taken-apply");
        stage.s3_ok("create_bucket", json!({}));
        stage.mark(marker);
        let text = stage.apply_fails();
        assert!(text.contains("has taken the bucket over"), "{text}");
        assert_eq!(stage.marker(), marker);
        let run = stage.destroy();
        assert!(run.text().contains("left alone"), "{}", run.text());
        assert!(stage.exists());
        assert_no_user(&stage, &user);
        stage.s3_ok("delete_bucket", json!({}));
    }
}

/// A replacement is given the private data of its plan.
#[test]
fn a_user_goes_in_a_replacement_onto_another_ones_bucket() {
    let replace = format!("-replace={THIS}");
    let (stage, _proxy, user) = outlived_by_its_user("taken-replace");
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("ready-00c0ffee");
    let text = stage.apply_fails_with(&[&replace]);
    assert_eq!(stage.marker(), "ready-00c0ffee", "{text}");
    assert!(text.contains("exists already"), "{text}");
    assert!(stage.exists());
    assert_no_user(&stage, &user);
    stage.s3_ok("delete_bucket", json!({}));
}

/// The same onto one that somebody else has begun to make, which is gone on with.
#[test]
fn a_user_goes_in_a_replacement_onto_a_half_made_bucket() {
    let replace = format!("-replace={THIS}");
    let (stage, _proxy, user) = outlived_by_its_user("taken-half");
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("creating-00c0ffee");
    stage.apply_with(&[&replace]);
    assert_no_user(&stage, &user);
    assert_eq!(stage.only_user(), stage.user());
    stage.assert_empty_plan();
    stage.destroy();
}

/// Somebody without this provider has made it.
#[test]
fn a_user_goes_although_a_bucket_without_a_marker_has_its_name() {
    let (stage, _proxy, user) = outlived_by_its_user("taken-plain");
    stage.s3_ok("create_bucket", json!({}));
    // The stand-in keeps the tags of a bucket that is gone.
    stage.s3_ok("delete_bucket_tagging", json!({}));
    stage.put("theirs");
    let text = stage.apply_fails();
    assert!(text.contains("made anew"), "{text}");
    // The configuration does not ask for it any more.
    stage.write("");
    let run = stage.apply();
    assert!(run.text().contains("left alone"), "{}", run.text());
    assert!(stage.exists());
    assert_no_user(&stage, &user);
    stage.clean_up_objects();
    stage.s3_ok("delete_bucket", json!({}));
}

/// Whoever may not look at a key that was made for the bucket does not know that it is gone.
#[test]
fn a_key_that_may_not_be_looked_at_is_not_forgotten_with_its_bucket() {
    let (stage, proxy) = stage("taken-denied");
    stage.write_bucket(QUIET, "");
    stage.apply();
    let key = stage.key();
    stage.s3_ok("delete_bucket", json!({}));
    for action in ["DescribeKey", "ListResourceTags"] {
        proxy.reply(
            usize::MAX,
            amazon::kms_denied(CALLER, &format!("kms:{action}")),
            does(action),
        );
    }
    let (is_done, text) = refresh(&stage);
    proxy.clear();
    assert!(is_done, "{text}");
    assert!(text.contains(&key), "{text}");
    assert!(!stage.this().is_null(), "forgotten: {text}");
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}

/// Whoever may not look at users imports a bucket, and somebody who may changes or destroys it.
#[test]
fn an_import_without_the_right_to_look_takes_no_user_away() {
    let (stage, proxy) = stage("taken-import");
    stage.write_bucket(QUIET, MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    let denied = || {
        let denied = amazon::iam_denied(CALLER, "iam:GetUser", "*");
        proxy.reply(usize::MAX, denied, does("GetUser"));
    };
    stage.forget(THIS);
    denied();
    stage.import(THIS, &stage.import_id()).succeeds();
    assert_eq!(stage.this()["access_key_owner"], json!(null));
    proxy.clear();
    for block in ["", MADE_KEY] {
        stage.write_bucket(QUIET, block);
        let text = stage.apply_fails();
        assert!(text.contains(&user), "{text}");
        assert_eq!(
            stage.access_keys_of(&user),
            [before["access_key_id"].clone()]
        );
        assert_eq!(stage.only_user(), user);
    }
    // By the advice.
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.apply();
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    stage.assert_empty_plan();

    let user = stage.only_user();
    stage.forget(THIS);
    denied();
    stage.import(THIS, &stage.import_id()).succeeds();
    proxy.clear();
    stage.destroy();
    assert_no_user(&stage, &user);
}

/// Another server, where somebody has a bucket of the name.
struct Elsewhere {
    _server: Server,
    proxy: Proxy,
    login: Login,
    bucket: String,
}

impl Elsewhere {
    fn with(stage: &Stage, marker: &str) -> Self {
        let server = wait(Server::moto()).expect("moto starts");
        let (proxy, login) = proxy_to(&server);
        let there = Self {
            _server: server,
            proxy,
            login,
            bucket: stage.bucket().to_owned(),
        };
        there.ask("create_bucket", json!({}));
        let marker = json!([{"Key": "terraform-provider-wandb", "Value": marker}]);
        there.ask("put_bucket_tagging", json!({"Tagging": {"TagSet": marker}}));
        there
    }

    fn ask(&self, call: &str, mut arguments: Value) {
        arguments["Bucket"] = json!(self.bucket);
        let answer = ask(&self.login, "s3", call, arguments);
        assert!(answer.get("ok").is_some(), "{answer}");
    }
}

/// The provider leads to another server, where somebody has a bucket of that name: nothing there
/// says that the user is gone.
#[test]
fn a_user_is_not_forgotten_for_a_bucket_on_another_server() {
    let (stage, _proxy, user) = outlived_by_its_user("taken-elsewhere");
    let block = stage.bucket_block(QUIET, MADE_KEY);
    let there = Elsewhere::with(&stage, "ready-00c0ffee");
    there.ask("put_object", json!({"Key": "theirs"}));
    stage.write_under(&stage.provider_on(&there.login, ""), &block);
    for turn in ["marked", "unmarked", "refused"] {
        if turn == "unmarked" {
            there.ask("delete_bucket_tagging", json!({}));
        }
        if turn == "refused" {
            let bucket = format!("/{}", stage.bucket());
            there
                .proxy
                .reply(usize::MAX, amazon::s3_denied(), move |seen| {
                    seen.target.starts_with(&bucket)
                });
        }
        let text = stage.destroy_fails();
        assert!(text.contains("and it was last seen at"), "{turn}: {text}");
        assert_eq!(stage.user(), user, "{turn}");
    }
    stage.write(&block);
    stage.destroy();
    assert_no_user(&stage, &user);
}

/// The same of a bucket that is still there: another one of its name is no reason to forget it.
#[test]
fn a_bucket_is_not_forgotten_for_another_one_on_another_server() {
    let (stage, _proxy) = stage("elsewhere-too");
    let block = stage.bucket_block(QUIET, MADE_KEY);
    stage.write(&block);
    stage.apply();
    let before = stage.this()["secret_access_key"].clone();
    let there = Elsewhere::with(&stage, "ready-00c0ffee");
    stage.write_under(&stage.provider_on(&there.login, ""), &block);
    let text = stage.destroy_fails();
    assert!(text.contains("and it was last seen at"), "{text}");
    assert_eq!(stage.this()["secret_access_key"], before);
    stage.write(&block);
    stage.destroy();
    assert!(!stage.exists());
}

/// The same of one that somebody has begun to make there: a replacement would go on with it.
#[test]
fn a_bucket_is_not_forgotten_for_a_half_made_one_on_another_server() {
    let (stage, _proxy) = stage("elsewhere-half");
    let block = stage.bucket_block(QUIET, MADE_KEY);
    stage.write(&block);
    stage.apply();
    let before = stage.this()["secret_access_key"].clone();
    let there = Elsewhere::with(&stage, "creating-00c0ffee");
    stage.write_under(&stage.provider_on(&there.login, ""), &block);
    let text = stage.apply_fails_with(&["-refresh=false", "-replace", THIS]);
    assert!(text.contains("and it was last seen at"), "{text}");
    assert_eq!(stage.this()["secret_access_key"], before);
    stage.write(&block);
    stage.destroy();
    assert!(!stage.exists());
}

/// The server has another address for good, and the bucket has lost its marker on the way.
#[test]
fn a_bucket_that_moved_without_its_marker_is_taken_up_again_by_the_advice() {
    let (stage, _proxy) = stage("elsewhere-moved");
    let block = stage.bucket_block(QUIET, MADE_KEY);
    stage.write(&block);
    stage.apply();
    let (before, marker) = (stage.this(), stage.marker());
    let (_there, login) = proxy_to(moto());
    stage.s3_ok("delete_bucket_tagging", json!({}));
    stage.write_under(&stage.provider_on(&login, ""), &block);
    for text in [stage.apply_fails(), stage.destroy_fails()] {
        assert!(text.contains("and it was last seen at"), "{text}");
        assert!(text.contains("adopt = true"), "{text}");
        assert_eq!(
            stage.this()["secret_access_key"],
            before["secret_access_key"]
        );
    }
    // With its marker it is believed, at the new address.
    stage.mark(&marker);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    // Without it, by the advice.
    stage.s3_ok("delete_bucket_tagging", json!({}));
    stage.write(&block);
    assert!(stage.apply_fails().contains("adopt = true"));
    stage.forget(THIS);
    stage.write(&stage.bucket_block(&format!("{QUIET}\nadopt = true"), MADE_KEY));
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}
