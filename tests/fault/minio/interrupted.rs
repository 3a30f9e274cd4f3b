//! A state whose apply was killed on the way to making the bucket its own again: Terraform has
//! kept the state of before and no private data, and the marker names that state's owner among
//! the former ones.

use std::path::Path;

use serde_json::{Value, json};
use simulator::amazon;
use simulator::proxy::Reply;

use super::{Stage, behind_proxy};
use crate::harness::proxy_to;
use crate::harness::{THIS, hcl};
use crate::kill::{dies_once_marked, is_killed_at, points_of};

const MADE_KEY: &str = "create_access_key = true";
const TEAM: &str = "wandb_team_storage.this";

/// Takes what Terraform does not keep of an apply whose provider was killed.
fn lose_private(directory: &Path) {
    let path = directory.join("terraform.tfstate");
    let text = std::fs::read_to_string(&path).expect("a state");
    let mut state: Value = serde_json::from_str(&text).expect("JSON");
    for resource in state["resources"].as_array_mut().expect("resources") {
        for instance in resource["instances"].as_array_mut().expect("instances") {
            let instance = instance.as_object_mut().expect("an instance");
            instance.remove("private");
        }
    }
    std::fs::write(&path, state.to_string()).expect("written");
}

/// As a run leaves it that dies once it has marked the bucket.
fn interrupt(stage: &Stage) {
    lose_private(stage.path());
    let generation = stage.generation();
    let tags = json!({"terraform-provider-wandb": format!("ready-00c0ffee-{generation}")});
    stage.put_tags(&tags);
}

#[test]
fn an_interrupted_bucket_is_replaced_by_the_state_that_has_it() {
    let (stage, _proxy) = behind_proxy("cut-replace");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    interrupt(&stage);
    stage.apply_with(&["-replace", THIS]);
    stage.assert_empty_plan();
    assert_eq!(stage.users(), [stage.user()]);
    stage.destroy();
    assert!(!stage.exists());
    assert_eq!(stage.users(), Vec::<String>::new());
}

/// The same where the new one is made first, under another name.
#[test]
fn an_interrupted_bucket_goes_after_the_one_that_replaces_it() {
    let (stage, _proxy) = behind_proxy("cut-before");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    interrupt(&stage);
    let body = stage.bucket_block("lifecycle { create_before_destroy = true }", MADE_KEY);
    let other = format!("{}-b", stage.bucket());
    stage.write(&body.replace(stage.bucket(), &other));
    let text = stage.apply().text();
    assert!(!text.contains("was left alone"), "{text}");
    assert!(!stage.exists(), "{text}");
    stage.assert_empty_plan();
    stage.destroy();
    assert_eq!(stage.users(), Vec::<String>::new());
}

/// A tainted one is replaced as well.
#[test]
fn an_interrupted_bucket_that_is_tainted_is_replaced() {
    let (stage, _proxy) = behind_proxy("cut-taint");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    interrupt(&stage);
    stage.terraform(&["taint", "-no-color", THIS]).succeeds();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.users(), [stage.user()]);
    stage.destroy();
    assert!(!stage.exists());
}

