//! Roles, trust and principals take a while at Azure until they have an effect: what depends on
//! them waits.

use serde_json::{Value, json};

use super::{Stage, alone, finding};
use crate::harness::hcl;

#[test]
fn what_depends_on_a_new_role_waits_for_its_effect() {
    let stage = alone("az-late");
    // The caller has its roles for long.
    let delays = json!({"role_delay": 3});
    stage.login.control("PATCH", "/settings", delays);
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_team_is_made_once_the_instance_gets_in() {
    let stage = alone("az-lateteam");
    let delays = json!({"role_delay": 4, "federation_delay": 2, "principal_delay": 1});
    stage.login.control("PATCH", "/settings", delays);
    let team = hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              storage = wandb_byob_bucket.this.storage
              on_destroy = "delete"
              timeouts {
                create = "2m"
              }
            }
        "#,
        name = stage.bucket()
    );
    let arguments = r#"on_destroy = "delete_everything""#;
    let bucket = stage.bucket_block(arguments, &stage.by_identity());
    stage.write_under(&stage.provider_with_wandb(), &format!("{bucket}{team}"));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
}

/// An owner of the subscription may do everything with accounts, and nothing with blobs.
#[test]
fn a_caller_without_rights_on_blobs_is_told_the_role() {
    let stage = Stage::new("az-blind");
    let (login, principal) = stage.login.somebody();
    login.grant(&principal, "Owner");
    let bucket = stage.bucket_block("", &stage.by_identity());
    let provider = stage.provider_on(&login, "");
    stage.write_under(&provider, &bucket);
    stage.apply();
    let state = stage.this();
    assert_eq!(state["verified"], false);
    let found = finding(&stage, "probe.put").expect("a finding");
    assert_eq!(found["status"], "unknown", "{found}");
    assert!(
        found.to_string().contains("Storage Blob Data Owner"),
        "{found}"
    );
    // Once it has the role, the next apply tries what is due.
    login.grant(&principal, "Storage Blob Data Owner");
    let bucket = stage.bucket_block("tags = { a = \"b\" }", &stage.by_identity());
    stage.write_under(&provider, &bucket);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["findings"], json!([]));
    stage.destroy();
}
