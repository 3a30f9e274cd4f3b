//! Drives the simulated W&B instance and the proxy as a stranger would: with plain
//! requests and literal expectations.

mod azure;
mod bucket;
mod control;
mod fault;
mod google;
mod graphql;
mod groups;
mod minio;
mod proxy;
mod sign_in;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use simulator::wandb::{Config, Instance};

/// The key of all instances here.
const KEY: &str = "key-of-the-tests";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An instance and somebody who talks to it.
struct Talk {
    instance: Instance,
    http: Client,
}

/// A configuration with the tests' key.
fn config() -> Config {
    Config {
        api_key: KEY.to_owned(),
        username: "owner".to_owned(),
        ..Config::default()
    }
}

/// A client that never asks twice and knows no proxies.
fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

impl Talk {
    async fn start() -> Self {
        Self::with(config()).await
    }

    /// Jane (`u-jane`) and Joe (`u-joe`) are there too.
    async fn with(config: Config) -> Self {
        let instance = Instance::start(config).await.unwrap();
        instance.add_user("u-jane", "jane", "jane@example.com");
        instance.add_user("u-joe", "joe", "joe@example.com");
        Self {
            instance,
            http: client(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.instance.url());
        self.http.request(method, url)
    }

    /// A SCIM request with the key.
    async fn scim(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.request(method, path).bearer_auth(KEY);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    /// Makes a team without a bucket and returns the answer.
    async fn make_team(&self, name: &str, members: Value) -> (StatusCode, Value) {
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        self.scim(Method::POST, "/scim/Groups", Some(body)).await
    }

    /// Makes a team with a bucket and returns the answer.
    async fn make_team_with(&self, name: &str, bucket: Value) -> (StatusCode, Value) {
        let body = json!({"schemas": [GROUP], "displayName": name, "members": [],
            "storageBucket": bucket});
        self.scim(Method::POST, "/scim/Groups", Some(body)).await
    }

    /// A GraphQL request with the key; the status is 200 or the test fails.
    async fn graphql(&self, query: &str, variables: Value) -> Value {
        let request = self
            .request(Method::POST, "/graphql")
            .basic_auth("api", Some(KEY))
            .json(&json!({"query": query, "variables": variables}));
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    fn team_names(&self) -> Vec<String> {
        let teams = self.instance.teams();
        teams.into_iter().map(|team| team.name).collect()
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}
