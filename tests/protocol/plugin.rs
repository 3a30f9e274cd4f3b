//! Starts the binary as Terraform does and connects to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

#[allow(dead_code, reason = "generated; a test uses a part of it")]
pub mod wire {
    tonic::include_proto!("tfplugin5");
}
#[allow(dead_code, reason = "generated; a test uses a part of it")]
pub mod go_plugin {
    tonic::include_proto!("plugin");
}
#[allow(dead_code, reason = "generated; a test uses a part of it")]
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

pub type Provider = wire::provider_client::ProviderClient<Channel>;

pub const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// A client's certificate as go-plugin makes one: P-521, of an authority.
pub struct ClientCertificate {
    pub pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl ClientCertificate {
    pub fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("params");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            key,
        }
    }
}

/// The binary's command without anything of the environment that Terraform would set.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terraform-provider-wandb"));
    for (name, _) in std::env::vars() {
        if name.starts_with("PLUGIN_") || name.starts_with("TF_") {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running plugin.
pub struct Plugin {
    pub child: Child,
    pub fields: Vec<String>,
    pub out: BufReader<ChildStdout>,
}

impl Plugin {
    /// Starts it with these variables besides the cookie.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command()
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .envs(variables.iter().copied())
            .spawn()
            .expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let fields = line
            .trim_end_matches('\n')
            .split('|')
            .map(str::to_owned)
            .collect();
        Self { child, fields, out }
    }

    /// Starts it with mutual TLS for this client.
    pub fn start_for(client: &ClientCertificate) -> Self {
        Self::start(&[("PLUGIN_CLIENT_CERT", &client.pem)])
    }

    /// Connects without TLS.
    pub async fn connect(&self) -> Channel {
        let path = PathBuf::from(&self.fields[3]);
        Endpoint::from_static("http://localhost")
            .connect_with_connector(service_fn(move |_: Uri| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            }))
            .await
            .expect("it connects")
    }

    /// Connects over TCP without TLS.
    pub async fn connect_tcp(&self) -> Channel {
        let address = self.fields[3].clone();
        Endpoint::from_static("http://localhost")
            .connect_with_connector(service_fn(move |_: Uri| {
                let address = address.clone();
                async move { TcpStream::connect(address).await.map(TokioIo::new) }
            }))
            .await
            .expect("it connects")
    }

    /// Connects with TLS, trusting the certificate of the handshake line, and showing
    /// `client`'s certificate if there is one.
    pub async fn connect_tls(&self, client: Option<&ClientCertificate>) -> Result<Channel, String> {
        let server = STANDARD_NO_PAD.decode(&self.fields[5]).expect("base64");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(server))
            .expect("a certificate");
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match client {
            Some(client) => {
                let key = PrivateKeyDer::try_from(client.key.serialize_der()).expect("a key");
                builder
                    .with_client_auth_cert(vec![client.der.clone()], key)
                    .expect("a client")
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let path = PathBuf::from(&self.fields[3]);
        Endpoint::from_static("http://localhost")
            .connect_with_connector(service_fn(move |_: Uri| {
                let (connector, path) = (connector.clone(), path.clone());
                async move {
                    let stream = UnixStream::connect(path).await?;
                    let name = ServerName::try_from("localhost").expect("a name");
                    connector.connect(name, stream).await.map(TokioIo::new)
                }
            }))
            .await
            .map_err(|error| format!("{error:?}"))
    }

    /// A client of the provider's service.
    pub async fn provider(&self) -> Provider {
        Provider::new(self.connect().await)
            .max_decoding_message_size(256 << 20)
            .max_encoding_message_size(256 << 20)
    }

    /// Waits until the process has ended; its exit code.
    pub fn wait(&mut self, patience: Duration) -> Option<i32> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the process is still there");
            std::thread::yield_now();
        }
    }

    /// Everything that came on standard output after the line.
    pub fn rest_of_output(&mut self) -> String {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("text");
        rest
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.fields[3]);
    }
}
