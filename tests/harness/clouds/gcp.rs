//! Google Cloud: the simulated one.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use simulator::gcs;
use simulator::wandb::{Config, Google, Instance};

use super::Cloud;
use crate::harness::google::google;
use crate::harness::hcl::hcl;
use crate::harness::servers::wait;
use crate::harness::stage::{API_KEY, Stage};

/// The project that the buckets of most tests are in.
pub const PROJECT: &str = "simulated-project";
/// W&B's service account on dedicated instances.
pub const DEPLOY: &str = "deploy@wandb-production.iam.gserviceaccount.com";
/// The role that W&B gets.
pub const ADMIN: &str = "roles/storage.admin";
/// The key by which the provider knows its own.
const MARKER: &str = "terraform-provider-wandb";

pub struct Gcp;

/// Where a simulated Google Cloud is, and how to get in.
#[derive(Clone)]
pub struct GoogleLogin {
    pub cloud: Arc<gcs::Instance>,
    /// What the provider's block says about who asks.
    pub credentials: String,
    /// Where the provider finds the services: a proxy may be in between.
    pub url: String,
}

/// A text in Terraform's language.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${")
}

impl GoogleLogin {
    /// The owner of the project on a server of a test's own.
    pub fn start(config: gcs::Config) -> Self {
        let cloud = wait(gcs::Instance::start(config)).expect("Google Cloud starts");
        let owner = cloud.owner();
        // An owner may do everything with buckets, and nothing with objects of others.
        cloud.grant_project(PROJECT, ADMIN, &format!("serviceAccount:{owner}"));
        Self::with(Arc::new(cloud), &owner)
    }

    /// A service account on a server, by a new key file.
    pub fn with(cloud: Arc<gcs::Instance>, email: &str) -> Self {
        let file = cloud.key_file(email).expect("an account");
        let credentials = format!("credentials = {}", quoted(&file));
        let url = cloud.url();
        Self {
            cloud,
            credentials,
            url,
        }
    }

    /// The same server with other words about who asks.
    pub fn saying(&self, credentials: &str) -> Self {
        Self {
            credentials: credentials.to_owned(),
            ..self.clone()
        }
    }

    /// Where its services are: the whole block `endpoints`.
    pub fn endpoints(&self) -> String {
        hcl!(
            r#"
                endpoints {
                  storage = "<url>"
                  iam = "<url>"
                  iam_credentials = "<url>"
                  kms = "<url>"
                  resource_manager = "<url>"
                  sts = "<url>"
                }
            "#,
            url = self.url
        )
    }

    /// A W&B instance that reaches this server as W&B's own service account.
    pub fn instance(&self) -> Config {
        Config {
            api_key: API_KEY.to_owned(),
            google: Some(Google {
                endpoint: self.cloud.url(),
                key_file: self.cloud.key_file(DEPLOY).expect("W&B's account"),
            }),
            ..Config::default()
        }
    }
}

impl Cloud for Gcp {
    const BLOCK: &'static str = "gcp";
    const PLACE: &'static str = r#"project = "simulated-project""#;

    type Login = GoogleLogin;

    fn login() -> GoogleLogin {
        static SHARED: OnceLock<GoogleLogin> = OnceLock::new();
        SHARED
            .get_or_init(|| GoogleLogin::start(gcs::Config::default()))
            .clone()
    }

    fn access(login: &GoogleLogin) -> String {
        format!("{}\n{}", login.credentials, login.endpoints())
    }

    fn deployment(_: &GoogleLogin, _: &Instance) -> String {
        r#"deployment = "dedicated""#.to_owned()
    }

    fn is_there(stage: &Stage<Self>, bucket: &str) -> bool {
        stage.cloud().bucket(bucket).is_some()
    }

    /// What is deleted softly stays.
    fn clean_up(stage: &Stage<Self>, bucket: &str) {
        for object in stage.cloud().objects(bucket) {
            if object.state == "soft_deleted" {
                continue;
            }
            let args = json!({"name": bucket, "key": object.name,
                "generation": object.generation});
            let answer = stage.try_google("remove", args);
            assert!(answer.get("error").is_none(), "{answer}");
        }
    }

    fn variables(_: &GoogleLogin) -> Vec<(&'static str, String)> {
        vec![("project", PROJECT.to_owned())]
    }

    fn instance() -> Config {
        Self::login().instance()
    }
}

impl Stage<Gcp> {
    /// A stage with a server of its own.
    pub fn alone(name: &str, config: gcs::Config) -> Self {
        let login = GoogleLogin::start(config);
        let instance = login.instance();
        Self::with(name, login, instance)
    }

