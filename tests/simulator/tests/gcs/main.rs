//! Drives the simulated Google Cloud as strangers would: by Google's own library, and
//! with plain requests and literal expectations.

mod buckets;
mod cors;
mod fault;
mod google;
mod identity;
mod keys;
mod objects;
mod policies;
mod refusals;
mod second_opinion;
mod signed;
mod uploads;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use simulator::gcs::{Config, Instance};

const PROJECT: &str = "simulated-project";
const WANDB: &str = "wandb-integration@wandb-production.iam.gserviceaccount.com";

/// An instance and its owner.
struct Cloud {
    instance: Instance,
    http: Client,
    token: String,
    /// The owner's key file.
    key: Value,
}

impl Cloud {
    async fn start() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        let instance = Instance::start(config).await.unwrap();
        let owner = instance.owner();
        Self {
            http: Client::builder().no_proxy().build().unwrap(),
            token: instance.token(&owner),
            key: serde_json::from_str(&instance.key_file(&owner).unwrap()).unwrap(),
            instance,
        }
    }

    /// A request without credentials.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.instance.url());
        self.http.request(method, url)
    }

    /// The owner's request; the status and the body, which is null when it is no JSON.
    async fn api(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.api_as(&self.token, method, path, body).await
    }

    async fn api_as(&self, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Makes a bucket with uniform access and whatever else is named.
    async fn bucket(&self, name: &str, more: Value) -> Value {
        let uniform = json!({"uniformBucketLevelAccess": {"enabled": true}});
        let mut body = json!({"name": name, "iamConfiguration": uniform});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let path = format!("/storage/v1/b?project={PROJECT}");
        let (status, made) = self.api(Method::POST, &path, body).await;
        assert_eq!(status, 200, "{made}");
        made
    }

    /// Puts an object by the JSON interface; its metadata.
    async fn put(&self, bucket: &str, name: &str, text: &str) -> Value {
        let path = format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}");
        let request = self.request(Method::POST, &path).bearer_auth(&self.token);
        let response = request.body(text.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// Lets somebody do something with a bucket.
    async fn bind(&self, bucket: &str, role: &str, member: &str) {
        let mut policy = self.instance.bucket_policy(bucket).unwrap();
        let bindings = policy["bindings"].as_array_mut().unwrap();
        bindings.push(json!({"role": role, "members": [member]}));
        let path = format!("/storage/v1/b/{bucket}/iam");
        let (status, set) = self.api(Method::PUT, &path, policy).await;
        assert_eq!(status, 200, "{set}");
    }
}

/// The message of a refusal in JSON.
fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}
