//! Servers that speak Amazon's S3 protocol, as Terraform meets them.

mod block;
mod site;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{ProviderCloud, first, or_variable};
use crate::byob::address::S3Address;
use crate::byob::cloud::CloudKind;
use crate::byob::identity::AccessKey;
use crate::byob::permission::Permissions;
use crate::byob::requirements::encryption::same_key;
use crate::byob::spec::Setting;
use crate::byob::{Cloud, CloudError, Observed, Reading};
use crate::clouds::s3_compatible::{self, AdminApi, Clients, Settings};
use crate::resources::account::{
    About, Account, Blocks, CloudBlock, Outputs, Place, Resolved, Wish,
};
use crate::resources::trouble::Trouble;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::{Field, FromValue as _, Secret, ToValue as _};
use crate::sdk::schema::Block;
use crate::sdk::value::Value;

use block::{Arguments, Defaults, argument};

/// The region where nothing names one.
const DEFAULT_REGION: &str = "us-east-1";

/// The cloud.
#[derive(Debug)]
pub(super) struct S3Compatible;

impl CloudBlock for S3Compatible {
    fn kind(&self) -> CloudKind {
        CloudKind::S3Compatible
    }

    fn schema(&self) -> Block {
        block::bucket()
    }

    fn validate(&self, block: &Value) -> Diagnostics {
        match Arguments::from_value(block, &Path::of(self.kind().block())) {
            Ok(block) => block::validate(&block),
            Err(misfit) => Diagnostic::from(misfit).into(),
        }
    }
}

impl ProviderCloud for S3Compatible {
    fn provider_block(&self) -> Block {
        block::provider()
    }

    fn permissions(&self) -> Permissions {
        s3_compatible::PERMISSIONS
    }

    fn account(&self, block: &Value, max_retries: u32) -> Result<Arc<dyn Account>, Diagnostic> {
        let block = Defaults::from_value(block, &Path::of(self.kind().block()))?;
        Ok(Arc::new(S3Account {
            defaults: Defaults {
                endpoint: or_variable(block.endpoint, "AWS_ENDPOINT_URL_S3"),
                region: or_variable(block.region, "AWS_REGION"),
                access_key: or_variable(block.access_key, "AWS_ACCESS_KEY_ID"),
                secret_key: match block.secret_key {
                    Field::Null => {
                        or_variable(Field::Null, "AWS_SECRET_ACCESS_KEY").map(Secret::new)
                    }
                    given => given,
                },
                ..block
            },
            open: Arc::new(OpenServers {
                max_retries,
                servers: Mutex::default(),
            }),
        }))
    }
}

/// The provider's block, and the servers that were opened so far.
#[derive(Debug)]
struct S3Account {
    defaults: Defaults,
    open: Arc<OpenServers>,
}

/// Servers that were opened, each with its connections.
#[derive(Debug)]
struct OpenServers {
    max_retries: u32,
    servers: Mutex<Vec<(Login, Arc<Clients>)>>,
}

/// A server and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Login {
    endpoint: Url,
    region: String,
    access_key: String,
    secret_key: Secret,
    path_style: bool,
    ca_bundle: Option<String>,
    admin_api: AdminApi,
}

/// One server, to be opened when it is needed.
#[derive(Debug)]
struct Server {
    login: Login,
    open: Arc<OpenServers>,
}

impl Place for Server {
    fn open(&self, stop: &CancellationToken) -> Result<Arc<dyn Cloud>, CloudError> {
        let clients = self.open.clients(&self.login)?;
        Ok(s3_compatible::open(&clients, stop.clone()))
    }
}

impl OpenServers {
    fn clients(&self, login: &Login) -> Result<Arc<Clients>, CloudError> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, clients)) = servers.iter().find(|(other, _)| other == login) {
            return Ok(Arc::clone(clients));
        }
        let clients = Arc::new(Clients::new(Settings {
            endpoint: login.endpoint.clone(),
            region: login.region.clone(),
            access_key: login.access_key.clone(),
            secret_key: login.secret_key.expose().to_owned().into(),
            path_style: login.path_style,
            ca_bundle: login.ca_bundle.clone(),
            admin_api: login.admin_api,
            max_retries: self.max_retries,
        })?);
        servers.push((login.clone(), Arc::clone(&clients)));
        Ok(clients)
    }
}

