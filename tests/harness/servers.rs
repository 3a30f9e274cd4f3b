//! The servers that all tests of one ring share, and the runtime that they run on.

use std::sync::OnceLock;

use simulator::proxy::{Options, Proxy};
use simulator::servers::{MinioOptions, Server};
use tokio::runtime::Runtime;

use super::ask::Login;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// As much as the provider itself has: unoptimized calls of a cloud need more than the
/// stack of a test.
const STACK: usize = 8 << 20;

/// Runs something asynchronous to its end.
pub fn wait<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let runner = std::thread::Builder::new().stack_size(STACK);
        let running = runner.spawn_scoped(scope, || runtime().block_on(future));
        match running.expect("a thread").join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The MinIO server that all tests share.
pub fn minio() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| minio_with(MinioOptions::default()))
}

/// A MinIO server of a test's own.
pub fn minio_with(options: MinioOptions) -> Server {
    wait(Server::minio(options)).expect("MinIO starts")
}

/// The SeaweedFS server that all tests share.
pub fn seaweedfs() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| wait(Server::seaweedfs()).expect("SeaweedFS starts"))
}

/// The stand-in for Amazon's services that all tests share.
pub fn moto() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| wait(Server::moto()).expect("moto starts"))
}

/// A proxy before a server, and how to log in through it: another address of the same server.
pub fn proxy_to(server: &Server) -> (Proxy, Login) {
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("a proxy");
    let login = Login {
        endpoint: proxy.url(),
        ..Login::of(server)
    };
    (proxy, login)
}
