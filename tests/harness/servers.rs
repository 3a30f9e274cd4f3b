//! The servers that all tests of one ring share, and the runtime that they run on.

use std::sync::OnceLock;

use simulator::servers::{MinioOptions, Server};
use tokio::runtime::Runtime;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// Runs something asynchronous of the simulator.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// The MinIO server that all tests share.
pub fn minio() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| wait(Server::minio(MinioOptions::default())).expect("MinIO starts"))
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
