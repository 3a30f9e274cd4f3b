//! The bodies of refusals, to the letter.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Cloud, PROJECT, WANDB, message};

#[tokio::test]
async fn cloud_storage_refuses_in_its_form() {
    let cloud = Cloud::start().await;
    let (status, body) = cloud
        .api(Method::GET, "/storage/v1/b/no-such-bucket", Value::Null)
        .await;
    assert_eq!(status, 404);
    assert_eq!(
        body,
        json!({"error": {"code": 404, "message": "The specified bucket does not exist.",
            "errors": [{"message": "The specified bucket does not exist.",
                "domain": "global", "reason": "notFound"}]}})
    );
    let (status, body) = cloud
        .api(Method::POST, "/storage/v1/b", json!({"name": "a-bucket"}))
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        body["error"]["errors"][0],
        json!({"message": "Required parameter: project", "domain": "global", "reason": "required",
            "locationType": "parameter", "location": "project"})
    );
    let path = "/storage/v1/b?project=nowhere";
    let (status, body) = cloud
        .api(Method::POST, path, json!({"name": "a-bucket"}))
        .await;
    assert_eq!(
        (status, message(&body)),
        (400, "Unknown project id: nowhere")
    );
    let path = format!("/storage/v1/b?project={PROJECT}");
    let request = cloud.request(Method::POST, &path).bearer_auth(&cloud.token);
    let response = request.body("{\"name\":").send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.headers().contains_key("x-guploader-uploadid"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["errors"][0]["reason"], "parseError");
    let token = cloud.instance.token(WANDB);
    let (status, body) = cloud
        .api_as(&token, Method::POST, &path, json!({"name": "a-bucket"}))
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        message(&body),
        format!(
            "{WANDB} does not have storage.buckets.create access to the Google Cloud project. \
            Permission 'storage.buckets.create' denied on resource (or it may not exist)."
        )
    );
    assert_eq!(body["error"]["errors"][0]["reason"], "forbidden");
}

#[tokio::test]
async fn what_is_not_there_shows_to_those_who_may_list() {
    let cloud = Cloud::start().await;
    cloud.bucket("hidden-bucket", json!({})).await;
    let path = "/storage/v1/b/hidden-bucket/o/none";
    let (status, body) = cloud.api(Method::GET, path, Value::Null).await;
    assert_eq!(
        (status, message(&body)),
        (404, "No such object: hidden-bucket/none")
    );
    cloud
        .bind(
            "hidden-bucket",
            "roles/storage.legacyObjectReader",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    let token = cloud.instance.token(WANDB);
    let (status, body) = cloud.api_as(&token, Method::GET, path, Value::Null).await;
    assert_eq!(status, 403);
    assert!(message(&body).contains("storage.objects.list"), "{body}");
}

#[tokio::test]
async fn xml_refuses_in_its_form() {
    let cloud = Cloud::start().await;
    let get = |path: &str| cloud.request(Method::GET, path).bearer_auth(&cloud.token);
    let response = get("/no-such-bucket/a").send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.headers()["content-type"],
        "application/xml; charset=UTF-8"
    );
    assert_eq!(
        response.text().await.unwrap(),
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchBucket</Code><Message>The \
         specified bucket does not exist.</Message></Error>"
    );
    cloud.bucket("xml-bucket", json!({})).await;
    let response = get("/xml-bucket/a").send().await.unwrap();
    assert_eq!(
        response.text().await.unwrap(),
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code><Message>The specified \
         key does not exist.</Message><Details>No such object: xml-bucket/a</Details></Error>"
    );
    let response = cloud
        .request(Method::GET, "/xml-bucket/a")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().starts_with(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code><Message>Access \
         denied.</Message><Details>Anonymous caller does not have storage.objects.get access to \
         the Google Cloud Storage object."
    ));
}

#[tokio::test]
async fn who_pays_has_to_be_there_and_willing() {
    let cloud = Cloud::start().await;
    cloud
        .bucket("paid-bucket", json!({"billing": {"requesterPays": true}}))
        .await;
    cloud
        .bind(
            "paid-bucket",
            "roles/storage.admin",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    let token = cloud.instance.token(WANDB);
    let get = async |token: &str, more: &str| {
        let path = format!("/storage/v1/b/paid-bucket{more}");
        cloud.api_as(token, Method::GET, &path, Value::Null).await
    };
    assert_eq!(get(&cloud.token, "").await.0, 200);
    let (status, body) = get(&token, "").await;
    let words = "Bucket is a requester pays bucket but no user project provided.";
    assert_eq!((status, message(&body)), (400, words));
    let (status, body) = get(&cloud.token, "?userProject=nowhere").await;
    let words = "User project specified in the request is invalid.";
    assert_eq!((status, message(&body)), (400, words));
    let paid = format!("?userProject={PROJECT}");
    let (status, body) = get(&token, &paid).await;
    assert_eq!(status, 403);
    assert!(
        message(&body).contains("serviceusage.services.use"),
        "{body}"
    );
    assert_eq!(get(&cloud.token, &paid).await.0, 200);
    let response = cloud
        .request(Method::GET, "/paid-bucket/a")
        .bearer_auth(&token);
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), 400);
    let text = response.text().await.unwrap();
    assert!(text.contains("<Code>UserProjectMissing</Code>"), "{text}");
}
