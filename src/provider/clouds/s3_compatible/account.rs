//! An S3-compatible server: what the provider adds to a bucket's block, and what becomes of
//! one.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::connections::{Connection, Connections};
use super::super::{first, read};
use super::block::{self, Arguments, Defaults, argument};
use super::meaning;
use crate::byob::identity::AccessKey;
use crate::byob::spec::Setting;
use crate::byob::{Cloud, CloudError, CloudKind, Observed, Reading};
use crate::clouds::s3_compatible::{self, Clients, Settings};
use crate::provider::arguments::{check_endpoint, check_key, check_region};
use crate::provider::variables::{anything, or_variable, secret_variable, variable};
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, Secret};
use crate::sdk::value::Value;
use crate::terraform::account::{
    BlockSources, CloudAccount, CloudSpec, CommonArguments, Connector, Outputs, Resolved,
};
use crate::terraform::diagnostics::Explanation;

/// The region where nothing names one.
const DEFAULT_REGION: &str = "us-east-1";

/// The provider's block, and the connections that were opened so far.
#[derive(Debug)]
pub(in crate::provider) struct S3Account {
    defaults: Defaults,
    max_retries: u32,
    connections: Arc<Connections<Clients>>,
}

impl S3Account {
    /// The servers of a provider's block.
    pub(super) fn new(defaults: Defaults, max_retries: u32) -> Self {
        Self {
            defaults,
            max_retries,
            connections: Arc::default(),
        }
    }
}

/// The caller's key.
struct Key {
    id: Field<String>,
    secret: Field<Secret>,
    token: Field<Secret>,
}

impl Connection for Clients {
    type Settings = Settings;
    type Place = ();

    fn connect(settings: Settings) -> Result<Self, CloudError> {
        Self::new(settings)
    }

    fn settings(&self) -> &Settings {
        Self::settings(self)
    }

    fn open(self: &Arc<Self>, (): (), stop: CancellationToken) -> Arc<dyn Cloud> {
        s3_compatible::open(self, stop)
    }
}

fn missing(name: &str, variable: &str) -> Diagnostic {
    Explanation::new(
        "The provider's s3_compatible block is not complete",
        format!("no {name} is set"),
    )
    .what_to_do(format!(
        "Set {name} in the provider's s3_compatible block, or {variable} in the environment."
    ))
    .at(argument(name))
    .error()
}

/// The address as it stood before, where the new one says the same in another spelling.
fn same_or(before: &Field<String>, now: Field<String>) -> Field<String> {
    let read = |field: &Field<String>| field.known().and_then(|text| Url::parse(text).ok());
    match (read(before), read(&now)) {
        (Some(one), Some(other)) if one == other => before.clone(),
        _ => now,
    }
}

#[async_trait]
impl CloudAccount for S3Account {
    type Block = Arguments;

