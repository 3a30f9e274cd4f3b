//! Answers of Azure that are wrong, late, lost, or refusals.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::azure::Fault;

use super::{Stage, World, assert_empty_plan, assert_gone, assert_tidy, by_identity, ends_well};
use crate::harness::GROUP;
use crate::passing::PASSING;

const EVERYTHING: &str = r#"
    on_destroy = "delete_everything"
    verify = "settings"
"#;

fn made(world: &World, name: &str, arguments: &str) -> Stage {
    let stage = world.stage(name);
    stage.write_bucket(arguments, &by_identity(&stage));
    stage.apply();
    stage
}

/// Requests that change something, by the beginnings of their lines.
fn writes(stage: &Stage) -> Vec<String> {
    let (account, group) = (stage.account_id(), "/subscriptions/");
    let identity = format!("{}-wandb", stage.account());
    vec![
        format!("arm PUT {account}?"),
        format!("arm PUT {account}/blobServices/default?"),
        format!("arm PUT {account}/blobServices/default/containers/"),
        format!("/userAssignedIdentities/{identity}?"),
        format!("/userAssignedIdentities/{identity}/federatedIdentityCredentials/"),
        format!("arm PUT {account}/providers/Microsoft.Authorization/roleAssignments/"),
        format!("arm PUT {group}"),
    ]
}

