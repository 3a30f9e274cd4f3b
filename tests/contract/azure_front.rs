//! One address without TLS in front of the simulated Azure, so that a proxy which reads what
//! passes can stand between it and the cloud under test.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, IpAddr, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::harness::wait;

/// Where a connection goes, by its first request: a client keeps apart the connections to
/// addresses that it knows by different names.
#[derive(Clone)]
struct Front {
    manager: SocketAddr,
    blob: SocketAddr,
    connector: TlsConnector,
}

/// The socket behind an address such as `https://127.0.0.1:10000`.
fn socket(url: &str) -> SocketAddr {
    let address = url.trim_start_matches("https://");
    address.parse().expect("an address")
}

/// Opens the front of Resource Manager and the service for blobs, whose certificates `pem`
/// has signed; where it listens. It ends with the process.
pub fn start(manager: &str, blob: &str, pem: &str) -> SocketAddr {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    roots.add(certificate).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let front = Front {
        manager: socket(manager),
        blob: socket(blob),
        connector: TlsConnector::from(Arc::new(config)),
    };
    wait(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let front = front.clone();
                tokio::spawn(async move { front.pass(client).await });
            }
        });
        address
    })
}

impl Front {
    async fn pass(self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        let mut first = [0; 64];
        client.readable().await?;
        let length = client.peek(&mut first).await?;
        let line = String::from_utf8_lossy(&first[..length]).into_owned();
        let path = line.split(' ').nth(1).unwrap_or_default();
        let upstream = if path.starts_with("/subscriptions/") {
            self.manager
        } else {
            self.blob
        };
        let tcp = TcpStream::connect(upstream).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::IpAddress(IpAddr::from(upstream.ip()));
        let mut tls = self.connector.connect(name, tcp).await?;
        tokio::io::copy_bidirectional(&mut client, &mut tls).await?;
        Ok(())
    }
}
