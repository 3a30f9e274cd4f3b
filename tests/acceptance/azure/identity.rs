//! W&B's managed identity on Azure: whose it is, whom it trusts and what it may do.

use serde_json::{Value, json};

use super::{Stage, alone, finding, text};
use crate::harness::{GROUP, THIS, hcl};

const ROLES: [&str; 2] = ["Storage Account Contributor", "Storage Blob Data Owner"];

/// Somebody's identity of this name.
fn make_identity(stage: &Stage, name: &str, tags: Value) {
    stage.microsoft(
        "msi.user_assigned_identities.create_or_update",
        json!([GROUP, name, {"location": "westeurope", "tags": tags}]),
    );
}

fn trust(stage: &Stage, identity: &str, name: &str, issuer: &str, subject: &str) {
    let properties = json!({"issuer": issuer, "subject": subject,
        "audiences": ["api://AzureADTokenExchange"]});
    stage.microsoft(
        "msi.federated_identity_credentials.create_or_update",
        json!([GROUP, identity, name, {"properties": properties}]),
    );
}

fn mistrust(stage: &Stage, identity: &str, name: &str) {
    stage.microsoft(
        "msi.federated_identity_credentials.delete",
        json!([GROUP, identity, name]),
    );
}

#[test]
fn somebodys_identity_of_that_name_is_refused() {
    let stage = Stage::new("az-idtaken");
    let name = format!("{}-wandb", stage.account());
    for tags in [
        json!({"owner": "ops"}),
        json!({"terraform-provider-wandb": "ready-00c0ffee"}),
    ] {
        make_identity(&stage, &name, tags.clone());
        stage.write_bucket("", &stage.by_identity());
        let text = stage.apply_fails();
        assert!(text.contains("identity_name"), "{text}");
        assert_eq!(stage.identity()["tags"], tags);
        assert_eq!(stage.identity()["credentials"], json!([]));
    }
    let other = format!("{}-other", stage.account());
    let block = format!("{}\nidentity_name = \"{other}\"", stage.by_identity());
    stage.write_bucket("", &block);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    // Theirs has survived all of it.
    assert_eq!(stage.identities().len(), 1);
    assert_eq!(stage.identity()["name"], name);
}

#[test]
fn a_foreign_credential_is_a_warning_and_stays() {
    let stage = Stage::new("az-idforeign");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let name = text(&stage.identity()["name"]);
    let issuer = stage.login.issuer();
    trust(&stage, &name, "build", &issuer, "repo:acme/app");
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let found = finding(&stage, "access.federated_credentials").expect("a finding");
    assert_eq!(found["status"], "warn", "{found}");
    assert!(found.to_string().contains("repo:acme/app"), "{found}");
    stage.assert_empty_plan();
    // A change of ours leaves it alone.
    let block = format!(
        "{}\nkubernetes_service_accounts = [\"wandb-app\"]",
        stage.by_identity()
    );
    stage.write_bucket("", &block);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.subjects(),
        ["repo:acme/app", "system:serviceaccount:default:wandb-app"]
    );
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

#[test]
fn missing_trust_is_mended() {
    let stage = Stage::new("az-idtrust");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let identity = stage.identity();
    let lost = text(&identity["credentials"][0]["name"]);
    mistrust(&stage, &text(&identity["name"]), &lost);
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    let before = plan.change(THIS)["before"]["findings"].to_string();
    assert!(before.contains("access.federated_credentials"), "{before}");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.subjects().len(), 13);
    stage.destroy();
}

#[test]
fn a_missing_role_is_mended() {
    let stage = Stage::new("az-idrole");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let principal = text(&stage.identity()["object_id"]);
    assert_eq!(stage.roles_of(&principal), ROLES);
    stage.take_roles(&principal);
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    let before = plan.change(THIS)["before"]["findings"].to_string();
    assert!(before.contains("access.identity_roles"), "{before}");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.roles_of(&principal), ROLES);
    stage.destroy();
}

#[test]
fn an_identity_that_is_gone_is_made_again() {
    let stage = Stage::new("az-idgone");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    let before = stage.identity();
    let path = format!("/identities/{}", text(&before["name"]));
    stage.login.control("DELETE", &path, json!({}));
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let after = stage.identity();
    assert_ne!(after["client_id"], before["client_id"]);
    let state = stage.this();
    assert_eq!(state["storage"]["azure_client_id"], after["client_id"]);
    assert_eq!(
        state["azure"]["managed_identity_client_id"],
        after["client_id"]
    );
    assert_eq!(stage.roles_of(&text(&after["object_id"])), ROLES);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    stage.destroy();
}

