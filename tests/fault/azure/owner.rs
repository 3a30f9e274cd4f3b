//! Containers, accounts and identities that somebody else touches between two runs, or in
//! the middle of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use simulator::azure::{Fault, RequestLog};

use super::{Stage, World, assert_empty_plan, assert_gone, assert_tidy, by_identity, ends_well};
use crate::harness::THIS;
use crate::kill::{is_killed_at, points_of};

const EVERYTHING: &str = r#"
    on_destroy = "delete_everything"
    verify = "settings"
"#;

/// What was made for W&B, by the ids that W&B knows it by.
fn client(stage: &Stage) -> Value {
    stage.identities()[0]["client_id"].clone()
}

#[test]
fn an_adoption_that_fails_leaves_the_owner_its_identity() {
    let world = World::new();
    let stage = world.stage("az-adopt");
    let block = by_identity(&stage);
    stage.write_bucket("", &block);
    stage.apply();
    let state = stage.path().join("terraform.tfstate");
    let (first, before) = (std::fs::read(&state).expect("a state"), client(&stage));
    stage.forget(THIS);
    stage.write_bucket(
        r#"adopt = true
        soft_delete_days = 9"#,
        &block,
    );
    let place = format!("arm PUT {}/blobServices/default?", stage.account_id());
    stage.cloud().fault(Fault::status(&place, 403, None));
    let text = stage.apply_fails();
    stage.cloud().clear_faults();
    assert_eq!(stage.this(), Value::Null, "{text}");
    assert_eq!(client(&stage), before);
    // Given back: its owner goes on as if nothing had been.
    std::fs::write(&state, first).expect("the state is written");
    stage.write_bucket("", &block);
    assert_empty_plan(&stage, "given back");
    assert_tidy(&stage, 2, "given back");
    // The second try takes it over, with the identity that W&B knows.
    stage.forget(THIS);
    stage.write_bucket("adopt = true", &block);
    ends_well(&stage, "adopted");
    assert_tidy(&stage, 2, "adopted");
    assert_eq!(client(&stage), before);
    stage.destroy();
    assert_gone(&stage, "at the end");
}

/// Any kill of the first change after an import.
#[test]
fn a_kill_at_any_request_after_an_import_is_survived() {
    let world = World::new();
    let stage = world.stage("az-import-kill");
    let block = by_identity(&stage);
    stage.write_bucket("", &block);
    stage.apply();
    let before = client(&stage);
    let write = |turn: usize| {
        stage.forget(THIS);
        stage.import(THIS, &stage.import_id()).succeeds();
        stage.write_bucket(&format!("tags = {{ turn = \"{turn}\" }}"), &block);
    };
    write(0);
    let points = points_of(&stage, stage.cloud(), &[]);
    assert!(points.len() > 4, "only {points:?}");
    for (turn, number) in (1..).zip(points) {
        write(turn);
        let when = format!("turn {turn}, killed at {number}");
        assert!(
            is_killed_at(&stage, stage.cloud(), number, &[]),
            "not {when}"
        );
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        if !run.0.status.success() {
            // The killed run had come to its very end.
            let (text, marker) = (run.fails(), stage.marker());
            assert!(text.contains("import it again"), "{when}: {text}");
            assert_eq!(marker.matches('-').count(), 1, "{when}: {marker}");
            write(turn);
            // Without a change there is nothing to prove again.
            let tags = format!("tags = {{ turn = \"{turn}\", again = \"1\" }}");
            stage.write_bucket(&tags, &block);
        }
        ends_well(&stage, &when);
        let tags = stage.seen_account()["tags"].clone();
        assert_eq!(tags["turn"], turn.to_string(), "{when}");
        assert!(stage.marker().starts_with("ready-"), "{when}");
        assert_eq!(client(&stage), before, "{when}");
        assert_tidy(&stage, 2, &when);
    }
    stage.destroy();
    assert_gone(&stage, "at the end");
}

