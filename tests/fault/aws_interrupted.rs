//! AWS: the provider killed, and requests lost, at each request in turn. Whatever
//! happened, the next apply comes to one bucket, one key, one alias, one user with one
//! access key, and an empty plan.
//!
//! The first turn of each loop is undisturbed and tells which requests there are; reads
//! that follow each other are taken for one.
//!
//! Each loop has a stand-in of its own, so that every key in it is known.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::proxy::{Cut, Proxy};
use simulator::servers::Server;

use crate::aws_stage::{Amazon, THIS};
use crate::harness::{Stage, wait};
use crate::kill::{is_killed_at, points_of, proxy_to, turning_points};

/// What the creates ask for. The stand-in lets every key do everything, which the probe
/// would find.
const ARGUMENTS: &str = "verify = \"settings\"\n tags = { a = \"b\" }";

/// A stand-in for Amazon's services, and the keys of the stages before.
struct World {
    server: Server,
    known_keys: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        Self {
            server: wait(Server::moto()).expect("moto starts"),
            known_keys: BTreeSet::new(),
        }
    }

    fn behind_proxy(&self, name: &str) -> (Amazon, Proxy) {
        let (proxy, login) = proxy_to(&self.server);
        (Stage::on(name, login).into(), proxy)
    }

    /// A stage that has not made its bucket yet.
    fn create(&self, name: &str) -> (Amazon, Proxy) {
        let (amazon, proxy) = self.behind_proxy(name);
        amazon.give(ARGUMENTS, "create_access_key = true");
        (amazon, proxy)
    }

    /// Keys that were made since this was asked the last time.
    fn new_keys(&mut self, amazon: &Amazon) -> Vec<String> {
        let listed = amazon.kms("list_keys", json!({"Limit": 1000}));
        let all = listed["Keys"].as_array().expect("keys").iter();
        let arns = all.filter_map(|key| key["KeyArn"].as_str().map(str::to_owned));
        arns.filter(|arn| self.known_keys.insert(arn.clone()))
            .collect()
    }
}

/// The whole of what an apply comes to, whatever happened before.
fn is_tidy(amazon: &Amazon, key: &str, when: &str) {
    let state = in_state(amazon);
    let generation = state["generation"].as_str().expect("a generation");
    let ready = format!("ready-{generation}");
    assert_eq!(state["verified"], true, "{when}: {}", state["findings"]);
    assert_eq!(amazon.tags()["terraform-provider-wandb"], ready, "{when}");
    assert_eq!(
        amazon.s3_ok("holds", json!({})),
        json!({"objects": 0, "versions": 0, "delete_markers": 0, "uploads": 0}),
        "{when}"
    );
    assert_eq!(state["aws"]["kms_key_arn"], key, "{when}");
    assert_eq!(amazon.described(key)["KeyState"], "Enabled", "{when}");
    let tags = amazon.kms("list_resource_tags", json!({"KeyId": key}));
    let marker = json!({"TagKey": "terraform-provider-wandb", "TagValue": ready});
    let tags = tags["Tags"].as_array().expect("tags");
    assert!(tags.contains(&marker), "{when}: {tags:?}");
    assert_eq!(aliases(amazon), [key], "{when}");
    let user = user(amazon, generation);
    let keys = amazon.iam("list_access_keys", json!({"UserName": user}));
    let keys = keys["AccessKeyMetadata"].as_array().expect("keys");
    assert_eq!(keys.len(), 1, "{when}: {keys:?}");
    assert_eq!(keys[0]["AccessKeyId"], state["access_key_id"], "{when}");
}

/// The keys that are called after this bucket.
fn aliases(amazon: &Amazon) -> Vec<String> {
    let listed = amazon.kms("list_aliases", json!({}));
    let all = listed["Aliases"].as_array().expect("aliases").iter();
    let ours = all.filter(|alias| {
        alias["AliasName"]
            .as_str()
            .is_some_and(|name| name.contains(amazon.bucket()))
    });
    ours.map(|alias| {
        let id = alias["TargetKeyId"].as_str().expect("a key");
        amazon.described(id)["Arn"]
            .as_str()
            .expect("an ARN")
            .to_owned()
    })
    .collect()
}

fn user(amazon: &Amazon, generation: &str) -> String {
    format!("wandb-byob-{generation}-{}", amazon.bucket())
}

/// The resource in the state's file, without asking Terraform.
fn in_state(amazon: &Amazon) -> Value {
    let text = std::fs::read_to_string(amazon.path().join("terraform.tfstate"));
    let state: Value = serde_json::from_str(&text.expect("a state")).expect("JSON");
    state["resources"][0]["instances"][0]["attributes"].clone()
}

