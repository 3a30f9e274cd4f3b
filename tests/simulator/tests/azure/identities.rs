//! Managed identities and their federated credentials.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Cloud, GROUP, SUBSCRIPTION, code};

const SUBJECT: &str = "system:serviceaccount:default:";

fn body(subject: &str) -> Value {
    json!({"properties": {"issuer": "https://oidc.example/c", "subject": subject,
        "audiences": ["api://AzureADTokenExchange"]}})
}

fn at(name: &str) -> String {
    format!(
        "{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity/\
         userAssignedIdentities/wandb/federatedIdentityCredentials/{name}?api-version=2023-01-31"
    )
}

async fn with_identity() -> (Cloud, Value) {
    let cloud = Cloud::start().await;
    let place = json!({"location": "westeurope", "tags": {"a": "b"}});
    let call = "msi.user_assigned_identities.create_or_update";
    let made = cloud.microsoft(call, json!([GROUP, "wandb", place])).await;
    (cloud, made)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_lives_and_dies() {
    let (cloud, made) = with_identity().await;
    let call = |name: &str| format!("msi.user_assigned_identities.{name}");
    assert_eq!(made["properties"]["tenantId"], cloud.ready["tenant_id"]);
    let again = cloud
        .microsoft(
            &call("create_or_update"),
            json!([GROUP, "wandb", {"location": "westeurope"}]),
        )
        .await;
    assert_eq!(
        again["properties"]["principalId"],
        made["properties"]["principalId"]
    );
    let moved = cloud
        .refused(
            &call("create_or_update"),
            json!([GROUP, "wandb", {"location": "eastus"}]),
        )
        .await;
    assert_eq!(moved, (409, "InvalidResourceLocation".to_owned()));
    let tagged = cloud
        .microsoft(
            &call("update"),
            json!([GROUP, "wandb", {"tags": {"c": "d"}}]),
        )
        .await;
    assert_eq!(tagged["tags"], json!({"c": "d"}));
    let all = cloud
        .microsoft(&call("list_by_resource_group"), json!([GROUP]))
        .await;
    assert_eq!(all.as_array().unwrap().len(), 1);
    cloud
        .microsoft(&call("delete"), json!([GROUP, "wandb"]))
        .await;
    cloud
        .microsoft(&call("delete"), json!([GROUP, "wandb"]))
        .await;
    let gone = cloud.refused(&call("get"), json!([GROUP, "wandb"])).await;
    assert_eq!(gone, (404, "ResourceNotFound".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_twenty_and_differ() {
    let (cloud, _) = with_identity().await;
    let call = |name: &str| format!("msi.federated_identity_credentials.{name}");
    for at in 0..20 {
        let name = format!("credential-{at}");
        let body = body(&format!("{SUBJECT}{at}"));
        cloud
            .microsoft(
                &call("create_or_update"),
                json!([GROUP, "wandb", name, body]),
            )
            .await;
    }
    let all = cloud
        .microsoft(&call("list"), json!([GROUP, "wandb"]))
        .await;
    assert_eq!(all.as_array().unwrap().len(), 20);
    let (status, answer) = cloud.arm(Method::PUT, &at("one-more"), body("more")).await;
    assert_eq!(
        (status, code(&answer)),
        (400, "FederatedIdentityCredentialsLimitExceeded")
    );
    cloud
        .microsoft(&call("delete"), json!([GROUP, "wandb", "credential-0"]))
        .await;
    let twin = body(&format!("{SUBJECT}1"));
    let (status, answer) = cloud.arm(Method::PUT, &at("twin"), twin.clone()).await;
    assert_eq!((status, code(&answer)), (409, "Conflict"));
    assert_eq!(
        cloud.arm(Method::PUT, &at("credential-1"), twin).await.0,
        200
    );
    assert_eq!(
        cloud
            .arm(Method::DELETE, &at("credential-0"), Value::Null)
            .await
            .0,
        204
    );
    cloud.control("POST", "/identities/wandb/busy", json!({"seconds": 60}));
    let (status, answer) = cloud.arm(Method::PUT, &at("late"), body("late")).await;
    let busy = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity";
    assert_eq!((status, code(&answer)), (409, busy));
    let (status, _) = cloud
        .arm(Method::GET, &at("credential-1"), Value::Null)
        .await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_credential_is_refused() {
    let (cloud, _) = with_identity().await;
    let with = |name: &str, value: Value| {
        let mut wanted = body("s");
        wanted["properties"][name] = value;
        wanted
    };
    for wanted in [
        with("issuer", json!("")),
        with("issuer", json!("http://plain.example")),
        with("subject", Value::Null),
        with("audiences", json!([])),
        with("audiences", json!(["a", "b"])),
    ] {
        let (status, answer) = cloud.arm(Method::PUT, &at("half"), wanted).await;
        assert_eq!((status, code(&answer)), (400, "BadRequest"));
    }
    let (status, answer) = cloud.arm(Method::GET, &at("half"), Value::Null).await;
    assert_eq!((status, code(&answer)), (404, "NotFound"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writes_at_once_are_one_too_many() {
    let (cloud, _) = with_identity().await;
    // Long enough for the second to come in while the first is at it.
    cloud.control("PATCH", "/settings", json!({"credential_write": 1}));
    let paths = [at("one"), at("two")];
    let (one, two) = tokio::join!(
        cloud.arm(Method::PUT, &paths[0], body("one")),
        cloud.arm(Method::PUT, &paths[1], body("two")),
    );
    let mut both = [one.0, two.0];
    both.sort_unstable();
    assert_eq!(both, [201, 409]);
    let made = cloud.control("GET", "/identities", json!({}));
    assert_eq!(made[0]["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(
        cloud.arm(Method::PUT, &at("three"), body("three")).await.0,
        201
    );
}