#[test]
fn a_container_that_was_made_anew_is_left_alone() {
    let world = World::new();
    let stage = world.stage("az-anew");
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    stage.apply();
    let place = format!(
        "/accounts/{}/containers/{}",
        stage.account(),
        stage.bucket()
    );
    stage.login.control("DELETE", &place, json!({}));
    stage
        .login
        .control("POST", &place, json!({"metadata": {"theirs": "1"}}));
    stage.put("theirs");
    for verb in ["apply", "destroy"] {
        let run = stage.terraform(&[verb, "-auto-approve", "-no-color"]);
        assert!(!run.0.status.success(), "{verb}: {}", run.text());
        assert_eq!(stage.metadata(), json!({"theirs": "1"}), "{verb}");
        assert_eq!(stage.holds("live"), 1, "{verb}");
    }
}

#[test]
fn an_account_that_holds_anothers_container_stays() {
    let world = World::new();
    let stage = world.stage("az-others");
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    stage.apply();
    stage.put("ours");
    let account = format!("/accounts/{}", stage.account());
    stage
        .login
        .control("POST", &format!("{account}/containers/theirs"), json!({}));
    stage.destroy();
    assert!(!stage.exists());
    assert!(stage.container("theirs").is_some());
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.assignments(), []);
}

#[test]
fn an_identity_of_our_name_that_is_a_strangers_is_left_alone() {
    let world = World::new();
    let stage = world.stage("az-stranger");
    let request = json!([
        crate::harness::GROUP,
        format!("{}-wandb", stage.account()),
        {"location": "westeurope", "tags": {"theirs": "1"}}
    ]);
    stage.microsoft("msi.user_assigned_identities.create_or_update", request);
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    let text = stage.apply_fails();
    assert!(text.contains("did not make it"), "{text}");
    assert_eq!(stage.assignments(), []);
    assert_eq!(stage.identities()[0]["tags"], json!({"theirs": "1"}));
    assert_eq!(stage.identities()[0]["credentials"], json!([]));
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities().len(), 1);
}

/// Somebody takes the container over at every request of an update in turn.
#[test]
fn a_container_that_is_taken_over_in_the_middle_keeps_its_new_owner() {
    let world = World::new();
    let stage = world.stage("az-taken");
    let block = by_identity(&stage);
    let write = |turn: usize| {
        let days = 8 + turn % 2;
        stage.write_bucket(
            &format!(
                "verify = \"settings\"\nsoft_delete_days = {days}\ntags = {{ turn = \"{turn}\" }}"
            ),
            &block,
        );
    };
    write(0);
    stage.apply();
    write(1);
    let points = points_of(&stage, stage.cloud(), &[]);
    let container = format!("/containers/{}", stage.bucket());
    let mut seen = 0;
    for (turn, number) in (2..).zip(points) {
        let ours = stage.marker();
        write(turn);
        stage.plan_to_file();
        stage.cloud().clear_requests();
        let (cloud, account) = (world.0.cloud.clone(), stage.account());
        let place = format!("/accounts/{account}/containers/{}", stage.bucket());
        let arrived = Arc::new(AtomicUsize::new(0));
        let before = Arc::clone(&arrived);
        stage.cloud().run_at(number, move || {
            let change = json!({"metadata": {"terraform_provider_wandb": "ready-00c0ffee"}});
            cloud
                .control("PATCH", &place, &change)
                .expect("a good change");
            before.store(cloud.requests().len(), Ordering::Relaxed);
        });
        let run = stage.apply_plan();
        let requests = stage.cloud().requests();
        stage.cloud().clear_requests();
        let when = format!("turn {turn}, taken at {number}");
        assert_eq!(stage.marker(), "ready-00c0ffee", "{when}: {}", run.text());
        // What is read at once comes in any order, so the run itself says whether it has looked
        // at what was taken by then; the request that waited for it has.
        let after = arrived.load(Ordering::Relaxed);
        let is_after = |at: usize| at + 1 == number || at >= after;
        let is_look = |one: &RequestLog| one.method == "GET" && one.path.ends_with(&container);
        let mut looks = requests.iter().enumerate();
        if looks.any(|(at, one)| is_after(at) && is_look(one)) {
            assert!(!run.0.status.success(), "{when}: {}", run.text());
            seen += 1;
        } else if run.0.status.success() {
            // Taken once all had been looked at: the next run says it.
            let text = stage.terraform(&["plan", "-no-color"]).text();
            assert!(
                text.contains("Another configuration has taken"),
                "{when}: {text}"
            );
        }
        stage.mark(&ours);
        ends_well(&stage, &when);
    }
    assert!(seen >= 2, "{seen}");
    stage.destroy();
}

