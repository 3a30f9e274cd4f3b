//! Keys: the forms that are taken and those that are not.

use reqwest::Method;
use serde_json::json;
use simulator::wandb::Config;

use crate::{KEY, Talk, answer, config};

#[tokio::test]
async fn scim_takes_the_key_in_three_forms() {
    let talk = Talk::start().await;
    let groups = || talk.request(Method::GET, "/scim/Groups");
    assert_eq!(answer(groups().bearer_auth(KEY)).await.0, 200);
    assert_eq!(answer(groups().basic_auth("owner", Some(KEY))).await.0, 200);
    assert_eq!(answer(groups().basic_auth("", Some(KEY))).await.0, 200);
    assert_eq!(answer(groups().basic_auth("jane", Some(KEY))).await.0, 401);
    assert_eq!(answer(groups().basic_auth("owner", Some("x"))).await.0, 401);
    assert_eq!(answer(groups()).await.0, 401);
}

#[tokio::test]
async fn a_wrong_key_gets_a_scim_error() {
    let talk = Talk::start().await;
    let request = talk.request(Method::GET, "/scim/Groups").bearer_auth("x");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["content-type"], "application/scim+json");
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        body,
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "detail": "invalid credentials", "status": "401"})
    );
}

#[tokio::test]
async fn old_instances_take_no_bearer_tokens() {
    let talk = Talk::with(Config {
        bearer: false,
        ..config()
    })
    .await;
    let groups = || talk.request(Method::GET, "/scim/Groups");
    assert_eq!(answer(groups().bearer_auth(KEY)).await.0, 401);
    assert_eq!(answer(groups().basic_auth("owner", Some(KEY))).await.0, 200);
}

#[tokio::test]
async fn graphql_takes_the_key_as_the_password_of_api() {
    let talk = Talk::start().await;
    let ask = |user, key| {
        let body = json!({"query": "{ viewer { username } }"});
        answer(
            talk.request(Method::POST, "/graphql")
                .basic_auth(user, Some(key))
                .json(&body),
        )
    };
    let (status, body) = ask("api", KEY).await;
    assert_eq!(status, 200);
    assert_eq!(body, json!({"data": {"viewer": {"username": "owner"}}}));
    assert_eq!(ask("api", "x").await.0, 401);
    assert_eq!(ask("owner", KEY).await.0, 401);
}

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = simulator::wandb::Instance::start(Config { listen, ..config() }).await;
    let message = refused.err().map(|error| error.to_string());
    assert_eq!(
        message.as_deref(),
        Some("0.0.0.0:0 is not a loopback address")
    );
}
