//! Keys of Cloud KMS, and projects.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Cloud, PROJECT, WANDB, message};

const KEY: &str = "projects/simulated-project/locations/us/keyRings/ring/cryptoKeys/key";
const USE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

/// Lets Cloud Storage use the key, by the service.
async fn grant(cloud: &Cloud) {
    let agent = cloud.google("service_agent", json!({})).await;
    let member = format!("serviceAccount:{}", agent.as_str().unwrap());
    let get = format!("/v1/{KEY}:getIamPolicy?options.requestedPolicyVersion=3");
    let (status, mut policy) = cloud.api(Method::GET, &get, Value::Null).await;
    assert_eq!((status, &policy), (200, &json!({"etag": "ACAB"})));
    policy["bindings"] = json!([{"role": USE, "members": [member]}]);
    let set = format!("/v1/{KEY}:setIamPolicy");
    let stale = json!({"policy": {"etag": "BwAAAAAAAAA=", "bindings": []}});
    let (status, refusal) = cloud.api(Method::POST, &set, stale).await;
    assert_eq!(
        (status, &refusal["error"]["status"]),
        (409, &json!("ABORTED"))
    );
    let (status, written) = cloud
        .api(Method::POST, &set, json!({"policy": policy}))
        .await;
    assert_eq!(status, 200, "{written}");
    assert_ne!(written["etag"], "ACAB");
}

async fn make(cloud: &Cloud, location: &str, key: &str) -> (u16, Value) {
    let path = format!("/storage/v1/b?project={PROJECT}");
    let body = json!({"name": "key-bucket", "location": location,
        "encryption": {"defaultKmsKeyName": key}});
    cloud.api(Method::POST, &path, body).await
}

#[tokio::test]
async fn cloud_storage_has_to_be_let_at_the_key() {
    let cloud = Cloud::start().await;
    cloud.instance.add_crypto_key(KEY);
    let (_, key) = cloud
        .api(Method::GET, &format!("/v1/{KEY}"), Value::Null)
        .await;
    assert_eq!(key["primary"]["state"], "ENABLED");
    let denied = "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage \
                  service account has been authorized to use this key.";
    let (status, refusal) = make(&cloud, "US", KEY).await;
    assert_eq!((status, message(&refusal)), (403, denied));
    cloud
        .instance
        .set_propagation(Duration::ZERO, Duration::from_secs(20));
    grant(&cloud).await;
    assert_eq!(make(&cloud, "US", KEY).await.0, 403);
    cloud.instance.advance(Duration::from_secs(21));
    let (status, refusal) = make(&cloud, "EUROPE-WEST1", KEY).await;
    assert_eq!(status, 400);
    let words = "Cloud KMS region 'us' not available for use with GCS region 'EUROPE_WEST1'.";
    assert_eq!(message(&refusal), words);
    let (status, refusal) = make(&cloud, "US", &format!("{KEY}2")).await;
    assert_eq!((status, message(&refusal)), (403, denied));
    let (status, made) = make(&cloud, "US", KEY).await;
    assert_eq!(
        (status, &made["encryption"]["defaultKmsKeyName"]),
        (200, &json!(KEY))
    );
    let object = cloud.put("key-bucket", "a", "x").await;
    assert_eq!(object["kmsKeyName"], format!("{KEY}/cryptoKeyVersions/1"));
    cloud.instance.set_crypto_key_state(KEY, "DISABLED");
    let path = "/storage/v1/b/key-bucket/o/a?alt=media";
    let (status, refusal) = cloud.api(Method::GET, path, Value::Null).await;
    assert_eq!(status, 400);
    assert!(
        message(&refusal).contains("current state is: DISABLED"),
        "{refusal}"
    );
}

#[tokio::test]
async fn keys_are_not_for_everybody() {
    let cloud = Cloud::start().await;
    cloud.instance.add_crypto_key(KEY);
    let token = cloud.instance.token(WANDB);
    let (status, refusal) = cloud
        .api_as(&token, Method::GET, &format!("/v1/{KEY}"), Value::Null)
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        message(&refusal),
        format!(
            "Permission 'cloudkms.cryptoKeys.get' denied on resource '{KEY}' (or it may not exist)."
        )
    );
    let (status, refusal) = cloud
        .api(Method::GET, &format!("/v1/{KEY}2"), Value::Null)
        .await;
    assert_eq!(
        (status, &refusal["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
}

#[tokio::test]
async fn projects_say_who_may_what() {
    let cloud = Cloud::start().await;
    let path = format!("/v1/projects/{PROJECT}");
    let (_, project) = cloud.api(Method::GET, &path, Value::Null).await;
    assert_eq!(
        (&project["projectId"], &project["lifecycleState"]),
        (&json!(PROJECT), &json!("ACTIVE"))
    );
    let wanted = json!({"permissions": ["storage.buckets.create", "storage.buckets.get",
        "iam.serviceAccounts.create"]});
    let test = format!("{path}:testIamPermissions");
    let (_, tested) = cloud.api(Method::POST, &test, wanted.clone()).await;
    // Buckets themselves give their owners the second.
    assert_eq!(
        tested,
        json!({"permissions": ["storage.buckets.create", "iam.serviceAccounts.create"]})
    );
    let token = cloud.instance.token(WANDB);
    let (status, tested) = cloud.api_as(&token, Method::POST, &test, wanted).await;
    assert_eq!((status, tested), (200, json!({})));
    let (status, refusal) = cloud.api_as(&token, Method::GET, &path, Value::Null).await;
    assert_eq!(
        (status, message(&refusal)),
        (403, "The caller does not have permission")
    );
    let get = format!("{path}:getIamPolicy");
    let (_, mut policy) = cloud.api(Method::POST, &get, json!({})).await;
    let member = format!("serviceAccount:{WANDB}");
    policy["bindings"]
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "roles/storage.admin", "members": [member]}));
    let set = format!("{path}:setIamPolicy");
    let (status, written) = cloud
        .api(Method::POST, &set, json!({"policy": policy}))
        .await;
    assert_eq!(status, 200, "{written}");
    cloud.bucket("project-bucket", json!({})).await;
    let bucket = "/storage/v1/b/project-bucket";
    assert_eq!(
        cloud
            .api_as(&token, Method::GET, bucket, Value::Null)
            .await
            .0,
        200
    );
}
