//! The provider block: arguments, environment variables, and what follows from them.

mod arguments;
mod clouds;
pub mod pages;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::byob::deployment::Deployment;
use crate::byob::marker;
use crate::model;
use crate::resources::byob_bucket::ByobBucket;
use crate::resources::team_storage::TeamStorageResource;
use crate::sdk::prelude::*;
use crate::sdk::secret;
use crate::terraform::account::CloudSchema;
use crate::terraform::configuration::{Configuration, Environment};
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, Settings};

use arguments::{check_endpoint, check_key, check_pem, check_user, keeps_secrets};
use variables::{or_variable, secret_variable};

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
        pub ignore_tags: Field<SetOf>;
        /// The blocks of the clouds.
        pub clouds: Rest,
    }
}

/// The provider.
#[derive(Debug, Default)]
pub struct Wandb {
    environment: Environment,
}

fn block() -> Block {
    let whole = Block::new(
        "Brings your own buckets to Weights & Biases: makes them, proves that they work, and \
         registers them.",
    )
    .with([
        Attribute::string(
            "base_url",
            "Address of the W&B instance. Default: the variable `WANDB_BASE_URL`, else `https://api.wandb.ai`; a bucket \
             needs this argument or `deployment`, because who W&B is follows from either. \
             With an `api_key`, `http://` is for `localhost` and loopback addresses only.",
        )
        .check_string(check_endpoint),
        Attribute::string(
            "api_key",
            "Key of an admin, or of an organization's service account. Default: the variable \
             `WANDB_API_KEY`. Without it everything but registration works.",
        )
        .sensitive()
        .check_string(check_key),
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
        )
        .check_string(check_user),
        Attribute::string(
            "organization",
            "The organization's name or id, for keys that see several.",
        ),
        Attribute::string(
            "ca_bundle",
            "Certificates to trust besides the system's: their text in PEM, not a file's name.",
        )
        .text(Text::Lines)
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
        .text(Text::Free)
        .check(check_tags),
        Attribute::string_set(
            "ignore_tags",
            "Keys of tags that are neither read nor written.",
        )
        .check(check_ignored),
    ]);
    clouds::all().iter().fold(whole, |whole, cloud| {
        whole.single(cloud.kind().block(), cloud.provider_block())
    })
}

fn check_tags(value: &Value) -> Result<(), String> {
    match value {
        Value::Map(map) if map.contains_key(marker::KEY) => {
            Err(format!("the key {:?} is the provider's own", marker::KEY))
        }
        _ => Ok(()),
    }
}

/// Without the marker nobody would know any more whose bucket it is.
fn check_ignored(value: &Value) -> Result<(), String> {
    match value {
        Value::List(keys) if keys.contains(&Value::string(marker::KEY)) => {
            Err(format!("the key {:?} is the provider's own", marker::KEY))
        }
        _ => Ok(()),
    }
}

impl Arguments {
    /// The arguments with the environment's defaults.
    ///
    /// # Errors
    /// When a variable cannot be what it stands for.
    fn with_environment(self) -> Result<Self, Diagnostic> {
        Ok(Self {
            base_url: or_variable(self.base_url, "WANDB_BASE_URL", check_endpoint)?,
            api_key: match self.api_key {
                Field::Null => secret_variable("WANDB_API_KEY", check_key)?,
                given => given,
            },
            ..self
        })
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
            Explanation::new(
                "The provider cannot be configured",
                format!("base_url is no address: {error}"),
            )
            .at(Path::of("base_url"))
            .error()
        })?;
        if !keeps_secrets(&base_url) {
            return Err(in_the_clear());
        }
        // In all the forms that it is sent in, so that nobody who repeats one is heard.
        for user in ["api", self.username.known().map_or("", String::as_str)] {
            secret::remember_basic(user, api_key.expose());
        }
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
                Explanation::wandb("The provider cannot be configured", error)
                    .at(Path::of("ca_bundle"))
                    .error()
            })
    }

    fn retries(&self) -> u32 {
        let retries = self.max_retries.known().copied().unwrap_or(DEFAULT_RETRIES);
        u32::try_from(retries).unwrap_or_default()
    }

    fn configuration(self, stop: &CancellationToken) -> Result<Configuration, Diagnostic> {
        let wandb = self.client()?;
        let deployment = self.deployment();
        let origin = self.origin(&deployment);
        let retries = self.retries();
        let default_tags = match &self.default_tags {
            Field::Known(map) => map
                .iter()
                .filter(|(_, value)| !value.is_null())
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
        let common = clouds::Common {
            max_retries: retries,
            ca_bundle: self.ca_bundle.clone(),
            stop: stop.clone(),
        };
        let accounts = clouds::all()
            .iter()
            .map(|cloud| {
                let nothing = Value::Map(BTreeMap::new());
                let block = match self.clouds.0.get(cloud.kind().block()) {
                    Some(block) if !block.is_null() => block,
                    Some(_) | None => &nothing,
                };
                cloud.account(block, &common)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Configuration {
            deployment,
            origin,
            wandb,
            default_tags,
            ignore_tags,
            accounts,
        })
    }
}

/// The key would be sent in the clear.
fn in_the_clear() -> Diagnostic {
    Explanation::new(
        "The provider cannot be configured",
        "base_url (WANDB_BASE_URL) begins with http://, and api_key is sent without TLS to this \
         machine's own addresses only",
    )
    .what_to_do(
        "Set base_url to the instance's address with https://; for a certificate that the system \
         does not trust, set ca_bundle.",
    )
    .at(Path::of("base_url"))
    .error()
}

/// The clouds' blocks in the bucket resource.
fn blocks() -> Vec<Arc<dyn CloudSchema>> {
    clouds::all()
        .into_iter()
        .map(|cloud| cloud as Arc<dyn CloudSchema>)
        .collect()
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

    async fn configure(
        &self,
        context: &Context,
        config: Arguments,
        terraform: &str,
    ) -> Diagnostics {
        tracing::debug!(terraform, "configured");
        let configured = config
            .with_environment()
            .and_then(|arguments| arguments.configuration(context.stop()));
        match configured {
            Ok(configuration) => {
                self.environment.configure(configuration);
                Diagnostics::new()
            }
            Err(diagnostic) => diagnostic.into(),
        }
    }

    fn resources(&self) -> Vec<Box<dyn AnyResource>> {
        vec![
            Box::new(ByobBucket::new(self.environment.clone(), blocks())),
            Box::new(TeamStorageResource::new(self.environment.clone(), blocks())),
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