#[test]
fn roles_of_ones_own_are_given_and_taken_back() {
    let stage = Stage::new("az-idroles");
    let role = json!({"name": format!("W&B {}", stage.bucket()), "actions":
        ["Microsoft.Storage/storageAccounts/read"], "notActions": [], "dataActions":
        ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"]});
    stage.login.control("POST", "/roles", role);
    let with = |roles: &str| format!("{}\nwandb_roles = [{roles}]", stage.by_identity());
    let own = format!("\"W&B {}\"", stage.bucket());
    stage.write_bucket("", &with(&format!("{own}, \"Storage Blob Data Owner\"")));
    stage.apply();
    stage.assert_empty_plan();
    let principal = text(&stage.identity()["object_id"]);
    let mine = format!("W&B {}", stage.bucket());
    assert_eq!(
        stage.roles_of(&principal),
        ["Storage Blob Data Owner".to_owned(), mine.clone()]
    );
    stage.write_bucket("", &with(&own));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.roles_of(&principal), [mine]);
    stage.write_bucket("", &with("\"No Such Role\""));
    let text = stage.apply_fails();
    assert!(text.contains("wandb_roles"), "{text}");
    stage.write_bucket("", &with(&own));
    stage.apply();
    stage.destroy();
    assert_eq!(stage.assignments(), []);
}

#[test]
fn the_instance_may_run_elsewhere_in_its_cluster() {
    let stage = Stage::new("az-idspace");
    let block = format!(
        "{}\nkubernetes_namespace = \"ml\"\nkubernetes_service_accounts = [\"a\", \"b\"]",
        stage.by_identity()
    );
    stage.write_bucket("", &block);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.subjects(),
        ["system:serviceaccount:ml:a", "system:serviceaccount:ml:b"]
    );
    stage.destroy();
}

#[test]
fn twenty_service_accounts_are_trusted_and_twenty_one_are_refused() {
    let stage = Stage::new("az-idmany");
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|one| format!("\"a{one}\"")).collect();
        let names = names.join(", ");
        format!(
            "{}\nkubernetes_service_accounts = [{names}]",
            stage.by_identity()
        )
    };
    stage.write_bucket("", &many(21));
    let text = stage.plan_fails();
    assert!(text.contains("kubernetes_service_accounts"), "{text}");
    assert!(text.contains("20"), "{text}");
    stage.write_bucket("", &many(20));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.subjects().len(), 20);
    stage.destroy();
}

/// Azure refuses two writes of credentials at a time.
#[test]
fn credentials_are_written_one_at_a_time_whoever_else_writes() {
    let stage = alone("az-idbusy");
    let config = json!({"credential_write": 0.05});
    stage.login.control("PATCH", "/settings", config);
    let other = stage.bucket_block("", &stage.by_identity());
    let other = other
        .replace("\"this\"", "\"that\"")
        .replace(stage.bucket(), "another")
        .replace(&stage.account(), "anotheraccount");
    stage.write(&format!(
        "{}{other}",
        stage.bucket_block("", &stage.by_identity())
    ));
    stage.apply_with(&["-parallelism=10"]);
    stage.assert_empty_plan();
    let requests = stage.cloud().requests();
    let refused = requests.iter().filter(|one| {
        one.path.to_ascii_lowercase().contains("federated") && one.status == Some(409)
    });
    assert_eq!(refused.count(), 0);
    // Somebody else's write passes.
    let busy = format!("/identities/{}/busy", text(&stage.identity()["name"]));
    stage.login.control("POST", &busy, json!({"seconds": 1}));
    let block = format!(
        "{}\nkubernetes_service_accounts = [\"wandb-app\"]",
        stage.by_identity()
    );
    stage.write_bucket("", &block);
    let provider = stage
        .provider("")
        .replace("max_retries = 2", "max_retries = 6");
    stage.write_under(&provider, &stage.bucket_block("", &block));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.subjects().len(), 1);
    stage.destroy();
}

#[test]
fn a_new_principal_may_be_unknown_for_a_while() {
    let stage = alone("az-idknown");
    let delay = json!({"principal_delay": 2});
    stage.login.control("PATCH", "/settings", delay);
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    stage.assert_empty_plan();
    let principal = text(&stage.identity()["object_id"]);
    assert_eq!(stage.roles_of(&principal), ROLES);
    stage.destroy();
}

#[test]
fn a_principal_that_nobody_knows_is_told() {
    let stage = Stage::new("az-idnobody");
    let block = hcl!(
        r#"
            access = "principal"
            wandb_principal_id = "99999999-9999-4999-a999-999999999999"
        "#
    );
    stage.write_bucket("timeouts {\n create = \"5s\"\n}", &block);
    let text = stage.apply_fails();
    assert!(
        text.contains("99999999-9999-4999-a999-999999999999"),
        "{text}"
    );
    assert_eq!(stage.assignments(), []);
    stage.destroy();
}

#[test]
fn the_way_in_can_change() {
    let stage = Stage::new("az-idways");
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    assert_eq!(stage.identities().len(), 1);
    stage.write_bucket("", "access = \"access_key\"");
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let state = stage.this();
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.assignments(), []);
    assert_eq!(state["secret_access_key"], stage.seen_account()["keys"][0]);
    assert_eq!(state["azure"]["managed_identity_client_id"], Value::Null);
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let principal = super::principal(&stage);
    let block = format!("access = \"principal\"\nwandb_principal_id = \"{principal}\"");
    stage.write_bucket("", &block);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.roles_of(&principal),
        ["Reader", "Storage Blob Data Contributor"]
    );
    assert_eq!(stage.this()["secret_access_key"], Value::Null);
    // Another principal, and the former is let in no more.
    let other = super::principal(&stage);
    stage.write_bucket("", &block.replace(&principal, &other));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.roles_of(&principal), Vec::<String>::new());
    assert_eq!(
        stage.roles_of(&other),
        ["Reader", "Storage Blob Data Contributor"]
    );
    stage.write_bucket("", &stage.by_identity());
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.roles_of(&other), Vec::<String>::new());
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
    assert_eq!(stage.seen_account(), Value::Null);
}
