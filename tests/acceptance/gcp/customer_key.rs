//! Buckets on Google Cloud that are encrypted with a key of Cloud KMS.

use serde_json::{Value, json};

use super::{Stage, key};
use crate::harness::{PROJECT, THIS, hcl};

const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

/// Who has the role on the key.
fn users(stage: &Stage, key: &str) -> Vec<String> {
    let policy = stage.cloud().crypto_key_policy(key).expect("a key");
    let bindings = policy["bindings"].as_array().cloned().unwrap_or_default();
    let of_role = bindings.iter().filter(|one| one["role"] == ROLE);
    let members = of_role.flat_map(|one| one["members"].as_array().cloned().unwrap_or_default());
    members
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn cloud_storage_is_let_use_the_key_before_the_bucket_is_made() {
    let stage = Stage::alone(
        "gcp-cmek",
        simulator::gcs::Config {
            key_propagation: std::time::Duration::from_secs(2),
            ..Default::default()
        },
    );
    let key = key(&stage, "us");
    stage.write_bucket("", &hcl!(r#"kms_key_name = "<key>""#, key));
    stage.apply();
    stage.assert_empty_plan();
    let agent = stage.cloud().service_agent(PROJECT).expect("an agent");
    assert_eq!(users(&stage, &key), [format!("serviceAccount:{agent}")]);
    assert_eq!(stage.seen()["encryption"]["defaultKmsKeyName"], key);
    assert_eq!(
        stage.this()["verified"],
        true,
        "{}",
        stage.this()["findings"]
    );
    let text = stage.destroy().text();
    assert!(!stage.exists());
    // Others may need it.
    assert_eq!(users(&stage, &key), [format!("serviceAccount:{agent}")]);
    let _ = text;
}

#[test]
fn the_key_is_put_back_and_followed() {
    let stage = Stage::new("gcp-cmek-drift");
    let (first, location) = (key(&stage, "us"), "us");
    let second = first.replace("cryptoKeys/k", "cryptoKeys/l");
    assert!(first.contains(&format!("locations/{location}")));
    stage.cloud().add_crypto_key(&second);
    stage.write_bucket("", &hcl!(r#"kms_key_name = "<first>""#, first));
    stage.apply();
    stage.change(json!({"encryption": null}));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen()["encryption"]["defaultKmsKeyName"], first);
    stage.write_bucket("", &hcl!(r#"kms_key_name = "<second>""#, second));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen()["encryption"]["defaultKmsKeyName"], second);
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.seen()["encryption"]["defaultKmsKeyName"], Value::Null);
    stage.destroy();
}

#[test]
fn a_key_that_cannot_be_used_is_told() {
    let stage = Stage::new("gcp-cmek-off");
    let key = key(&stage, "us");
    stage.write_bucket("", &hcl!(r#"kms_key_name = "<key>""#, key));
    stage.apply();
    stage.cloud().set_crypto_key_state(&key, "DISABLED");
    let plan = stage.plan();
    assert!(
        plan.text.contains("kms") || !plan.is_empty(),
        "{}",
        plan.text
    );
    stage.cloud().set_crypto_key_state(&key, "ENABLED");
    stage.assert_empty_plan();
    // One that is not there is an error before anything is made.
    stage.destroy();
    let none = key.replace("cryptoKeys/k", "cryptoKeys/none");
    stage.write_bucket("", &hcl!(r#"kms_key_name = "<none>""#, none));
    let text = stage.apply_fails();
    assert!(text.contains("cryptoKeys/none"), "{text}");
    assert!(!stage.exists());
}