/// Blobs go whatever is locked, so whoever may not see locks deletes none.
#[test]
fn locks_that_may_not_be_seen_stop_the_deletion_of_everything() {
    let world = World::new();
    let stage = world.stage("az-locks");
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    stage.apply();
    stage.put("a");
    let place = format!(
        "arm GET {}/providers/Microsoft.Authorization/locks",
        stage.account_id()
    );
    stage.cloud().fault(Fault::status(&place, 403, None));
    let text = stage.destroy_fails();
    assert!(
        text.contains("Microsoft.Authorization/locks/read"),
        "{text}"
    );
    assert_eq!(stage.holds("live"), 1);
    stage.cloud().clear_faults();
    stage.destroy();
    assert_gone(&stage, "at the end");
}

#[test]
fn rules_of_others_stay_when_an_account_is_gone_on_with() {
    let world = World::new();
    let stage = world.stage("az-rules");
    stage.write_bucket("noncurrent_version_days = 30", &by_identity(&stage));
    let place = format!(
        "arm PUT {}/blobServices/default/containers/",
        stage.account_id()
    );
    stage.cloud().fault(Fault::status(&place, 403, None));
    let text = stage.apply_fails();
    assert!(
        text.contains("the storage account is made by now"),
        "{text}"
    );
    stage.cloud().clear_faults();
    let theirs = json!({"allowedOrigins": ["https://theirs.example"], "allowedMethods": ["GET"],
        "allowedHeaders": [], "exposedHeaders": [], "maxAgeInSeconds": 5});
    let mut rules = stage.seen_account()["services"]["blobservices"]["cors"]["corsRules"].clone();
    rules.as_array_mut().expect("rules").push(theirs.clone());
    super::change_service(&stage, json!({"cors": {"corsRules": rules}}));
    ends_well(&stage, "gone on with");
    let rules = stage.seen_account()["services"]["blobservices"]["cors"]["corsRules"].clone();
    assert_eq!(rules.as_array().map(Vec::len), Some(2), "{rules}");
    assert_eq!(rules[1], theirs);
    stage.destroy();
}

/// The account is gone, and its name is the whole world's.
#[test]
fn an_identity_goes_although_somebody_else_has_the_accounts_name() {
    let world = World::new();
    let stage = world.stage("az-name");
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    stage.apply();
    let account = format!("/accounts/{}", stage.account());
    let other = "33333333-3333-4333-a333-333333333333";
    stage.login.control("DELETE", &account, json!({}));
    stage
        .login
        .control("POST", "/subscriptions", json!({"id": other}));
    stage
        .login
        .control("POST", &account, json!({"subscription": other}));
    let text = stage.apply_fails();
    assert!(text.contains("storage_account_name"), "{text}");
    assert_eq!(stage.identities().len(), 1);
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
    let seen = stage.seen_account();
    assert!(seen["id"].to_string().contains(other), "{seen}");
}

/// An update that makes another identity and then fails still knows the one before.
#[test]
fn an_identity_that_is_replaced_is_not_forgotten_by_a_failure() {
    let world = World::new();
    for end in ["apply", "destroy", "gone"] {
        let stage = world.stage(&format!("az-renamed-{end}"));
        stage.write_bucket(EVERYTHING, &by_identity(&stage));
        stage.apply();
        let name = format!("{}-other", stage.account());
        let block = format!("{}\nidentity_name = \"{name}\"", by_identity(&stage));
        stage.write_bucket(EVERYTHING, &block);
        // Removing the former one is what fails, twice.
        let former = format!("/userAssignedIdentities/{}-wandb?", stage.account());
        for _ in 0..2 {
            stage
                .cloud()
                .fault(Fault::status(&delete_of(&former), 403, None));
            stage.apply_fails();
            stage.cloud().clear_faults();
            assert_eq!(stage.identities().len(), 2, "{end}");
        }
        match end {
            "apply" => ends_well(&stage, end),
            "destroy" => {}
            _ => {
                let account = format!("/accounts/{}", stage.account());
                stage.login.control("DELETE", &account, json!({}));
                stage.terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"]);
                assert_ne!(stage.this(), Value::Null);
            }
        }
        if end == "apply" {
            assert_eq!(stage.identities().len(), 1);
            assert_tidy(&stage, 2, end);
        }
        stage.destroy();
        assert_gone(&stage, end);
    }
}

