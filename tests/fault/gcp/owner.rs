//! Buckets, accounts and keys that somebody else touches between two runs, or in the middle
//! of one.

use serde_json::{Value, json};
use simulator::proxy::{Proxy, Reply};

use super::{
    Stage, World, apply_while_it_is_taken, assert_empty_plan, assert_key_reads, assert_tidy,
    ends_well,
};
use crate::harness::{ADMIN, DEPLOY, PROJECT, THIS};
use crate::kill::{is_killed_at, points_of};

const MADE_KEY: &str = "create_access_key = true";
const EVERYTHING: &str = r#"
    on_destroy = "delete_everything"
    verify = "settings"
"#;

fn says(status: u16, body: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_owned(),
    }
}

/// An answer of the IAM service in its own form.
fn iam(status: u16, name: &str, message: &str) -> Reply {
    let body = json!({"error": {"code": status, "status": name, "message": message}});
    says(status, &body.to_string())
}

#[test]
fn a_200_that_is_no_bucket_changes_and_forgets_nothing() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-portal");
    stage.write_bucket(EVERYTHING, "");
    stage.apply();
    stage.put("data");
    let (before, metageneration) = (stage.labels(), stage.seen()["metageneration"].clone());
    let bucket = format!("/storage/v1/b/{}?", stage.bucket());
    let other = json!({"kind": "storage#bucket", "name": "another", "metageneration": "1"});
    for body in ["{}", "[]", "null", r#""ok""#, &other.to_string()] {
        let place = bucket.clone();
        proxy.reply(1000, says(200, body), move |seen| {
            seen.method == "GET" && seen.target.starts_with(&place)
        });
        for verb in ["apply", "destroy"] {
            let run = stage.terraform(&[verb, "-auto-approve", "-no-color"]);
            assert!(!run.0.status.success(), "{verb} {body}: {}", run.text());
            assert_ne!(stage.this(), Value::Null, "{verb} {body}");
        }
        proxy.clear();
        assert_eq!(stage.labels(), before, "{body}");
        assert_eq!(stage.seen()["metageneration"], metageneration, "{body}");
        assert_empty_plan(&stage, body);
    }
    stage.destroy();
    assert!(!stage.exists());
}

/// On Google Cloud versioning that is off looks the same whether it was ever on.
#[test]
fn a_bucket_that_lost_its_labels_and_its_versioning_is_still_ours() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-reset");
    stage.write_bucket("", "");
    stage.apply();
    stage.change(json!({"labels": null, "versioning": {"enabled": false}}));
    ends_well(&stage, "reset");
    assert!(stage.is_ready());
    assert_eq!(stage.seen()["versioning"]["enabled"], true);
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_bucket_that_was_made_anew_is_left_alone() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-anew");
    stage.write_bucket(EVERYTHING, MADE_KEY);
    stage.apply();
    assert!(stage.cloud().remove_bucket(stage.bucket()));
    stage.google("create", json!({}));
    stage.put("theirs");
    let before = stage.seen();
    for verb in ["apply", "destroy"] {
        let run = stage.terraform(&[verb, "-auto-approve", "-no-color"]);
        assert!(!run.0.status.success(), "{verb}: {}", run.text());
        assert_eq!(stage.seen(), before, "{verb}");
        assert_eq!(stage.holds("live"), 1, "{verb}");
    }
}

/// Any kill of the first change after an import.
#[test]
fn a_kill_at_any_request_after_an_import_is_survived() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-import-kill");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let write = |turn: usize| {
        stage.forget(THIS);
        stage.import(THIS, &stage.import_id()).succeeds();
        let block = format!("{MADE_KEY}\naccess_key_rotation = \"{turn}\"");
        stage.write_bucket(&format!("tags = {{ turn = \"{turn}\" }}"), &block);
    };
    write(0);
    let points = points_of(&stage, &proxy, &[]);
    assert!(points.len() > 5, "only {points:?}");
    for (turn, number) in (1..).zip(points) {
        write(turn);
        let when = format!("turn {turn}, killed at {number}");
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        ends_well(&stage, &when);
        assert_eq!(stage.labels()["turn"], turn.to_string(), "{when}");
        assert!(stage.marker().starts_with("ready-"), "{when}");
        assert_key_works(&stage, &when);
    }
    stage.destroy();
    assert!(!stage.exists());
    assert!(stage.made_accounts().is_empty());
}

/// There is one account, it alone has W&B's role, and its key of the state works.
fn assert_key_works(stage: &Stage, when: &str) {
    let accounts = stage.made_accounts();
    assert_eq!(accounts.len(), 1, "{when}: {accounts:?}");
    let mut members = stage.members(ADMIN);
    // Of an account that was deleted; it lets nobody in.
    members.retain(|member| !member.starts_with("deleted:"));
    assert_eq!(
        members,
        [format!("serviceAccount:{}", accounts[0])],
        "{when}"
    );
    assert_key_reads(stage, &accounts[0], when);
}

#[test]
fn an_account_that_somebody_disabled_or_deleted_is_put_right() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-account");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let account = stage.made_accounts()[0].clone();
    for turn in ["disable", "delete"] {
        let path = match turn {
            "disable" => format!("{account}:disable"),
            _ => account.clone(),
        };
        let method = if turn == "disable" { "POST" } else { "DELETE" };
        iam_call(&stage, method, &path);
        ends_well(&stage, turn);
        assert_key_works(&stage, turn);
    }
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}

