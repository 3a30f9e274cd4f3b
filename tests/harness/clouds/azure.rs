//! Azure: the simulated one.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use simulator::azure;
use simulator::wandb::{Azure as Reach, Config, Instance};

use super::Cloud;
use crate::harness::hcl::hcl;
use crate::harness::microsoft::microsoft;
use crate::harness::servers::wait;
use crate::harness::stage::{API_KEY, Stage};

/// The resource group that is there from the start.
pub const GROUP: &str = "simulated-group";
/// The key of the provider's marker in a container's metadata.
const MARKER: &str = "terraform_provider_wandb";
/// The service account that the simulated W&B instance runs as.
const SUBJECT: &str = "system:serviceaccount:default:wandb-app";

pub struct Azure;

/// Where a simulated Azure is, and how to get in.
#[derive(Clone)]
pub struct AzureLogin {
    pub cloud: Arc<azure::Instance>,
    /// What the provider's block says about who asks.
    pub credentials: String,
    /// Where the provider finds Resource Manager: a proxy may be in between.
    pub resource_manager: String,
    /// Where it finds the blobs.
    pub blob: String,
}

impl AzureLogin {
    /// The owner of the subscription on a server of a test's own.
    pub fn start(config: azure::Config) -> Self {
        let cloud = wait(azure::Instance::start(config)).expect("Azure starts");
        let ready = cloud.ready();
        let credentials = hcl!(
            r#"
                subscription_id = "<subscription>"
                tenant_id = "<tenant>"
                client_id = "<client>"
                client_secret = "<secret>"
            "#,
            subscription = text(&ready, "subscription_id"),
            tenant = text(&ready, "tenant_id"),
            client = text(&ready, "client_id"),
            secret = text(&ready, "client_secret")
        );
        let addresses = cloud.addresses().clone();
        let login = Self {
            cloud: Arc::new(cloud),
            credentials,
            resource_manager: addresses.resource_manager,
            blob: addresses.blob,
        };
        // An owner may do everything with accounts, and nothing with what blobs hold.
        login.grant(&login.cloud.owner(), "Storage Blob Data Owner");
        login
    }

    /// Gives a principal a role on the whole subscription.
    pub fn grant(&self, principal: &str, role: &str) {
        let scope = format!("/subscriptions/{}", self.subscription());
        let grant = json!({"principal": principal, "role": role, "scope": scope});
        self.control("POST", "/grants", grant);
    }

    /// Throws one of the simulator's switches, which has to work.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let thrown = self.cloud.control(method, path, &body);
        thrown.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same server with other words about who asks.
    pub fn saying(&self, credentials: &str) -> Self {
        Self {
            credentials: credentials.to_owned(),
            ..self.clone()
        }
    }

    /// Another principal of the directory, by its secret; it may do nothing yet.
    pub fn somebody(&self) -> (Self, String) {
        let made = self.control("POST", "/principals", json!({}));
        let credentials = hcl!(
            r#"
                subscription_id = "<subscription>"
                tenant_id = "<tenant>"
                client_id = "<client>"
                client_secret = "<secret>"
            "#,
            subscription = self.subscription(),
            tenant = text(&made, "tenant_id"),
            client = text(&made, "client_id"),
            secret = text(&made, "client_secret")
        );
        (self.saying(&credentials), text(&made, "object_id"))
    }

    /// The subscription.
    pub fn subscription(&self) -> String {
        text(&self.cloud.ready(), "subscription_id")
    }

    /// The directory.
    pub fn tenant(&self) -> String {
        text(&self.cloud.ready(), "tenant_id")
    }

    /// Where its services are: the whole block `endpoints`.
    pub fn endpoints(&self) -> String {
        hcl!(
            r#"
                endpoints {
                  resource_manager = "<manager>"
                  authority = "<authority>"
                  blob = "<blob>"
                }
            "#,
            manager = self.resource_manager,
            authority = self.cloud.addresses().authority,
            blob = self.blob
        )
    }

