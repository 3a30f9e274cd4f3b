//! A server on a loopback address, from its start to its end: the same for every simulated
//! service.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::connection::{CuttableListener, Switch};

/// An address that is listened at, and nobody answers yet.
pub(crate) struct Address {
    listener: TcpListener,
    /// Without a slash at the end.
    pub(crate) url: String,
}

impl Address {
    /// Listens.
    ///
    /// # Errors
    /// When the address is not a loopback address or is taken.
    pub(crate) async fn listen(at: SocketAddr) -> anyhow::Result<Self> {
        ensure!(at.ip().is_loopback(), "{at} is not a loopback address");
        let listener = TcpListener::bind(at)
            .await
            .with_context(|| format!("cannot listen on {at}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    /// Answers from now on.
    pub(crate) fn serve(self, app: Router) -> Serving {
        serve_on(self.into_listener(), app)
    }

    /// The bare connections, for whoever has something to say before HTTP begins.
    pub(crate) fn into_listener(self) -> CuttableListener {
        CuttableListener::new(self.listener)
    }
}

/// Answers what comes in by a listener.
pub(crate) fn serve_on<L>(listener: L, app: Router) -> Serving
where
    L: Listener,
    L::Addr: std::fmt::Debug,
    Switch: for<'a> Connected<IncomingStream<'a, L>>,
{
    let app = app.into_make_service_with_connect_info::<Switch>();
    let (shutdown, ended) = oneshot::channel();
    let server = tokio::spawn(async move {
        // A dropped sender ends the server as well as a sent message does.
        let ended = async move {
            ended.await.ok();
        };
        axum::serve(listener, app)
            .with_graceful_shutdown(ended)
            .await
            .ok();
    });
    Serving { shutdown, server }
}

/// A server that answers. Dropping it stops it as well.
pub(crate) struct Serving {
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Serving {
    /// Stops it: answers in the making are given two seconds.
    pub(crate) async fn stop(self) {
        self.shutdown.send(()).ok();
        let abort = self.server.abort_handle();
        if tokio::time::timeout(Duration::from_secs(2), self.server)
            .await
            .is_err()
        {
            abort.abort();
        }
    }
}
