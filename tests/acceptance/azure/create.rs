//! Buckets on Azure from nothing: what is made.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::GROUP;

/// What an instance of W&B's module runs as.
const SERVICE_ACCOUNTS: [&str; 13] = [
    "bufstream-service-account",
    "wandb-api",
    "wandb-app",
    "wandb-bucket-access",
    "wandb-console",
    "wandb-executor",
    "wandb-filemeta",
    "wandb-filestream",
    "wandb-glue",
    "wandb-parquet",
    "wandb-settings-migration-job",
    "wandb-weave",
    "wandb-weave-trace",
];

#[test]
fn a_team_comes_without_a_key() {
    let stage = Stage::new("az-team");
    stage.write_bucket(r#"tags = { team = "omega" }"#, &stage.by_identity());
    stage.apply();
    stage.assert_empty_plan();
    let (name, account, state) = (stage.bucket(), stage.account(), stage.this());
    let identity = stage.identities().remove(0);
    let tenant = stage.login.tenant();
    assert_eq!(state["id"], stage.import_id());
    assert_eq!(
        state["arn"],
        format!(
            "{}/blobServices/default/containers/{name}",
            stage.account_id()
        )
    );
    assert_eq!(state["region"], "westeurope");
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["findings"], json!([]));
    assert_eq!(
        state["storage"],
        json!({"name": account, "provider": "AZURE", "path": name,
            "azure_tenant_id": tenant, "azure_client_id": identity["client_id"]})
    );
    assert_eq!(state["storage_address"], format!("az://{account}/{name}"));
    assert_eq!(state["supported_file_store"], json!(null));
    assert_eq!(state["access_key_id"], json!(null));
    assert_eq!(state["secret_access_key"], json!(null));
    assert_eq!(
        state["azure"]["managed_identity_client_id"],
        identity["client_id"]
    );
    assert_eq!(state["azure"]["tenant_id"], tenant);
    the_account_is_as_wandb_wants_it(&stage, false);
    assert!(stage.is_ready(), "{}", stage.metadata());
    // W&B's services become the identity by tokens of their own cluster, and nobody else does.
    assert_eq!(identity["name"], format!("{account}-wandb"));
    let credentials = identity["credentials"].as_array().cloned().unwrap();
    let mut subjects: Vec<String> = credentials
        .iter()
        .map(|one| one["subject"].as_str().unwrap().to_owned())
        .collect();
    subjects.sort();
    let wanted = SERVICE_ACCOUNTS.map(|one| format!("system:serviceaccount:default:{one}"));
    assert_eq!(subjects, wanted);
    for one in &credentials {
        assert_eq!(one["issuer"], stage.login.issuer());
        assert_eq!(one["audiences"], json!(["api://AzureADTokenExchange"]));
    }
    let principal = identity["object_id"].as_str().unwrap();
    let roles: Vec<String> = stage
        .assignments()
        .into_iter()
        .filter(|(who, _)| who == principal)
        .map(|(_, role)| role)
        .collect();
    assert_eq!(roles.len(), 2, "{roles:?}");
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.assignments(), []);
}

fn the_account_is_as_wandb_wants_it(stage: &Stage, takes_keys: bool) {
    let mut seen = stage.microsoft(
        "storage.storage_accounts.get_properties",
        json!([GROUP, stage.account()]),
    );
    let properties = seen["properties"].take();
    assert_eq!(seen["kind"], "StorageV2");
    assert_eq!(seen["sku"]["name"], "Standard_ZRS");
    assert_eq!(seen["location"], "westeurope");
    assert_eq!(properties["minimumTlsVersion"], "TLS1_2");
    assert_eq!(properties["allowBlobPublicAccess"], false);
    assert_eq!(properties["allowSharedKeyAccess"], takes_keys);
    assert_eq!(properties["supportsHttpsTrafficOnly"], true);
    let mut service = stage.microsoft(
        "storage.blob_services.get_service_properties",
        json!([GROUP, stage.account()]),
    );
    let service = service["properties"].take();
    assert_eq!(service["isVersioningEnabled"], true);
    assert_eq!(service["deleteRetentionPolicy"]["enabled"], true);
    assert_eq!(service["deleteRetentionPolicy"]["days"], 7);
    assert_eq!(service["containerDeleteRetentionPolicy"]["enabled"], true);
    assert_eq!(service["containerDeleteRetentionPolicy"]["days"], 7);
    assert_eq!(
        service["cors"]["corsRules"],
        json!([{"allowedOrigins": ["*"], "allowedMethods": ["GET", "HEAD", "PUT"],
            "allowedHeaders": ["*"], "exposedHeaders": ["*"], "maxAgeInSeconds": 3600}])
    );
}

#[test]
fn an_instance_comes_by_the_accounts_key() {
    let stage = Stage::new("az-instance");
    stage.write_bucket(r#"scope = "instance""#, "");
    stage.apply();
    stage.assert_empty_plan();
    let (name, account, state) = (stage.bucket(), stage.account(), stage.this());
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["findings"], json!([]));
    assert_eq!(state["azure"]["access"], "access_key");
    assert_eq!(state["access_key_id"], "key1");
    let key = stage.seen_account()["keys"][0].clone();
    assert_eq!(state["secret_access_key"], key);
    assert_eq!(
        state["instance_bucket"],
        json!({"name": account, "provider": "az", "path": name})
    );
    assert_eq!(state["storage_address"], format!("az://{account}/{name}"));
    let escaped = key
        .as_str()
        .unwrap()
        .replace('+', "%2B")
        .replace('/', "%2F");
    let escaped = escaped.replace('=', "%3D");
    assert_eq!(
        state["supported_file_store"],
        format!("az://:{escaped}@{account}/{name}")
    );
    the_account_is_as_wandb_wants_it(&stage, true);
    assert_eq!(stage.identities(), Vec::<Value>::new());
    stage.destroy();
    assert_eq!(stage.seen_account(), Value::Null);
}

#[test]
fn a_principal_of_wandbs_own_gets_its_roles() {
    let stage = Stage::new("az-principal");
    let made = stage.login.control("POST", "/principals", json!({}));
    let principal = made["object_id"].as_str().unwrap();
    let block = format!("access = \"principal\"\nwandb_principal_id = \"{principal}\"");
    stage.write_bucket(r#"scope = "instance""#, &block);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let held = stage.assignments();
    assert_eq!(held.len(), 2, "{held:?}");
    assert!(held.iter().all(|(who, _)| who == principal), "{held:?}");
    assert_eq!(state["supported_file_store"], json!(null));
    stage.destroy();
    assert_eq!(stage.assignments(), []);
    assert_eq!(stage.seen_account(), Value::Null);
}
