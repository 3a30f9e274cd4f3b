//! A server that says of what is there that it is not, and what follows from that.

use serde_json::{Value, json};
use simulator::azure::Fault;

use super::{World, assert_gone, by_identity};
use crate::harness::GROUP;

const EVERYTHING: &str = r#"
    on_destroy = "delete_everything"
    verify = "settings"
"#;

/// One answer is no proof, the one to a deletion neither.
#[test]
fn a_deletion_that_is_answered_by_a_404_is_looked_at_again() {
    let world = World::new();
    for (turn, what) in ["account", "identity"].into_iter().enumerate() {
        let stage = world.stage(&format!("az-lie-{turn}"));
        stage.write_bucket(EVERYTHING, &by_identity(&stage));
        stage.apply();
        let place = match what {
            "account" => format!("arm DELETE {}?", stage.account_id()),
            _ => format!("userAssignedIdentities/{}-wandb?", stage.account()),
        };
        let place = if what == "identity" {
            format!(
                "arm DELETE /subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity/{place}",
                stage.login.subscription()
            )
        } else {
            place
        };
        stage.cloud().fault(Fault::status(&place, 404, None));
        let run = stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
        stage.cloud().clear_faults();
        assert!(!run.0.status.success(), "{what}: {}", run.text());
        assert_ne!(stage.this(), Value::Null, "{what}");
        stage.destroy();
        assert_gone(&stage, what);
    }
}

/// Azure's `PUT` writes onto what is there.
#[test]
fn a_container_that_a_404_denies_is_not_taken() {
    let world = World::new();
    let stage = world.stage("az-deny-box");
    stage
        .login
        .control("POST", &format!("/accounts/{}", stage.account()), json!({}));
    let path = format!(
        "/accounts/{}/containers/{}",
        stage.account(),
        stage.bucket()
    );
    stage
        .login
        .control("POST", &path, json!({"metadata": {"theirs": "1"}}));
    stage.put("data");
    stage.write_bucket(
        "scope = \"instance\"\nverify = \"settings\"",
        "create_storage_account = false",
    );
    let place = format!(
        "arm GET {}/blobServices/default/containers/{}?",
        stage.account_id(),
        stage.bucket()
    );
    stage.cloud().fault(Fault::status(&place, 404, None));
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    stage.cloud().clear_faults();
    assert_eq!(stage.metadata(), json!({"theirs": "1"}), "{}", run.text());
    assert!(!run.0.status.success(), "{}", run.text());
}

#[test]
fn an_account_that_a_404_denies_is_not_taken() {
    let world = World::new();
    let stage = world.stage("az-deny-account");
    stage.login.control(
        "POST",
        &format!("/accounts/{}", stage.account()),
        json!({"tags": {"theirs": "1"}}),
    );
    stage.write_bucket("scope = \"instance\"\nverify = \"settings\"", "");
    let place = format!("arm GET {}?", stage.account_id());
    stage.cloud().fault(Fault::status(&place, 404, None));
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    stage.cloud().clear_faults();
    assert_eq!(
        stage.seen_account()["tags"],
        json!({"theirs": "1"}),
        "{}",
        run.text()
    );
    assert!(!run.0.status.success(), "{}", run.text());
}

#[test]
fn an_identity_that_a_404_denies_is_not_taken() {
    let world = World::new();
    let stage = world.stage("az-deny-identity");
    let name = format!("{}-wandb", stage.account());
    let request = json!([GROUP, name, {"location": "westeurope", "tags": {"theirs": "1"}}]);
    stage.microsoft("msi.user_assigned_identities.create_or_update", request);
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    let place = format!(
        "arm GET /subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}?",
        stage.login.subscription()
    );
    stage.cloud().fault(Fault::status(&place, 404, None));
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    stage.cloud().clear_faults();
    assert!(!run.0.status.success(), "{}", run.text());
    assert_eq!(
        stage.identities()[0]["tags"],
        json!({"theirs": "1"}),
        "{}",
        run.text()
    );
    stage.destroy();
    assert_eq!(stage.identities().len(), 1);
}

/// In an address, such a name is that of another blob, in another container of the account.
#[test]
fn a_blob_whose_name_leads_out_of_the_container_deletes_no_other() {
    let world = World::new();
    let stage = world.stage("az-dots");
    let account = format!("/accounts/{}", stage.account());
    let make = |below: &str, body: Value| {
        let path = format!("{account}{below}");
        stage.login.control("POST", &path, body);
    };
    make("", json!({}));
    make("/containers/theirs", json!({}));
    make("/containers/theirs/blobs/x", json!({"text": "theirs"}));
    let block = format!("{}\ncreate_storage_account = false", by_identity(&stage));
    stage.write_bucket(EVERYTHING, &block);
    stage.apply();
    stage.put("data");
    for name in ["../theirs/x", "a/./b"] {
        stage.put(name);
        let text = stage.destroy_fails();
        assert!(text.contains("cannot be named in an address"), "{text}");
        let theirs = stage.cloud().blobs(&stage.account(), "theirs");
        let live = theirs.iter().filter(|one| one.state == "live").count();
        assert_eq!(live, 1, "{name}: {theirs:?}");
        assert_eq!(stage.holds("live"), 2, "{name}");
        let path = format!("{account}/containers/{}/blobs/{name}", stage.bucket());
        let all = json!({"with_versions": true});
        stage.login.control("DELETE", &path, all);
    }
    stage.destroy();
    assert!(!stage.exists());
}
