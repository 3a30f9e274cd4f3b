//! The process: from its start to its end.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::transport::Server as Grpc;

use super::handshake::{self, Invitation};
use super::listener::Listener;
use super::log;
use super::panics;
use super::plugin::Plugin;
use super::provider::{AnyProvider, Provider};
use super::rpc::{Server, Service};
use super::tls;
use super::wire::health::health_server::HealthServer;
use super::wire::plugin::grpc_broker_server::GrpcBrokerServer;
use super::wire::plugin::grpc_controller_server::GrpcControllerServer;
use super::wire::plugin::grpc_stdio_server::GrpcStdioServer;
use super::wire::tfplugin5::provider_server::ProviderServer;

/// As large as Terraform's own SDK allows.
const LARGEST_MESSAGE: usize = 256 << 20;
/// How long operations may take to end by themselves before the process does.
const GRACE: Duration = Duration::from_secs(10);
/// How long connections may take to close; Terraform kills after two seconds.
const CLOSING: Duration = Duration::from_millis(1_000);
/// Operations that wait for many answers at once need more than a thread has by itself.
/// What is not used is not taken from the system.
const STACK: usize = 8 << 20;
/// How often the process looks whether Terraform is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Runs the provider until Terraform is done with it.
///
/// Started by hand it says how it is meant to be used; `-debug` waits for a Terraform
/// that is told where to find it, `-version` prints the version.
pub fn serve(provider: impl Provider) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let argument = std::env::args().nth(1).unwrap_or_default();
    let name = AnyProvider::name(&provider);
    let version = AnyProvider::version(&provider);
    let outcome = match argument.trim_start_matches('-') {
        "version" => handshake::announce(&format!("terraform-provider-{name} {version}\n"))
            .map_err(anyhow::Error::from),
        "debug" => run(Box::new(provider), Invitation::default(), true),
        _ => match Invitation::from_environment(variable) {
            Some(invitation) => {
                log::install(variable);
                run(Box::new(provider), invitation, false)
            }
            None => Err(anyhow::anyhow!(
                "this is a Terraform provider and is not meant to be started by hand: name it in \
                 required_providers and run terraform, or start it with -debug to attach one"
            )),
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard output belongs to the handshake alone.
            let _ = writeln!(
                std::io::stderr(),
                "terraform-provider-{name} {version}: {error}"
            );
            ExitCode::FAILURE
        }
    }
}

fn run(provider: Box<dyn AnyProvider>, invitation: Invitation, debug: bool) -> anyhow::Result<()> {
    panics::watch();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .build()?;
    let outcome = runtime.block_on(listen(provider, invitation, debug));
    runtime.shutdown_background();
    outcome
}

async fn listen(
    provider: Box<dyn AnyProvider>,
    invitation: Invitation,
    debug: bool,
) -> anyhow::Result<()> {
    let identity = invitation
        .client_certificate
        .as_deref()
        .map(tls::identity)
        .transpose()?;
    let parent = parent();
    let signalled = signal(debug);
    let address = provider.address();
    let listener = Arc::new(Listener::bind(&invitation).await?);
    let shutdown = CancellationToken::new();
    let service = Arc::new(Service::new(provider));
    let plugin = Plugin {
        shutdown: shutdown.clone(),
        outlives_client: debug,
    };
    let connections =
        Arc::clone(&listener).connections(identity.as_ref().map(|one| Arc::clone(&one.config)));
    let provider_server = ProviderServer::new(Server(Arc::clone(&service)))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let serving = Grpc::builder()
        .add_service(provider_server)
        .add_service(GrpcControllerServer::new(plugin.clone()))
        .add_service(GrpcStdioServer::new(plugin.clone()))
        .add_service(GrpcBrokerServer::new(plugin.clone()))
        .add_service(HealthServer::new(plugin))
        .serve_with_incoming_shutdown(connections, shutdown.clone().cancelled_owned());
    let serving = tokio::spawn(serving);

    let line = if debug {
        handshake::reattach(address, &listener.address)
    } else {
        invitation.line(
            &listener.address,
            identity.as_ref().map(|one| one.certificate.as_slice()),
        )
    };
    handshake::announce(&line)?;

    wait_for_the_end(&service, &shutdown, signalled, parent, debug).await;
    listener.clean_up();
    // A client that keeps its connection open does not keep the process alive.
    let _ = tokio::time::timeout(CLOSING, serving).await;
    Ok(())
}

/// Returns when Terraform says so, when the system says so, or when Terraform is gone.
/// In the last two cases operations are asked to stop and waited for.
async fn wait_for_the_end(
    service: &Service,
    shutdown: &CancellationToken,
    signalled: impl Future<Output = ()>,
    parent: u32,
    debug: bool,
) {
    tokio::select! {
        () = shutdown.cancelled() => return,
        () = signalled => {}
        () = orphaned(parent), if !debug => {}
    }
    service.stop_all();
    let _ = tokio::time::timeout(GRACE, service.idle()).await;
    shutdown.cancel();
}

/// SIGTERM; with a debugger also SIGINT. Otherwise SIGINT is ignored: a terminal sends
/// it to the whole group, and Terraform then asks politely.
///
/// Listens from the call on, which has to come before anything is announced: whoever
/// hears from us may press Ctrl-C at once.
#[cfg(unix)]
fn signal(debug: bool) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = signal(SignalKind::terminate());
    let interrupt = signal(SignalKind::interrupt());
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => {
                    if debug {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(not(unix))]
async fn signal(debug: bool) {
    loop {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        if debug {
            return;
        }
    }
}

/// The process that started this one. Asked before anything is announced: whoever hears
/// from us may end at once, and then it would not be the one to watch.
#[cfg(unix)]
fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent() -> u32 {
    0
}

/// Returns when `parent` has ended.
#[cfg(unix)]
async fn orphaned(parent: u32) {
    let mut look = tokio::time::interval(LOOK);
    while std::os::unix::process::parent_id() == parent {
        look.tick().await;
    }
}

#[cfg(not(unix))]
async fn orphaned(_: u32) {
    std::future::pending().await
}
