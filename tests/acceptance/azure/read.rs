//! What a refresh says of a bucket on Azure.

use serde_json::{Value, json};
use simulator::azure::Fault;

use super::{BY_KEY, Stage, alone, text};
use crate::harness::{GROUP, THIS, hcl};

fn container(stage: &Stage) -> String {
    format!(
        "/accounts/{}/containers/{}",
        stage.account(),
        stage.bucket()
    )
}

#[test]
fn a_container_that_is_gone_is_made_again() {
    let stage = Stage::new("az-gone");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.login.control("DELETE", &container(&stage), json!({}));
    assert_eq!(stage.plan().actions(THIS), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.exists());
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn an_account_that_is_gone_is_made_again_with_its_identity() {
    let stage = Stage::new("az-accgone");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let path = format!("/accounts/{}", stage.account());
    stage.login.control("DELETE", &path, json!({}));
    let plan = stage.plan();
    assert!(!plan.is_empty(), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(stage.identities().len(), 1);
    let principal = text(&stage.identity()["object_id"]);
    assert_eq!(stage.roles_of(&principal).len(), 2);
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn a_group_that_is_gone_takes_the_bucket_with_it() {
    let stage = alone("az-groupgone");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let group = |method: &str| {
        let path = format!(
            "/subscriptions/{}/resourceGroups/{GROUP}",
            stage.login.subscription()
        );
        arm(&stage, method, &path)
    };
    assert!(group("DELETE") < 300);
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["create"], "{}", plan.text);
    let text = stage.apply_fails();
    assert!(text.contains("az group create"), "{text}");
    assert!(text.contains("resource_group_name"), "{text}");
}

/// A request to Resource Manager as the owner, by a client of the test's own; its status.
fn arm(stage: &Stage, method: &str, path: &str) -> u16 {
    let owner = stage.cloud().owner();
    let token = stage.cloud().token(&owner, "https://management.azure.com/");
    let url = format!(
        "{}{path}?api-version=2021-04-01",
        stage.cloud().addresses().resource_manager
    );
    let file = text(&stage.cloud().ready()["ca_file"]);
    let output = std::process::Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--cacert", &file])
        .args(["--request", method, "--write-out", "%{http_code}"])
        .args(["--output", "/dev/null", "--header"])
        .arg(format!("authorization: Bearer {token}"))
        .arg(&url)
        .output()
        .expect("curl runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    told.trim().parse().unwrap_or_default()
}

#[test]
fn one_404_is_no_proof_and_forgets_nothing() {
    let stage = alone("az-lies");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let container = format!("containers/{}?", stage.bucket());
    let account = format!("storageAccounts/{}?", stage.account());
    for place in [
        container.as_str(),
        account.as_str(),
        "blobServices/default?",
    ] {
        let fault = Fault::status(place, 404, None);
        stage.cloud().fault(fault);
        let run = stage.terraform(&["plan", "-no-color"]);
        assert!(!run.0.status.success(), "{place}: {}", run.text());
        assert_ne!(stage.this(), Value::Null, "{place}");
        stage.cloud().clear_faults();
        stage.assert_empty_plan();
    }
    stage.destroy();
}

#[test]
fn what_the_caller_may_not_read_is_an_error_and_names_the_action() {
    let stage = Stage::new("az-denied");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let (login, _) = stage.login.somebody();
    let bucket = stage.bucket_block(BY_KEY, "");
    stage.write_under(&stage.provider_on(&login, ""), &bucket);
    let text = stage.plan_fails();
    assert!(
        text.contains("Microsoft.Storage/storageAccounts/blobServices/containers/read"),
        "{text}"
    );
    assert!(text.contains("Give the caller a role"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    stage.write_bucket(BY_KEY, "");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn another_subscription_than_the_states_is_an_error() {
    let stage = alone("az-elsewhere");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let other = "33333333-3333-4333-a333-333333333333";
    stage
        .login
        .control("POST", "/subscriptions", json!({"id": other}));
    let own = stage.login.subscription();
    let login = stage
        .login
        .saying(&stage.login.credentials.replace(&own, other));
    let bucket = stage.bucket_block(BY_KEY, "");
    stage.write_under(&stage.provider_on(&login, ""), &bucket);
    for text in [
        stage.plan_fails(),
        stage.apply_fails(),
        stage.destroy_fails(),
        stage
            .terraform(&["plan", "-no-color", "-refresh=false"])
            .fails(),
    ] {
        assert!(text.contains(other) || text.contains(&own), "{text}");
    }
    assert_ne!(stage.this(), Value::Null);
    stage.write_bucket(BY_KEY, "");
    stage.assert_empty_plan();
    stage.destroy();
}

/// Only the cloud can say of another group that the account is there.
#[test]
fn another_group_is_another_bucket() {
    let stage = alone("az-regroup");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    stage.put("data");
    let moved = stage
        .bucket_block(BY_KEY, "")
        .replace(GROUP, "another-group");
    stage.write(&moved);
    let text = stage.plan_fails();
    assert!(text.contains("would be replaced"), "{text}");
    // In another case it is the same one.
    let same = stage
        .bucket_block(BY_KEY, "")
        .replace(GROUP, &GROUP.to_uppercase());
    stage.write(&same);
    let plan = stage.plan();
    assert_ne!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.write_bucket(BY_KEY, "");
    stage.clean_up_objects();
    let arguments = format!("{BY_KEY}\non_destroy = \"delete_everything\"");
    stage.write_bucket(&arguments, "");
    stage.apply();
    stage.destroy();
}

#[test]
fn throttling_passes_and_is_waited_for() {
    let stage = alone("az-throttled");
    stage.write_bucket(BY_KEY, "");
    for place in ["arm GET", "arm PUT", "blob PUT", "authority POST"] {
        stage.cloud().fault(Fault::Status {
            path_contains: place.to_owned(),
            code: 429,
            message: None,
            times: Some(1),
            retry_after: Some(0),
        });
    }
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_container_made_anew_by_somebody_is_never_mended() {
    let stage = Stage::new("az-anew");
    stage.make_account(json!({}));
    stage.write_in_anothers(BY_KEY, "");
    stage.apply();
    stage.login.control("DELETE", &container(&stage), json!({}));
    stage.make_container(stage.bucket(), json!({"owner": "ops"}));
    stage.put("theirs");
    let text = stage.plan_fails();
    assert!(text.contains("was made anew by somebody else"), "{text}");
    assert!(text.contains(&stage.import_id()), "{text}");
    stage.destroy_fails();
    assert_eq!(stage.metadata(), json!({"owner": "ops"}));
    assert_eq!(stage.holds("live"), 1);
    let adopt = hcl!(
        r#"
            adopt = true
            scope = "instance"
        "#
    );
    stage.write_in_anothers(&adopt, "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.holds("live"), 1);
    stage.clean_up_objects();
}
