//! The services that go-plugin expects of every plugin.

use std::pin::Pin;

use futures_util::stream::{self, Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::wire::health::health_check_response::ServingStatus;
use super::wire::health::{HealthCheckRequest, HealthCheckResponse, health_server};
use super::wire::plugin::{
    ConnInfo, StdioData, grpc_broker_server, grpc_controller_server, grpc_stdio_server,
};

/// All four services; they end with the process.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    pub(super) shutdown: CancellationToken,
    /// Held by a debugger: it outlives the client.
    pub(super) outlives_client: bool,
}

type Endless<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Plugin {
    /// A stream that says nothing until the process ends.
    fn silence<T: Send + 'static>(&self) -> Endless<T> {
        let shutdown = self.shutdown.clone();
        let end = async move { shutdown.cancelled_owned().await };
        Box::pin(stream::pending().take_until(Box::pin(end)))
    }
}

#[tonic::async_trait]
impl grpc_controller_server::GrpcController for Plugin {
    async fn shutdown(&self, _: Request<()>) -> Result<Response<()>, Status> {
        if !self.outlives_client {
            self.shutdown.cancel();
        }
        Ok(Response::new(()))
    }
}

#[tonic::async_trait]
impl grpc_stdio_server::GrpcStdio for Plugin {
    type StreamStdioStream = Endless<StdioData>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.silence()))
    }
}

#[tonic::async_trait]
impl grpc_broker_server::GrpcBroker for Plugin {
    type StartStreamStream = Endless<ConnInfo>;

    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(self.silence()))
    }
}

#[tonic::async_trait]
impl health_server::Health for Plugin {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" | "plugin" => Ok(Response::new(HealthCheckResponse {
                status: ServingStatus::Serving.into(),
            })),
            other => Err(Status::not_found(format!("no service {other:?}"))),
        }
    }
}
