//! Signed addresses, made by Google's own library.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{Cloud, PROJECT, WANDB};

async fn send(cloud: &Cloud, method: Method, url: &str) -> Response {
    cloud.http.request(method, url).send().await.unwrap()
}

async fn sign(cloud: &Cloud, more: Value) -> String {
    let mut args = json!({"name": "signed-bucket", "key": "dir/a b.txt"});
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    let url = cloud.google("sign", args).await;
    url.as_str().unwrap().to_owned()
}

/// Status, code and details of a refusal in XML.
async fn refusal(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let element = |name: &str| {
        let rest = text.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
        let end = rest.and_then(|rest| rest.split_once(&format!("</{name}>")));
        end.map(|(value, _)| value.to_owned()).unwrap_or_default()
    };
    (status, element("Code"), element("Details"))
}

#[tokio::test]
async fn good_signatures_open_the_door() {
    let cloud = Cloud::start().await;
    cloud.bucket("signed-bucket", json!({})).await;
    let put = sign(
        &cloud,
        json!({"method": "PUT", "content_type": "text/x-test",
        "headers": {"x-goog-meta-from": "test"}}),
    )
    .await;
    let request = cloud.http.put(&put).body("signed");
    let request = request
        .header("content-type", "text/x-test")
        .header("x-goog-meta-from", "test");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let generation = response.headers()["x-goog-generation"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        response.headers()["etag"],
        "\"43ca94dd646dbbaa78034918d61043e9\""
    );
    assert!(response.headers().contains_key("x-guploader-uploadid"));
    let get = sign(&cloud, json!({})).await;
    let response = send(&cloud, Method::GET, &get).await;
    assert_eq!(response.headers()["content-type"], "text/x-test");
    assert_eq!(response.headers()["x-goog-meta-from"], "test");
    assert_eq!(
        response.headers()["x-goog-generation"].to_str().unwrap(),
        generation
    );
    assert_eq!(response.text().await.unwrap(), "signed");
    assert_eq!(
        cloud.instance.requests().last().unwrap().caller,
        cloud.instance.owner()
    );
    // What is signed for GET is good for HEAD.
    let response = send(&cloud, Method::HEAD, &get).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "6");
    let old = sign(&cloud, json!({"generation": generation})).await;
    assert_eq!(send(&cloud, Method::GET, &old).await.status(), 200);
    let range = cloud
        .http
        .get(&get)
        .header("range", "bytes=1-2")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            range.status().as_u16(),
            range.text().await.unwrap().as_str()
        ),
        (206, "ig")
    );
    let delete = sign(&cloud, json!({"method": "DELETE"})).await;
    assert_eq!(send(&cloud, Method::DELETE, &delete).await.status(), 204);
    let (status, code, details) = refusal(send(&cloud, Method::GET, &get).await).await;
    assert_eq!((status, code.as_str()), (404, "NoSuchKey"));
    assert_eq!(details, "No such object: signed-bucket/dir/a b.txt");
}

#[tokio::test]
async fn bad_signatures_do_not() {
    let cloud = Cloud::start().await;
    cloud.bucket("signed-bucket", json!({})).await;
    cloud.put("signed-bucket", "dir%2Fa%20b.txt", "text").await;
    let url = sign(&cloud, json!({"seconds": 600})).await;
    let mismatch = async |method: Method, url: &str| {
        let (status, code, details) = refusal(send(&cloud, method, url).await).await;
        assert_eq!(
            (status, code.as_str()),
            (403, "SignatureDoesNotMatch"),
            "{url}"
        );
        assert!(
            details.starts_with("The request signature we calculated does not match"),
            "{details}"
        );
    };
    mismatch(Method::GET, &url.replace("a%20b.txt", "other.txt")).await;
    mismatch(
        Method::GET,
        &url.replace("X-Goog-Expires=600", "X-Goog-Expires=6000"),
    )
    .await;
    mismatch(Method::GET, &format!("{url}&generation=1")).await;
    mismatch(Method::PUT, &url).await;
    let (head, last) = url.split_at(url.len() - 1);
    mismatch(
        Method::GET,
        &format!("{head}{}", if last == "0" { "1" } else { "0" }),
    )
    .await;
    let other = url.replace("owner%40", "nobody%40");
    mismatch(Method::GET, &other).await;
    let (before, _) = url.split_once('?').unwrap();
    let (status, code, details) = refusal(send(&cloud, Method::GET, before).await).await;
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert!(
        details.starts_with("Anonymous caller does not have storage.objects.get"),
        "{details}"
    );
    cloud.instance.advance(Duration::from_secs(601));
    let (status, code, details) = refusal(send(&cloud, Method::GET, &url).await).await;
    assert_eq!((status, code.as_str()), (400, "ExpiredToken"));
    assert!(
        details.starts_with("Request signature expired at: 20"),
        "{details}"
    );
}

