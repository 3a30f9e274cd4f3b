//! Measures what the design sets budgets for and prints one table with the machine.
//!
//! `cargo bench` builds the release binary and runs this, and `cargo bench --bench bench -- gcp`
//! measures one cloud. Nothing here fails on a slow machine: numbers are for people to compare,
//! within one run.

mod azure;
mod google;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P521_SHA512};
use simulator::gcs;
use simulator::proxy::{Options, Proxy, Seen};
use simulator::servers::{MinioOptions, Server};
use tokio::net::UnixStream;
use tonic::transport::{Endpoint, Uri};
use tower::service_fn;

#[allow(dead_code, reason = "generated; a bench uses a part of it")]
mod wire {
    tonic::include_proto!("tfplugin5");
}

const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-wandb");
const ROUNDS: usize = 40;
const MANY: usize = 100;

struct Row {
    what: String,
    measured: String,
    budget: &'static str,
}

fn main() {
    // `cargo test --benches` asks for nothing but that it builds and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut rows = Vec::new();
    rows.push(size());
    rows.push(start());
    runtime.block_on(schema(&mut rows));
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_wanted = |job: &Job| named.is_empty() || named.iter().any(|name| name == job.cloud);
    for job in [MINIO, AWS, GCP].into_iter().filter(is_wanted) {
        runtime.block_on(requests(&job, &mut rows));
        runtime.block_on(many(&job, &mut rows));
    }
    if named.is_empty() || named.iter().any(|name| name == "azure") {
        runtime.block_on(azure::measure(&mut rows));
    }
    print(&rows);
}

fn print(rows: &[Row]) {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']))
        })
        .unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("\nMachine: {cores} cores, {model}\n");
    println!("| what | measured | budget |\n|---|---|---|");
    for row in rows {
        println!("| {} | {} | {} |", row.what, row.measured, row.budget);
    }
}

fn size() -> Row {
    let bytes = fs::metadata(BINARY).expect("the binary").len();
    Row {
        what: "release binary, stripped".into(),
        measured: format!("{:.1} MB", bytes as f64 / 1e6),
        budget: "16 MB (all clouds)",
    }
}

fn certificate() -> String {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("params");
    params.self_signed(&key).expect("a certificate").pem()
}

fn spawn(certificate: Option<&str>) -> (Child, Vec<String>, Duration) {
    let mut command = Command::new(BINARY);
    command
        .env(
            "TF_PLUGIN_MAGIC_COOKIE",
            "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
        )
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(certificate) = certificate {
        command.env("PLUGIN_CLIENT_CERT", certificate);
    }
    let begin = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("a line");
    let took = begin.elapsed();
    (
        child,
        line.trim().split('|').map(str::to_owned).collect(),
        took,
    )
}

fn end(mut child: Child, fields: &[String]) {
    child.kill().expect("killed");
    child.wait().expect("gone");
    let _ = fs::remove_file(&fields[3]);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn start() -> Row {
    let certificate = certificate();
    let times = (0..ROUNDS)
        .map(|_| {
            let (child, fields, took) = spawn(Some(&certificate));
            end(child, &fields);
            took
        })
        .collect();
    Row {
        what: format!("process start to handshake line, mutual TLS (median of {ROUNDS})"),
        measured: format!("{:.2} ms", median(times).as_secs_f64() * 1e3),
        budget: "3 ms",
    }
}

/// Resident memory of a process in MiB.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default();
    kib / 1024.0
}

async fn schema(rows: &mut Vec<Row>) {
    let mut times = Vec::new();
    let (mut at_start, mut after) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let (child, fields, _) = spawn(None);
        at_start = resident(child.id());
        let path = PathBuf::from(&fields[3]);
        let channel = Endpoint::from_static("http://localhost")
            .connect_with_connector(service_fn(move |_: Uri| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            }))
            .await
            .expect("it connects");
        let mut provider = wire::provider_client::ProviderClient::new(channel);
        let begin = Instant::now();
        provider
            .get_schema(wire::get_provider_schema::Request {})
            .await
            .expect("an answer");
        times.push(begin.elapsed());
        after = resident(child.id());
        end(child, &fields);
    }
    rows.push(Row {
        what: format!("GetProviderSchema (median of {ROUNDS})"),
        measured: format!("{:.2} ms", median(times).as_secs_f64() * 1e3),
        budget: "5 ms",
    });
    rows.push(Row {
        what: "resident memory at handshake / after schema".into(),
        measured: format!("{at_start:.1} / {after:.1} MiB"),
        budget: "8 / 12 MiB",
    });
}

