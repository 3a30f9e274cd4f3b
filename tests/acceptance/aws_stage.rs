//! A stage on the stand-in for Amazon's services, and clients to ask it.

use std::ops::Deref;

use serde_json::{Value, json};

use simulator::servers::BehindTls;
use simulator::wandb::Config;

use crate::harness::{API_KEY, Login, Stage, ask, moto};

/// The resource of every test.
pub const THIS: &str = "wandb_byob_bucket.this";
/// The stand-in's one account.
pub const ACCOUNT: &str = "123456789012";
/// Everything of W&B's on dedicated instances.
pub const WANDB: &str = "arn:aws:iam::830241207209:root";

/// The stand-in's address behind TLS.
pub fn behind_tls() -> &'static BehindTls {
    moto().behind_tls().expect("moto is behind TLS as well")
}

/// The stand-in behind TLS, for whoever has to come by it.
pub fn by_tls() -> Login {
    Login {
        endpoint: behind_tls().endpoint.clone(),
        ..Login::of(moto())
    }
}

/// A stage whose W&B instance trusts the stand-in's certificate.
pub fn on_amazon(name: &str, login: Login) -> Stage {
    let pem = std::fs::read_to_string(&behind_tls().certificate).expect("a certificate");
    let config = Config {
        api_key: API_KEY.to_owned(),
        certificates: Some(pem),
        ..Config::default()
    };
    Stage::with(name, login, config)
}

/// Tells by the variables of AWS's own tools where the stand-in is, behind TLS, and who asks.
pub fn tell_by_environment(stage: &mut Stage) {
    let login = stage.login.clone();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", behind_tls().endpoint.as_str()),
        (
            "AWS_CA_BUNDLE",
            &behind_tls().certificate.display().to_string(),
        ),
        ("AWS_ACCESS_KEY_ID", &login.access_key),
        ("AWS_SECRET_ACCESS_KEY", &login.secret_key),
    ] {
        stage.set(name, value);
    }
}

/// The entry of the simulated instance's list that stands for W&B's own identity.
pub fn way_in_for_wandb(stage: &Stage, bucket: &str) -> String {
    let host = behind_tls().endpoint.replace("https://", "");
    let (key, secret) = (&stage.login.access_key, &stage.login.secret_key);
    format!("s3://{key}:{secret}@{host}/{bucket}?region=us-east-1&tls=true")
}

/// One test's stage.
pub struct Amazon(Stage);

impl Deref for Amazon {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.0
    }
}

/// A stage on another server than the one that all tests share.
impl From<Stage> for Amazon {
    fn from(stage: Stage) -> Self {
        Self(stage)
    }
}

impl Amazon {
    pub fn new(name: &str) -> Self {
        Self(on_amazon(name, Login::of(moto())))
    }

    /// On another stand-in.
    pub fn on(name: &str, login: Login) -> Self {
        Self(on_amazon(name, login))
    }

    /// The same behind TLS.
    pub fn behind_tls(name: &str) -> Self {
        Self(on_amazon(name, by_tls()))
    }

    /// From now on somebody else asks, here and by the provider's block.
    pub fn login(&mut self, login: Login) {
        self.0.login = login;
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.0.set(name, value);
    }

    /// The provider block; `extra` goes into it, `aws` into its block `aws`.
    pub fn provider_block(&self, extra: &str, aws: &str) -> String {
        let Login {
            endpoint,
            access_key,
            secret_key,
        } = &self.login;
        format!(
            "terraform {{\n  required_providers {{\n    wandb = {{ source = \"wandb-byob/wandb\" }}\n  }}\n}}\n\
             provider \"wandb\" {{\n  max_retries = 2\n  {extra}\n  aws {{\n    {aws}\n    \
             access_key = \"{access_key}\"\n    secret_key = \"{secret_key}\"\n    endpoints {{\n      \
             s3 = \"{endpoint}\"\n      kms = \"{endpoint}\"\n      iam = \"{endpoint}\"\n      \
             sts = \"{endpoint}\"\n    }}\n  }}\n}}\n"
        )
    }

    /// The resource; most tests come without TLS.
    pub fn resource(&self, arguments: &str, block: &str) -> String {
        format!(
            "resource \"wandb_byob_bucket\" \"this\" {{\n  name = \"{}\"\n  {arguments}\n  aws {{\n    \
             https_only = false\n    {block}\n  }}\n}}\n",
            self.bucket()
        )
    }

    /// Writes one bucket for a dedicated instance in us-east-1.
    pub fn give(&self, arguments: &str, block: &str) {
        let provider = self.provider_block("deployment = \"dedicated\"", "region = \"us-east-1\"");
        self.write_raw(&format!("{provider}{}", self.resource(arguments, block)));
    }

    /// Does something in the key service that has to work.
    pub fn kms(&self, call: &str, args: Value) -> Value {
        self.does("kms", call, args)
    }

    /// Does something with users that has to work.
    pub fn iam(&self, call: &str, args: Value) -> Value {
        self.does("iam", call, args)
    }

    fn does(&self, service: &str, call: &str, args: Value) -> Value {
        let answer = ask(&self.login, service, call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    }

    /// The bucket's key, by the state.
    pub fn key(&self) -> String {
        let key = &self.this()["aws"]["kms_key_arn"];
        key.as_str().expect("a key").to_owned()
    }

    /// The bucket's policy, as a document.
    pub fn policy(&self) -> Value {
        let answer = self.s3_ok("get_bucket_policy", json!({}));
        serde_json::from_str(answer["Policy"].as_str().expect("a policy")).expect("JSON")
    }

    /// The key's policy, as a document.
    pub fn key_policy(&self, key: &str) -> Value {
        let args = json!({"KeyId": key, "PolicyName": "default"});
        let answer = self.kms("get_key_policy", args);
        serde_json::from_str(answer["Policy"].as_str().expect("a policy")).expect("JSON")
    }

    /// What the key service says about a key.
    pub fn described(&self, key: &str) -> Value {
        self.kms("describe_key", json!({"KeyId": key}))["KeyMetadata"].clone()
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

    /// A key without the rest of its ARN: the stand-in changes the state of a key by it alone.
    pub fn key_id(&self) -> String {
        let key = self.key();
        key.rsplit("/").next().unwrap_or_default().to_owned()
    }

    /// A key that somebody else has made.
    pub fn foreign_key(&self) -> String {
        let made = self.kms("create_key", json!({}));
        made["KeyMetadata"]["Arn"]
            .as_str()
            .expect("an ARN")
            .to_owned()
    }
}
