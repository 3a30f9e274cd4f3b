//! The simulator as a command: a W&B instance to try the provider on by hand.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use simulator::wandb::{Config, Instance};
use tokio::signal::unix::{SignalKind, signal};

/// Servers to try the provider on, without an account anywhere.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    server: Server,
}

#[derive(Subcommand)]
enum Server {
    /// A W&B instance with SCIM and GraphQL. It really tries the buckets that teams are
    /// given. Ends on SIGINT and SIGTERM and keeps nothing.
    Wandb(Wandb),
}

#[derive(Args)]
#[command(after_help = "\
What the instance holds can be seen and changed without a key:
  curl URL/_simulator/teams
  curl URL/_simulator/requests
  curl URL/_simulator/stores -H 'content-type: application/json' \\
    -d '{\"entry\": \"s3://KEY:SECRET@127.0.0.1:9000/bucket?region=us-east-1&tls=false\"}'
  curl URL/_simulator/users -H 'content-type: application/json' \\
    -d '{\"id\": \"u7\", \"user_name\": \"jane\", \"email\": \"jane@example.com\"}'
  curl URL/_simulator/faults -H 'content-type: application/json' \\
    -d '{\"kind\": \"status\", \"path_contains\": \"/scim\", \"code\": 503, \"times\": 2}'
Other faults: lose_reply, reset, delay, graphql_error, ignore_filter, test_result, test_passes.")]
struct Wandb {
    /// Where to listen: a loopback address; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The one key that the instance accepts.
    #[arg(long)]
    api_key: String,
    /// The name of the key's owner, for Basic authentication.
    #[arg(long, default_value = "admin")]
    username: String,
    /// An entry of GORILLA_SUPPORTED_FILE_STORES, with credentials; may be repeated.
    #[arg(long = "store", value_name = "ADDRESS")]
    stores: Vec<String>,
    /// The origin of the instance's web app, for the CORS check [default: the
    /// instance's own address]
    #[arg(long)]
    origin: Option<String>,
    /// The version that the instance claims to be.
    #[arg(long, default_value = "0.80.0")]
    version: String,
    /// Refuse bearer tokens, as instances before 0.79 do.
    #[arg(long)]
    no_bearer: bool,
    /// Leave the storage test and the storage read-back out of the GraphQL schema.
    #[arg(long)]
    old_schema: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Server::Wandb(wandb) = Arguments::parse().server;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let instance = Instance::start(Config {
        origin: wandb.origin.unwrap_or_default(),
        listen: wandb.listen,
        api_key: wandb.api_key,
        username: wandb.username,
        bearer: !wandb.no_bearer,
        version: wandb.version,
        stores: wandb.stores,
        old_schema: wandb.old_schema,
        certificates: None,
    })
    .await?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", instance.url())?;
    output.flush()?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    instance.stop().await;
    Ok(())
}
