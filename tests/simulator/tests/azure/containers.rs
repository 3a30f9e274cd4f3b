//! Containers on the management side, and what keeps them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::azure::Config;

use crate::{Cloud, GROUP, STORAGE, account_id, code, message};

fn at(container: &str) -> String {
    let id = account_id("mine1");
    format!("{id}/blobServices/default/containers/{container}?api-version={STORAGE}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_lives_and_dies() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let call = |name: &str| format!("storage.blob_containers.{name}");
    let body = json!({"properties": {"metadata": {"terraform_provider_wandb": "creating-1"}}});
    let made = cloud
        .microsoft(&call("create"), json!([GROUP, "mine1", "wandb", body]))
        .await;
    assert_eq!(made["name"], "wandb");
    let changed = json!({"properties": {"metadata": {"terraform_provider_wandb": "ready-1"}}});
    cloud
        .microsoft(&call("update"), json!([GROUP, "mine1", "wandb", changed]))
        .await;
    let found = cloud
        .microsoft(&call("get"), json!([GROUP, "mine1", "wandb"]))
        .await;
    assert_eq!(
        found["properties"]["metadata"],
        json!({"terraform_provider_wandb": "ready-1"})
    );
    assert_eq!(found["properties"]["publicAccess"], "None");
    assert_eq!(cloud.arm(Method::PUT, &at("wandb"), json!({})).await.0, 200);
    cloud
        .microsoft(&call("delete"), json!([GROUP, "mine1", "wandb"]))
        .await;
    assert_eq!(
        cloud.arm(Method::DELETE, &at("wandb"), Value::Null).await.0,
        204
    );
    let gone = cloud
        .refused(&call("get"), json!([GROUP, "mine1", "wandb"]))
        .await;
    assert_eq!(gone, (404, "ContainerNotFound".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_once_the_deletion_is_over() {
    let config = Config {
        container_deletion: Duration::from_secs(40),
        ..Config::default()
    };
    let cloud = Cloud::with(config).await;
    let key = cloud.account("mine1").await;
    cloud.arm(Method::PUT, &at("wandb"), json!({})).await;
    cloud.arm(Method::DELETE, &at("wandb"), Value::Null).await;
    let (status, answer) = cloud.arm(Method::PUT, &at("wandb"), json!({})).await;
    assert_eq!((status, code(&answer)), (409, "ContainerOperationFailure"));
    assert!(message(&answer).starts_with("The specified container is being deleted."));
    let who = json!({"account": "mine1", "key": key});
    let refused = cloud
        .refused_as(&who, "create_container", json!(["wandb"]), json!({}))
        .await;
    assert_eq!(refused, (409, "ContainerBeingDeleted".to_owned()));
    cloud.instance.advance(Duration::from_secs(41));
    assert_eq!(cloud.arm(Method::PUT, &at("wandb"), json!({})).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_containers_are_kept_and_listed() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let keep = json!({"containerDeleteRetentionPolicy": {"enabled": true, "days": 7}});
    cloud.blob_service("mine1", keep).await;
    for name in ["one", "two", "three"] {
        assert_eq!(cloud.arm(Method::PUT, &at(name), json!({})).await.0, 201);
    }
    cloud.arm(Method::DELETE, &at("two"), Value::Null).await;
    let call = "storage.blob_containers.list";
    let names = async |more: Value| -> Vec<Value> {
        let found = cloud
            .call_as(&json!({}), call, json!([GROUP, "mine1"]), more)
            .await;
        let all = found.as_array().unwrap().iter();
        all.map(|one| json!([one["name"], one["properties"]["deleted"]]))
            .collect()
    };
    assert_eq!(
        names(json!({"maxpagesize": "1"})).await,
        [json!(["one", false]), json!(["three", false])]
    );
    let all = names(json!({"include": "deleted"})).await;
    assert_eq!(
        all,
        [
            json!(["one", false]),
            json!(["three", false]),
            json!(["two", true])
        ]
    );
    cloud.instance.advance(Duration::from_secs(8 * 86_400));
    cloud.control("GET", "/requests", json!({}));
    let control = cloud.control("GET", "/accounts/mine1/containers", json!({}));
    assert_eq!(control.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_container_can_be_is_refused() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    for (name, properties, status, expected) in [
        ("Upper", json!({}), 400, "ContainerOperationFailure"),
        ("a--b", json!({}), 400, "ContainerOperationFailure"),
        (
            "wandb",
            json!({"publicAccess": "Blob"}),
            409,
            "PublicAccessNotPermitted",
        ),
        (
            "wandb",
            json!({"publicAccess": "All"}),
            400,
            "InvalidRequestPropertyValue",
        ),
        (
            "wandb",
            json!({"metadata": {"not-an-identifier": "x"}}),
            400,
            "InvalidMetadata",
        ),
    ] {
        let (got, answer) = cloud
            .arm(Method::PUT, &at(name), json!({"properties": properties}))
            .await;
        assert_eq!((got, code(&answer)), (status, expected), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_and_policies_keep_a_container() {
    let cloud = Cloud::start().await;
    let key = cloud.account("mine1").await;
    let call = |name: &str| format!("storage.blob_containers.{name}");
    cloud.arm(Method::PUT, &at("wandb"), json!({})).await;
    let who = json!({"account": "mine1", "key": key});
    cloud
        .call_as(&who, "put", json!(["wandb", "a", "text"]), json!({}))
        .await;
    let tags = json!([GROUP, "mine1", "wandb", {"tags": ["audit1"]}]);
    cloud.microsoft(&call("set_legal_hold"), tags.clone()).await;
    let refused = cloud
        .refused_as(&who, "delete", json!(["wandb", "a"]), json!({}))
        .await;
    assert_eq!(refused, (409, "BlobImmutableDueToLegalHold".to_owned()));
    let refused = cloud
        .refused(&call("delete"), json!([GROUP, "mine1", "wandb"]))
        .await;
    assert_eq!(refused, (409, "ContainerHasLegalHold".to_owned()));
    let refused = cloud
        .refused("storage.storage_accounts.delete", json!([GROUP, "mine1"]))
        .await;
    assert_eq!(refused, (409, "AccountProtectedFromDeletion".to_owned()));
    cloud.microsoft(&call("clear_legal_hold"), tags).await;
    let policy = json!({"properties": {"immutabilityPeriodSinceCreationInDays": 3}});
    let path = at("wandb").replace("?", "/immutabilityPolicies/default?");
    let (status, set) = cloud.arm(Method::PUT, &path, policy).await;
    assert_eq!(
        (status, &set["properties"]["state"]),
        (200, &json!("Unlocked"))
    );
    let found = cloud
        .microsoft(&call("get"), json!([GROUP, "mine1", "wandb"]))
        .await;
    assert_eq!(found["properties"]["hasImmutabilityPolicy"], true);
    let refused = cloud
        .refused_as(
            &who,
            "put",
            json!(["wandb", "a", "more"]),
            json!({"overwrite": true}),
        )
        .await;
    assert_eq!(refused, (409, "BlobImmutableDueToPolicy".to_owned()));
    let refused = cloud
        .refused(&call("delete"), json!([GROUP, "mine1", "wandb"]))
        .await;
    assert_eq!(
        refused,
        (409, "ContainerImmutabilityPolicyLocked".to_owned())
    );
    cloud.instance.advance(Duration::from_secs(4 * 86_400));
    let account = cloud.control("GET", "/accounts/mine1", json!({}));
    let text = account["keys"][0].as_str().unwrap();
    assert_eq!(text, key);
}