/// Applies what is left to do, and plans nothing more.
fn comes_to_its_end(amazon: &Amazon, when: &str) {
    let run = amazon.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert!(run.0.status.success(), "{when}: {}", run.text());
    plans_nothing(amazon, when);
}

fn plans_nothing(amazon: &Amazon, when: &str) {
    let run = amazon.terraform(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(run.0.status.code(), Some(0), "{when}: {}", run.text());
}

#[test]
fn a_kill_at_any_request_of_a_create_on_aws_is_survived() {
    let mut world = World::new();
    let (amazon, proxy) = world.create("aws-undisturbed");
    let points = points_of(&amazon, &proxy, &[]);
    let keys = world.new_keys(&amazon);
    is_tidy(&amazon, &keys[0], "undisturbed");
    assert!(points.len() > 15, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let (amazon, proxy) = world.create(&format!("aws-kill-{number}"));
        assert!(is_killed_at(&amazon, &proxy, number, &[]), "not {when}");
        if is_ready(&amazon) {
            import_it(&amazon);
        }
        comes_to_its_end(&amazon, &when);
        let keys = world.new_keys(&amazon);
        assert_eq!(keys.len(), 1, "{when}: {keys:?}");
        is_tidy(&amazon, &keys[0], &when);
        assert_eq!(amazon.tags()["a"], "b", "{when}");
    }
}

/// Whether the bucket is there and finished.
fn is_ready(amazon: &Amazon) -> bool {
    let marker = amazon.tags()["terraform-provider-wandb"].clone();
    marker.as_str().is_some_and(|one| one.starts_with("ready-"))
}

/// Follows the advice of the error about a bucket that is there: the last step was done,
/// and nobody heard of it.
fn import_it(amazon: &Amazon) {
    let text = amazon.apply_fails();
    let id = format!("aws/us-east-1/{}", amazon.bucket());
    assert!(text.contains(&id), "{text}");
    amazon
        .terraform(&["import", "-no-color", THIS, &id])
        .succeeds();
    // The secret of the access key went with the run, so W&B gets another one.
    amazon.give(
        ARGUMENTS,
        "create_access_key = true\n access_key_rotation = \"after the import\"",
    );
}

/// An update of all that can be changed, the key's settings and W&B's access key among it.
#[test]
fn a_kill_at_any_request_of_an_update_on_aws_is_survived() {
    let mut world = World::new();
    let (amazon, proxy) = world.behind_proxy("aws-kill-update");
    let admin = amazon.iam("create_user", json!({"UserName": "admin"}))["User"]["Arn"].clone();
    let admin = admin.as_str().expect("an ARN");
    let write = |turn: usize| {
        let (days, on) = (turn % 2 + 3, turn.is_multiple_of(2));
        let admins = if on {
            format!("\"{admin}\"")
        } else {
            String::new()
        };
        amazon.give(
            &format!(
                "verify = \"settings\"\n tags = {{ turn = \"{turn}\" }}\n noncurrent_version_days = {days}\n \
                 versioning = {on}\n cors_allowed_origins = [\"https://{turn}.example\"]"
            ),
            &format!(
                "create_access_key = true\n access_key_rotation = \"{turn}\"\n \
                 kms_key_rotation = {on}\n kms_admin_arns = [{admins}]\n \
                 bucket_key_enabled = {on}"
            ),
        );
    };
    write(0);
    amazon.apply();
    let keys = world.new_keys(&amazon);
    write(1);
    let points = points_of(&amazon, &proxy, &[]);
    is_updated(&amazon, &keys[0], 1, admin, "undisturbed");
    assert!(points.len() > 10, "only {points:?}");
    for (turn, number) in (2..).zip(points) {
        write(turn);
        let when = format!("turn {turn}, killed at {number}");
        let before = in_state(&amazon)["access_key_id"].clone();
        assert!(is_killed_at(&amazon, &proxy, number, &[]), "not {when}");
        comes_to_its_end(&amazon, &when);
        assert_eq!(world.new_keys(&amazon), Vec::<String>::new(), "{when}");
        is_tidy(&amazon, &keys[0], &when);
        is_updated(&amazon, &keys[0], turn, admin, &when);
        let after = in_state(&amazon)["access_key_id"].clone();
        assert_ne!(after, before, "{when}: the access key was not rotated");
    }
    amazon.destroy();
}

/// What the update of turn `turn` asks for.
fn is_updated(amazon: &Amazon, key: &str, turn: usize, admin: &str, when: &str) {
    let on = turn.is_multiple_of(2);
    assert_eq!(amazon.tags()["turn"], turn.to_string(), "{when}");
    let rules = amazon.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    let days = &rules["Rules"][0]["NoncurrentVersionExpiration"]["NoncurrentDays"];
    assert_eq!(*days, json!(turn % 2 + 3), "{when}");
    let status = if on { "Enabled" } else { "Suspended" };
    let versioning = amazon.s3_ok("get_bucket_versioning", json!({}));
    assert_eq!(versioning["Status"], status, "{when}");
    let cors = amazon.s3_ok("get_bucket_cors", json!({}));
    let origins = &cors["CORSRules"][0]["AllowedOrigins"];
    assert_eq!(
        *origins,
        json!([format!("https://{turn}.example")]),
        "{when}"
    );
    let rotation = amazon.kms("get_key_rotation_status", json!({"KeyId": key}));
    assert_eq!(rotation["KeyRotationEnabled"], on, "{when}");
    let policy = amazon.key_policy(key).to_string();
    assert_eq!(policy.contains(admin), on, "{when}: {policy}");
    let encryption = amazon.s3_ok("get_bucket_encryption", json!({}));
    let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
    assert_eq!(rule["BucketKeyEnabled"], on, "{when}");
}

/// Nothing stays behind but the key, pending deletion.
#[test]
fn a_kill_at_any_request_of_a_destroy_on_aws_is_survived() {
    let mut world = World::new();
    let (amazon, proxy) = world.behind_proxy("aws-kill-destroy");
    amazon.give(
        "verify = \"settings\"\n on_destroy = \"delete_everything\"",
        "create_access_key = true\n kms_deletion_window_days = 7",
    );
    let fill = || {
        amazon.apply();
        amazon.put("a");
        amazon.put("a");
        amazon.s3_ok("create_multipart_upload", json!({"Key": "big"}));
        in_state(&amazon)
    };
    fill();
    let points = points_of(&amazon, &proxy, &["-destroy"]);
    let keys = world.new_keys(&amazon);
    assert!(points.len() > 8, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let state = fill();
        assert_eq!(state["aws"]["kms_key_arn"], keys[0], "{when}");
        assert!(
            is_killed_at(&amazon, &proxy, number, &["-destroy"]),
            "not {when}"
        );
        // Where the bucket went and its key did not, Terraform asks for nothing any more:
        // whoever plans is told which key it is, and the next bucket of this name takes it.
        let had_begun = amazon.described(&keys[0])["KeyState"] == "PendingDeletion";
        let stays = !amazon.exists() && !had_begun;
        if stays {
            let text = amazon.plan().text;
            assert!(
                text.contains("is gone, and its key is not"),
                "{when}: {text}"
            );
            let left = format!("Left behind: the key {}", keys[0]);
            assert!(text.contains(&left), "{when}: {text}");
        }
        amazon.destroy();
        assert!(!amazon.exists(), "{when}");
        let user = user(&amazon, state["generation"].as_str().expect("a generation"));
        let users = amazon.iam("list_users", json!({}));
        assert!(!users.to_string().contains(&user), "{when}: {users}");
        let expected = if stays { "Enabled" } else { "PendingDeletion" };
        assert_eq!(amazon.described(&keys[0])["KeyState"], expected, "{when}");
        // The alias stays with the key, for the same reason.
        assert_eq!(aliases(&amazon), keys, "{when}");
    }
    assert_eq!(world.new_keys(&amazon), Vec::<String>::new());
}

/// The connection ends at each request of a create in turn.
fn a_lost_request_of_a_create(name: &str, cut: Cut) {
    let mut world = World::new();
    let (amazon, proxy) = world.create("aws-undisturbed");
    proxy.clear();
    amazon.apply();
    let points = turning_points(&proxy.requests());
    world.new_keys(&amazon);
    assert!(points.len() > 15, "only {points:?}");
    for number in points {
        let when = format!("lost at {number}");
        let (amazon, proxy) = world.create(&format!("aws-{name}-{number}"));
        proxy.clear();
        proxy.cut_at(number, cut);
        let run = amazon.terraform(&["apply", "-auto-approve", "-no-color"]);
        proxy.clear();
        assert!(!run.text().contains("plugin crashed"), "{}", run.text());
        // Most are repeated at once; the next apply goes on with the rest.
        if run.0.status.success() {
            plans_nothing(&amazon, &when);
        } else {
            comes_to_its_end(&amazon, &when);
        }
        let keys = world.new_keys(&amazon);
        assert_eq!(keys.len(), 1, "{when}: {keys:?}");
        is_tidy(&amazon, &keys[0], &when);
        assert_eq!(amazon.tags()["a"], "b", "{when}");
    }
}

#[test]
fn a_lost_answer_to_any_request_of_a_create_on_aws_is_survived() {
    a_lost_request_of_a_create("deaf", Cut::After);
}

#[test]
fn a_lost_request_of_a_create_on_aws_is_survived() {
    a_lost_request_of_a_create("mute", Cut::Before);
}
