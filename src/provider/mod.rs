//! The provider block: arguments, environment variables, and what follows from them.

mod doors;
pub mod pages;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::byob::deployment::Deployment;
use crate::byob::marker;
use crate::model;
use crate::resources::byob_bucket::{ByobBucket, check_endpoint};
use crate::resources::environment::{Configuration, Environment, S3Defaults};
use crate::resources::team_storage::TeamStorageResource;
use crate::resources::trouble::Trouble;
use crate::sdk::prelude::*;
use crate::wandb::{Client, Settings};

use doors::OpenClouds;

/// W&B's shared service.
const DEFAULT_BASE_URL: &str = "https://api.wandb.ai";
/// Where its web application is.
const DEFAULT_ORIGIN: &str = "https://wandb.ai";
const DEFAULT_RETRIES: i64 = 5;

model! {
    /// The provider block.
    pub struct Arguments {
        pub base_url: Field<String>,
        pub api_key: Field<Secret>,
        pub deployment: Field<String>,
        pub username: Field<String>,
        pub organization: Field<String>,
        pub ca_bundle: Field<String>,
        pub max_retries: Field<i64>,
        pub default_tags: Field<BTreeMap<String, Field<String>>>,
        pub ignore_tags: Field<SetOf>,
        pub s3_compatible: Field<S3Arguments>,
    }
}

model! {
    /// The block for S3-compatible servers.
    pub struct S3Arguments {
        pub endpoint: Field<String>,
        pub region: Field<String>,
        pub access_key: Field<String>,
        pub secret_key: Field<Secret>,
        pub path_style: Field<bool>,
        pub ca_bundle: Field<String>,
    }
}

/// The provider.
#[derive(Debug, Default)]
pub struct Wandb {
    environment: Environment,
}

fn block() -> Block {
    Block::new(
        "Brings your own buckets to Weights & Biases: makes them, proves that they work, and \
         registers them.",
    )
    .with([
        Attribute::string(
            "base_url",
            "Address of the W&B instance. Default: the variable `WANDB_BASE_URL`, else `https://api.wandb.ai`.",
        )
        .check_string(check_endpoint),
        Attribute::string(
            "api_key",
            "Key of an admin, or of an organization's service account. Default: the variable \
             `WANDB_API_KEY`. Without it everything but registration works.",
        )
        .sensitive(),
        Attribute::string(
            "deployment",
            "How the instance is run: `multi_tenant`, `dedicated` or `self_managed`. Default: what \
             `base_url` says, where it is set: `api.wandb.ai` and `wandb.ai` are `multi_tenant`, \
             `*.wandb.io` are `dedicated`, others `self_managed`.",
        )
        .one_of(&Deployment::NAMES),
        Attribute::string(
            "username",
            "The name of the key's user: only for instances older than 0.79, which know no bearer tokens.",
        ),
        Attribute::string(
            "organization",
            "The organization's name or id, for keys that see several.",
        ),
        Attribute::string(
            "ca_bundle",
            "Certificates to trust besides the system's: their text in PEM, not a file's name.",
        )
        .check_string(check_pem),
        Attribute::number(
            "max_retries",
            "How often a failed request is tried again. Default: `5`.",
        )
        .between(0, 20),
        Attribute::string_map(
            "default_tags",
            "Tags for every bucket. Its own `tags` win over them.",
        )
        .check(check_tags),
        Attribute::string_set(
            "ignore_tags",
            "Keys of tags that are neither read nor written.",
        ),
    ])
    .single(
        "s3_compatible",
        Block::new("Defaults for buckets on servers that speak Amazon's S3 protocol.").with([
            Attribute::string(
                "endpoint",
                "Scheme, host and port of the server. Default: the variable `AWS_ENDPOINT_URL_S3`.",
            )
            .check_string(check_endpoint),
            Attribute::string(
                "region",
                "The region of buckets. Default: the variable `AWS_REGION`, else `us-east-1`.",
            ),
            Attribute::string(
                "access_key",
                "The caller's key. Default: the variable `AWS_ACCESS_KEY_ID`.",
            ),
            Attribute::string(
                "secret_key",
                "Its secret. Default: the variable `AWS_SECRET_ACCESS_KEY`.",
            )
            .sensitive(),
            Attribute::bool(
                "path_style",
                "Buckets stand in the path of addresses, not in the host's name. Default: `true`.",
            ),
            Attribute::string(
                "ca_bundle",
                "Certificates to trust besides the system's: their text in PEM, not a file's name.",
            )
            .check_string(check_pem),
        ]),
    )
}

