//! What browsers are told.

use reqwest::{Method, Response};
use serde_json::json;

use crate::Cloud;

const APP: &str = "https://wandb.example.com";

async fn preflight(cloud: &Cloud, origin: &str, method: &str, headers: &str) -> Response {
    let url = format!("{}/mine1/box/a", cloud.instance.addresses().blob);
    let request = cloud
        .http
        .request(Method::OPTIONS, url)
        .header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", method);
    request
        .header("Access-Control-Request-Headers", headers)
        .send()
        .await
        .unwrap()
}

fn header(response: &Response, name: &str) -> String {
    let value = response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_decide_by_origin_method_and_headers() {
    let cloud = Cloud::start().await;
    let key = cloud.account("mine1").await;
    assert_eq!(
        preflight(&cloud, APP, "PUT", "x-ms-blob-type")
            .await
            .status(),
        403
    );
    let rule = json!({"allowedOrigins": [APP], "allowedMethods": ["GET", "PUT"],
        "allowedHeaders": ["x-ms-*"], "exposedHeaders": ["ETag", "x-ms-*"], "maxAgeInSeconds": 3600});
    cloud
        .blob_service("mine1", json!({"cors": {"corsRules": [rule]}}))
        .await;
    let allowed = preflight(&cloud, APP, "PUT", "x-ms-blob-type").await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(header(&allowed, "access-control-allow-origin"), APP);
    assert_eq!(header(&allowed, "access-control-max-age"), "3600");
    for (origin, method, headers) in [
        ("https://other.example.com", "PUT", ""),
        (APP, "DELETE", ""),
        (APP, "PUT", "content-type"),
    ] {
        let refused = preflight(&cloud, origin, method, headers).await;
        assert_eq!(refused.status(), 403, "{origin} {method} {headers}");
        assert_eq!(header(&refused, "x-ms-error-code"), "CorsPreflightFailure");
        assert_eq!(header(&refused, "access-control-allow-origin"), "");
    }
    let who = json!({"account": "mine1", "key": key});
    cloud
        .call_as(&who, "create_container", json!(["box"]), json!({}))
        .await;
    cloud
        .call_as(&who, "put", json!(["box", "a", "text"]), json!({}))
        .await;
    let sas = cloud
        .call_as(&who, "blob_sas", json!(["box", "a", "r"]), json!({}))
        .await;
    let url = format!(
        "{}/mine1/box/a?{}",
        cloud.instance.addresses().blob,
        sas.as_str().unwrap()
    );
    let seen = cloud
        .http
        .get(&url)
        .header("Origin", APP)
        .send()
        .await
        .unwrap();
    assert_eq!(header(&seen, "access-control-allow-origin"), APP);
    assert!(
        header(&seen, "access-control-expose-headers")
            .split(',')
            .any(|one| one == "ETag")
    );
    let other = cloud
        .http
        .get(&url)
        .header("Origin", "https://other.example.com")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            other.status().as_u16(),
            header(&other, "access-control-allow-origin")
        ),
        (200, String::new())
    );
}
