//! AWS: a stand-in for Amazon's services.

use serde_json::{Value, json};
use simulator::servers::BehindTls;
use simulator::wandb::{Config, Instance};

use super::Cloud;
use crate::harness::ask::Login;
use crate::harness::hcl::hcl;
use crate::harness::s3::{self, document};
use crate::harness::servers::moto;
use crate::harness::stage::{API_KEY, Stage};

/// The stand-in's one account.
pub const ACCOUNT: &str = "123456789012";
/// Everything of W&B's on dedicated instances.
pub const WANDB: &str = "arn:aws:iam::830241207209:root";

pub struct Aws;

impl Aws {
    /// The stand-in's address behind TLS.
    pub fn behind_tls() -> &'static BehindTls {
        moto().behind_tls().expect("moto is behind TLS as well")
    }

    /// The file with the certificate to trust there.
    pub fn certificate() -> String {
        Self::behind_tls().certificate.display().to_string()
    }

    /// How to get in behind TLS.
    pub fn login_behind_tls() -> Login {
        Login {
            endpoint: Self::behind_tls().endpoint.clone(),
            ..Self::login()
        }
    }
}

impl Cloud for Aws {
    const BLOCK: &'static str = "aws";
    const PLACE: &'static str = r#"region = "us-east-1""#;

    type Login = Login;

    fn login() -> Login {
        Login::of(moto())
    }

    fn access(login: &Login) -> String {
        hcl!(
            r#"
                access_key = "<access_key>"
                secret_key = "<secret_key>"
                endpoints {
                  s3 = "<endpoint>"
                  kms = "<endpoint>"
                  iam = "<endpoint>"
                  sts = "<endpoint>"
                }
            "#,
            access_key = login.access_key,
            secret_key = login.secret_key,
            endpoint = login.endpoint
        )
    }

    /// Most tests come without TLS.
    fn usual(_: &str) -> String {
        "https_only = false".to_owned()
    }

    fn deployment(_: &Login, _: &Instance) -> String {
        r#"deployment = "dedicated""#.to_owned()
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

    /// It trusts the stand-in's certificate.
    fn instance() -> Config {
        let pem = std::fs::read_to_string(Self::certificate()).expect("a certificate");
        Config {
            api_key: API_KEY.to_owned(),
            certificates: Some(pem),
            ..Config::default()
        }
    }
}

impl Stage<Aws> {
    /// A stage that comes to the stand-in by TLS.
    pub fn behind_tls(name: &str) -> Self {
        let mut stage = Self::on(name, Aws::login_behind_tls());
        stage.usual = String::new();
        stage
    }

    /// Tells by the variables of AWS's own tools where the stand-in is, behind TLS, and
    /// who asks.
    pub fn tell_by_environment(&mut self) {
        let login = self.login.clone();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", Aws::behind_tls().endpoint.as_str()),
            ("AWS_CA_BUNDLE", &Aws::certificate()),
            ("AWS_ACCESS_KEY_ID", &login.access_key),
            ("AWS_SECRET_ACCESS_KEY", &login.secret_key),
        ] {
            self.set(name, value);
        }
    }

    /// The W&B instance gets into a bucket, as W&B's own identity does on AWS.
    pub fn let_wandb_into(&self, bucket: &str) {
        let host = Aws::behind_tls().endpoint.replace("https://", "");
        let (key, secret) = (&self.login.access_key, &self.login.secret_key);
        let entry = format!("s3://{key}:{secret}@{host}/{bucket}?region=us-east-1&tls=true");
        self.wandb.add_store(&entry);
    }

    /// What the bucket is imported by.
    pub fn import_id(&self) -> String {
        format!("aws/us-east-1/{}", self.bucket())
    }

    /// Does something in the key service that has to work.
    pub fn kms(&self, call: &str, args: Value) -> Value {
        self.ok("kms", call, args)
    }

    /// Does something with users that has to work.
    pub fn iam(&self, call: &str, args: Value) -> Value {
        self.ok("iam", call, args)
    }

    /// The bucket's key, by the state.
    pub fn key(&self) -> String {
        let key = &self.this()["aws"]["kms_key_arn"];
        key.as_str().expect("a key").to_owned()
    }

    /// A key without the rest of its ARN: the stand-in changes the state of a key by it alone.
    pub fn key_id(&self) -> String {
        let key = self.key();
        key.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// The alias of the bucket's key.
    pub fn alias(&self) -> String {
        format!("alias/wandb-byob/{}", self.bucket())
    }

    /// Keys that carry our marker for this test's bucket.
    pub fn own_keys(&self) -> Vec<String> {
        let keys = self.kms("list_keys", json!({"Limit": 1000}));
        let text = format!("Encrypts the bucket {} for", self.bucket());
        let arns = keys["Keys"].as_array().expect("keys").iter();
        arns.filter_map(|key| key["KeyArn"].as_str())
            .filter(|key| {
                let described = self.described(key);
                described["Description"]
                    .as_str()
                    .is_some_and(|one| one.starts_with(&text))
            })
            .map(str::to_owned)
            .collect()
    }

    /// The one user that was made for the bucket, whichever making of it that was.
    pub fn only_user(&self) -> String {
        let listed = self.iam("list_users", json!({"MaxItems": 1000}));
        let names = listed["Users"].as_array().expect("users").iter();
        let ours: Vec<&str> = names
            .filter_map(|user| user["UserName"].as_str())
            .filter(|name| name.ends_with(self.bucket()))
            .collect();
        assert_eq!(ours.len(), 1, "{ours:?}");
        ours[0].to_owned()
    }

    /// A key that somebody else has made.
    pub fn foreign_key(&self) -> String {
        let made = self.kms("create_key", json!({}));
        let arn = &made["KeyMetadata"]["Arn"];
        arn.as_str().expect("an ARN").to_owned()
    }

    /// What the key service says about a key.
    pub fn described(&self, key: &str) -> Value {
        self.kms("describe_key", json!({"KeyId": key}))["KeyMetadata"].clone()
    }

    /// The key's policy, as a document.
    pub fn key_policy(&self, key: &str) -> Value {
        let args = json!({"KeyId": key, "PolicyName": "default"});
        document(&self.kms("get_key_policy", args))
    }

    /// Replaces the key's policy.
    pub fn put_key_policy(&self, key: &str, policy: &Value) {
        let args = json!({"KeyId": key, "PolicyName": "default", "Policy": policy.to_string()});
        self.kms("put_key_policy", args);
    }

    /// The owner of a key adds a statement to its policy.
    pub fn allow_on_key(&self, key: &str, statement: Value) {
        let mut policy = self.key_policy(key);
        let statements = policy["Statement"].as_array_mut();
        statements.expect("statements").push(statement);
        self.put_key_policy(key, &policy);
    }
}