fn missing(name: &str, variable: &str) -> Diagnostic {
    Trouble::new(
        "The bucket's server cannot be reached",
        format!("no {name} is set"),
    )
    .what_to_do(format!(
        "Set {name} in the provider's s3_compatible block, or {variable} in the environment."
    ))
    .at(argument(name))
    .error()
}

#[async_trait]
impl Account for S3Account {
    fn kind(&self) -> CloudKind {
        CloudKind::S3Compatible
    }

    async fn resolve(&self, blocks: Blocks<'_>) -> Result<Resolved, Diagnostics> {
        let read = |value: &Value| {
            Arguments::from_value(value, &Path::of(self.kind().block())).map_err(Diagnostic::from)
        };
        let given = read(blocks.given)?;
        let before = blocks.prior.map(read).transpose()?;
        let kept = |own: &Field<String>, before: Option<&Field<String>>, default| {
            first(own, &first(before.unwrap_or(&Field::Null), default))
        };
        let prior = before.as_ref();
        let endpoint = kept(
            &given.endpoint,
            prior.map(|one| &one.endpoint),
            &self.defaults.endpoint,
        );
        let region = match kept(
            &given.region,
            prior.map(|one| &one.region),
            &self.defaults.region,
        ) {
            Field::Null => DEFAULT_REGION.into(),
            region => region,
        };
        let access_key = first(&given.access_key, &self.defaults.access_key);
        let secret_key = first(&given.secret_key, &self.defaults.secret_key);
        for (is_null, name, variable) in [
            (endpoint.is_null(), "endpoint", "AWS_ENDPOINT_URL_S3"),
            (access_key.is_null(), "access_key", "AWS_ACCESS_KEY_ID"),
            (secret_key.is_null(), "secret_key", "AWS_SECRET_ACCESS_KEY"),
        ] {
            if is_null {
                return Err(missing(name, variable).into());
            }
        }
        let planned = Arguments {
            endpoint,
            region,
            ..read(blocks.planned)?
        };
        let location = site::endpoint(&planned).map(|endpoint| site::authority(&endpoint));
        let place = self.place(&planned, &given, access_key, secret_key);
        Ok(Resolved {
            block: planned.to_value(),
            location,
            place,
        })
    }

    fn wish(&self, block: &Value, config: Option<&Value>, about: &About<'_>) -> Option<Wish> {
        let read = |value| Arguments::from_value(value, &Path::root()).ok();
        site::wish(&read(block)?, config.and_then(read).as_ref(), about)
    }

    fn outputs(&self, block: &Value, about: &About<'_>) -> Outputs {
        site::outputs(block, about)
    }

    fn is_reached_by_key(&self, _: &Value) -> bool {
        true
    }

    fn address_with_key(&self, block: &Value, bucket: &str, key: &AccessKey) -> Field<Secret> {
        site::address(block, bucket).map(|address: S3Address| Secret::new(address.with_key(key)))
    }

    fn given_key(&self, block: &Value, config: Option<&Value>) -> Field<AccessKey> {
        let read = |block: &Value| Arguments::from_value(block, &Path::root()).ok();
        let Some(block) = read(block) else {
            return Field::Unknown;
        };
        let written = config
            .and_then(read)
            .map_or(Field::Null, |config| config.wandb_secret_key_wo);
        let secret = first(&block.wandb_secret_key, &written);
        let id = block.wandb_access_key;
        match (id, secret) {
            (Field::Known(id), Field::Known(secret)) => {
                Field::Known(AccessKey::new(id, secret.expose()))
            }
            (Field::Unknown, _) | (_, Field::Unknown) => Field::Unknown,
            (Field::Null, _) | (_, Field::Null) => Field::Null,
        }
    }

    fn moved(&self, before: &Value, after: &Value) -> Vec<Path> {
        let place = |block: &Value| {
            let block = Arguments::from_value(block, &Path::root()).ok()?;
            let endpoint = site::endpoint(&block).into_known()?;
            Some((site::authority(&endpoint), block.region.into_known()?))
        };
        let (Some(before), Some(after)) = (place(before), place(after)) else {
            return Vec::new();
        };
        [
            (before.0 != after.0, "endpoint"),
            (before.1 != after.1, "region"),
        ]
        .into_iter()
        .filter(|(differs, _)| *differs)
        .map(|(_, name)| argument(name))
        .collect()
    }