    /// The issuer of the cluster that W&B runs on.
    pub fn issuer(&self) -> String {
        format!("{}/cluster", self.cloud.addresses().issuer)
    }

    /// A W&B instance that reaches this server as its own cluster does.
    pub fn instance(&self) -> Config {
        let addresses = self.cloud.addresses().clone();
        Config {
            api_key: API_KEY.to_owned(),
            azure: Some(Reach {
                authority: addresses.authority,
                blob: addresses.blob,
                control: addresses.control,
                issuer: self.issuer(),
                subject: SUBJECT.to_owned(),
            }),
            certificates: Some(self.cloud.authority_pem().to_owned()),
            ..Config::default()
        }
    }
}

pub(super) fn text(from: &Value, name: &str) -> String {
    let found = from[name].as_str();
    found
        .unwrap_or_else(|| panic!("no {name} in {from}"))
        .to_owned()
}

impl Cloud for Azure {
    const BLOCK: &'static str = "azure";

    type Login = AzureLogin;

    fn login() -> AzureLogin {
        static SHARED: OnceLock<AzureLogin> = OnceLock::new();
        SHARED
            .get_or_init(|| AzureLogin::start(azure::Config::default()))
            .clone()
    }

    fn access(login: &AzureLogin) -> String {
        format!("{}\n{}", login.credentials, login.endpoints())
    }

    fn deployment(login: &AzureLogin, _: &Instance) -> String {
        let pem = Value::from(login.cloud.authority_pem()).to_string();
        format!("deployment = \"dedicated\"\nca_bundle = {pem}")
    }

    fn usual(name: &str) -> String {
        hcl!(
            r#"
                resource_group_name = "<group>"
                storage_account_name = "<account>"
            "#,
            group = GROUP,
            account = account_of(name)
        )
    }

    fn is_there(stage: &Stage<Self>, bucket: &str) -> bool {
        stage.container(bucket).is_some()
    }

    /// What is deleted softly stays.
    fn clean_up(stage: &Stage<Self>, bucket: &str) {
        let account = stage.account();
        for blob in stage.cloud().blobs(&account, bucket) {
            if blob.state != "deleted" {
                let path = format!(
                    "/accounts/{account}/containers/{bucket}/blobs/{}",
                    blob.name
                );
                let all = json!({"with_versions": true});
                stage.login.control("DELETE", &path, all);
            }
        }
    }

    fn variables(login: &AzureLogin) -> Vec<(&'static str, String)> {
        vec![
            ("resource_group_name", GROUP.to_owned()),
            ("oidc_issuer_url", login.issuer()),
        ]
    }

    fn instance() -> Config {
        Self::login().instance()
    }
}

/// The account of a test: its name without what accounts' names cannot hold, and the end of
/// it, which is the one that differs.
fn account_of(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    plain[plain.len().saturating_sub(24)..].to_owned()
}

impl Stage<Azure> {
    /// A stage with a server of its own.
    pub fn alone_on_azure(name: &str, config: azure::Config) -> Self {
        let login = AzureLogin::start(config);
        let instance = login.instance();
        Self::with(name, login, instance)
    }

    /// The simulated Azure.
    pub fn cloud(&self) -> &azure::Instance {
        &self.login.cloud
    }

    /// The storage account of this test.
    pub fn account(&self) -> String {
        account_of(self.bucket())
    }

    /// The provider's block with the W&B instance in it.
    pub fn provider_with_wandb(&self) -> String {
        let wandb = hcl!(
            r#"
                base_url = "<url>"
                api_key = "<api_key>"
            "#,
            url = self.wandb.url(),
            api_key = API_KEY
        );
        self.provider(&wandb)
    }

    /// What the block says where W&B comes as a managed identity.
    pub fn by_identity(&self) -> String {
        hcl!(
            r#"
                access = "workload_identity"
                oidc_issuer_url = "<issuer>"
            "#,
            issuer = self.login.issuer()
        )
    }

    /// What the bucket is imported by.
    pub fn import_id(&self) -> String {
        let (subscription, account) = (self.login.subscription(), self.account());
        format!("azure/{subscription}/{GROUP}/{account}/{}", self.bucket())
    }