    const KIND: CloudKind = CloudKind::S3Compatible;
    const LOCATION: &'static [&'static str] = &["host[:port]"];
    /// The provider's key goes to the provider's server and to no other.
    const FOLLOWS_PROVIDER: &'static [&'static str] = &["endpoint"];

    async fn resolve(
        &self,
        sources: BlockSources<'_, Arguments>,
    ) -> Result<Resolved<Arguments>, Diagnostics> {
        let (given, prior) = (sources.given, sources.prior);
        let nothing = Field::Null;
        let kept = |own: &Field<String>, before: Option<&Field<String>>| {
            first(own, before.unwrap_or(&nothing))
        };
        let endpoint = match &given.endpoint {
            Field::Null => same_or(&sources.planned.endpoint, self.default_endpoint()?),
            endpoint => endpoint.clone(),
        };
        let region = match kept(&given.region, prior.map(|one| &one.region)) {
            Field::Null => self.default_region()?,
            region => region,
        };
        let key = self.key(given)?;
        for (is_null, name, variable) in [
            (endpoint.is_null(), "endpoint", "AWS_ENDPOINT_URL_S3"),
            (key.id.is_null(), "access_key", "AWS_ACCESS_KEY_ID"),
            (key.secret.is_null(), "secret_key", "AWS_SECRET_ACCESS_KEY"),
        ] {
            if is_null {
                return Err(missing(name, variable).into());
            }
        }
        let planned = Arguments {
            endpoint,
            region,
            ..sources.planned.clone()
        };
        let location = meaning::endpoint(&planned).map(|endpoint| meaning::authority(&endpoint));
        let connector = self.connector(&planned, given, key);
        Ok(Resolved {
            block: planned,
            location,
            connector,
        })
    }

    fn spec(
        &self,
        block: &Arguments,
        config: Option<&Arguments>,
        common: &CommonArguments<'_>,
    ) -> Option<CloudSpec> {
        meaning::spec(block, config, common)
    }

    fn outputs(&self, block: &Arguments, common: &CommonArguments<'_>) -> Outputs {
        meaning::outputs(block, common)
    }

    fn is_reached_by_key(&self, _: &Arguments) -> bool {
        true
    }

    fn address_with_key(&self, block: &Arguments, bucket: &str, key: &AccessKey) -> Field<Secret> {
        let address = meaning::address(block, bucket);
        address.map(|address| Secret::new(address.with_key(key)))
    }

    /// Who asks with a key is known by its id.
    fn key_holder(&self, _: &Arguments, _: &str) -> Option<String> {
        None
    }

    fn given_key(&self, block: &Arguments, config: Option<&Arguments>) -> Field<AccessKey> {
        let written = config.map_or(Field::Null, |config| config.wandb_secret_key_wo.clone());
        let secret = first(&block.wandb_secret_key, &written);
        match (&block.wandb_access_key, secret) {
            (Field::Known(id), Field::Known(secret)) => {
                Field::Known(AccessKey::new(id.as_str(), secret.expose()))
            }
            (Field::Unknown, _) | (_, Field::Unknown) => Field::Unknown,
            (Field::Null, _) | (_, Field::Null) => Field::Null,
        }
    }

    fn moved(&self, before: &Arguments, after: &Arguments) -> Vec<Path> {
        // At another address it is the same bucket, or none: nothing is moved there.
        match (before.region.known(), after.region.known()) {
            (Some(before), Some(after)) if before != after => vec![argument("region")],
            _ => Vec::new(),
        }
    }

    fn without_credentials(&self, block: Arguments) -> Arguments {
        Arguments {
            endpoint: Field::Null,
            access_key: Field::Null,
            secret_key: Field::Null,
            path_style: Field::Null,
            ca_bundle: Field::Null,
            admin_api: Field::Null,
            ..block
        }
    }

    fn drifted(&self, mut block: Arguments, observed: &Observed) -> Arguments {
        let Reading::Known(state) = &observed.encryption else {
            return block;
        };
        if block.sse_algorithm.known().is_some() {
            block.sse_algorithm = state.algorithm.clone().into();
        }
        if block.kms_key_name.known().is_some() {
            block.kms_key_name = state.key.clone().into();
        }
        block
    }

    /// Which encryption a bucket has is not this resource's until somebody asks for it.
    fn found(&self, block: Arguments, _: &Observed) -> Arguments {
        block
    }

    /// Nothing of the block is for the cloud to say.
    fn completed(&self, block: Arguments, _: &Observed) -> Arguments {
        block
    }

    fn has_tags(&self, _: &Arguments) -> bool {
        true
    }

    /// Keys are the server's: one is named, none is made.
    fn with_encryption_key(&self, block: Arguments, _: &str) -> Arguments {
        block
    }

    fn argument_of(&self, setting: Setting) -> Option<Path> {
        match setting {
            Setting::Encryption => Some(argument("sse_algorithm")),
            Setting::Identity => Some(argument("create_access_key")),
            _ => None,
        }
    }

    async fn imported(&self, location: &str) -> Result<Arguments, Diagnostics> {
        let summary = "The bucket was not imported";
        let endpoint = match &self.default_endpoint()? {
            Field::Known(endpoint) => Url::parse(endpoint).ok(),
            Field::Null => return Err(missing("endpoint", "AWS_ENDPOINT_URL_S3").into()),
            Field::Unknown => {
                return Err(Explanation::new(
                    summary,
                    "endpoint of the provider's s3_compatible block is not known yet",
                )
                .what_to_do("Give it a value that is known while planning, then import again.")
                .error()
                .into());
            }
        };
        let here = endpoint
            .as_ref()
            .map(meaning::authority)
            .unwrap_or_default();
        if here != location {
            return Err(Explanation::new(
                summary,
                format!("the id names host {location}, and the provider's endpoint is {here}"),
            )
            .what_to_do(
                "Set endpoint in the provider's s3_compatible block to the server of the bucket.",
            )
            .error()
            .into());
        }
        let block: Arguments = read(&Value::Map(Default::default()), Self::KIND)?;
        Ok(Arguments {
            endpoint: endpoint
                .map(|endpoint| endpoint.as_str().trim_end_matches('/').to_owned())
                .into(),
            region: self.default_region()?,
            create_access_key: Field::Known(false),
            admin_api: "auto".into(),
            ..block
        })
    }
}

