//! W&B's key on Google Cloud, and the service account that it belongs to.

use serde_json::{Value, json};

use super::{Stage, member};
use crate::harness::{ADMIN, DEPLOY, THIS, hcl};

fn rotation(turn: &str) -> String {
    hcl!(
        r#"
            create_access_key = true
            access_key_rotation = "<turn>"
        "#,
        turn
    )
}

/// W&B's own part of an address, decoded.
fn decoded(address: &str) -> (String, String, String) {
    let rest = address.strip_prefix("gs://").expect("the scheme");
    let (user, place) = rest.split_once('@').expect("credentials");
    let (email, pem) = user.split_once(':').expect("a secret");
    let text = |part: &str| {
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(part).collect();
        String::from_utf8(bytes).expect("UTF-8")
    };
    (text(email), text(pem), place.to_owned())
}

#[test]
fn a_key_is_made_proven_rotated_and_removed() {
    let stage = Stage::new("gcp-key");
    stage.write_bucket("", &rotation("1"));
    stage.apply();
    stage.assert_empty_plan();
    let (state, account) = (stage.this(), stage.made_account());
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert!(stage.made_accounts().contains(&account));
    assert_eq!(stage.members(ADMIN), [member(&account)]);
    let name = stage.bucket();
    assert_eq!(state["registration_name"], format!("gs://{name}"));
    assert_eq!(
        state["storage"],
        json!({"name": format!("gs://{name}"), "provider": "GCP"})
    );
    assert_eq!(state["gcp"]["wandb_service_account"], Value::Null);
    let store = state["supported_file_store"].as_str().expect("an address");
    let (email, pem, place) = decoded(store);
    assert_eq!(email, account);
    assert_eq!(json!(pem), state["secret_access_key"]);
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(&place, name);
    // Google's own library gets in with it.
    let written = stage.with_made_key("put", json!({"key": "by-wandb", "text": "x"}));
    assert!(written.get("error").is_none(), "{written}");
    let first = state["access_key_id"].clone();
    stage.write_bucket("", &rotation("2"));
    stage.apply();
    stage.assert_empty_plan();
    let second = stage.this()["access_key_id"].clone();
    assert_ne!(second, first);
    assert_eq!(stage.made_account(), account);
    let read = stage.with_made_key("fetch", json!({"key": "by-wandb"}));
    assert_eq!(read["ok"], "x");
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
    assert!(!stage.made_accounts().contains(&account));
}

#[test]
fn an_account_that_is_not_wanted_any_more_goes_with_its_rights() {
    let stage = Stage::new("gcp-off");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let account = stage.made_account();
    stage.write_bucket("", "");
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["access_key_id"], Value::Null);
    assert_eq!(state["secret_access_key"], Value::Null);
    assert_eq!(state["supported_file_store"], Value::Null);
    assert!(!stage.made_accounts().contains(&account));
    assert_eq!(stage.members(ADMIN), [member(DEPLOY)]);
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(ADMIN), [member(&stage.made_account())]);
    stage.destroy();
}

#[test]
fn a_key_and_its_account_are_kept_as_they_should_be() {
    let stage = Stage::alone("gcp-mended", simulator::gcs::Config::default());
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let account = stage.made_account();
    // Somebody takes its right away.
    stage.bind(json!([]));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(ADMIN), [member(&account)]);
    // Another key of the same account is nobody's.
    stage.cloud().key_file(&account).expect("a key");
    let before = stage.this()["access_key_id"].clone();
    stage.write_bucket("", &rotation("new"));
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.this()["access_key_id"], before);
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}

#[test]
fn the_made_account_may_do_nothing_elsewhere() {
    let stage = Stage::new("gcp-narrow");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let other = json!({"name": format!("{}-other", stage.bucket())});
    let made = stage.try_google("create", other.clone());
    assert!(made.get("error").is_none(), "{made}");
    let file = stage.made_key_file().to_string();
    let tried = crate::harness::google(&stage.cloud().url(), &file, "objects", &other);
    assert_eq!(tried["error"], 403, "{tried}");
    stage.destroy();
}

#[test]
fn no_secret_is_printed() {
    let mut stage = Stage::new("gcp-secret");
    stage.set("TF_LOG", "TRACE");
    stage.write_bucket("", "create_access_key = true");
    let text = stage.apply().text();
    let secret = stage.this()["secret_access_key"].clone();
    let secret = secret.as_str().expect("a key");
    let line = secret.lines().nth(1).expect("a line of the key");
    assert!(!text.contains(line));
    let text = stage.destroy().text();
    assert!(!text.contains(line));
}

/// Google knows a new account after a while only, and a new right later still.
#[test]
fn a_right_that_is_felt_late_is_waited_for() {
    let config = simulator::gcs::Config {
        propagation: std::time::Duration::from_secs(13),
        account_delay: std::time::Duration::from_secs(11),
        ..Default::default()
    };
    let stage = Stage::alone("gcp-late", config);
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(stage.members(ADMIN), [member(&stage.made_account())]);
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}

/// People write into descriptions what they like: the account is ours by its id, and by what
/// else it says.
#[test]
fn an_account_whose_description_was_edited_is_still_ours() {
    let stage = Stage::alone("gcp-edited", simulator::gcs::Config::default());
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let account = stage.made_account();
    let cloud = stage.cloud();
    let url = format!(
        "{}/v1/projects/{}/serviceAccounts/{account}",
        cloud.url(),
        crate::harness::PROJECT
    );
    let token = format!("authorization: Bearer {}", cloud.token(&cloud.owner()));
    let edit = json!({"serviceAccount": {"description": "Ask Jane."}, "updateMask": "description"});
    let output = std::process::Command::new("curl")
        .args(["-sSf", "-X", "PATCH", "-H", &token, &url])
        .args(["-H", "content-type: application/json"])
        .args(["-d", &edit.to_string()])
        .output()
        .expect("curl");
    assert!(output.status.success(), "{output:?}");
    stage.assert_empty_plan();
    stage.destroy();
    assert!(stage.made_accounts().is_empty());
}
