//! Names that Azure takes in either case: the same thing under another spelling.

use serde_json::{Value, json};

use super::{BY_KEY, Stage, alone, principal};
use crate::harness::{GROUP, THIS};

/// W&B's identity is the one of before, with its roles, and nothing is left to do.
fn assert_still(stage: &Stage, before: &Value, when: &str) {
    assert_eq!(stage.identities().len(), 1, "{when}");
    assert_eq!(stage.identity()["client_id"], before["client_id"], "{when}");
    let who = super::text(&before["object_id"]);
    assert_eq!(stage.roles_of(&who).len(), 2, "{when}");
    stage.assert_empty_plan();
}

/// The group is the same one, and so is the identity in it.
#[test]
fn a_group_in_another_case_keeps_wandbs_identity() {
    let stage = alone("az-sp-group");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let before = stage.identity();
    let upper = stage
        .bucket_block("", &stage.by_identity())
        .replace(GROUP, &GROUP.to_uppercase());
    stage.write(&upper);
    stage.apply();
    assert_still(&stage, &before, "the other case");
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn an_identity_in_another_case_is_the_same() {
    let stage = alone("az-sp-identity");
    let named = |name: &str| format!("{}\nidentity_name = \"{name}\"", stage.by_identity());
    let name = format!("{}-one", stage.account());
    stage.write_bucket("", &named(&name));
    stage.apply();
    let before = stage.identity();
    let other = format!("{}-ONE", stage.account());
    stage.write_bucket("", &named(&other));
    stage.apply();
    assert_still(&stage, &before, "the other case");
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn an_import_in_another_case_keeps_wandbs_identity() {
    let stage = alone("az-sp-import");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let before = stage.identity();
    for id in [
        stage.import_id().replace(GROUP, &GROUP.to_uppercase()),
        stage.import_id().replace(
            &stage.login.subscription(),
            &stage.login.subscription().to_uppercase(),
        ),
    ] {
        stage.forget(THIS);
        stage.import(THIS, &id).succeeds();
        stage.write_bucket("soft_delete_days = 9", &stage.by_identity());
        assert_eq!(stage.plan().actions(THIS), ["update"], "{id}");
        stage.apply();
        assert_still(&stage, &before, &id);
        stage.write_bucket("", &stage.by_identity());
        stage.apply();
        stage.assert_empty_plan();
    }
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_principal_in_another_case_keeps_its_roles() {
    let stage = alone("az-sp-principal");
    let who = principal(&stage);
    let block = |who: &str| format!("access = \"principal\"\nwandb_principal_id = \"{who}\"");
    stage.write_bucket("", &block(&who));
    stage.apply();
    stage.write_bucket("", &block(&who.to_uppercase()));
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert_eq!(stage.roles_of(&who).len(), 2, "{}", run.text());
    assert!(run.0.status.success(), "{}", run.text());
    stage.assert_empty_plan();
    stage.destroy();
    assert_eq!(stage.assignments(), []);
}

/// The replication is Azure's to change, whatever the group's spelling.
#[test]
fn another_replication_is_refused_under_another_spelling_too() {
    let stage = alone("az-sp-replication");
    stage.write_bucket(BY_KEY, "");
    stage.apply();
    let other = stage
        .bucket_block(BY_KEY, "replication = \"LRS\"")
        .replace(GROUP, &GROUP.to_uppercase());
    stage.write(&other);
    let text = stage.plan_fails();
    assert!(text.contains("replication cannot be changed"), "{text}");
}

#[test]
fn a_lock_on_a_container_guards_no_other_whose_name_begins_so() {
    let stage = alone("az-sp-lock");
    stage.make_account(json!({}));
    let short = &stage.bucket()[..stage.bucket().len() - 1];
    stage.make_container(short, json!({}));
    stage.write_in_anothers(BY_KEY, "");
    stage.apply();
    let scope = format!(
        "{}/blobServices/default/containers/{short}",
        stage.account_id()
    );
    let lock = json!({"name": "guard", "scope": scope, "level": "CanNotDelete"});
    stage.login.control("POST", "/locks", lock);
    stage.destroy();
    assert!(!stage.exists());
    assert!(stage.container(short).is_some());
}

#[test]
fn roles_that_nobody_can_mean_are_refused() {
    let stage = alone("az-sp-roles");
    for role in [
        "/roleDefinitions/",
        "/providers/Microsoft.Authorization/roleDefinitions/x",
        "/providers/Microsoft.Authorization/roleDefinitions/b7e6dc6d-f1e8-4753-8033-0f276bb0955b/",
    ] {
        let block = format!("{}\nwandb_roles = [\"{role}\"]", stage.by_identity());
        stage.write_bucket("", &block);
        let text = stage.plan_fails();
        assert!(text.contains("Invalid wandb_roles"), "{role}: {text}");
    }
}