    fn without_credentials(&self, block: &Value) -> Value {
        let Value::Map(map) = block else {
            return block.clone();
        };
        let mut map = map.clone();
        for name in [
            "endpoint",
            "access_key",
            "secret_key",
            "path_style",
            "ca_bundle",
            "admin_api",
        ] {
            map.insert(name.to_owned(), Value::Null);
        }
        Value::Map(map)
    }

    fn drifted(&self, block: &Value, observed: &Observed) -> Value {
        let (Ok(mut arguments), Reading::Known(state)) = (
            Arguments::from_value(block, &Path::root()),
            &observed.encryption,
        ) else {
            return block.clone();
        };
        if arguments.sse_algorithm.known().is_some() {
            arguments.sse_algorithm = state.algorithm.clone().into();
        }
        if let Some(wanted) = arguments.kms_key_name.known() {
            let actual = state.key.as_deref();
            if !actual.is_some_and(|actual| same_key(wanted, actual)) {
                arguments.kms_key_name = state.key.clone().into();
            }
        }
        arguments.to_value()
    }

    fn argument_of(&self, setting: Setting) -> Option<Path> {
        match setting {
            Setting::Encryption => Some(argument("sse_algorithm")),
            Setting::Identity => Some(argument("create_access_key")),
            _ => None,
        }
    }

    async fn imported(&self, location: &str) -> Result<Value, Diagnostics> {
        let summary = "The bucket was not imported";
        let endpoint = match &self.defaults.endpoint {
            Field::Known(endpoint) => Url::parse(endpoint).ok(),
            Field::Null => return Err(missing("endpoint", "AWS_ENDPOINT_URL_S3").into()),
            Field::Unknown => {
                return Err(Trouble::new(
                    summary,
                    "endpoint of the provider's s3_compatible block is not known yet",
                )
                .what_to_do("Give it a value that is known while planning, then import again.")
                .error()
                .into());
            }
        };
        let here = endpoint.as_ref().map(site::authority).unwrap_or_default();
        if here != location {
            return Err(Trouble::new(
                summary,
                format!("the id names host {location}, and the provider's endpoint is {here}"),
            )
            .what_to_do(
                "Set endpoint in the provider's s3_compatible block to the server of the bucket.",
            )
            .error()
            .into());
        }
        let empty = Value::Map(Default::default());
        let block = Arguments::from_value(&empty, &Path::root()).map_err(Diagnostic::from)?;
        Ok(Arguments {
            endpoint: endpoint
                .map(|endpoint| endpoint.as_str().trim_end_matches('/').to_owned())
                .into(),
            region: match &self.defaults.region {
                Field::Null => DEFAULT_REGION.into(),
                region => region.clone(),
            },
            create_access_key: Field::Known(false),
            admin_api: "auto".into(),
            ..block
        }
        .to_value())
    }
}

impl S3Account {
    /// The way in, once every part of it is known.
    fn place(
        &self,
        planned: &Arguments,
        given: &Arguments,
        access_key: Field<String>,
        secret_key: Field<Secret>,
    ) -> Field<Arc<dyn Place>> {
        let path_style = first(&given.path_style, &self.defaults.path_style);
        let ca_bundle = first(&given.ca_bundle, &self.defaults.ca_bundle);
        let (Field::Known(endpoint), Field::Known(region)) =
            (site::endpoint(planned), planned.region.clone())
        else {
            return Field::Unknown;
        };
        let (Field::Known(access_key), Field::Known(secret_key)) = (access_key, secret_key) else {
            return Field::Unknown;
        };
        if path_style.is_unknown() || ca_bundle.is_unknown() {
            return Field::Unknown;
        }
        let admin_api = given.admin_api.known().map(String::as_str);
        Field::Known(Arc::new(Server {
            login: Login {
                endpoint,
                region,
                access_key,
                secret_key,
                path_style: path_style.into_known().unwrap_or(true),
                ca_bundle: ca_bundle.into_known(),
                admin_api: block::admin_api(admin_api.unwrap_or("auto")),
            },
            open: Arc::clone(&self.open),
        }))
    }
}