fn check_pem(text: &str) -> Result<(), String> {
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(())
    } else {
        Err("it holds no certificate in PEM; use file() to read one".to_owned())
    }
}

fn check_tags(value: &Value) -> Result<(), String> {
    match value {
        Value::Map(map) if map.contains_key(marker::KEY) => {
            Err(format!("the key {:?} is the provider's own", marker::KEY))
        }
        _ => Ok(()),
    }
}

/// A value, or the environment's in its place.
fn or_variable(field: Field<String>, variable: &str) -> Field<String> {
    match field {
        Field::Null => std::env::var(variable)
            .ok()
            .filter(|text| !text.is_empty())
            .into(),
        field => field,
    }
}

fn secret_or_variable(field: Field<Secret>, variable: &str) -> Field<Secret> {
    match field {
        Field::Null => or_variable(Field::Null, variable).map(Secret::new),
        field => field,
    }
}

impl Arguments {
    /// The arguments with the environment's defaults.
    fn with_environment(self) -> Self {
        let block = match self.s3_compatible {
            Field::Known(block) => block,
            Field::Null | Field::Unknown => S3Arguments {
                endpoint: Field::Null,
                region: Field::Null,
                access_key: Field::Null,
                secret_key: Field::Null,
                path_style: Field::Null,
                ca_bundle: Field::Null,
            },
        };
        Self {
            base_url: or_variable(self.base_url, "WANDB_BASE_URL"),
            api_key: secret_or_variable(self.api_key, "WANDB_API_KEY"),
            s3_compatible: Field::Known(S3Arguments {
                endpoint: or_variable(block.endpoint, "AWS_ENDPOINT_URL_S3"),
                region: or_variable(block.region, "AWS_REGION"),
                access_key: or_variable(block.access_key, "AWS_ACCESS_KEY_ID"),
                secret_key: secret_or_variable(block.secret_key, "AWS_SECRET_ACCESS_KEY"),
                ..block
            }),
            ..self
        }
    }

    fn deployment(&self) -> Field<Deployment> {
        match (&self.deployment, &self.base_url) {
            (Field::Known(name), _) => Deployment::parse(name).into(),
            (Field::Unknown, _) => Field::Unknown,
            (Field::Null, base_url) => base_url.as_ref().map(|text| {
                let url = Url::parse(text).ok();
                Deployment::of_host(url.as_ref().and_then(Url::host_str).unwrap_or_default())
            }),
        }
    }

    fn origin(&self, deployment: &Field<Deployment>) -> Field<String> {
        match (&self.base_url, deployment) {
            (Field::Unknown, _) | (_, Field::Unknown) => Field::Unknown,
            (Field::Null, _) | (_, Field::Known(Deployment::MultiTenant)) => DEFAULT_ORIGIN.into(),
            (Field::Known(text), _) => Url::parse(text)
                .ok()
                .map(|url| url.origin().ascii_serialization())
                .into(),
        }
    }

    /// A client of the instance; sends nothing.
    fn client(&self) -> Result<Field<Client>, Diagnostic> {
        let texts = [
            &self.base_url,
            &self.username,
            &self.organization,
            &self.ca_bundle,
        ];
        if self.api_key.is_unknown() || texts.iter().any(|field| field.is_unknown()) {
            return Ok(Field::Unknown);
        }
        let Some(api_key) = self.api_key.known() else {
            return Ok(Field::Null);
        };
        let text = self
            .base_url
            .known()
            .map_or(DEFAULT_BASE_URL, String::as_str);
        let base_url = Url::parse(text).map_err(|error| {
            Trouble::new(
                "The provider cannot be configured",
                format!("base_url is no address: {error}"),
            )
            .at(Path::of("base_url"))
            .error()
        })?;
        let settings = Settings {
            base_url,
            api_key: SecretString::from(api_key.expose().to_owned()),
            username: self.username.known().cloned(),
            organization: self.organization.known().cloned(),
            ca_bundle: self.ca_bundle.known().cloned(),
            max_retries: self.retries(),
        };
        Client::new(settings, CancellationToken::new())
            .map(Field::Known)
            .map_err(|error| {
                Trouble::wandb("The provider cannot be configured", error)
                    .at(Path::of("ca_bundle"))
                    .error()
            })
    }