    /// The simulated Google Cloud.
    pub fn cloud(&self) -> &gcs::Instance {
        &self.login.cloud
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

    /// What the bucket is imported by.
    pub fn import_id(&self) -> String {
        format!("gcp/{PROJECT}/{}", self.bucket())
    }

    /// Has Google's own library make a call as the project's owner.
    pub fn try_google(&self, call: &str, args: Value) -> Value {
        let owner = self.cloud().owner();
        let file = self.cloud().key_file(&owner).expect("the owner");
        google(&self.cloud().url(), &file, call, &args)
    }

    /// Has the library do something with this test's bucket that has to work.
    pub fn google(&self, call: &str, mut args: Value) -> Value {
        args["name"] = json!(self.bucket());
        let mut answer = self.try_google(call, args);
        assert!(answer.get("error").is_none(), "{call}: {answer}");
        answer["ok"].take()
    }

    /// The bucket as Google has it; null when it is not there.
    pub fn seen(&self) -> Value {
        self.cloud().bucket(self.bucket()).unwrap_or_default()
    }

    /// Whether the bucket is there.
    pub fn exists(&self) -> bool {
        !self.seen().is_null()
    }

    /// The bucket's labels.
    pub fn labels(&self) -> Value {
        self.seen()["labels"].clone()
    }

    /// The provider's marker on the bucket.
    pub fn marker(&self) -> String {
        let marker = self.labels()[MARKER].clone();
        marker.as_str().expect("a marker").to_owned()
    }

    /// Whether the bucket is finished. The marker of one that was imported or made up for
    /// after a kill names the older generation of W&B's account as well.
    pub fn is_ready(&self) -> bool {
        let marker = self.marker();
        let own = marker.split('_').next().unwrap_or_default();
        own == format!("ready-{}", self.generation())
    }

    /// Puts a marker onto the bucket, beside its other labels.
    pub fn mark(&self, value: &str) {
        self.change(json!({"labels": {MARKER: value}}));
    }

    /// Changes the bucket behind everybody's back.
    pub fn change(&self, change: Value) {
        let changed = self.cloud().patch_bucket(self.bucket(), &change);
        changed.expect("a good change");
    }

    /// The bucket's policy.
    pub fn policy(&self) -> Value {
        let policy = self.cloud().bucket_policy(self.bucket());
        policy.expect("a bucket")
    }

    /// Replaces the bindings of the bucket's policy behind everybody's back.
    pub fn bind(&self, bindings: Value) {
        let policy = json!({"version": 3, "bindings": bindings});
        let set = self.cloud().set_bucket_policy(self.bucket(), &policy);
        set.expect("a good policy");
    }

    /// Who has a role on the bucket without any condition.
    pub fn members(&self, role: &str) -> Vec<String> {
        let policy = self.policy();
        let bindings = policy["bindings"].as_array().cloned().unwrap_or_default();
        let of_role = bindings
            .iter()
            .filter(|one| one["role"] == role && one["condition"].is_null());
        let mut members: Vec<String> = of_role
            .flat_map(|one| one["members"].as_array().cloned().unwrap_or_default())
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect();
        members.sort();
        members
    }

    /// Puts an object.
    pub fn put(&self, key: &str) {
        let put = self.cloud().put_object(self.bucket(), key, b"data");
        put.expect("an object");
    }

    /// What the bucket holds in this state: `live`, `noncurrent` or `soft_deleted`.
    pub fn holds(&self, state: &str) -> usize {
        let objects = self.cloud().objects(self.bucket());
        objects.iter().filter(|one| one.state == state).count()
    }

    /// Removes all objects and versions.
    pub fn clean_up_objects(&self) {
        Gcp::clean_up(self, self.bucket());
    }

    /// The service accounts that were made for W&B.
    pub fn made_accounts(&self) -> Vec<String> {
        let mut all = self.cloud().accounts(PROJECT);
        all.retain(|email| email.starts_with("wandb-byob-"));
        all
    }

    /// The address of the service account that was made for the bucket, by the state.
    pub fn made_account(&self) -> String {
        let generation = self.generation();
        format!("wandb-byob-{generation}@{PROJECT}.iam.gserviceaccount.com")
    }

    /// A key file as the made key of the state would have it, for Google's own library.
    pub fn made_key_file(&self) -> Value {
        let state = self.this();
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": state["access_key_id"],
            "private_key": state["secret_access_key"],
            "client_email": self.made_account(),
            "token_uri": format!("{}/token", self.cloud().url()),
        })
    }

    /// Has Google's own library make a call with the made key.
    pub fn with_made_key(&self, call: &str, mut args: Value) -> Value {
        args["name"] = json!(self.bucket());
        let file = self.made_key_file().to_string();
        google(&self.cloud().url(), &file, call, &args)
    }
}
