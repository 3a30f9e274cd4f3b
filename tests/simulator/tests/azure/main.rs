//! Drives the simulated Azure as strangers would: by Microsoft's own libraries, and with
//! plain requests and literal expectations.

mod access;
mod accounts;
mod blobs;
mod containers;
mod cors;
mod fault;
mod identities;
mod library;
mod second_opinion;
mod sign_in;
mod signed;

use reqwest::{Certificate, Client, Method, RequestBuilder};
use serde_json::{Value, json};
use simulator::azure::{Config, Instance};

const GROUP: &str = "simulated-group";
const SUBSCRIPTION: &str = "/subscriptions/22222222-2222-4222-a222-222222222222";
const STORAGE: &str = "2023-05-01";
const MANAGEMENT: &str = "https://management.azure.com/";

/// An instance and its owner.
struct Cloud {
    instance: Instance,
    http: Client,
    token: String,
    ready: Value,
}

impl Cloud {
    async fn start() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        let instance = Instance::start(config).await.unwrap();
        let authority = Certificate::from_pem(instance.authority_pem().as_bytes()).unwrap();
        let http = Client::builder().no_proxy().add_root_certificate(authority);
        Self {
            http: http.build().unwrap(),
            token: instance.token(&instance.owner(), MANAGEMENT),
            ready: instance.ready(),
            instance,
        }
    }

    /// A request to Resource Manager without credentials; the path has its version.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.instance.addresses().resource_manager);
        self.http.request(method, url)
    }

    /// The owner's request; the status and the body, which is null when it is no JSON.
    async fn arm(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.arm_as(&self.token, method, path, body).await
    }

    async fn arm_as(&self, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Makes an account; its first key.
    async fn account(&self, name: &str) -> String {
        let body = json!({"location": "westeurope", "kind": "StorageV2",
            "sku": {"name": "Standard_ZRS"}});
        let made = self
            .microsoft(
                "storage.storage_accounts.begin_create",
                json!([GROUP, name, body]),
            )
            .await;
        assert_eq!(made["properties"]["provisioningState"], "Succeeded");
        self.key(name).await
    }

    async fn key(&self, account: &str) -> String {
        let call = "storage.storage_accounts.list_keys";
        let keys = self.microsoft(call, json!([GROUP, account])).await;
        keys["keys"][0]["value"].as_str().unwrap().to_owned()
    }

    /// Sets properties of the blob service of an account.
    async fn blob_service(&self, account: &str, properties: Value) {
        let call = "storage.blob_services.set_service_properties";
        self.microsoft(call, json!([GROUP, account, {"properties": properties}]))
            .await;
    }

    fn control(&self, method: &str, path: &str, body: Value) -> Value {
        self.instance.control(method, path, &body).unwrap()
    }

    /// A principal with a role, and what it signs in with.
    fn somebody(&self, role: &str, scope: &str) -> Value {
        let mut made = self.control("POST", "/principals", json!({}));
        let grant = json!({"principal": made["object_id"], "role": role, "scope": scope});
        if !role.is_empty() {
            self.control("POST", "/grants", grant);
        }
        made.as_object_mut().unwrap().remove("type");
        made
    }

    fn token_of(&self, somebody: &Value, audience: &str) -> String {
        let id = somebody["object_id"].as_str().unwrap();
        self.instance.token(id, audience)
    }
}

/// The full name of an account.
fn account_id(name: &str) -> String {
    format!(
        "{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}"
    )
}

/// The code of a refusal in JSON.
fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

/// The message of a refusal in JSON.
fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}