#[test]
fn lost_and_passing_answers_to_a_create_come_to_the_same_end() {
    let world = World::new();
    for (what, broken) in PASSING {
        let stage = world.stage(&format!("az-{what}"));
        for place in writes(&stage) {
            stage.cloud().fault(broken(&place, Some(1)));
        }
        stage.write_bucket(r#"tags = { a = "b" }"#, &by_identity(&stage));
        let when = format!("{what} answers");
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        stage.cloud().clear_faults();
        if !run.0.status.success() {
            let text = run.text();
            assert!(text.contains("Left behind:"), "{when}: {text}");
        }
        ends_well(&stage, &when);
        assert_tidy(&stage, 2, &when);
        assert_eq!(stage.seen_account()["tags"]["a"], "b", "{when}");
        stage.destroy();
        assert_gone(&stage, &when);
    }
}

/// Each write of a create is refused for good: what is there is told, and the next apply ends
/// it.
#[test]
fn a_refused_step_of_a_create_is_told_and_finished_by_the_next_apply() {
    let world = World::new();
    let stage = world.stage("az-places");
    let number = writes(&stage).len();
    for turn in 0..number - 1 {
        let stage = world.stage(&format!("az-step-{turn}"));
        let place = writes(&stage).remove(turn);
        stage.cloud().fault(Fault::status(&place, 403, None));
        stage.write_bucket("", &by_identity(&stage));
        let text = stage.apply_fails();
        assert!(text.contains("Left behind:"), "{place}: {text}");
        assert!(text.contains("Why:"), "{place}: {text}");
        stage.cloud().clear_faults();
        ends_well(&stage, &place);
        assert_tidy(&stage, 2, &place);
        stage.destroy();
        assert_gone(&stage, &place);
    }
}

#[test]
fn a_404_that_lies_forgets_and_deletes_nothing() {
    let world = World::new();
    let stage = made(&world, "az-lie", r#"on_destroy = "delete_everything""#);
    stage.put("data");
    let (account, bucket) = (stage.account_id(), stage.bucket().to_owned());
    let (name, container) = (stage.account(), format!("/containers/{bucket}"));
    for place in [
        format!("arm GET {account}?"),
        format!("arm GET {account}/blobServices/default{container}"),
        format!("arm GET {account}/blobServices/default?"),
        format!("userAssignedIdentities/{name}-wandb?"),
        format!("userAssignedIdentities/{name}-wandb/federatedIdentityCredentials"),
        "roleAssignments".to_owned(),
    ] {
        stage.cloud().fault(Fault::status(&place, 404, None));
        let before = stage.this();
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        let is_done = run.0.status.success();
        assert_ne!(stage.this(), Value::Null, "{place}");
        let ended = stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
        let is_gone = ended.0.status.success();
        stage.cloud().clear_faults();
        assert!(!is_done, "{place}: {}", run.text());
        assert!(!is_gone, "{place}: {}", ended.text());
        assert_ne!(stage.this(), Value::Null, "{place}");
        assert!(stage.exists(), "{place}");
        assert_eq!(stage.holds("live"), 1, "{place}");
        assert_eq!(stage.identities().len(), 1, "{place}");
        assert_eq!(stage.this()["generation"], before["generation"], "{place}");
        assert_empty_plan(&stage, &place);
    }
    stage.destroy();
    assert_gone(&stage, "at the end");
}

#[test]
fn a_destroy_that_is_refused_half_way_is_finished_by_the_next() {
    let world = World::new();
    let stage = made(&world, "az-half", EVERYTHING);
    stage.put("a");
    let account = stage.account_id();
    for place in [
        format!("arm DELETE {account}?"),
        "arm DELETE /subscriptions/".to_owned(),
    ] {
        stage.cloud().fault(Fault::status(&place, 403, None));
        let text = stage.destroy_fails();
        assert!(text.contains("Left behind:"), "{place}: {text}");
        assert_ne!(stage.this(), Value::Null, "{place}");
        stage.cloud().clear_faults();
    }
    stage.destroy();
    assert_gone(&stage, "at the end");
    assert_eq!(stage.this(), Value::Null);
}

/// The same in an account that is somebody else's, which stays.
#[test]
fn a_container_of_anothers_account_goes_alone_and_in_two_steps() {
    let world = World::new();
    let stage = world.stage("az-half-other");
    let account = format!("/accounts/{}", stage.account());
    stage.login.control("POST", &account, json!({}));
    let block = format!("{}\ncreate_storage_account = false", by_identity(&stage));
    stage.write_bucket(EVERYTHING, &block);
    stage.apply();
    stage.put("a");
    let id = stage.account_id();
    for place in [
        format!("arm DELETE {id}/providers/Microsoft.Authorization/roleAssignments/"),
        format!(
            "arm DELETE {id}/blobServices/default/containers/{}",
            stage.bucket()
        ),
        "arm DELETE /subscriptions/".to_owned(),
    ] {
        stage.cloud().fault(Fault::status(&place, 403, None));
        let text = stage.destroy_fails();
        assert!(text.contains("Left behind:"), "{place}: {text}");
        assert_ne!(stage.this(), Value::Null, "{place}");
        stage.cloud().clear_faults();
    }
    let text = stage.destroy().text();
    assert!(!stage.exists());
    assert_ne!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.assignments(), []);
    assert!(text.contains("Destroy complete"), "{text}");
}

/// A lost answer to each deletion: carried out, and nobody was told.
#[test]
fn lost_answers_to_a_destroy_come_to_the_same_end() {
    let world = World::new();
    let stage = made(&world, "az-lost-end", EVERYTHING);
    let fill = || {
        stage.apply();
        stage.put("a");
    };
    fill();
    let (account, bucket) = (stage.account_id(), stage.bucket().to_owned());
    for place in [
        format!("arm DELETE {account}/blobServices/default/containers/{bucket}"),
        format!("arm DELETE {account}?"),
        format!("arm DELETE {account}/providers/Microsoft.Authorization"),
        "arm DELETE /subscriptions/".to_owned(),
        "blob DELETE ".to_owned(),
    ] {
        fill();
        stage.cloud().fault(Fault::lose_reply(&place, Some(1)));
        let run = stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
        stage.cloud().clear_faults();
        if !run.0.status.success() {
            stage.destroy();
        }
        assert_gone(&stage, &place);
    }
}

/// A 200 of somebody who is not Azure.
#[test]
fn a_200_that_is_no_answer_of_azures_changes_and_forgets_nothing() {
    let world = World::new();
    let stage = made(&world, "az-portal", EVERYTHING);
    stage.put("data");
    let before = stage.seen_account();
    for place in [
        format!("arm GET {}?", stage.account_id()),
        format!(
            "arm GET {}/blobServices/default/containers/{}",
            stage.account_id(),
            stage.bucket()
        ),
    ] {
        stage.cloud().fault(Fault::status(&place, 200, None));
        for verb in ["apply", "destroy"] {
            let run = stage.terraform(&[verb, "-auto-approve", "-no-color"]);
            assert!(!run.0.status.success(), "{verb} {place}: {}", run.text());
            assert_ne!(stage.this(), Value::Null, "{verb} {place}");
        }
        stage.cloud().clear_faults();
        assert_eq!(stage.seen_account(), before, "{place}");
        assert_empty_plan(&stage, &place);
    }
    stage.destroy();
    assert_gone(&stage, "at the end");
}

/// A key is lost when the account has another one, not when a clock is wrong.
#[test]
fn a_key_is_not_lost_because_of_a_clock() {
    let world = World::new();
    let stage = world.stage("az-clock");
    stage.write_bucket("", r#"access = "access_key""#);
    stage.apply();
    let keys = format!("arm POST {}/listKeys", stage.account_id());
    let deny = || stage.cloud().fault(Fault::status(&keys, 403, None));
    deny();
    assert_empty_plan(&stage, "the key still works");
    stage.cloud().clear_faults();
    let regenerated = json!([GROUP, stage.account(), {"keyName": "key1"}]);
    stage.microsoft("storage.storage_accounts.regenerate_key", regenerated);
    deny();
    let plan = stage.terraform(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(plan.0.status.code(), Some(2), "{}", plan.text());
    stage.cloud().clear_faults();
    ends_well(&stage, "the new key is read");
    // What is signed from here on is too old.
    stage.cloud().advance(Duration::from_secs(20 * 60));
    deny();
    let before = stage.this()["secret_access_key"].clone();
    assert_empty_plan(&stage, "a late clock");
    stage.terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"]);
    assert_eq!(stage.this()["secret_access_key"], before);
}

/// A service's settings that somebody changes while an apply runs are not lost.
#[test]
fn settings_that_fail_once_are_written_by_the_next_apply() {
    let world = World::new();
    let stage = made(&world, "az-settings", "");
    let service = json!({"isVersioningEnabled": false, "cors": {"corsRules": []}});
    super::change_service(&stage, service);
    let place = format!("arm PUT {}/blobServices/default?", stage.account_id());
    stage.cloud().fault(Fault::status(&place, 409, Some(2)));
    ends_well(&stage, "after a conflict");
    let seen = stage.seen_account();
    let service = &seen["services"]["blobservices"];
    assert_eq!(service["isVersioningEnabled"], true);
    let rules = service["cors"]["corsRules"].as_array().map(Vec::len);
    assert_eq!(rules, Some(1));
    stage.destroy();
}
