//! Teams on buckets on Azure: the simulated instance reaches the container as the identity, by
//! its own cluster's token, or it does not.

use serde_json::Value;

use super::Stage;
use crate::harness::{THIS, hcl};

const TEAM: &str = "wandb_team_storage.this";

fn team(stage: &Stage, arguments: &str) -> String {
    hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              storage = wandb_byob_bucket.this.storage
              on_destroy = "delete"
              <arguments>
            }
        "#,
        name = stage.bucket(),
        arguments
    )
}

fn write(stage: &Stage, block: &str, arguments: &str) {
    let bucket = stage.bucket_block(r#"on_destroy = "delete_everything""#, block);
    let team = team(stage, arguments);
    stage.write_under(&stage.provider_with_wandb(), &format!("{bucket}{team}"));
}

#[test]
fn a_team_is_bound_to_its_container() {
    let stage = Stage::new("az-t-team");
    write(&stage, &stage.by_identity(), "");
    stage.apply();
    stage.assert_empty_plan();
    let made = stage.wandb.teams().into_iter().next().expect("a team");
    let of = |entry: &str| made.storage.get(entry).map(String::as_str);
    let identity = stage.identity();
    let (account, tenant) = (stage.account(), stage.login.tenant());
    assert_eq!(of("provider"), Some("AZURE"), "{:?}", made.storage);
    assert_eq!(of("name"), Some(account.as_str()));
    assert_eq!(of("path"), Some(stage.bucket()));
    assert_eq!(of("azureTenantId"), Some(tenant.as_str()));
    assert_eq!(of("azureClientId"), identity["client_id"].as_str());
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
    assert_eq!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn a_path_of_the_team_follows_the_container() {
    let stage = Stage::new("az-t-path");
    write(&stage, &stage.by_identity(), r#"path = "teams/omega""#);
    stage.apply();
    stage.assert_empty_plan();
    let made = stage.wandb.teams().into_iter().next().expect("a team");
    assert_eq!(
        made.storage.get("path").cloned(),
        Some(format!("{}/teams/omega", stage.bucket()))
    );
    stage.destroy();
}

#[test]
fn a_team_whose_instance_does_not_get_in_is_not_made() {
    let stage = Stage::new("az-t-out");
    // The instance is somebody else in its cluster.
    let block = format!(
        "{}\nkubernetes_service_accounts = [\"somebody\"]",
        stage.by_identity()
    );
    write(&stage, &block, "timeouts {\n create = \"5s\"\n}");
    let text = stage.apply_fails();
    assert!(
        text.contains("AADSTS") || text.contains("identity"),
        "{text}"
    );
    assert!(stage.wandb.teams().is_empty());
    assert_ne!(stage.state(THIS), Value::Null);
    write(&stage, &stage.by_identity(), "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.destroy();
}

#[test]
fn a_team_may_own_its_bucket() {
    let stage = Stage::new("az-t-own");
    let write = |arguments: &str, block: &str| {
        let team = hcl!(
            r#"
                resource "wandb_team_storage" "this" {
                  team = "<name>"
                  on_destroy = "delete"
                  byob_bucket {
                    name = "<name>"
                    on_destroy = "delete_everything"
                    <arguments>
                    azure {
                      <usual>
                      <trust>
                      <block>
                    }
                  }
                }
            "#,
            name = stage.bucket(),
            arguments,
            usual = stage.usual,
            trust = stage.by_identity(),
            block
        );
        stage.write_under(&stage.provider_with_wandb(), &team);
    };
    write("soft_delete_days = 0", "");
    let text = stage.plan_fails();
    assert!(text.contains("soft_delete_days"), "{text}");
    write("", "");
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.state(TEAM);
    assert_eq!(state["storage_status"], "bound");
    assert_eq!(state["byob_bucket"]["verified"], true);
    assert_eq!(state["byob_bucket"]["soft_delete_days"], 7);
    write("soft_delete_days = 20", r#"min_tls_version = "TLS1_3""#);
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.service()["deleteRetentionPolicy"]["days"], 20);
    assert_eq!(
        stage.seen_account()["properties"]["minimumTlsVersion"],
        "TLS1_3"
    );
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
    assert_eq!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn a_team_reaches_the_container_by_the_key_of_an_entry() {
    let stage = Stage::new("az-t-key");
    let bucket = stage.bucket_block(
        r#"on_destroy = "delete_everything""#,
        r#"access = "access_key""#,
    );
    stage.write_under(&stage.provider_with_wandb(), &bucket);
    stage.apply();
    let store = stage.this()["supported_file_store"].clone();
    stage.wandb.add_store(store.as_str().expect("an address"));
    write(&stage, r#"access = "access_key""#, "");
    stage.apply();
    stage.assert_empty_plan();
    let made = stage.wandb.teams().into_iter().next().expect("a team");
    assert_eq!(made.storage.get("azureClientId"), None);
    stage.destroy();
    assert!(stage.wandb.teams().is_empty());
}