impl S3Account {
    /// The server where a bucket names none.
    fn default_endpoint(&self) -> Result<Field<String>, Diagnostic> {
        let own = self.defaults.endpoint.clone();
        or_variable(own, "AWS_ENDPOINT_URL_S3", check_endpoint)
            .map_err(|wrong| wrong.at(argument("endpoint")))
    }

    /// The region where a bucket names none.
    fn default_region(&self) -> Result<Field<String>, Diagnostic> {
        let own = self.defaults.region.clone();
        let found = or_variable(own, "AWS_REGION", check_region)
            .map_err(|wrong| wrong.at(argument("region")))?;
        Ok(match found {
            Field::Null => DEFAULT_REGION.into(),
            region => region,
        })
    }

    /// The caller's key. A session token of the environment belongs to a key of the
    /// environment, and to no other.
    fn key(&self, given: &Arguments) -> Result<Key, Diagnostic> {
        let own_id = first(&given.access_key, &self.defaults.access_key);
        let own_secret = first(&given.secret_key, &self.defaults.secret_key);
        let token = if own_id.is_null() && own_secret.is_null() {
            secret_variable("AWS_SESSION_TOKEN", check_key)
                .map_err(|wrong| wrong.at(argument("access_key")))?
        } else {
            Field::Null
        };
        let id = match own_id {
            Field::Null => variable("AWS_ACCESS_KEY_ID", check_key)
                .map_err(|wrong| wrong.at(argument("access_key")))?,
            id => id,
        };
        let secret = match own_secret {
            Field::Null => secret_variable("AWS_SECRET_ACCESS_KEY", anything)
                .map_err(|wrong| wrong.at(argument("secret_key")))?,
            secret => secret,
        };
        Ok(Key { id, secret, token })
    }

    /// The way in, once every part of it is known.
    fn connector(
        &self,
        planned: &Arguments,
        given: &Arguments,
        key: Key,
    ) -> Field<Arc<dyn Connector>> {
        let path_style = first(&given.path_style, &self.defaults.path_style);
        let ca_bundle = first(&given.ca_bundle, &self.defaults.ca_bundle);
        let (Field::Known(endpoint), Field::Known(region)) =
            (meaning::endpoint(planned), planned.region.clone())
        else {
            return Field::Unknown;
        };
        let (Field::Known(access_key), Field::Known(secret_key)) = (key.id, key.secret) else {
            return Field::Unknown;
        };
        if path_style.is_unknown() || ca_bundle.is_unknown() {
            return Field::Unknown;
        }
        let admin_api = given.admin_api.known().map(String::as_str);
        let settings = Settings {
            endpoint,
            region,
            access_key,
            secret_key: secret_key.expose().to_owned().into(),
            session_token: key
                .token
                .into_known()
                .map(|token| token.expose().to_owned().into()),
            path_style: path_style.into_known().unwrap_or(true),
            ca_bundle: ca_bundle.into_known(),
            admin_api: block::admin_api(admin_api.unwrap_or("auto")),
            max_retries: self.max_retries,
        };
        Field::Known(self.connections.connector(settings, ()))
    }
}