#[tokio::test]
async fn malformed_signatures_are_told_what_is_wrong() {
    let cloud = Cloud::start().await;
    cloud.bucket("signed-bucket", json!({})).await;
    let url = sign(&cloud, json!({"seconds": 600})).await;
    let malformed = async |url: &str, headers: Option<&str>, said: &str| {
        let mut request = cloud.http.get(url);
        if let Some(name) = headers {
            request = request.header(name, "1");
        }
        let (status, code, details) = refusal(request.send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (400, "MalformedSecurityHeader"));
        assert!(details.contains(said), "{details}");
    };
    let unsigned = url.replace("SignedHeaders=host", "SignedHeaders=accept");
    malformed(&unsigned, None, "Host header not signed.").await;
    malformed(&url, Some("x-goog-meta-a"), "Header must be signed.").await;
    malformed(&url.replace("goog4_request", "aws4_request"), None, "scope").await;
    malformed(
        &url.replace("X-Goog-Expires=600", "X-Goog-Expires=604801"),
        None,
        "expiration",
    )
    .await;
    let with_type = sign(&cloud, json!({"method": "GET", "headers": {"x-test": "1"}})).await;
    malformed(
        &with_type,
        None,
        "Header was included in signedheaders, but not in the request.",
    )
    .await;
}

#[tokio::test]
async fn a_signature_gives_what_its_signer_has() {
    let cloud = Cloud::start().await;
    cloud.bucket("signed-bucket", json!({})).await;
    cloud.put("signed-bucket", "a", "text").await;
    let key: Value = serde_json::from_str(&cloud.instance.key_file(WANDB).unwrap()).unwrap();
    let args = json!({"name": "signed-bucket", "key": "a"});
    let answer = cloud.try_google_with(&key, "sign", args).await;
    let url = answer["ok"].as_str().unwrap();
    let (status, code, details) = refusal(send(&cloud, Method::GET, url).await).await;
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert!(details.starts_with(WANDB), "{details}");
    cloud
        .bind(
            "signed-bucket",
            "roles/storage.objectViewer",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    assert_eq!(send(&cloud, Method::GET, url).await.status(), 200);
    let missing = url.replace("/signed-bucket/", "/other-bucket/");
    let (status, code, _) = refusal(send(&cloud, Method::GET, &missing).await).await;
    assert_eq!((status, code.as_str()), (403, "SignatureDoesNotMatch"));
    cloud.instance.remove_bucket("signed-bucket");
    let (status, code, _) = refusal(send(&cloud, Method::GET, url).await).await;
    assert_eq!((status, code.as_str()), (404, "NoSuchBucket"));
}

#[tokio::test]
async fn a_bucket_can_be_in_the_host() {
    let cloud = Cloud::start().await;
    cloud.bucket("signed-bucket", json!({})).await;
    cloud.put("signed-bucket", "dir%2Fa%20b.txt", "text").await;
    let url = sign(&cloud, json!({"virtual": "http://storage.googleapis.com"})).await;
    let at = url
        .strip_prefix("http://signed-bucket.storage.googleapis.com")
        .unwrap();
    let url = format!("{}{at}", cloud.instance.url());
    let request = cloud
        .http
        .get(&url)
        .header("host", "signed-bucket.storage.googleapis.com");
    let response = request.send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "text");
}

#[tokio::test]
async fn those_without_a_key_have_the_signature_made() {
    let cloud = Cloud::start().await;
    cloud.bucket("signed-bucket", json!({})).await;
    cloud.put("signed-bucket", "a", "text").await;
    let email = format!("signer@{PROJECT}.iam.gserviceaccount.com");
    cloud.instance.add_account(&email);
    cloud
        .bind(
            "signed-bucket",
            "roles/storage.objectViewer",
            &format!("serviceAccount:{email}"),
        )
        .await;
    let args = json!({"name": "signed-bucket", "key": "a", "email": email});
    let (_, words) = cloud.refused("sign_remotely", args.clone()).await;
    assert!(words.contains("iam.serviceAccounts.signBlob"), "{words}");
    let owner = format!("serviceAccount:{}", cloud.instance.owner());
    cloud
        .instance
        .grant_account(&email, "roles/iam.serviceAccountTokenCreator", &owner);
    let url = cloud.google("sign_remotely", args).await;
    let url = url.as_str().unwrap();
    assert_eq!(
        send(&cloud, Method::GET, url).await.text().await.unwrap(),
        "text"
    );
    // Google's own key of one account is not that of another.
    let other = url.replace("signer%40", "owner%40");
    assert_eq!(send(&cloud, Method::GET, &other).await.status(), 403);
    let signed = cloud
        .google("sign_blob", json!({"email": email, "text": "blob"}))
        .await;
    assert_eq!(signed.as_str().map(str::len), Some(344));
}