fn delete_of(identity: &str) -> String {
    let group = crate::harness::GROUP;
    format!(
        "arm DELETE /subscriptions/22222222-2222-4222-a222-222222222222/resourceGroups/{group}/providers/Microsoft.ManagedIdentity{identity}"
    )
}

/// Back and forth, each time with another removal refused, and replaced at the end.
#[test]
fn identities_that_were_renamed_back_and_forth_are_all_known() {
    let world = World::new();
    for end in ["apply", "replace", "destroy"] {
        let stage = world.stage(&format!("az-forth-{end}"));
        let named = |name: &str| {
            let name = format!("{}-{name}", stage.account());
            format!("{}\nidentity_name = \"{name}\"", by_identity(&stage))
        };
        stage.write_bucket(EVERYTHING, &named("wandb"));
        stage.apply();
        let turns = [
            ("b", "wandb", 2),
            ("c", "wandb", 2),
            ("WANDB", "c", 2),
            ("b", "wandb", 2),
        ];
        for (to, refused, left) in turns {
            stage.write_bucket(EVERYTHING, &named(to));
            let refused = format!("/userAssignedIdentities/{}-{refused}?", stage.account());
            stage
                .cloud()
                .fault(Fault::status(&delete_of(&refused), 403, None));
            let refused = format!("/userAssignedIdentities/{}-WANDB?", stage.account());
            stage
                .cloud()
                .fault(Fault::status(&delete_of(&refused), 403, None));
            let text = stage.apply_fails();
            stage.cloud().clear_faults();
            assert!(stage.identities().len() >= left, "{end} {to}: {text}");
        }
        match end {
            "apply" => {
                ends_well(&stage, end);
                assert_tidy(&stage, 2, end);
            }
            "replace" => {
                stage.apply_with(&["-replace", crate::harness::THIS]);
                assert_tidy(&stage, 2, end);
            }
            _ => {}
        }
        stage.destroy();
        assert_gone(&stage, end);
    }
}

/// Two buckets in somebody's account, under two spellings of the group and one of the identity.
#[test]
fn an_identity_serves_one_bucket_of_an_account() {
    let world = World::new();
    let stage = world.stage("az-shared-name");
    let account = format!("/accounts/{}", stage.account());
    stage.login.control("POST", &account, json!({}));
    let group = crate::harness::GROUP;
    let block = format!("{}\ncreate_storage_account = false", by_identity(&stage));
    let first = stage.bucket_block(EVERYTHING, &block);
    let second = first
        .replace(
            "\"wandb_byob_bucket\" \"this\"",
            "\"wandb_byob_bucket\" \"other\"",
        )
        .replace(
            &format!("\"{}\"", stage.bucket()),
            &format!("\"{}-2\"", stage.bucket()),
        )
        .replace(
            &format!("\"{group}\""),
            &format!("\"{}\"", group.to_uppercase()),
        );
    assert!(second.contains(&group.to_uppercase()), "{second}");
    stage.write(&first);
    stage.apply();
    let before = stage.identities();
    stage.write(&format!("{first}\n{second}"));
    let text = stage.apply_fails();
    assert!(
        text.contains("a managed identity of this name is there"),
        "{text}"
    );
    assert_eq!(stage.identities(), before);
    // The failed one goes and leaves the other one's.
    stage.write(&first);
    stage.apply();
    super::assert_empty_plan(&stage, "the other one went");
    assert_eq!(stage.identities(), before);
    assert_eq!(stage.assignments().len(), 2);
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.assignments(), []);
}