/// What is measured: a cloud, the server in its place, and the budgets.
struct Job {
    cloud: &'static str,
    what: &'static str,
    /// Requests, and wall times behind a delay.
    budgets: [&'static str; 2],
}

const MINIO: Job = Job {
    cloud: "s3_compatible",
    what: "MinIO, bucket + user + policy + key",
    budgets: ["26 / 9 / 21", "1.3 / 0.3 / 0.8 s"],
};
const AWS: Job = Job {
    cloud: "aws",
    what: "AWS outside us-east-1, bucket + key + policies",
    budgets: ["41 / 13 / 25", "1.5 / 0.3 / 0.8 s"],
};

/// Asked by a token, so that Google signs the probe and each run asks for leave to act as
/// the project's owner.
const GCP: Job = Job {
    cloud: "gcp",
    what: "GCP, bucket + binding (probe by signBlob)",
    budgets: ["22 / 4 / 10", "-"],
};

/// The server in a cloud's place.
enum Place {
    Server(Server),
    Google(Box<gcs::Instance>),
}

impl Place {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Server(server) => server.address(),
            Self::Google(cloud) => {
                let url = cloud.url();
                let address = url.trim_start_matches("http://").parse();
                address.expect("an address")
            }
        }
    }

    async fn stop(self) {
        match self {
            Self::Server(server) => server.stop().await,
            Self::Google(cloud) => cloud.stop().await,
        }
    }
}

impl Job {
    async fn server(&self) -> Place {
        match self.cloud {
            "aws" => Place::Server(Server::moto().await.expect("moto")),
            "gcp" => Place::Google(Box::new(google::start().await)),
            _ => {
                let server = Server::minio(MinioOptions::default()).await;
                Place::Server(server.expect("MinIO"))
            }
        }
    }

    /// The cloud's block of the provider.
    fn login(&self, place: &Place, endpoint: &str) -> String {
        let server = match place {
            Place::Server(server) => server,
            Place::Google(cloud) => return google::login(cloud, endpoint),
        };
        let key = format!(
            "access_key = \"{}\"\n secret_key = \"{}\"\n",
            server.access_key(),
            server.secret_key()
        );
        let place = match self.cloud {
            "aws" => {
                let services = ["s3", "kms", "iam", "sts"];
                let lines = services.map(|service| format!("{service} = \"{endpoint}\"\n"));
                format!(
                    "region = \"eu-west-1\"\n endpoints {{\n {} }}\n",
                    lines.concat()
                )
            }
            _ => format!("endpoint = \"{endpoint}\"\n"),
        };
        format!("{} {{\n {key} {place} }}", self.cloud)
    }

    /// The cloud's block of a bucket. The stand-in for AWS speaks no TLS.
    fn block(&self) -> &'static str {
        match self.cloud {
            "aws" => "aws {\n https_only = false\n }",
            "gcp" => "gcp {}",
            _ => "s3_compatible {\n create_access_key = true\n }",
        }
    }
}

/// A working directory with the release binary as the provider.
struct Work {
    directory: tempfile::TempDir,
}

impl Work {
    fn new(job: &Job, endpoint: &str, server: &Place, count: usize) -> Self {
        Self::of(&format!(
            "provider \"wandb\" {{\n deployment = \"dedicated\"\n {}\n}}\n\
             resource \"wandb_byob_bucket\" \"this\" {{\n count = {count}\n name = \"bench-${{count.index}}\"\n {}\n}}\n",
            job.login(server, endpoint),
            job.block()
        ))
    }

