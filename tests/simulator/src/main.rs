//! The simulator as a command: a W&B instance, a Google Cloud and an Azure to try the
//! provider on by hand.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use simulator::wandb::{self, Config, Google, Instance};
use simulator::{azure, gcs};
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
    /// Google Cloud Storage with IAM, Cloud KMS, Resource Manager and sign-in, all at one
    /// address. Prints the address, then the owner's key file on one line. Ends on SIGINT
    /// and SIGTERM and keeps nothing.
    Gcs(Gcs),
    /// Azure: Resource Manager, sign-in, the Blob service and the managed identity
    /// endpoints. Prints one line of JSON with the addresses, the file of the certificate
    /// to trust and the owner's secret. Ends on SIGINT and SIGTERM and keeps nothing.
    Azure(Azure),
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
    /// Where Google Cloud Storage is, for buckets there.
    #[arg(long, value_name = "URL", requires = "google_key_file")]
    google_endpoint: Option<String>,
    /// The key file of W&B's own service account there.
    #[arg(long, value_name = "FILE", requires = "google_endpoint")]
    google_key_file: Option<PathBuf>,
    /// The line of a simulated Azure, in a file, for containers there. The instance runs as
    /// the service account `wandb-app` of the namespace `default`.
    #[arg(long, value_name = "FILE")]
    azure: Option<PathBuf>,
    /// The name of the instance's cluster at the simulated Azure's issuer.
    #[arg(long, default_value = "/wandb", value_name = "PATH")]
    azure_cluster: String,
}

#[derive(Args)]
#[command(after_help = "\
What is there can be seen and changed without a key:
  curl URL/_simulator/requests
  curl URL/_simulator/buckets/NAME
  curl URL/_simulator/keys -H 'content-type: application/json' \\
    -d '{\"email\": \"wandb-integration@wandb-production.iam.gserviceaccount.com\"}'
  curl URL/_simulator/crypto-keys -H 'content-type: application/json' \\
    -d '{\"name\": \"projects/p/locations/us/keyRings/r/cryptoKeys/k\"}'
  curl URL/_simulator/faults -H 'content-type: application/json' \\
    -d '{\"kind\": \"status\", \"path_contains\": \"PATCH /storage\", \"code\": 429, \"times\": 2}'
Also: tokens, accounts, grants, constraints, clock.")]
struct Gcs {
    /// Where to listen: a loopback address; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8091")]
    listen: SocketAddr,
    /// The project, whose owner is the service account `owner`.
    #[arg(long, default_value = "simulated-project")]
    project: String,
    /// A service account of somebody else's project; may be repeated, and is beside those
    /// of W&B.
    #[arg(long = "account", value_name = "ADDRESS")]
    accounts: Vec<String>,
    /// The account that the metadata server speaks for.
    #[arg(long, value_name = "ADDRESS")]
    metadata_account: Option<String>,
    /// Seconds until a new policy is felt.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    propagation: u64,
}

#[derive(Args)]
#[command(after_help = "\
What is there can be seen and changed without a key, at the address `control`:
  curl CONTROL/_simulator/requests
  curl CONTROL/_simulator/accounts/NAME/containers
  curl CONTROL/_simulator/principals -d '{\"type\": \"ServicePrincipal\"}'
  curl CONTROL/_simulator/grants -d '{\"principal\": \"OBJECT-ID\", \"role\": \"Reader\", \"scope\": \"/subscriptions/ID\"}'
  curl CONTROL/_simulator/locks -d '{\"name\": \"keep\", \"scope\": \"/subscriptions/ID\"}'
  curl CONTROL/_simulator/faults \
    -d '{\"kind\": \"status\", \"path_contains\": \"arm PUT /subscriptions\", \"code\": 429, \"times\": 2}'
Also: settings, clock, subscriptions, providers, issuers, machine, roles, tokens,
cluster-tokens, credentials, assignments, identities.")]
struct Azure {
    /// Where the switches and the managed identity endpoints listen: a loopback address;
    /// port 0 takes a free one. All else takes free ports beside it.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the certificate to trust is written [default: the folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The resource group that is there from the start.
    #[arg(long, default_value = "simulated-group")]
    group: String,
    /// Where that is.
    #[arg(long, default_value = "westeurope")]
    location: String,
    /// Seconds until a role is felt.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    role_delay: u64,
    /// Seconds for which the name of a deleted container stays taken.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    container_deletion: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().server {
        Server::Wandb(wandb) => serve_wandb(wandb).await,
        Server::Gcs(gcs) => serve_gcs(gcs).await,
        Server::Azure(azure) => serve_azure(azure).await,
    }
}

/// Tells where a server is, then waits until it is to end.
async fn until_told(lines: &[String]) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut output = std::io::stdout();
    for line in lines {
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn serve_gcs(gcs: Gcs) -> anyhow::Result<()> {
    let mut config = gcs::Config {
        listen: gcs.listen,
        project: gcs.project,
        metadata_account: gcs.metadata_account,
        propagation: Duration::from_secs(gcs.propagation),
        ..gcs::Config::default()
    };
    config.known_accounts.extend(gcs.accounts);
    let instance = gcs::Instance::start(config).await?;
    let key_file = instance.key_file(&instance.owner())?;
    until_told(&[instance.url(), key_file]).await?;
    instance.stop().await;
    Ok(())
}

async fn serve_azure(azure: Azure) -> anyhow::Result<()> {
    let config = azure::Config {
        listen: azure.listen,
        folder: azure.folder,
        group: azure.group,
        location: azure.location,
        role_delay: Duration::from_secs(azure.role_delay),
        container_deletion: Duration::from_secs(azure.container_deletion),
        ..azure::Config::default()
    };
    let instance = azure::Instance::start(config).await?;
    until_told(&[instance.ready().to_string()]).await?;
    instance.stop().await;
    Ok(())
}

/// How a W&B instance reaches the Azure that has told this, and what it is to trust.
fn azure_of(file: &Path, cluster: &str) -> anyhow::Result<(wandb::Azure, String)> {
    let line =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let line: serde_json::Value = serde_json::from_str(&line)?;
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let certificates = std::fs::read_to_string(text("ca_file"))
        .with_context(|| format!("cannot read {}", text("ca_file")))?;
    let azure = wandb::Azure {
        authority: text("authority"),
        blob: text("blob"),
        control: text("control"),
        issuer: format!("{}{cluster}", text("issuer")),
        subject: "system:serviceaccount:default:wandb-app".to_owned(),
    };
    Ok((azure, certificates))
}

async fn serve_wandb(wandb: Wandb) -> anyhow::Result<()> {
    let google = match (wandb.google_endpoint, wandb.google_key_file) {
        (Some(endpoint), Some(file)) => Some(Google {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            key_file: std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?,
        }),
        _ => None,
    };
    let (azure, certificates) = match wandb.azure {
        Some(file) => {
            let (azure, certificates) = azure_of(&file, &wandb.azure_cluster)?;
            (Some(azure), Some(certificates))
        }
        None => (None, None),
    };
    let instance = Instance::start(Config {
        origin: wandb.origin.unwrap_or_default(),
        listen: wandb.listen,
        api_key: wandb.api_key,
        username: wandb.username,
        bearer: !wandb.no_bearer,
        version: wandb.version,
        stores: wandb.stores,
        old_schema: wandb.old_schema,
        google,
        azure,
        certificates,
    })
    .await?;
    until_told(&[instance.url()]).await?;
    instance.stop().await;
    Ok(())
}
