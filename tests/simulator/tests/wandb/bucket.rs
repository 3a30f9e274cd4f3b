//! The instance's own check of a bucket, against the real MinIO server.

use serde_json::{Value, json};
use simulator::wandb::Config;

use crate::minio::{self, Minio};
use crate::{Talk, config};

async fn talk(minio: &Minio, origin: &str) -> Talk {
    Talk::with(Config {
        stores: vec![minio.store("team-bucket"), minio.store("missing-bucket")],
        origin: origin.to_owned(),
        ..config()
    })
    .await
}

async fn problems(talk: &Talk, name: &str) -> Value {
    let query = "mutation($input: StorageBucketInfoInput!) {
        testBucketStoreConnection(input: $input) { message severity } }";
    let input = json!({"input": {"name": name, "provider": "MINIO"}});
    talk.graphql(query, input).await["data"]["testBucketStoreConnection"].clone()
}

/// The message of the only problem, which is an error.
async fn error(talk: &Talk, name: &str) -> String {
    let problems = problems(talk, name).await;
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
    assert_eq!(problems[0]["severity"], "ERROR", "{problems}");
    let message = problems[0]["message"].as_str().unwrap().to_owned();
    for secret in [
        minio::ACCESS_KEY,
        minio::SECRET_KEY,
        minio::SECRET_KEY_ENCODED,
        "X-Amz",
    ] {
        assert!(!message.contains(secret), "{message}");
    }
    message
}

#[tokio::test]
async fn a_usable_bucket_makes_a_team() {
    let minio = Minio::start().await;
    minio.create_bucket("team-bucket").await;
    let talk = talk(&minio, minio::ORIGIN).await;
    let name = minio.full_path("team-bucket");
    assert_eq!(problems(&talk, &name).await, json!([]));
    let bucket = json!({"name": name, "provider": "MINIO", "path": "teams/omega"});
    let (status, made) = talk.make_team_with("omega", bucket.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(json!(talk.instance.teams()[0].storage), bucket);
    let listing = minio.listing("team-bucket").await;
    assert!(listing.contains("<Name>team-bucket</Name>"), "{listing}");
    assert!(!listing.contains("<Key>"), "{listing}");
}

#[tokio::test]
async fn other_origins_get_a_warning_and_a_team() {
    let minio = Minio::start().await;
    minio.create_bucket("team-bucket").await;
    let talk = talk(&minio, "http://elsewhere.test").await;
    let name = minio.full_path("team-bucket");
    let problems = problems(&talk, &name).await;
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
    assert_eq!(problems[0]["severity"], "WARN");
    let message = problems[0]["message"].as_str().unwrap();
    assert!(message.contains("http://elsewhere.test"), "{message}");
    let bucket = json!({"name": name, "provider": "MINIO"});
    assert_eq!(talk.make_team_with("omega", bucket).await.0, 201);
}

#[tokio::test]
async fn unusable_buckets_make_no_team() {
    let minio = Minio::start().await;
    minio.create_bucket("team-bucket").await;
    let talk = talk(&minio, minio::ORIGIN).await;
    let address = minio.address;
    for (name, said) in [
        (minio.full_path("missing-bucket"), "NoSuchBucket"),
        (minio.full_path("other-bucket"), "not among the file stores"),
        ("team-bucket".to_owned(), "not among the file stores"),
        (
            format!("s3://{address}/team-bucket?region=us-west-2&tls=false"),
            "AuthorizationHeaderMalformed",
        ),
        (
            format!("s3://{address}/team-bucket?region=eu-west-1&tls=true"),
            "cannot be reached",
        ),
        (minio.store("team-bucket"), "must not hold credentials"),
        ("gs://team-bucket".to_owned(), "not a MINIO address"),
    ] {
        let message = error(&talk, &name).await;
        assert!(message.contains(said), "{name}: {message}");
        let bucket = json!({"name": name, "provider": "MINIO"});
        let (status, refusal) = talk.make_team_with("omega", bucket).await;
        assert_eq!(status, 400);
        let detail = refusal["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{name}: {detail}");
    }
    assert!(talk.instance.teams().is_empty());
}

#[tokio::test]
async fn wrong_keys_and_silent_servers_are_errors() {
    let minio = Minio::start().await;
    minio.create_bucket("team-bucket").await;
    let talk = Talk::start().await;
    let name = minio.full_path("team-bucket");
    let said = error(&talk, &name).await;
    assert!(said.contains("not among the file stores"), "{said}");
    let address = minio.address;
    let entry = format!("s3://root-admin:wrong@{address}/team-bucket?region=eu-west-1&tls=false");
    talk.instance.add_store(&entry);
    let said = error(&talk, &name).await;
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    talk.instance.clear_stores();
    talk.instance.add_store(&minio.store("team-bucket"));
    assert_eq!(severities(&talk, &name).await, ["WARN"]);
    drop(minio);
    let said = error(&talk, &name).await;
    assert!(said.contains("cannot be reached"), "{said}");
}

async fn severities(talk: &Talk, name: &str) -> Vec<String> {
    let problems = problems(talk, name).await;
    let list = problems.as_array().unwrap().iter();
    list.map(|one| one["severity"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_keyed_bucket_of_another_provider_is_found_by_its_name() {
    let minio = Minio::start().await;
    minio.create_bucket("team-bucket").await;
    let talk = talk(&minio, minio::ORIGIN).await;
    let bucket = json!({"name": "team-bucket", "provider": "AWS"});
    let (status, made) = talk.make_team_with("omega", bucket).await;
    assert_eq!(status, 201, "{made}");
}
