//! Where Azure is asked, and as whom: by the provider's block, and by the environment.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::connections::{Connection as Shared, Connections};
use super::address;
use super::block::{
    Addresses, Arguments, BY_PRINCIPAL, DEFAULT_NAMESPACE, DEFAULT_REPLICATION, DEFAULT_TLS,
    Defaults,
};
use super::sign_in::{self, either};
use crate::byob::{Cloud, CloudError};
use crate::clouds::azure::{
    self, Clients, Connection, Endpoints, Entry, Environment, Federation, Place, names,
};
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::{Field, SetOf};
use crate::sdk::secret::remember;
use crate::terraform::account::{BY_IDENTITY, Connector};
use crate::terraform::diagnostics::Explanation;

/// The provider's block, and the connections that were opened so far.
#[derive(Debug)]
pub(in crate::provider) struct AzureAccount {
    defaults: Defaults,
    max_retries: u32,
    ca_bundle: Field<String>,
    connections: Arc<Connections<Clients>>,
}

impl Shared for Clients {
    type Settings = Connection;
    type Place = Place;

    fn connect(settings: Connection) -> Result<Self, CloudError> {
        Self::new(settings)
    }

    fn settings(&self) -> &Connection {
        self.connection()
    }

    fn open(self: &Arc<Self>, place: Place, stop: CancellationToken) -> Arc<dyn Cloud> {
        azure::open(self, place, stop)
    }
}

fn check_environment(text: &str) -> Result<(), String> {
    match Environment::parse(text) {
        Some(_) => Ok(()),
        None => Err(format!("it is none of {}", Environment::NAMES.join(", "))),
    }
}

impl AzureAccount {
    pub(super) fn new(defaults: Defaults, max_retries: u32, ca_bundle: Field<String>) -> Self {
        Self {
            defaults,
            max_retries,
            ca_bundle,
            connections: Arc::default(),
        }
    }

    /// The subscription of all buckets.
    pub(super) fn subscription(&self) -> Result<Field<String>, Diagnostic> {
        let found = either(
            &self.defaults.subscription_id,
            &["ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"],
            names::check_guid,
        )?;
        // Azure takes both cases, and an id is compared.
        Ok(found.map(|id| id.to_ascii_lowercase()))
    }

    fn environment(&self) -> Result<Field<Environment>, Diagnostic> {
        let found = either(
            &self.defaults.environment,
            &["ARM_ENVIRONMENT"],
            check_environment,
        )?;
        Ok(match found {
            Field::Known(name) => Environment::parse(&name).into(),
            Field::Null => Field::Known(Environment::Public),
            Field::Unknown => Field::Unknown,
        })
    }

    /// The addresses of all services; `None` while one is not known.
    fn endpoints(&self) -> Result<Option<Endpoints>, Diagnostic> {
        let own = |of: fn(&Addresses) -> &Field<String>| match &self.defaults.endpoints {
            Field::Known(addresses) => of(addresses).clone(),
            Field::Null => Field::Null,
            Field::Unknown => Field::Unknown,
        };
        let manager = own(|one| &one.resource_manager);
        let authority = either(
            &own(|one| &one.authority),
            &["AZURE_AUTHORITY_HOST"],
            address::check_authority,
        )?;
        let blob = own(|one| &one.blob);
        if manager.is_unknown() || authority.is_unknown() || blob.is_unknown() {
            return Ok(None);
        }
        let url = |text: Field<String>| text.into_known().and_then(|text| Url::parse(&text).ok());
        Ok(Some(Endpoints {
            resource_manager: url(manager),
            authority: url(authority),
            blob: blob.into_known(),
        }))
    }

    /// Who asks, and where; `None` while that is not known.
    fn connection(&self, subscription: &str) -> Result<Option<Connection>, Diagnostic> {
        let environment = self.environment()?;
        let credentials = sign_in::source(&self.defaults, subscription)?;
        let endpoints = self.endpoints()?;
        let (Field::Known(environment), Some(credentials), Some(endpoints)) =
            (environment, credentials, endpoints)
        else {
            return Ok(None);
        };
        if self.ca_bundle.is_unknown() {
            return Ok(None);
        }
        Ok(Some(Connection {
            credentials,
            environment,
            endpoints,
            max_retries: self.max_retries,
            ca_bundle: self.ca_bundle.known().cloned(),
            remember,
        }))
    }

    /// The way in, once every part of it is known.
    pub(super) fn connector(
        &self,
        block: &Arguments,
        subscription: &Field<String>,
    ) -> Result<Field<Arc<dyn Connector>>, Diagnostic> {
        let Field::Known(subscription) = subscription else {
            return Ok(Field::Unknown);
        };
        let Some(place) = place(block, subscription) else {
            return Ok(Field::Unknown);
        };
        Ok(match self.connection(subscription)? {
            Some(connection) => Field::Known(self.connections.connector(connection, place)),
            None => Field::Unknown,
        })
    }
}

/// The subscription is not known, and nobody says it.
pub(super) fn no_subscription() -> Diagnostic {
    Explanation::new(
        "The bucket's subscription is not known",
        "no subscription_id is set",
    )
    .what_to_do(
        "Set subscription_id in the provider's azure block, or ARM_SUBSCRIPTION_ID in the \
         environment: az account show --query id tells it.",
    )
    .at(Path::of("azure"))
    .error()
}

/// A text with what stands for it where nobody has said it; `None` while it is not known.
fn text(field: &Field<String>, default: &str) -> Option<String> {
    match field {
        Field::Known(text) => Some(text.clone()),
        Field::Null => Some(default.to_owned()),
        Field::Unknown => None,
    }
}

fn set(field: &Field<SetOf>) -> Option<BTreeSet<String>> {
    match field {
        Field::Known(set) => set.known(),
        Field::Null => Some(BTreeSet::new()),
        Field::Unknown => None,
    }
}

/// Where the bucket is; `None` while that is not wholly known.
fn place(block: &Arguments, subscription: &str) -> Option<Place> {
    let entry = match block.access.known()?.as_str() {
        BY_IDENTITY => Entry::Identity(Federation {
            // Not said yet of a bucket that is imported.
            issuer: text(&block.oidc_issuer_url, "")?,
            namespace: text(&block.kubernetes_namespace, DEFAULT_NAMESPACE)?,
            service_accounts: set(&block.kubernetes_service_accounts)?,
        }),
        BY_PRINCIPAL => Entry::Principal,
        _ => Entry::Key(block.account_key.known()?.clone()),
    };
    let makes_account = *block.create_storage_account.known()?;
    let takes_keys = match &block.shared_key_enabled {
        Field::Known(takes) => *takes,
        Field::Null => true,
        Field::Unknown => return None,
    };
    Some(Place {
        subscription: subscription.to_owned(),
        group: block.resource_group_name.known()?.clone(),
        account: block.storage_account_name.known()?.clone(),
        // Where it is not known, it is where the group is.
        location: block.location.known().cloned(),
        makes_account,
        replication: text(&block.replication, DEFAULT_REPLICATION)?,
        min_tls_version: text(&block.min_tls_version, DEFAULT_TLS)?,
        shared_key_enabled: takes_keys,
        entry,
    })
}