/// A call to the IAM service as the project's owner, by curl.
fn iam_call(stage: &Stage, method: &str, path: &str) {
    let cloud = stage.cloud();
    let url = format!(
        "{}/v1/projects/{PROJECT}/serviceAccounts/{path}",
        cloud.url()
    );
    let token = format!("authorization: Bearer {}", cloud.token(&cloud.owner()));
    let output = std::process::Command::new("curl")
        .args(["-sSf", "-X", method, "-H", &token, "-d", "{}"])
        .args(["-H", "content-type: application/json", &url])
        .output()
        .expect("curl");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_full_account_makes_room_and_a_forbidden_one_loses_no_key() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-ten");
    stage.write_bucket("", MADE_KEY);
    stage.apply();
    let account = stage.made_accounts()[0].clone();
    stage.cloud().key_file(&account).expect("a key");
    let rotated = |turn: &str| format!("{MADE_KEY}\naccess_key_rotation = \"{turn}\"");
    let is_deletion = |proxy: &Proxy| {
        let mut seen = proxy.requests().into_iter();
        seen.any(|seen| seen.method == "DELETE" && seen.target.contains("/keys/"))
    };
    stage.write_bucket("", &rotated("1"));
    // Whoever forbids keys does not always say which rule it was, or that there is one.
    let name = "constraints/iam.disableServiceAccountKeyCreation";
    for (message, expected) in [
        ("Key creation is not allowed on this service account.", name),
        ("Precondition check failed.", "Precondition check failed"),
    ] {
        proxy.clear();
        let forbidden = iam(400, "FAILED_PRECONDITION", message);
        proxy.reply(1000, forbidden, |seen| {
            seen.method == "POST" && seen.target.ends_with("/keys")
        });
        let text = stage.apply_fails();
        assert!(text.contains(expected), "{text}");
        assert!(!is_deletion(&proxy), "{message}");
    }
    proxy.clear();
    for _ in 0..8 {
        stage.cloud().key_file(&account).expect("a key");
    }
    // The older word for a full account.
    let full = iam(
        429,
        "RESOURCE_EXHAUSTED",
        "Maximum number of keys on account reached.",
    );
    proxy.reply(1, full, |seen| {
        seen.method == "POST" && seen.target.ends_with("/keys")
    });
    ends_well(&stage, "full");
    assert!(is_deletion(&proxy));
    assert_tidy(&stage, "full");
    stage.destroy();
}

#[test]
fn an_account_of_our_name_that_is_a_strangers_is_left_alone() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-stranger");
    stage.write_bucket(EVERYTHING, "");
    stage.apply();
    let account = format!(
        "wandb-byob-{}@{PROJECT}.iam.gserviceaccount.com",
        stage.generation()
    );
    stage.cloud().add_account(&account);
    stage.write_bucket(EVERYTHING, MADE_KEY);
    let text = stage.apply_fails();
    assert!(text.contains("did not make it"), "{text}");
    assert!(
        !stage
            .members(ADMIN)
            .contains(&format!("serviceAccount:{account}"))
    );
    stage.write_bucket(EVERYTHING, "");
    ends_well(&stage, "without a key");
    assert_eq!(stage.members(ADMIN), [format!("serviceAccount:{DEPLOY}")]);
    stage.destroy();
    assert_eq!(stage.made_accounts(), [account]);
}

#[test]
fn held_objects_stop_a_destroy_while_wandb_still_has_its_key() {
    let world = World::new();
    let (stage, _proxy) = world.behind_proxy("gcp-hold-key");
    stage.write_bucket(EVERYTHING, MADE_KEY);
    stage.apply();
    stage.change(json!({"defaultEventBasedHold": true}));
    stage.put("a");
    let text = stage.destroy_fails();
    assert!(text.contains("event-based hold"), "{text}");
    assert_key_works(&stage, "held");
    assert_eq!(stage.holds("live"), 1);
    stage.google("change", json!({"key": "a", "event_based_hold": false}));
    stage.change(json!({"defaultEventBasedHold": false}));
    stage.destroy();
    assert!(!stage.exists());
    assert!(stage.made_accounts().is_empty());
}

/// Somebody takes the bucket over, and changes another setting, at every request of an
/// update in turn.
#[test]
fn a_bucket_that_is_taken_over_in_the_middle_keeps_its_new_owner() {
    let world = World::new();
    let (stage, proxy) = world.behind_proxy("gcp-taken");
    let write = |turn: usize| {
        let days = 8 + turn % 2;
        stage.write_bucket(
            &format!(
                "verify = \"settings\"\nsoft_delete_days = {days}\ntags = {{ turn = \"{turn}\" }}"
            ),
            "",
        );
    };
    write(0);
    stage.apply();
    write(1);
    let points = points_of(&stage, &proxy, &[]);
    for (turn, number) in (2..).zip(points) {
        let ours = stage.marker();
        write(turn);
        let run = apply_while_it_is_taken(&stage, &world, &proxy, number);
        let when = format!("turn {turn}, taken at {number}");
        assert_eq!(stage.marker(), "ready-00c0ffee", "{when}: {}", run.text());
        assert!(!run.0.status.success(), "{when}: {}", run.text());
        stage.mark(&ours);
        ends_well(&stage, &when);
    }
    stage.destroy();
}
