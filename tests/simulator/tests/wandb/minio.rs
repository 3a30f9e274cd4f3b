//! Starts the real MinIO server on free loopback ports.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use crate::client;

pub const ACCESS_KEY: &str = "root-admin";
/// Has what must be percent-encoded in addresses.
pub const SECRET_KEY: &str = "s3cret/with+odd@signs:%";
pub const SECRET_KEY_ENCODED: &str = "s3cret%2Fwith%2Bodd%40signs%3A%25";
pub const REGION: &str = "eu-west-1";
/// The only origin that its CORS answers allow.
pub const ORIGIN: &str = "http://wandb.test";

/// A server at some address, seen with the administrator's keys.
pub struct Storage(SocketAddr);

/// A running server; dropping it ends the process and removes its data.
pub struct Minio {
    process: Child,
    data: PathBuf,
    pub address: SocketAddr,
}

fn program() -> PathBuf {
    let home = std::env::var("HOME").unwrap_or_default();
    let cached = PathBuf::from(home).join(".cache/terraform-provider-wandb/bin/minio");
    let named = std::env::var_os("MINIO_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain([cached])
        .chain(std::env::split_paths(&path).map(|folder| folder.join("minio")))
        .find(|file| file.is_file())
        .expect("there is no MinIO server: run tests/setup.sh, or set MINIO_BIN")
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

impl Minio {
    pub async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("minio-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let address = free_address();
        let process = Command::new(program())
            .arg("server")
            .arg(&data)
            .args(["--address", &address.to_string()])
            .args(["--console-address", &free_address().to_string()])
            .env("MINIO_ROOT_USER", ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .env("MINIO_SITE_REGION", REGION)
            .env("MINIO_API_CORS_ALLOW_ORIGIN", ORIGIN)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let minio = Self {
            process,
            data,
            address,
        };
        let health = format!("http://{address}/minio/health/cluster");
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut poll = tokio::time::interval(Duration::from_millis(50));
        loop {
            poll.tick().await;
            let answer = client().get(&health).send().await;
            if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return minio;
            }
            assert!(Instant::now() < deadline, "MinIO did not start");
        }
    }

    /// The same server, reached by another address.
    pub fn behind(&self, address: SocketAddr) -> Storage {
        Storage(address)
    }

    pub async fn create_bucket(&self, name: &str) {
        Storage(self.address).create_bucket(name).await;
    }

    pub async fn listing(&self, name: &str) -> String {
        Storage(self.address).listing(name).await
    }

    /// The entry that W&B's list of file stores needs.
    pub fn store(&self, bucket: &str) -> String {
        format!(
            "s3://{ACCESS_KEY}:{SECRET_KEY_ENCODED}@{}/{bucket}?region={REGION}&tls=false",
            self.address
        )
    }

    /// The same without credentials.
    pub fn full_path(&self, bucket: &str) -> String {
        format!("s3://{}/{bucket}?region={REGION}&tls=false", self.address)
    }
}

impl Storage {
    fn bucket(&self, name: &str) -> (Bucket, Credentials) {
        let endpoint = format!("http://{}", self.0).parse().unwrap();
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name.to_owned(), REGION).unwrap();
        (bucket, Credentials::new(ACCESS_KEY, SECRET_KEY))
    }

    pub async fn create_bucket(&self, name: &str) {
        let (bucket, credentials) = self.bucket(name);
        let url = bucket
            .create_bucket(&credentials)
            .sign(Duration::from_secs(60));
        let answer = client().put(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// The names of all objects and markers, with versions.
    pub async fn listing(&self, name: &str) -> String {
        let (bucket, credentials) = self.bucket(name);
        let mut action = bucket.get_object(Some(&credentials), "");
        action.query_mut().insert("versions", "");
        let url = action.sign(Duration::from_secs(60));
        client()
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.data).ok();
    }
}
