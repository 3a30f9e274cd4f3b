//! Connections that were opened, kept for everything that asks the same server as the same
//! caller.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::byob::{Cloud, CloudError};
use crate::terraform::account::Connector;

/// The clients of a cloud for one server and one caller.
pub(super) trait Connection: fmt::Debug + Send + Sync + Sized + 'static {
    /// Who asks which server.
    type Settings: Clone + fmt::Debug + PartialEq + Send + Sync;

    /// What one bucket's place is, beyond the server.
    type Place: Clone + fmt::Debug + Send + Sync;

    /// The clients for these settings. Sends nothing yet.
    fn connect(settings: Self::Settings) -> Result<Self, CloudError>;

    /// What they were made for.
    fn settings(&self) -> &Self::Settings;

    /// The cloud over these clients at a place, for one operation that ends with `stop`.
    fn open(self: &Arc<Self>, place: Self::Place, stop: CancellationToken) -> Arc<dyn Cloud>;
}

/// The connections of one cloud.
#[derive(Debug)]
pub(super) struct Connections<C>(Mutex<Vec<Arc<C>>>);

impl<C> Default for Connections<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Connection> Connections<C> {
    /// The way in with these settings, to a place.
    pub(super) fn connector(
        self: &Arc<Self>,
        settings: C::Settings,
        place: C::Place,
    ) -> Arc<dyn Connector> {
        Arc::new(Shared {
            settings,
            place,
            connections: Arc::clone(self),
        })
    }

    /// The clients for these settings; the same for everybody who has them.
    ///
    /// # Errors
    /// When there can be none with these settings.
    pub(super) fn connect(&self, settings: &C::Settings) -> Result<Arc<C>, CloudError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.iter().find(|known| known.settings() == settings) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(C::connect(settings.clone())?);
        open.push(Arc::clone(&new));
        Ok(new)
    }
}

/// A way in that shares its connections with all that have the same settings.
#[derive(Debug)]
struct Shared<C: Connection> {
    settings: C::Settings,
    place: C::Place,
    connections: Arc<Connections<C>>,
}

impl<C: Connection> Connector for Shared<C> {
    fn open(&self, stop: &CancellationToken) -> Result<Arc<dyn Cloud>, CloudError> {
        let connection = self.connections.connect(&self.settings)?;
        Ok(connection.open(self.place.clone(), stop.clone()))
    }
}
