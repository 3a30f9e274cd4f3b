//! Service accounts, their keys, tokens, and other ways to sign in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use simulator::gcs::{Config, Constraint};

use crate::{Cloud, PROJECT, WANDB, message};

/// The path of the project's accounts.
fn accounts() -> String {
    format!("/v1/projects/{PROJECT}/serviceAccounts")
}

fn email(id: &str) -> String {
    format!("{id}@{PROJECT}.iam.gserviceaccount.com")
}

/// Makes an account; its answer.
async fn make(cloud: &Cloud, id: &str) -> (u16, Value) {
    let account = json!({"displayName": "W&B", "description": "for a bucket"});
    let body = json!({"accountId": id, "serviceAccount": account});
    cloud.api(Method::POST, &accounts(), body).await
}

#[tokio::test]
async fn accounts_are_made_listed_and_removed() {
    let cloud = Cloud::start().await;
    let (status, made) = make(&cloud, "wandb-omega").await;
    assert_eq!(status, 200, "{made}");
    let name = format!(
        "projects/{PROJECT}/serviceAccounts/{}",
        email("wandb-omega")
    );
    assert_eq!(made["name"], name);
    assert_eq!(made["description"], "for a bucket");
    assert_eq!(made["uniqueId"].as_str().map(str::len), Some(21));
    let (status, refusal) = make(&cloud, "wandb-omega").await;
    assert_eq!(status, 409);
    assert_eq!(
        refusal["error"],
        json!({"code": 409, "status": "ALREADY_EXISTS", "message": format!(
            "Service account wandb-omega already exists within project projects/{PROJECT}.")})
    );
    for bad in [
        "short",
        "Upper-case",
        "-leading",
        "trailing-",
        "much-too-long-to-be-an-account1",
    ] {
        assert_eq!(make(&cloud, bad).await.0, 400, "{bad}");
    }
    let (_, list) = cloud
        .api(
            Method::GET,
            &format!("{}?pageSize=1", accounts()),
            Value::Null,
        )
        .await;
    let token = list["nextPageToken"].as_str().unwrap();
    let next = format!("{}?pageToken={}", accounts(), token.replace('=', "%3D"));
    let (_, list) = cloud.api(Method::GET, &next, Value::Null).await;
    assert_eq!(list["accounts"][0]["email"], email("wandb-omega"));
    assert_eq!(list.get("nextPageToken"), None);
    let path = format!("/v1/projects/-/serviceAccounts/{}", email("wandb-omega"));
    assert_eq!(cloud.api(Method::GET, &path, Value::Null).await.0, 200);
    assert_eq!(
        cloud
            .api(
                Method::DELETE,
                &path.replace("/-/", "/simulated-project/"),
                Value::Null
            )
            .await
            .0,
        200
    );
    let own = format!("{}/{}", accounts(), email("wandb-omega"));
    let (status, refusal) = cloud.api(Method::GET, &own, Value::Null).await;
    assert_eq!(
        (status, &refusal["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
    let back = format!(
        "{}/{}:undelete",
        accounts(),
        made["uniqueId"].as_str().unwrap()
    );
    assert_eq!(cloud.api(Method::POST, &back, json!({})).await.0, 200);
    assert_eq!(cloud.api(Method::GET, &own, Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_key_file_signs_its_owner_in() {
    let cloud = Cloud::start().await;
    make(&cloud, "key-holder").await;
    let keys = format!("{}/{}/keys", accounts(), email("key-holder"));
    let (status, made) = cloud.api(Method::POST, &keys, json!({})).await;
    assert_eq!(status, 200, "{made}");
    let file = STANDARD
        .decode(made["privateKeyData"].as_str().unwrap())
        .unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(file["client_email"], email("key-holder"));
    assert!(
        file["private_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    assert!(
        made["name"]
            .as_str()
            .unwrap()
            .ends_with(file["private_key_id"].as_str().unwrap())
    );
    cloud.bucket("holder-bucket", json!({})).await;
    cloud
        .bind(
            "holder-bucket",
            "roles/storage.admin",
            &format!("serviceAccount:{}", email("key-holder")),
        )
        .await;
    let args = json!({"name": "holder-bucket"});
    let answer = cloud.try_google_with(&file, "get", args.clone()).await;
    assert_eq!(answer["ok"]["name"], "holder-bucket", "{answer}");
    let (_, list) = cloud.api(Method::GET, &keys, Value::Null).await;
    let kinds: Vec<&str> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["keyType"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["SYSTEM_MANAGED", "USER_MANAGED"]);
    let one = format!("/v1/{}", made["name"].as_str().unwrap());
    assert_eq!(cloud.api(Method::DELETE, &one, Value::Null).await.0, 200);
    assert_eq!(cloud.api(Method::GET, &one, Value::Null).await.0, 404);
    let answer = cloud.try_google_with(&file, "get", args).await;
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("Invalid JWT Signature."),
        "{answer}"
    );
}

#[tokio::test]
async fn an_account_has_ten_keys_at_most() {
    let cloud = Cloud::start().await;
    make(&cloud, "key-holder").await;
    let keys = format!("{}/{}/keys", accounts(), email("key-holder"));
    for _ in 0..10 {
        assert_eq!(cloud.api(Method::POST, &keys, json!({})).await.0, 200);
    }
    let (status, refusal) = cloud.api(Method::POST, &keys, json!({})).await;
    assert_eq!(status, 400);
    assert_eq!(
        refusal["error"],
        json!({"code": 400, "message": "Precondition check failed.", "status": "FAILED_PRECONDITION"})
    );
}

#[tokio::test]
async fn an_organization_may_forbid_keys() {
    let cloud = Cloud::start().await;
    make(&cloud, "key-holder").await;
    cloud.instance.constrain(Constraint::KeyCreation);
    let keys = format!("{}/{}/keys", accounts(), email("key-holder"));
    let (status, refusal) = cloud.api(Method::POST, &keys, json!({})).await;
    assert_eq!(
        (status, &refusal["error"]["status"]),
        (400, &json!("FAILED_PRECONDITION"))
    );
    assert_eq!(
        refusal["error"]["details"][0]["violations"][0]["type"],
        "constraints/iam.disableServiceAccountKeyCreation"
    );
}

#[tokio::test]
async fn a_new_account_is_unknown_for_a_while() {
    let cloud = Cloud::with(Config {
        account_delay: Duration::from_secs(30),
        ..Config::default()
    })
    .await;
    cloud.bucket("early-bucket", json!({})).await;
    make(&cloud, "new-comer").await;
    let path = format!("{}/{}", accounts(), email("new-comer"));
    assert_eq!(cloud.api(Method::GET, &path, Value::Null).await.0, 404);
    let member = format!("serviceAccount:{}", email("new-comer"));
    let args = json!({"name": "early-bucket", "role": "roles/storage.admin", "member": member});
    let (status, words) = cloud.refused("bind", args.clone()).await;
    assert_eq!(status, 400);
    assert!(words.contains(&format!(
        "Service account {} does not exist.",
        email("new-comer")
    )));
    cloud.instance.advance(Duration::from_secs(31));
    assert_eq!(cloud.api(Method::GET, &path, Value::Null).await.0, 200);
    cloud.google("bind", args).await;
}

#[tokio::test]
async fn tokens_end_and_scopes_count() {
    let cloud = Cloud::start().await;
    cloud.bucket("token-bucket", json!({})).await;
    let path = "/storage/v1/b/token-bucket";
    let (status, refusal) = cloud
        .api_as("nonsense", Method::GET, path, Value::Null)
        .await;
    assert_eq!(status, 401);
    assert_eq!(
        refusal["error"]["errors"][0],
        json!({"domain": "global", "reason": "authError", "message": "Invalid Credentials",
            "locationType": "header", "location": "Authorization"})
    );
    let (status, refusal) = cloud
        .api_as("nonsense", Method::GET, &accounts(), Value::Null)
        .await;
    assert_eq!(
        (status, &refusal["error"]["status"]),
        (401, &json!("UNAUTHENTICATED"))
    );
    cloud.instance.advance(Duration::from_secs(3601));
    assert_eq!(cloud.api(Method::GET, path, Value::Null).await.0, 401);
    cloud.instance.grant_account(
        &cloud.instance.owner(),
        "roles/iam.serviceAccountTokenCreator",
        &format!("serviceAccount:{}", cloud.instance.owner()),
    );
    let token = cloud.instance.token(&cloud.instance.owner());
    let narrow = "https://www.googleapis.com/auth/devstorage.read_only";
    let asked = json!({"scope": [narrow], "lifetime": "60s"});
    let generate = format!(
        "/v1/projects/-/serviceAccounts/{}:generateAccessToken",
        cloud.instance.owner()
    );
    let (status, made) = cloud.api_as(&token, Method::POST, &generate, asked).await;
    assert_eq!(status, 200, "{made}");
    let narrow = made["accessToken"].as_str().unwrap();
    assert_eq!(
        cloud.api_as(narrow, Method::GET, path, Value::Null).await.0,
        200
    );
    let (status, refusal) = cloud.api_as(narrow, Method::PATCH, path, json!({})).await;
    assert_eq!(status, 403);
    assert_eq!(message(&refusal), "Provided scope(s) are not authorized");
    let (status, _) = cloud
        .api_as(
            &token,
            Method::POST,
            &generate,
            json!({"scope": ["x"], "lifetime": "2h"}),
        )
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn somebody_acts_for_an_account() {
    let cloud = Cloud::start().await;
    cloud.bucket("acting-bucket", json!({})).await;
    cloud
        .bind(
            "acting-bucket",
            "roles/storage.admin",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    let args = json!({"email": WANDB, "name": "acting-bucket"});
    let (_, words) = cloud.refused("impersonate", args.clone()).await;
    assert!(
        words.contains("iam.serviceAccounts.getAccessToken"),
        "{words}"
    );
    let owner = format!("serviceAccount:{}", cloud.instance.owner());
    cloud
        .instance
        .grant_account(WANDB, "roles/iam.serviceAccountTokenCreator", &owner);
    let bucket = cloud.google("impersonate", args).await;
    assert_eq!(bucket["name"], "acting-bucket");
    assert_eq!(cloud.instance.requests().last().unwrap().caller, WANDB);
}

#[tokio::test]
async fn people_and_strangers_sign_in() {
    let cloud = Cloud::start().await;
    cloud.bucket("people-bucket", json!({})).await;
    let file = cloud.instance.user_file("jane@example.com");
    let args = json!({"file": file, "name": "people-bucket"});
    assert_eq!(cloud.refused("as_person", args.clone()).await.0, 403);
    cloud
        .bind(
            "people-bucket",
            "roles/storage.admin",
            "user:Jane@example.com",
        )
        .await;
    cloud.google("as_person", args).await;
    let pool = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool";
    let audience = format!("{pool}/providers/ci");
    let args = json!({"token": "ci-token", "audience": audience, "name": "people-bucket"});
    let (_, words) = cloud.refused("as_stranger", args.clone()).await;
    assert!(words.contains("invalid_target"), "{words}");
    cloud.instance.add_foreign_token(
        &audience,
        "ci-token",
        &format!("principal:{pool}/subject/job"),
    );
    assert_eq!(cloud.refused("as_stranger", args.clone()).await.0, 403);
    let set = format!("principalSet:{pool}/*");
    cloud
        .bind("people-bucket", "roles/storage.bucketViewer", &set)
        .await;
    cloud.google("as_stranger", args).await;
}

#[tokio::test]
async fn the_metadata_server_speaks_for_a_machine() {
    let cloud = Cloud::with(Config {
        metadata_account: Some(WANDB.to_owned()),
        ..Config::default()
    })
    .await;
    let path = "/computeMetadata/v1/instance/service-accounts/default/";
    let ask = |end: &str| cloud.request(Method::GET, &format!("{path}{end}"));
    assert_eq!(ask("email").send().await.unwrap().status(), 403);
    let told = async |end: &str| {
        let response = ask(end)
            .header("metadata-flavor", "Google")
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["metadata-flavor"], "Google");
        response.text().await.unwrap()
    };
    assert_eq!(told("email").await, WANDB);
    let token: Value = serde_json::from_str(&told("token").await).unwrap();
    cloud.bucket("machine-bucket", json!({})).await;
    cloud
        .bind(
            "machine-bucket",
            "roles/storage.admin",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    let token = token["access_token"].as_str().unwrap();
    let path = "/storage/v1/b/machine-bucket";
    assert_eq!(
        cloud.api_as(token, Method::GET, path, Value::Null).await.0,
        200
    );
    let project = cloud.request(Method::GET, "/computeMetadata/v1/project/project-id");
    let project = project
        .header("metadata-flavor", "Google")
        .send()
        .await
        .unwrap();
    assert_eq!(project.text().await.unwrap(), PROJECT);
}

#[tokio::test]
async fn bad_assertions_get_no_token() {
    let cloud = Cloud::start().await;
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let ask = async |form: &[(&str, &str)]| {
        let body: String = form
            .iter()
            .map(|(name, value)| format!("{name}={value}&"))
            .collect();
        let request = cloud.request(Method::POST, "/token").body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let (status, refusal) = ask(&[("grant_type", grant), ("assertion", "a.b.c")]).await;
    assert_eq!(status, 400);
    assert_eq!(
        refusal,
        json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
    );
    assert_eq!(ask(&[("grant_type", "password")]).await.0, 400);
    assert_eq!(
        ask(&[("grant_type", "refresh_token"), ("refresh_token", "x")])
            .await
            .0,
        400
    );
    let name = json!({"name": "no-bucket"});
    cloud.instance.advance(Duration::from_secs(7200));
    let (_, words) = cloud.refused("get", name).await;
    assert!(
        words.contains("Token must be a short-lived token"),
        "{words}"
    );
}
