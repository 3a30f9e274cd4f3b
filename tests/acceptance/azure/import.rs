//! Buckets on Azure that are imported.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, text};
use crate::harness::{GROUP, THIS, hcl};

fn import_block(stage: &Stage) -> String {
    hcl!(
        r#"
            import {
              to = <this>
              id = "<id>"
            }
        "#,
        this = THIS,
        id = stage.import_id()
    )
}

/// Everything that is at the server, for a look before and after.
fn everything(stage: &Stage) -> Value {
    json!([
        stage.seen_account(),
        stage.container(stage.bucket()),
        stage.identities(),
        stage.assignments()
    ])
}

fn plans_empty(stage: &Stage) {
    let before = everything(stage);
    stage.forget(THIS);
    stage.write(&import_block(stage));
    let plan = stage.plan_with(&["-generate-config-out=made.tf"]);
    assert!(plan.is_empty(), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(everything(stage), before);
}

#[test]
fn generated_configuration_of_an_instance_plans_empty() {
    let stage = Stage::new("az-i-key");
    let arguments = format!("{BY_KEY}\nsoft_delete_days = 30\ntags = {{ a = \"b\" }}");
    stage.write_bucket(&arguments, r#"replication = "LRS""#);
    stage.apply();
    let before = everything(&stage);
    let secret = stage.this()["supported_file_store"].clone();
    plans_empty(&stage);
    let state = stage.this();
    assert_eq!(state["secret_access_key"], before[0]["keys"][0]);
    assert_eq!(state["access_key_id"], "key1");
    assert_eq!(state["supported_file_store"], secret);
    assert_eq!(state["azure"]["replication"], "LRS");
    assert_eq!(state["azure"]["access"], "access_key");
    assert_eq!(state["azure"]["create_storage_account"], true);
    assert_eq!(state["soft_delete_days"], 30);
    assert_eq!(state["tags"], json!({"a": "b"}));
    // The first change takes it over, and does nothing else.
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.forget(THIS);
    let changed = arguments.replace("30", "31");
    stage.write_bucket(&changed, r#"replication = "LRS""#);
    stage.import(THIS, &stage.import_id()).succeeds();
    let before = stage.generation();
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.generation(), before);
    assert_eq!(stage.cors().as_array().map(Vec::len), Some(1));
    assert_eq!(
        stage.this()["secret_access_key"],
        stage.seen_account()["keys"][0]
    );
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn generated_configuration_of_a_team_plans_empty() {
    let stage = Stage::new("az-i-team");
    let block = format!("{}\nkubernetes_namespace = \"ml\"", stage.by_identity());
    stage.write_bucket("", &block);
    stage.apply();
    let identity = stage.identity();
    plans_empty(&stage);
    let state = stage.this();
    assert_eq!(state["azure"]["access"], "workload_identity");
    assert_eq!(state["azure"]["oidc_issuer_url"], stage.login.issuer());
    assert_eq!(state["azure"]["kubernetes_namespace"], "ml");
    assert_eq!(
        state["azure"]["managed_identity_client_id"],
        identity["client_id"]
    );
    assert_eq!(state["storage"]["azure_client_id"], identity["client_id"]);
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.write_bucket("soft_delete_days = 9", &block);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn service_accounts_of_ones_own_are_not_widened_by_an_import() {
    let stage = Stage::new("az-i-subjects");
    let block = format!(
        "{}\nkubernetes_service_accounts = [\"wandb-app\"]",
        stage.by_identity()
    );
    stage.write_bucket("", &block);
    stage.apply();
    stage.forget(THIS);
    stage.write(&import_block(&stage));
    stage.plan_with(&["-generate-config-out=made.tf"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.subjects(),
        ["system:serviceaccount:default:wandb-app"]
    );
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.write_bucket("", &block);
    stage.apply();
    stage.destroy();
}

#[test]
fn roles_of_ones_own_are_not_widened_by_an_import() {
    let stage = Stage::new("az-i-roles");
    let block = format!(
        "{}\nwandb_roles = [\"Storage Blob Data Contributor\"]",
        stage.by_identity()
    );
    stage.write_bucket("", &block);
    stage.apply();
    let principal = text(&stage.identity()["object_id"]);
    stage.forget(THIS);
    stage.write(&import_block(&stage));
    stage.plan_with(&["-generate-config-out=made.tf"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.roles_of(&principal),
        ["Storage Blob Data Contributor"]
    );
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.write_bucket("", &block);
    stage.apply();
    stage.destroy();
}

#[test]
fn generated_configuration_for_a_principal_plans_empty() {
    let stage = Stage::new("az-i-principal");
    let principal = super::principal(&stage);
    let block = format!("access = \"principal\"\nwandb_principal_id = \"{principal}\"");
    stage.write_bucket(BY_KEY, &block);
    stage.apply();
    plans_empty(&stage);
    let state = stage.this();
    assert_eq!(state["azure"]["access"], "principal");
    assert_eq!(state["azure"]["wandb_principal_id"], principal);
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.write_bucket(BY_KEY, &block);
    stage.apply();
    stage.destroy();
    assert_eq!(stage.assignments(), []);
}

#[test]
fn generated_configuration_in_anothers_account_plans_empty() {
    let stage = Stage::new("az-i-others");
    stage.make_account(json!({"tags": {"owner": "ops"}}));
    let block = stage.by_identity();
    stage.write_in_anothers("", &block);
    stage.apply();
    plans_empty(&stage);
    assert_eq!(stage.this()["azure"]["create_storage_account"], false);
    std::fs::remove_file(stage.path().join("made.tf")).expect("a file");
    stage.write_in_anothers("", &block);
    stage.apply();
    stage.destroy();
    assert_ne!(stage.seen_account(), Value::Null);
}

#[test]
fn a_container_that_nobody_prepared_is_imported_with_its_faults() {
    let stage = Stage::new("az-i-bare");
    stage.make_account(json!({}));
    stage.make_container(stage.bucket(), json!({"owner": "ops"}));
    stage.write_in_anothers(BY_KEY, "");
    stage.import(THIS, &stage.import_id()).succeeds();
    let state = stage.this();
    assert_eq!(state["soft_delete_days"], Value::Null);
    assert_eq!(state["versioning"], false);
    let findings = state["findings"].to_string();
    for id in ["soft_delete.objects", "soft_delete.containers", "cors."] {
        assert!(findings.contains(id), "{id}: {findings}");
    }
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    assert_eq!(stage.metadata()["owner"], "ops");
    stage.destroy();
}

#[test]
fn ids_are_checked() {
    let stage = Stage::new("az-i-ids");
    stage.write_bucket(BY_KEY, "");
    let (name, account) = (stage.bucket(), stage.account());
    let own = stage.login.subscription();
    let other = "33333333-3333-4333-a333-333333333333";
    let shape = "azure/<subscription>/<group>/<account>/<name>";
    for (id, words) in [
        (format!("azure/{name}"), shape),
        (format!("azure/{own}/{account}/{name}"), shape),
        (format!("azure/{own}/{GROUP}/{account}/x/{name}"), shape),
        (format!("azure/mine/{GROUP}/{account}/{name}"), "of the id"),
        (format!("azure/{own}/a b/{account}/{name}"), "of the id"),
        (format!("azure/{own}/{GROUP}/Acme/{name}"), "of the id"),
        (
            format!("azure/{other}/{GROUP}/{account}/{name}"),
            "subscription_id",
        ),
        (stage.import_id(), "was not imported"),
    ] {
        let text = stage.import(THIS, &id).fails();
        assert!(text.contains(words), "{id}: {text}");
    }
    stage.apply();
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    stage.destroy();
}