/// The user that a killed run has made is in no state.
#[test]
fn a_kill_at_any_request_of_the_first_key_leaves_a_destroy_nothing() {
    let plain = |name: &str| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket(r#"verify = "settings""#, "");
        stage.apply();
        stage.write_bucket(r#"verify = "settings""#, MADE_KEY);
        (stage, proxy)
    };
    let (stage, proxy) = plain("cut-first");
    let points = points_of(&stage, &proxy, &[]);
    stage.destroy();
    assert!(points.len() > 3, "only {points:?}");
    for number in points {
        let (stage, proxy) = plain(&format!("cut-first-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not at {number}");
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        assert_eq!(stage.users(), Vec::<String>::new(), "killed at {number}");
    }
}

/// Each run that dies leaves its own name on the bucket, and there is room for a few only.
#[test]
fn a_bucket_whose_apply_is_killed_again_and_again_stays_its_states() {
    let (stage, proxy) = behind_proxy("cut-again");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
    assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
    // The mark is the first thing that a run writes; each dies right after it.
    for _ in 0..7 {
        assert!(
            dies_once_marked(&stage, &proxy),
            "none has marked the bucket"
        );
    }
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.users(), [user]);
    assert_eq!(
        stage.this()["secret_access_key"],
        before["secret_access_key"]
    );
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn an_interrupted_bucket_comes_along_when_its_server_gets_another_address() {
    let (mut stage, proxy) = behind_proxy("cut-moved");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    interrupt(&stage);
    let body = stage.bucket_block("", MADE_KEY);
    let (second, login) = proxy_to(crate::harness::minio());
    // Nothing answers at the address before.
    drop(proxy);
    stage.login = login;
    stage.write(&body);
    // Which arguments are the provider's went with the run as well, so a refresh would ask at
    // the address before.
    stage.apply_with(&["-refresh=false"]);
    stage.assert_empty_plan();
    assert_eq!(stage.users(), [user]);
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    stage.destroy();
    assert!(!stage.exists());
    drop(second);
}

#[test]
fn a_bucket_that_was_made_anew_after_a_kill_is_never_mended() {
    let (stage, proxy) = behind_proxy("cut-anew");
    stage.write_bucket("", "");
    stage.apply();
    stage.write_bucket(r#"tags = { a = "b" }"#, "");
    assert!(is_killed_at(&stage, &proxy, 3, &[]), "not killed");
    stage.s3_ok("delete_bucket", json!({}));
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    let text = stage.plan_fails();
    assert!(text.contains("was made anew by somebody else"), "{text}");
    assert_eq!(stage.tags(), json!({}));
    stage.write_bucket("adopt = true", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

/// A team on a bucket of its own, whose key is given and known to the instance.
fn write_team(stage: &Stage, bucket: &str) {
    let (key, secret) = (&stage.login.access_key, &stage.login.secret_key);
    let address = stage.address();
    let entry = address.replace("s3://", &format!("s3://{key}:{secret}@"));
    stage.wandb.add_store(&entry);
    stage.write(&hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              on_destroy = "delete"
              byob_bucket {
                name = "<name>"
                <bucket>
                s3_compatible {
                  wandb_access_key = "<access_key>"
                  wandb_secret_key = "<secret_key>"
                }
              }
            }
        "#,
        name = stage.bucket(),
        bucket,
        access_key = key,
        secret_key = secret
    ));
}

/// An adoption that could not remove the former owner's user yet, with a team on it.
#[test]
fn a_team_does_not_forget_the_user_of_the_owner_before() {
    let (stage, proxy) = behind_proxy("cut-adopt");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let user = stage.user();
    stage.forget(THIS);
    write_team(&stage, "adopt = true");
    let busy = Reply {
        status: 500,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html><body>Internal Server Error</body></html>".to_owned(),
    };
    proxy.reply(usize::MAX, busy, |seen| {
        seen.method != "GET" && seen.target.contains("remove-user")
    });
    let text = stage.apply().text();
    proxy.clear();
    assert!(text.contains("was not removed"), "{text}");
    assert_eq!(stage.users(), [user]);
    stage.apply();
    assert_eq!(stage.users(), Vec::<String>::new());
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}

/// A destroy that has taken an interrupted bucket over and was refused then.
#[test]
fn a_team_knows_the_bucket_that_its_destroy_has_taken_over() {
    let (stage, proxy) = behind_proxy("cut-team");
    write_team(&stage, "");
    stage.apply();
    let generation = stage.state(TEAM)["byob_bucket"]["generation"].clone();
    let generation = generation.as_str().expect("a generation");
    lose_private(stage.path());
    stage.mark(&format!("ready-00c0ffee-{generation}"));
    stage.clean_up_objects();
    let bucket = stage.bucket().to_owned();
    proxy.reply(usize::MAX, amazon::s3_denied(), move |seen| {
        seen.method == "DELETE" && seen.target.trim_end_matches('/') == format!("/{bucket}")
    });
    let text = stage.destroy_fails();
    proxy.clear();
    assert!(text.contains("Access Denied"), "{text}");
    assert!(stage.exists());
    let text = stage.destroy().text();
    assert!(!text.contains("was left alone"), "{text}");
    assert!(!stage.exists(), "{text}");
}

/// A bucket that nobody could mark as finished is not finished: another configuration would go
/// on with it.
#[test]
fn a_bucket_whose_tags_may_not_be_read_is_not_finished() {
    let (stage, proxy) = behind_proxy("cut-tags");
    stage.write_bucket("", MADE_KEY);
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
        seen.method == "GET" && seen.target.contains("?tagging")
    });
    let text = stage.apply_fails();
    assert!(text.contains("s3:GetBucketTagging"), "{text}");
    proxy.clear();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.marker(), format!("ready-{}", stage.generation()));
    assert_eq!(stage.users(), [stage.user()]);
    stage.destroy();
}

/// Another state adopts the bucket meanwhile, and cannot remove the former owner's user yet: it
/// says so and is done, and has the bucket.
#[test]
fn a_bucket_that_was_adopted_meanwhile_is_not_taken_back() {
    let (stage, proxy) = behind_proxy("cut-adopted");
    stage.write_bucket(r#"on_destroy = "delete_everything""#, MADE_KEY);
    stage.apply();
    let path = stage.path().join("terraform.tfstate");
    lose_private(stage.path());
    let first = std::fs::read(&path).expect("a state");
    std::fs::remove_file(&path).expect("forgotten");
    stage.write_bucket("adopt = true", MADE_KEY);
    let busy = Reply {
        status: 500,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html><body>Internal Server Error</body></html>".to_owned(),
    };
    proxy.reply(usize::MAX, busy, |seen| {
        seen.method != "GET" && seen.target.contains("remove-user")
    });
    let text = stage.apply().text();
    proxy.clear();
    assert!(text.contains("was not removed"), "{text}");
    stage.put("theirs");
    let second = std::fs::read(&path).expect("a state");
    std::fs::write(&path, first).expect("the state is written");
    let text = stage.destroy_fails();
    assert!(
        text.contains("another configuration has taken it over"),
        "{text}"
    );
    stage.s3_ok("head_object", json!({"Key": "theirs"}));
    std::fs::write(&path, second).expect("the state is written");
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
    assert_eq!(stage.users(), Vec::<String>::new());
}

/// The tags of an import are not told once, in the run that takes the bucket over.
#[test]
fn tags_that_are_not_told_once_are_not_lost() {
    let (stage, proxy) = behind_proxy("cut-untold");
    stage.write_bucket(r#"tags = { a = "b" }"#, MADE_KEY);
    stage.apply();
    let (before, user) = (stage.this(), stage.user());
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.write_bucket(r#"tags = { a = "c" }"#, MADE_KEY);
    stage.plan_to_file();
    proxy.reply(
        1,
        amazon::s3(404, "NoSuchTagSet", "The TagSet does not exist", ""),
        |seen| seen.method == "GET" && seen.target.contains("?tagging"),
    );
    stage.apply_plan();
    proxy.clear();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.users(), [user]);
    assert_eq!(stage.this()["access_key_id"], before["access_key_id"]);
    stage.destroy();
    assert_eq!(stage.users(), Vec::<String>::new());
}
