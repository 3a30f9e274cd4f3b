//! The instance's own check of a bucket of Google's, against the simulated Google Cloud.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use simulator::gcs;
use simulator::wandb::{Config, Google};

use crate::{Talk, config};

const WANDB: &str = "wandb-integration@wandb-production.iam.gserviceaccount.com";
const ORIGIN: &str = "https://app.test";
const BUCKET: &str = "team-bucket";

/// An instance and the Google that it reaches, with a bucket there.
struct Both {
    talk: Talk,
    google: gcs::Instance,
}

impl Both {
    /// `settings` are the bucket's.
    async fn start(settings: Value) -> Self {
        let google = gcs::Instance::start(gcs::Config::default()).await.unwrap();
        let mut body = json!({"name": BUCKET,
            "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}},
            "cors": [{"origin": ["*"], "method": ["GET", "HEAD", "PUT"],
                "responseHeader": ["Content-Type", "ETag"], "maxAgeSeconds": 3600}]});
        for (name, value) in settings.as_object().unwrap() {
            body[name] = value.clone();
        }
        let talk = Talk::with(Config {
            origin: ORIGIN.to_owned(),
            google: Some(Google {
                endpoint: google.url(),
                key_file: google.key_file(WANDB).unwrap(),
            }),
            ..config()
        })
        .await;
        let url = format!("{}/storage/v1/b?project=simulated-project", google.url());
        let request = talk
            .http
            .post(url)
            .bearer_auth(google.token(&google.owner()));
        let made = request.json(&body).send().await.unwrap();
        assert_eq!(made.status(), 200);
        Self { talk, google }
    }

    fn bind(&self, role: &str, email: &str) {
        let mut policy = self.google.bucket_policy(BUCKET).unwrap();
        let binding = json!({"role": role, "members": [format!("serviceAccount:{email}")]});
        policy["bindings"].as_array_mut().unwrap().push(binding);
        self.google.set_bucket_policy(BUCKET, &policy).unwrap();
    }

    async fn problems(&self, name: &str) -> Value {
        let query = "mutation($input: StorageBucketInfoInput!) {
            testBucketStoreConnection(input: $input) { message severity } }";
        let input = json!({"input": {"name": name, "provider": "GCP"}});
        let answer = self.talk.graphql(query, input).await;
        answer["data"]["testBucketStoreConnection"].clone()
    }

    /// The message of the only problem, which is of this severity.
    async fn problem(&self, severity: &str) -> String {
        let problems = self.problems(BUCKET).await;
        assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
        assert_eq!(problems[0]["severity"], severity, "{problems}");
        let message = problems[0]["message"].as_str().unwrap().to_owned();
        assert!(
            !message.contains("PRIVATE KEY") && !message.contains("X-Goog"),
            "{message}"
        );
        message
    }
}

#[tokio::test]
async fn a_bucket_that_lets_wandb_in_makes_a_team() {
    let both = Both::start(json!({})).await;
    both.bind("roles/storage.admin", WANDB);
    assert_eq!(both.problems(BUCKET).await, json!([]));
    let bucket = json!({"name": BUCKET, "provider": "GCP", "path": "teams/omega"});
    let (status, made) = both.talk.make_team_with("omega", bucket).await;
    assert_eq!(status, 201, "{made}");
    let objects = both.google.objects(BUCKET);
    assert!(
        objects.iter().all(|one| one.state == "soft_deleted"),
        "{objects:?}"
    );
    assert!(objects[1].name.starts_with("teams/omega/"), "{objects:?}");
}

#[tokio::test]
async fn a_bucket_that_does_not_makes_none() {
    let both = Both::start(json!({})).await;
    let message = both.problem("ERROR").await;
    assert!(
        message.contains("storage.buckets.get") && message.contains("(403)"),
        "{message}"
    );
    // Without the right to read the bucket itself, objects are not enough.
    both.bind("roles/storage.objectAdmin", WANDB);
    let message = both.problem("ERROR").await;
    assert!(message.contains("storage.buckets.get"), "{message}");
    let bucket = json!({"name": BUCKET, "provider": "GCP"});
    assert_eq!(both.talk.make_team_with("omega", bucket).await.0, 400);
    let problems = both.problems("no-such-bucket").await;
    assert!(
        problems[0]["message"].as_str().unwrap().contains("(404)"),
        "{problems}"
    );
}

#[tokio::test]
async fn soft_delete_has_to_be_on() {
    let off = json!({"softDeletePolicy": {"retentionDurationSeconds": "0"}});
    let both = Both::start(off).await;
    both.bind("roles/storage.admin", WANDB);
    assert_eq!(
        both.problem("ERROR").await,
        "Bucket does not have soft deletion enabled"
    );
}

#[tokio::test]
async fn cors_is_only_warned_of() {
    let both = Both::start(json!({"cors": []})).await;
    both.bind("roles/storage.admin", WANDB);
    let message = both.problem("WARN").await;
    assert!(message.contains("CORS is not configured"), "{message}");
    let other = json!({"cors": [{"origin": ["https://other.test"], "method": ["PUT"],
        "responseHeader": ["Content-Type"]}]});
    both.google.patch_bucket(BUCKET, &other).unwrap();
    let message = both.problem("WARN").await;
    assert!(
        message.contains(&format!("CORS does not allow uploads from {ORIGIN}")),
        "{message}"
    );
}

#[tokio::test]
async fn an_entry_with_a_key_is_used_with_that_key() {
    let both = Both::start(json!({})).await;
    let email = "keyed@simulated-project.iam.gserviceaccount.com";
    both.google.add_account(email);
    let file: Value = serde_json::from_str(&both.google.key_file(email).unwrap()).unwrap();
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let key = encode(file["private_key"].as_str().unwrap());
    both.talk
        .instance
        .add_store(&format!("gs://{}:{key}@{BUCKET}", encode(email)));
    let message = both.problem("ERROR").await;
    assert!(message.contains(email), "{message}");
    both.bind("roles/storage.admin", email);
    assert_eq!(both.problems(BUCKET).await, json!([]));
    assert_eq!(both.problems(&format!("gs://{BUCKET}")).await, json!([]));
    both.talk.instance.clear_stores();
    both.talk
        .instance
        .add_store(&format!("gs://{}:no-key@{BUCKET}", encode(email)));
    let message = both.problem("ERROR").await;
    assert!(
        message.contains("the private key cannot be read"),
        "{message}"
    );
}
