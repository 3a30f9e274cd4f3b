//! Measures what the design sets budgets for and prints one table with the machine.
//!
//! `cargo bench` builds the release binary and runs this. Nothing here fails on a slow
//! machine: numbers are for people to compare, within one run.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P521_SHA512};
use simulator::proxy::{Options, Proxy};
use simulator::servers::{MinioOptions, Server};
use simulator::wandb::{Config, Instance};
use tokio::net::UnixStream;
use tonic::transport::{Endpoint, Uri};
use tower::service_fn;

#[allow(dead_code, reason = "generated; a bench uses a part of it")]
mod wire {
    tonic::include_proto!("tfplugin5");
}

const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-wandb");
const KEY: &str = "0123456789abcdef0123456789abcdef01234567";
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
    runtime.block_on(requests(&mut rows));
    runtime.block_on(many(&mut rows));
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

/// A working directory with the release binary as the provider.
struct Work {
    directory: tempfile::TempDir,
}

impl Work {
    fn new(wandb: &Instance, endpoint: &str, server: &Server, count: usize) -> Self {
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
            "terraform {{\n required_providers {{\n wandb = {{ source = \"wandb-byob/wandb\" }}\n }}\n}}\n\
             provider \"wandb\" {{\n base_url = \"{}\"\n api_key = \"{KEY}\"\n s3_compatible {{\n endpoint = \"{endpoint}\"\n \
             access_key = \"{}\"\n secret_key = \"{}\"\n }}\n}}\n\
             resource \"wandb_byob_bucket\" \"this\" {{\n count = {count}\n name = \"bench-${{count.index}}\"\n register = false\n \
             s3_compatible {{\n create_access_key = true\n }}\n}}\n",
            wandb.url(),
            server.access_key(),
            server.secret_key()
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

async fn requests(rows: &mut Vec<Row>) {
    let server = Server::minio(MinioOptions::default()).await.expect("MinIO");
    let config = Config {
        api_key: KEY.to_owned(),
        ..Config::default()
    };
    let wandb = Instance::start(config).await.expect("the instance");
    for delay in [Duration::ZERO, Duration::from_millis(50)] {
        let proxy = Proxy::start(server.address(), Options { delay })
            .await
            .expect("the proxy");
        let work = Work::new(&wandb, &proxy.url(), &server, 1);
        let mut counts = Vec::new();
        let mut times = Vec::new();
        for arguments in [&APPLY[..], &["plan"], &DESTROY] {
            proxy.clear();
            times.push(work.run(arguments));
            let requests = proxy.requests();
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
        if delay.is_zero() {
            rows.push(Row {
                what: "MinIO, bucket + user + policy + key: requests for create with probe / no-change plan / destroy".into(),
                measured: counts.join(" / "),
                budget: "26 / 9 / 12",
            });
        } else {
            rows.push(Row {
                what: "the same behind 50 ms: wall of create / no-change plan / destroy".into(),
                measured: times.join(" / "),
                budget: "2.5 / 0.7 / 1.5 s",
            });
        }
    }
    wandb.stop().await;
    server.stop().await;
}

async fn many(rows: &mut Vec<Row>) {
    let server = Server::minio(MinioOptions::default()).await.expect("MinIO");
    let config = Config {
        api_key: KEY.to_owned(),
        ..Config::default()
    };
    let wandb = Instance::start(config).await.expect("the instance");
    let work = Work::new(&wandb, &server.endpoint(), &server, MANY);
    let mut child = work
        .command(&[APPLY[0], APPLY[1], "-parallelism=20"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("terraform");
    let directory = fs::canonicalize(work.directory.path()).expect("a directory");
    let (mut most, mut last) = (0.0_f64, 0.0);
    while child.try_wait().expect("a child").is_none() {
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let is_provider = fs::read_to_string(entry.path().join("comm"))
                .is_ok_and(|name| name.starts_with("terraform-provi"))
                && fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory);
            if let (true, Some(pid)) = (
                is_provider,
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse().ok()),
            ) {
                let now = resident(pid);
                most = most.max(now);
                last = if now > 0.0 { now } else { last };
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rows.push(Row {
        what: format!("resident memory after applying {MANY} buckets / at most meanwhile"),
        measured: format!("{last:.1} / {most:.1} MiB"),
        budget: "48 MiB / -",
    });
    work.run(&DESTROY);
    wandb.stop().await;
    server.stop().await;
}
