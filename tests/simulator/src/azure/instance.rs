//! A running instance, and the switches by which a test changes it behind everybody's
//! back.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::Switch;
use crate::serving::{Address, Serving, serve_on};

use super::faults::{Armed, Fault, RequestLog, Service, serve};
use super::tls::Authority;
use super::world::World;
use super::{Config, Shared, control};

/// Where everything is; no address has a slash at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// Resource Manager.
    pub resource_manager: String,
    /// Sign-in; the directory follows.
    pub authority: String,
    /// The Blob service; the account follows.
    pub blob: String,
    /// The clusters; every path below it is the name of an issuer.
    pub issuer: String,
    /// The managed identity endpoints and the switches below `/_simulator`, without TLS.
    pub control: String,
}

/// A blob, a version or a snapshot as tests see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlobView {
    /// Its name.
    pub name: String,
    /// `live`, `version`, `snapshot`, or `deleted` for all that soft delete keeps.
    pub state: &'static str,
    /// Its version.
    pub version: Option<String>,
    /// How many bytes it has.
    pub size: usize,
}

/// A running instance. Dropping it stops it as well.
pub struct Instance {
    shared: Arc<Shared>,
    addresses: Addresses,
    certificate: PathBuf,
    pem: String,
    servings: Vec<Serving>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        std::fs::remove_file(&self.certificate).ok();
    }
}

impl Instance {
    /// Starts an instance.
    ///
    /// # Errors
    /// When the address is not a loopback address or is taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let authority = Authority::new()?;
        let mut free = config.listen;
        free.set_port(0);
        let plain = Address::listen(config.listen).await?;
        let mut listeners = Vec::new();
        for service in [
            Service::Arm,
            Service::Authority,
            Service::Blob,
            Service::Issuer,
        ] {
            listeners.push((service, Address::listen(free).await?));
        }
        let mut addresses = Addresses {
            control: plain.url.clone(),
            ..Addresses::default()
        };
        for (service, address) in &listeners {
            let url = address.url.replacen("http://", "https://", 1);
            match service {
                Service::Arm => addresses.resource_manager = url,
                Service::Authority => addresses.authority = url,
                Service::Blob => addresses.blob = url,
                Service::Issuer => addresses.issuer = url,
                Service::Metadata => {}
            }
        }
        let certificate = write(&config, &authority.pem, &addresses)?;
        let world = World::new(config, addresses.clone())?;
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
        });
        let mut servings = Vec::new();
        for (service, address) in listeners {
            let listener = authority.listen(address.into_listener())?;
            servings.push(serve_on(listener, router(&shared, service)));
        }
        let app = Router::new()
            .nest("/_simulator", control::router().with_state(shared.clone()))
            .merge(router(&shared, Service::Metadata));
        servings.push(plain.serve(app));
        Ok(Self {
            shared,
            addresses,
            certificate,
            pem: authority.pem,
            servings,
        })
    }

    /// Where everything is.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The certificate to trust, in PEM.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.pem
    }

    /// One object with all that a client needs: the addresses, `ca_file`, `tenant_id`,
    /// `subscription_id`, `resource_group_name`, `location`, `client_id`, `client_secret`,
    /// `object_id`, `identity_endpoint`, `identity_header`, `imds_endpoint`.
    #[must_use]
    pub fn ready(&self) -> Value {
        let world = self.shared.world();
        let mut line = json!(self.addresses);
        let control = &self.addresses.control;
        let owner = world.principals.first();
        line["ca_file"] = self.certificate.display().to_string().into();
        line["tenant_id"] = world.config.tenant.clone().into();
        line["subscription_id"] = world.config.subscription.clone().into();
        line["resource_group_name"] = world.config.group.clone().into();
        line["location"] = world.config.location.clone().into();
        line["client_id"] = json!(owner.map(|one| &one.app_id));
        line["object_id"] = json!(owner.map(|one| &one.object_id));
        line["client_secret"] = json!(owner.and_then(|one| one.secrets.first()));
        line["identity_endpoint"] = format!("{control}/msi/token").into();
        line["identity_header"] = world.identity_header.clone().into();
        line["imds_endpoint"] = control.clone().into();
        line
    }

    /// Does one of the things that `/_simulator` offers, without HTTP: the path below it
    /// and the body. The answer is null where there is none.
    ///
    /// # Errors
    /// When there is no such switch, or it cannot be thrown.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut world = self.shared.world();
        control::throw(&mut world, method, path, body)
            .map_err(|(status, message)| anyhow::anyhow!("{method} {path}: {status} {message}"))
    }

    /// The object id of the subscription's owner.
    #[must_use]
    pub fn owner(&self) -> String {
        let world = self.shared.world();
        let owner = world.principals.first();
        owner.map(|one| one.object_id.clone()).unwrap_or_default()
    }

    /// A token of a principal for an audience such as `https://management.azure.com/`.
    #[must_use]
    pub fn token(&self, object_id: &str, audience: &str) -> String {
        let world = self.shared.world();
        let principal = world.principal(object_id);
        principal
            .map(|one| world.issue(one, audience, super::tokens::VALIDITY))
            .unwrap_or_default()
    }

    /// The requests, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestLog> {
        self.shared.world().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.world().requests.clear();
    }

    /// Breaks something until [`Instance::clear_faults`] or the end of its count. What a
    /// fault looks at is `SERVICE METHOD /path?query`, for example `arm PUT /subscriptions`.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().faults.push(Armed::new(fault));
    }

    /// Mends everything.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Moves the clock of all services.
    pub fn advance(&self, time: Duration) {
        self.shared.world().advance(time);
    }

    /// Every blob, version and snapshot of a container, in the order of their making.
    #[must_use]
    pub fn blobs(&self, account: &str, container: &str) -> Vec<BlobView> {
        let world = self.shared.world();
        let account = world.accounts.get(account);
        let container = account.and_then(|one| one.live(container));
        let blobs = container.map(|one| one.blobs.iter().map(super::blob::store::Blob::view));
        blobs.into_iter().flatten().collect()
    }

    /// Stops the instance: answers in the making are given two seconds.
    pub async fn stop(mut self) {
        for serving in std::mem::take(&mut self.servings) {
            serving.stop().await;
        }
    }
}

fn write(config: &Config, pem: &str, addresses: &Addresses) -> anyhow::Result<PathBuf> {
    let folder = config.folder.clone().unwrap_or_else(std::env::temp_dir);
    let (_, port) = addresses.control.rsplit_once(':').unwrap_or_default();
    let file = folder.join(format!("simulated-azure-{}-{port}.pem", std::process::id()));
    std::fs::write(&file, pem).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Whatever is asked of a service.
fn router(shared: &Arc<Shared>, service: Service) -> Router {
    let shared = shared.clone();
    Router::new().fallback(
        move |connection: ConnectInfo<Switch>, request: HttpRequest| {
            serve(shared.clone(), service, connection, request)
        },
    )
}