    /// The account's full id.
    pub fn account_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{}",
            self.login.subscription(),
            self.account()
        )
    }

    /// Has Microsoft's own libraries make a call as the subscription's owner.
    pub fn try_microsoft(&self, who: Value, call: &str, args: Value, more: Value) -> Value {
        microsoft(&self.cloud().ready(), &who, call, &args, &more)
    }

    /// The owner's call, which has to work.
    pub fn microsoft(&self, call: &str, args: Value) -> Value {
        let mut answer = self.try_microsoft(json!({}), call, args, json!({}));
        assert!(answer.get("error").is_none(), "{call}: {answer}");
        answer["ok"].take()
    }

    /// The account as Azure has it; null when it is not there.
    pub fn seen_account(&self) -> Value {
        let path = format!("/accounts/{}", self.account());
        let found = self.cloud().control("GET", &path, &json!({}));
        found.unwrap_or_default()
    }

    /// A container of the account as Azure has it.
    pub fn container(&self, name: &str) -> Option<Value> {
        let path = format!("/accounts/{}/containers", self.account());
        let found = self.cloud().control("GET", &path, &json!({})).ok()?;
        let all = found.as_array().cloned().unwrap_or_default();
        all.into_iter()
            .find(|one| one["name"] == name && one["deleted"] != true)
    }

    /// Whether the container is there.
    pub fn exists(&self) -> bool {
        self.container(self.bucket()).is_some()
    }

    /// The container's metadata.
    pub fn metadata(&self) -> Value {
        let found = self.container(self.bucket()).unwrap_or_default();
        found["metadata"].clone()
    }

    /// The provider's marker on the container.
    pub fn marker(&self) -> String {
        let marker = self.metadata()[MARKER].clone();
        marker.as_str().expect("a marker").to_owned()
    }

    /// Whether the bucket is finished. The marker of one that was imported or made up for
    /// after a kill names the older generation of W&B's identity as well.
    pub fn is_ready(&self) -> bool {
        let marker = self.marker();
        let own = marker.split('_').next().unwrap_or_default();
        own == format!("ready-{}", self.generation())
    }

    /// Puts a marker onto the container.
    pub fn mark(&self, value: &str) {
        let path = format!("/accounts/{}/containers/{}", self.account(), self.bucket());
        let metadata = json!({"metadata": {MARKER: value}});
        self.login.control("PATCH", &path, metadata);
    }

    /// Puts a blob.
    pub fn put(&self, key: &str) {
        let (account, name) = (self.account(), self.bucket());
        let path = format!("/accounts/{account}/containers/{name}/blobs/{key}");
        self.login.control("POST", &path, json!({"text": "data"}));
    }

    /// What the container holds in this state: `live`, `version`, `snapshot` or `deleted`.
    pub fn holds(&self, state: &str) -> usize {
        let blobs = self.cloud().blobs(&self.account(), self.bucket());
        blobs.iter().filter(|one| one.state == state).count()
    }

    /// Removes all blobs.
    pub fn clean_up_objects(&self) {
        Azure::clean_up(self, self.bucket());
    }

    /// The managed identities whose names begin with the account's.
    pub fn identities(&self) -> Vec<Value> {
        let all = self.login.control("GET", "/identities", json!({}));
        let all = all.as_array().cloned().unwrap_or_default();
        let account = self.account();
        let is_ours = |one: &Value| {
            one["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(&account))
        };
        all.into_iter().filter(is_ours).collect()
    }

    /// Who has which role on the account: pairs of principal and role's name.
    pub fn assignments(&self) -> Vec<(String, String)> {
        let all = self.login.control("GET", "/assignments", json!({}));
        let all = all.as_array().cloned().unwrap_or_default();
        let scope = self.account_id();
        let part = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<(String, String)> = all
            .iter()
            .filter(|one| part(one, "scope").eq_ignore_ascii_case(&scope))
            .map(|one| (part(one, "principal"), part(one, "role")))
            .collect();
        found.sort();
        found
    }
}
