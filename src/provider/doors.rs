//! Opens clouds for resources. The one place where `resources` and `clouds` meet.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::byob::probe::ProbeResult;
use crate::byob::{Cloud, CloudError};
use crate::clouds::probe;
use crate::clouds::s3_compatible::{self, Clients, Settings};
use crate::resources::environment::{AdminApi, Doors, Probe, S3Place};

/// Clouds that were opened, each with its connections. Nothing is opened before a
/// resource needs it.
#[derive(Default)]
pub(super) struct OpenClouds {
    retries: u32,
    s3_compatible: Mutex<Vec<(S3Place, Arc<Clients>)>>,
}

impl fmt::Debug for OpenClouds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenClouds").finish_non_exhaustive()
    }
}

impl OpenClouds {
    /// Clouds that try a failed request again up to `retries` times.
    pub(super) fn new(retries: u32) -> Self {
        Self {
            retries,
            ..Self::default()
        }
    }

    fn clients(&self, place: &S3Place) -> Result<Arc<Clients>, CloudError> {
        let mut open = self
            .s3_compatible
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, clients)) = open.iter().find(|(other, _)| other == place) {
            return Ok(Arc::clone(clients));
        }
        let clients = Arc::new(Clients::new(Settings {
            endpoint: place.endpoint.clone(),
            region: place.region.clone(),
            access_key: place.access_key.clone(),
            secret_key: SecretString::from(place.secret_key.expose().to_owned()),
            path_style: place.path_style,
            ca_bundle: place.ca_bundle.clone(),
            admin_api: match place.admin_api {
                AdminApi::Auto => s3_compatible::AdminApi::Auto,
                AdminApi::MinIo => s3_compatible::AdminApi::MinIo,
                AdminApi::Iam => s3_compatible::AdminApi::Iam,
            },
            max_retries: self.retries,
        })?);
        open.push((place.clone(), Arc::clone(&clients)));
        Ok(clients)
    }
}

#[async_trait]
impl Doors for OpenClouds {
    fn s3_compatible(
        &self,
        place: &S3Place,
        stop: &CancellationToken,
    ) -> Result<Arc<dyn Cloud>, CloudError> {
        Ok(s3_compatible::open(&self.clients(place)?, stop.clone()))
    }

    async fn probe(
        &self,
        cloud: &dyn Cloud,
        what: &Probe<'_>,
        stop: &CancellationToken,
    ) -> Result<ProbeResult, CloudError> {
        probe::probe(cloud, what.bucket, what.path, what.origin, what.key, stop).await
    }
}
