//! The socket that Terraform connects to, and connections as tonic takes them.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waker, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::handshake::{Address, Invitation};

/// Longest path of a unix socket that every system takes.
const LONGEST_PATH: usize = 103;
/// How long a client may take for its side of the TLS handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bound socket. A socket file is removed when this goes.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    pub(super) address: Address,
}

#[derive(Debug)]
enum Socket {
    #[cfg(unix)]
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// A unix socket where the system has them, else a port.
    pub(super) async fn bind(invitation: &Invitation) -> io::Result<Self> {
        #[cfg(unix)]
        if let Some(path) = socket_path(invitation.socket_directory.as_deref())? {
            let socket = UnixListener::bind(&path)?;
            if let Some(group) = &invitation.socket_group {
                open_to_group(&path, group)?;
            }
            return Ok(Self {
                socket: Socket::Unix(socket),
                address: Address::Unix(path),
            });
        }
        Self::bind_port(invitation.ports).await
    }

    async fn bind_port((first, last): (u16, u16)) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::AddrInUse, "no port to try");
        for port in first..=last {
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(socket) => {
                    let address = Address::Tcp(socket.local_addr()?);
                    return Ok(Self {
                        socket: Socket::Tcp(socket),
                        address,
                    });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        match &self.socket {
            #[cfg(unix)]
            Socket::Unix(socket) => Ok(Box::new(socket.accept().await?.0)),
            Socket::Tcp(socket) => Ok(Box::new(socket.accept().await?.0)),
        }
    }

    /// Connections, each with its TLS handshake behind it. One that fails is dropped
    /// without a word to the peer.
    pub(super) fn connections(
        self: Arc<Self>,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> ReceiverStream<io::Result<Connection>> {
        let (sender, receiver) = mpsc::channel(4);
        let acceptor = tls.map(TlsAcceptor::from);
        tokio::spawn(async move {
            while !sender.is_closed() {
                let stream = match self.accept().await {
                    Ok(stream) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        continue;
                    }
                };
                let (sender, acceptor) = (sender.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let connection = match acceptor {
                        None => Connection(stream),
                        Some(acceptor) => {
                            let handshake = acceptor.accept(stream);
                            match tokio::time::timeout(PATIENCE, handshake).await {
                                Ok(Ok(stream)) => Connection(Box::new(stream)),
                                Ok(Err(error)) => {
                                    tracing::warn!(%error, "a client was refused");
                                    return;
                                }
                                Err(_) => return,
                            }
                        }
                    };
                    // The server is going down when nobody takes it.
                    let _ = sender.send(Ok(connection)).await;
                });
            }
        });
        ReceiverStream::new(receiver)
    }

    /// Removes the socket file.
    pub(super) fn clean_up(&self) {
        if let Address::Unix(path) = &self.address {
            // Gone already is what was wanted.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.clean_up();
    }
}

/// A name in `directory` that nobody has; `None` when it would be too long.
fn socket_path(directory: Option<&Path>) -> io::Result<Option<PathBuf>> {
    let mut random = [0_u8; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("no random numbers"))?;
    let name = format!("plugin{:016x}", u64::from_be_bytes(random));
    let directory = directory.map_or_else(std::env::temp_dir, Path::to_owned);
    let path = directory.join(name);
    Ok((path.as_os_str().len() <= LONGEST_PATH).then_some(path))
}

/// Lets a group of the system connect: a number, or a name of `/etc/group`.
#[cfg(unix)]
fn open_to_group(path: &Path, group: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let number = match group.parse::<u32>() {
        Ok(number) => number,
        Err(_) => std::fs::read_to_string("/etc/group")?
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.first() == Some(&group))
            .and_then(|fields| fields.get(2)?.parse().ok())
            .ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotFound, format!("no group {group:?}"))
            })?,
    };
    std::os::unix::fs::chown(path, None, Some(number))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))
}

/// Bytes both ways.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One client's connection.
pub(super) struct Connection(Box<dyn Duplex>);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Waker<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Waker<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