    fn retries(&self) -> u32 {
        let retries = self.max_retries.known().copied().unwrap_or(DEFAULT_RETRIES);
        u32::try_from(retries).unwrap_or_default()
    }

    fn configuration(self) -> Result<Configuration, Diagnostic> {
        let wandb = self.client()?;
        let deployment = self.deployment();
        let origin = self.origin(&deployment);
        let retries = self.retries();
        let default_tags = match &self.default_tags {
            Field::Known(map) => map
                .iter()
                .map(|(key, value)| value.known().map(|value| (key.clone(), value.clone())))
                .collect::<Option<BTreeMap<_, _>>>()
                .map_or(Field::Unknown, Field::Known),
            Field::Null => Field::Null,
            Field::Unknown => Field::Unknown,
        };
        let ignore_tags = match self.ignore_tags {
            Field::Known(set) => set.known().map_or(Field::Unknown, Field::Known),
            Field::Null => Field::Null,
            Field::Unknown => Field::Unknown,
        };
        let s3 = self
            .s3_compatible
            .into_known()
            .map_or_else(S3Defaults::default, |block| S3Defaults {
                endpoint: block.endpoint,
                region: block.region,
                access_key: block.access_key,
                secret_key: block.secret_key,
                path_style: block.path_style,
                ca_bundle: block.ca_bundle,
            });
        Ok(Configuration {
            deployment,
            origin,
            wandb,
            default_tags,
            ignore_tags,
            s3,
            doors: Arc::new(OpenClouds::new(retries)),
        })
    }
}

#[async_trait]
impl Provider for Wandb {
    type Model = Arguments;

    fn name(&self) -> &'static str {
        "wandb"
    }

    fn address(&self) -> &'static str {
        "registry.terraform.io/wandb-byob/wandb"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        Schema::new(block())
    }

    async fn configure(&self, _: &Context, config: Arguments, terraform: &str) -> Diagnostics {
        tracing::debug!(terraform, "configured");
        match config.with_environment().configuration() {
            Ok(configuration) => {
                self.environment.configure(configuration);
                Diagnostics::new()
            }
            Err(diagnostic) => diagnostic.into(),
        }
    }

    fn resources(&self) -> Vec<Box<dyn AnyResource>> {
        vec![
            Box::new(ByobBucket::new(self.environment.clone())),
            Box::new(TeamStorageResource::new(self.environment.clone())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::model::FromValue as _;

    fn arguments(base_url: Field<String>, deployment: Field<String>) -> Arguments {
        let empty = Value::Map(BTreeMap::new());
        let arguments = Arguments::from_value(&empty, &Path::root()).expect("empty");
        Arguments {
            base_url,
            deployment,
            ..arguments
        }
    }

    #[test]
    fn terraform_takes_the_schema() {
        assert_eq!(Schema::new(block()).problems(), Vec::<String>::new());
    }

    #[test]
    fn the_deployment_and_the_origin_follow_from_the_address() {
        let of = |base_url: Field<String>| {
            let arguments = arguments(base_url, Field::Null);
            let deployment = arguments.deployment();
            let origin = arguments.origin(&deployment);
            (deployment, origin)
        };
        assert_eq!(of(Field::Null), (Field::Null, "https://wandb.ai".into()));
        assert_eq!(
            of("https://api.wandb.ai".into()),
            (
                Field::Known(Deployment::MultiTenant),
                "https://wandb.ai".into()
            )
        );
        assert_eq!(
            of("https://acme.wandb.io".into()),
            (
                Field::Known(Deployment::Dedicated),
                "https://acme.wandb.io".into()
            )
        );
        assert_eq!(
            of("http://127.0.0.1:8080".into()),
            (
                Field::Known(Deployment::SelfManaged),
                "http://127.0.0.1:8080".into()
            )
        );
        assert_eq!(of(Field::Unknown), (Field::Unknown, Field::Unknown));
    }

    #[test]
    fn a_given_deployment_wins() {
        let arguments = arguments("https://wandb.example.com".into(), "dedicated".into());
        assert_eq!(arguments.deployment(), Field::Known(Deployment::Dedicated));
    }
}