    fn of(configuration: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = Path::new(BINARY)
            .parent()
            .expect("a folder")
            .display()
            .to_string();
        let cli = format!(
            "provider_installation {{\n dev_overrides {{\n \"wandb-byob/wandb\" = \"{folder}\"\n }}\n direct {{}}\n}}\n"
        );
        fs::write(directory.path().join("cli.tfrc"), cli).expect("written");
        let text = format!(
            "terraform {{\n required_providers {{\n wandb = {{ source = \"wandb-byob/wandb\" }}\n }}\n}}\n{configuration}"
        );
        fs::write(directory.path().join("main.tf"), text).expect("written");
        Self { directory }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command
            .args(arguments)
            .arg("-no-color")
            .current_dir(self.directory.path())
            .env("TF_CLI_CONFIG_FILE", self.directory.path().join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Duration {
        let begin = Instant::now();
        let output = self.command(arguments).output().expect("terraform");
        let took = begin.elapsed();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        took
    }
}

const APPLY: [&str; 2] = ["apply", "-auto-approve"];
const DESTROY: [&str; 2] = ["destroy", "-auto-approve"];

/// What was asked of the cloud. Tokens are not counted: each process gets one, wherever
/// credentials come from.
fn without_logins(proxy: &Proxy) -> Vec<Seen> {
    let mut seen = proxy.requests();
    seen.retain(|one| !one.target.ends_with(":generateAccessToken"));
    seen
}

async fn requests(job: &Job, rows: &mut Vec<Row>) {
    let server = job.server().await;
    for delay in [Duration::ZERO, Duration::from_millis(50)] {
        let proxy = Proxy::start(server.address(), Options { delay })
            .await
            .expect("the proxy");
        let work = Work::new(job, &proxy.url(), &server, 1);
        let mut counts = Vec::new();
        let mut times = Vec::new();
        for arguments in [&APPLY[..], &["plan"], &DESTROY] {
            proxy.clear();
            times.push(work.run(arguments));
            let requests = without_logins(&proxy);
            if std::env::args().any(|argument| argument == "--requests") {
                println!("{arguments:?}");
                requests
                    .iter()
                    .for_each(|request| println!("  {request:?}"));
            }
            counts.push(requests.len().to_string());
        }
        let times: Vec<String> = times
            .iter()
            .map(|time| format!("{:.2} s", time.as_secs_f64()))
            .collect();
        let [for_requests, for_times] = job.budgets;
        rows.push(if delay.is_zero() {
            Row {
                what: format!(
                    "{}: requests for create with probe / no-change plan / destroy",
                    job.what
                ),
                measured: counts.join(" / "),
                budget: for_requests,
            }
        } else {
            Row {
                what: "the same behind 50 ms: wall of create / no-change plan / destroy".into(),
                measured: times.join(" / "),
                budget: for_times,
            }
        });
    }
    server.stop().await;
}

async fn many(job: &Job, rows: &mut Vec<Row>) {
    let server = job.server().await;
    let proxy = Proxy::start(server.address(), Options::default())
        .await
        .expect("the proxy");
    let work = Work::new(job, &proxy.url(), &server, MANY);
    let begin = Instant::now();
    let mut child = work
        .command(&APPLY)
        // Nobody reads what it prints.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("terraform");
    let directory = fs::canonicalize(work.directory.path()).expect("a directory");
    let (mut most, mut last) = (0.0_f64, 0.0);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        for pid in providers_in(&directory) {
            let now = resident(pid);
            most = most.max(now);
            last = if now > 0.0 { now } else { last };
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(status.success(), "the apply of {MANY} buckets failed");
    let took = begin.elapsed().as_secs_f64();
    let created = without_logins(&proxy).len();
    proxy.clear();
    work.run(&["plan"]);
    let planned = without_logins(&proxy);
    let writes = planned.iter().filter(|seen| !seen.is_read()).count();
    let each = |count: usize| count as f64 / MANY as f64;
    rows.push(Row {
        what: format!(
            "{MANY} buckets: requests of each for create / no-change plan; writes of that plan"
        ),
        measured: format!(
            "{:.1} / {:.1}; {writes}",
            each(created),
            each(planned.len())
        ),
        budget: "as for one; 0",
    });
    rows.push(Row {
        what: format!(
            "{MANY} buckets: resident memory after the apply / at most; wall of the apply"
        ),
        measured: format!("{last:.1} / {most:.1} MiB; {took:.1} s"),
        budget: "48 MiB / -",
    });
    work.run(&DESTROY);
    server.stop().await;
}

/// The providers that Terraform runs in a directory.
fn providers_in(directory: &Path) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries
        .filter(|entry| {
            fs::read_to_string(entry.path().join("comm"))
                .is_ok_and(|name| name.starts_with("terraform-provi"))
                && fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory)
        })
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
