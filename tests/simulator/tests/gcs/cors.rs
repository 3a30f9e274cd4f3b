//! What browsers are told.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::Cloud;

const PAGE: &str = "https://app.test";

async fn preflight(cloud: &Cloud, origin: &str, method: &str, headers: &str) -> HeaderMap {
    let mut request = cloud
        .request(Method::OPTIONS, "/cors-bucket/a")
        .header("origin", origin)
        .header("access-control-request-method", method);
    if !headers.is_empty() {
        request = request.header("access-control-request-headers", headers);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.headers().clone()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = format!("access-control-{name}");
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_first_rule_with_origin_and_method_decides() {
    let cloud = Cloud::start().await;
    let rules = json!([
        {"origin": [PAGE], "method": ["PUT"], "responseHeader": ["Content-Type", "ETag"],
            "maxAgeSeconds": 60},
        {"origin": ["*"], "method": ["GET", "PUT"], "responseHeader": ["*"]},
    ]);
    cloud.bucket("cors-bucket", json!({"cors": rules})).await;
    let headers = preflight(&cloud, PAGE, "PUT", "content-type").await;
    assert_eq!(text(&headers, "allow-origin"), Some(PAGE));
    assert_eq!(text(&headers, "allow-methods"), Some("PUT"));
    assert_eq!(text(&headers, "allow-headers"), Some("Content-Type,ETag"));
    assert_eq!(text(&headers, "max-age"), Some("60"));
    assert_eq!(headers["vary"], "Origin");
    // The second rule would let this in, and is not asked.
    let headers = preflight(&cloud, PAGE, "PUT", "content-type, x-other").await;
    assert_eq!(text(&headers, "allow-origin"), None);
    let headers = preflight(&cloud, "https://other.test", "PUT", "x-other").await;
    assert_eq!(text(&headers, "allow-origin"), Some("*"));
    assert_eq!(text(&headers, "allow-headers"), Some("x-other"));
    let headers = preflight(&cloud, PAGE, "GET", "").await;
    assert_eq!(text(&headers, "allow-origin"), Some("*"));
    let headers = preflight(&cloud, PAGE, "DELETE", "").await;
    assert_eq!(text(&headers, "allow-origin"), None);
}

#[tokio::test]
async fn real_answers_are_shared_by_rule_even_bad_ones() {
    let cloud = Cloud::start().await;
    let rules = json!([{"origin": [PAGE], "method": ["GET"],
        "responseHeader": ["Content-Type", "ETag"]}]);
    cloud.bucket("cors-bucket", json!({"cors": rules})).await;
    cloud.put("cors-bucket", "a", "x").await;
    let url = cloud
        .google("sign", json!({"name": "cors-bucket", "key": "a"}))
        .await;
    let url = url.as_str().unwrap();
    let from = async |origin: &str, url: &str| {
        let response = cloud
            .http
            .get(url)
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.headers().clone())
    };
    let (status, headers) = from(PAGE, url).await;
    assert_eq!(status, 200);
    assert_eq!(text(&headers, "allow-origin"), Some(PAGE));
    assert_eq!(text(&headers, "expose-headers"), Some("Content-Type, ETag"));
    let (_, headers) = from("https://other.test", url).await;
    assert_eq!(text(&headers, "allow-origin"), None);
    let (status, headers) = from(PAGE, &format!("{}/cors-bucket/a", cloud.instance.url())).await;
    assert_eq!((status, text(&headers, "allow-origin")), (403, Some(PAGE)));
    // The JSON interface lets every page in, whatever a bucket says.
    let path = "/storage/v1/b/cors-bucket/o/a?alt=media";
    let request = cloud.request(Method::GET, path).bearer_auth(&cloud.token);
    let response = request
        .header("origin", "https://other.test")
        .send()
        .await
        .unwrap();
    assert_eq!(
        text(response.headers(), "allow-origin"),
        Some("https://other.test")
    );
}

#[tokio::test]
async fn the_rules_can_be_read_in_xml() {
    let cloud = Cloud::start().await;
    let rules = json!([{"origin": ["*"], "method": ["GET"], "responseHeader": ["ETag"],
        "maxAgeSeconds": 5}]);
    cloud.bucket("cors-bucket", json!({"cors": rules})).await;
    let request = cloud
        .request(Method::GET, "/cors-bucket?cors")
        .bearer_auth(&cloud.token);
    let body = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(
        body,
        "<?xml version='1.0' encoding='UTF-8'?><CorsConfig><Cors><Origins><Origin>*</Origin>\
         </Origins><Methods><Method>GET</Method></Methods><ResponseHeaders><ResponseHeader>ETag\
         </ResponseHeader></ResponseHeaders><MaxAgeSec>5</MaxAgeSec></Cors></CorsConfig>"
    );
}
