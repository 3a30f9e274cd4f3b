//! The real MinIO server, as these tests want it.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use simulator::servers::{MinioOptions, Server};

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

/// A running server; dropping it ends it.
pub struct Minio {
    _server: Server,
    pub address: SocketAddr,
}

impl Minio {
    pub async fn start() -> Self {
        let options = MinioOptions {
            cors_origin: Some(ORIGIN.to_owned()),
            site_region: Some(REGION.to_owned()),
            login: Some((ACCESS_KEY.to_owned(), SECRET_KEY.to_owned())),
            ..MinioOptions::default()
        };
        let server = Server::minio(options).await.unwrap();
        Self {
            address: server.address(),
            _server: server,
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
