//! S3-compatible storage: MinIO and SeaweedFS.

use serde_json::{Value, json};
use simulator::servers::Server;
use simulator::wandb::Instance;

use super::Cloud;
use crate::harness::ask::Login;
use crate::harness::hcl::hcl;
use crate::harness::s3;
use crate::harness::servers::{minio, seaweedfs};
use crate::harness::stage::{API_KEY, Stage};

/// A kind of server that speaks S3 and is not Amazon's.
pub trait S3Compatible {
    /// The one that all tests share.
    fn server() -> &'static Server;
}

pub struct Minio;

impl S3Compatible for Minio {
    fn server() -> &'static Server {
        minio()
    }
}

pub struct SeaweedFs;

impl S3Compatible for SeaweedFs {
    fn server() -> &'static Server {
        seaweedfs()
    }
}

impl<C: S3Compatible> Cloud for C {
    const BLOCK: &'static str = "s3_compatible";

    type Login = Login;

    fn login() -> Login {
        Login::of(C::server())
    }

    fn access(login: &Login) -> String {
        hcl!(
            r#"
                endpoint = "<endpoint>"
                access_key = "<access_key>"
                secret_key = "<secret_key>"
            "#,
            endpoint = login.endpoint,
            access_key = login.access_key,
            secret_key = login.secret_key
        )
    }

    fn deployment(_: &Login, wandb: &Instance) -> String {
        hcl!(
            r#"
                base_url = "<url>"
                api_key = "<key>"
            "#,
            url = wandb.url(),
            key = API_KEY
        )
    }

    fn is_there(stage: &Stage<Self>, bucket: &str) -> bool {
        s3::is_there(stage, bucket)
    }

    fn clean_up(stage: &Stage<Self>, bucket: &str) {
        stage.clean_up_objects_of(bucket);
    }

    fn variables(login: &Login) -> Vec<(&'static str, String)> {
        s3::variables(login)
    }
}

impl<C: S3Compatible> Stage<C> {
    /// The server's host and port.
    pub fn host(&self) -> String {
        self.login.endpoint.replace("http://", "")
    }

    /// What the bucket is imported by.
    pub fn import_id(&self) -> String {
        format!("s3_compatible/{}/{}", self.host(), self.bucket())
    }

    /// The bucket's address for W&B, without a key.
    pub fn address(&self) -> String {
        let (host, bucket) = (self.host(), self.bucket());
        format!("s3://{host}/{bucket}?region=us-east-1&tls=false")
    }

    /// The operator of the W&B instance adds the made key to its file stores.
    pub fn tell_instance(&self) {
        self.tell_instance_of(&self.this());
    }

    /// The same for a bucket of another address in the state.
    pub fn tell_instance_of(&self, bucket: &Value) {
        let store = bucket["supported_file_store"].as_str();
        self.wandb.add_store(store.expect("an address"));
    }
}

impl Stage<Minio> {
    /// Does something by MinIO's admin interface that has to work.
    pub fn admin(&self, call: &str, args: Value) -> Value {
        self.ok("admin", call, args)
    }

    /// Makes a user without any rights, whose name begins so.
    pub fn user_of_its_own(&self, name: &str, secret: &str) -> Login {
        let stamp = &self.bucket()[self.bucket().len() - 8..];
        let user = Login {
            access_key: format!("{name}{stamp}"),
            secret_key: secret.to_owned(),
            ..self.login.clone()
        };
        let args = json!({"access_key": user.access_key, "secret_key": secret});
        self.admin("user_add", args);
        user
    }

    /// The keys that a user of MinIO has.
    pub fn keys_of(&self, user: &str) -> Vec<Value> {
        let listed = self.admin("list_service_account", json!({"user": user}));
        let keys = listed["accounts"].as_array().cloned().unwrap_or_default();
        let ids = keys.iter().map(|key| key["accessKey"].clone());
        ids.collect()
    }

    /// The one user that was made for the bucket, whichever making of it that was.
    pub fn only_user(&self) -> String {
        let mut ours = self.users();
        assert_eq!(ours.len(), 1, "{ours:?}");
        ours.remove(0)
    }

    /// The users that were made for the bucket.
    pub fn users(&self) -> Vec<String> {
        let listed = self.admin("user_list", json!({}));
        let names = listed.as_object().expect("users").keys();
        let ours = names.filter(|name| name.ends_with(self.bucket()));
        ours.cloned().collect()
    }

    /// Whether MinIO has no such user.
    pub fn assert_no_user(&self, user: &str) {
        let answer = self.ask("admin", "user_info", json!({"access_key": user}));
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains("NoSuchUser"), "{answer}");
    }
}
