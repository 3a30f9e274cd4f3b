//! How the process ends, and what keeps it alive.

use std::io::BufRead as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::plugin::go_plugin::grpc_broker_client::GrpcBrokerClient;
use crate::plugin::go_plugin::grpc_controller_client::GrpcControllerClient;
use crate::plugin::go_plugin::grpc_stdio_client::GrpcStdioClient;
use crate::plugin::health::health_client::HealthClient;
use crate::plugin::health::{HealthCheckRequest, health_check_response::ServingStatus};
use crate::plugin::{Plugin, command, wire};

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// Sends a signal to a process.
fn send(signal: &str, pid: u32) {
    let status = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

#[tokio::test]
async fn shutdown_ends_it_while_streams_are_open() {
    let mut plugin = Plugin::start(&[]);
    let channel = plugin.connect().await;
    let stdio = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .expect("a stream");
    let broker = GrpcBrokerClient::new(channel.clone())
        .start_stream(tokio_stream::pending())
        .await
        .expect("a stream");
    GrpcControllerClient::new(channel)
        .shutdown(())
        .await
        .expect("an answer");
    assert_eq!(plugin.wait(TWO_SECONDS), Some(0));
    assert_eq!(plugin.rest_of_output(), "");
    assert!(
        !std::path::Path::new(&plugin.fields[3]).exists(),
        "the socket file is left"
    );
    drop((stdio, broker));
}

#[tokio::test]
async fn ctrl_c_is_terraforms_business_and_term_is_ours() {
    let mut plugin = Plugin::start(&[]);
    let mut provider = plugin.provider().await;
    send("-INT", plugin.child.id());
    provider
        .get_metadata(wire::get_metadata::Request {})
        .await
        .expect("it is still there");
    send("-TERM", plugin.child.id());
    assert_eq!(plugin.wait(TWO_SECONDS), Some(0));
}

#[tokio::test]
async fn it_ends_when_terraform_goes_away() {
    // A shell stands in for Terraform: it starts the plugin and dies without a word.
    let binary = env!("CARGO_BIN_EXE_terraform-provider-wandb");
    let mut shell = Command::new("sh")
        .args(["-c", &format!("{binary} & echo pid $!; wait")])
        .env(crate::plugin::COOKIE.0, crate::plugin::COOKIE.1)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut lines = std::io::BufReader::new(shell.stdout.take().expect("piped")).lines();
    let (mut pid, mut line) = (None, None);
    while pid.is_none() || line.is_none() {
        let text = lines.next().expect("a line").expect("text");
        match text.strip_prefix("pid ") {
            Some(number) => pid = Some(number.to_owned()),
            None => line = Some(text),
        }
    }
    let process = format!("/proc/{}/stat", pid.expect("a pid"));
    assert!(std::path::Path::new(&process).exists());
    shell.kill().expect("killed");
    shell.wait().expect("gone");
    let deadline = Instant::now() + Duration::from_secs(5);
    // A process that has ended and that nobody waits for is a zombie.
    let is_alive = || std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
    while is_alive() {
        assert!(Instant::now() < deadline, "it outlived its parent");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn health_is_served() {
    let plugin = Plugin::start(&[]);
    let mut client = HealthClient::new(plugin.connect().await);
    let check = |service: &str| HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = client
        .check(check("plugin"))
        .await
        .expect("an answer")
        .into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    let error = client
        .check(check("other"))
        .await
        .expect_err("no such service");
    assert_eq!(error.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_debugger_keeps_it_and_ends_it_by_ctrl_c() {
    let mut child = command().arg("-debug").spawn().expect("it starts");
    let mut out = std::io::BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let json = line
        .trim()
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .and_then(|rest| rest.strip_suffix('\''))
        .expect("the variable");
    let entry: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let entry = &entry["registry.terraform.io/wandb-byob/wandb"];
    assert_eq!(entry["ProtocolVersion"], 5);
    assert_eq!(entry["Pid"], child.id());
    let mut plugin = Plugin {
        child,
        fields: [
            "1",
            "5",
            "unix",
            entry["Addr"]["String"].as_str().expect("a path"),
        ]
        .map(str::to_owned)
        .into(),
        out,
    };
    let channel = plugin.connect().await;
    GrpcControllerClient::new(channel)
        .shutdown(())
        .await
        .expect("an answer");
    let mut provider = plugin.provider().await;
    provider
        .get_metadata(wire::get_metadata::Request {})
        .await
        .expect("it is still there");
    send("-INT", plugin.child.id());
    assert_eq!(plugin.wait(TWO_SECONDS), Some(0));
}
