//! The starters start real servers, and leave nothing running.

use std::net::TcpStream;

use reqwest::StatusCode;
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use simulator::servers::{MinioOptions, Server};

async fn serves_and_ends(server: Server) {
    let endpoint = server.endpoint().parse().unwrap();
    let bucket = Bucket::new(endpoint, UrlStyle::Path, "a-bucket", "us-east-1").unwrap();
    let credentials = Credentials::new(server.access_key(), server.secret_key());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let minute = std::time::Duration::from_secs(60);
    let made = client
        .put(bucket.create_bucket(&credentials).sign(minute))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), StatusCode::OK);
    let put = bucket.put_object(Some(&credentials), "key").sign(minute);
    assert_eq!(
        client.put(put).body("data").send().await.unwrap().status(),
        StatusCode::OK
    );
    let get = bucket.get_object(Some(&credentials), "key").sign(minute);
    assert_eq!(
        client.get(get).send().await.unwrap().text().await.unwrap(),
        "data"
    );
    let address = server.address();
    server.stop().await;
    assert!(
        TcpStream::connect(address).is_err(),
        "the server is still there"
    );
}

#[tokio::test]
async fn minio_starts_serves_and_ends() {
    serves_and_ends(Server::minio(MinioOptions::default()).await.unwrap()).await;
}

#[tokio::test]
async fn seaweedfs_starts_serves_and_ends() {
    serves_and_ends(Server::seaweedfs().await.unwrap()).await;
}
