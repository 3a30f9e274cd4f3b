//! Uploads in pieces and in parts.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::Cloud;

#[tokio::test]
async fn the_library_uploads_in_pieces() {
    let cloud = Cloud::start().await;
    cloud.bucket("piece-bucket", json!({})).await;
    let args = json!({"name": "piece-bucket", "key": "a/b", "size": 9_000_000});
    let made = cloud.google("put_in_pieces", args).await;
    assert_eq!(
        (&made["size"], &made["contentType"]),
        (&json!("9000000"), &json!("application/test"))
    );
    let pieces = cloud.instance.requests();
    let pieces = pieces.iter().filter(|one| one.status == Some(308)).count();
    assert_eq!(pieces, 2);
}

#[tokio::test]
async fn pieces_go_on_where_they_ended() {
    let cloud = Cloud::start().await;
    cloud.bucket("piece-bucket", json!({})).await;
    let path = "/upload/storage/v1/b/piece-bucket/o?uploadType=resumable&name=a";
    let request = cloud.request(Method::POST, path).bearer_auth(&cloud.token);
    let begun = request.body("{}").send().await.unwrap();
    let place = begun.headers()["location"].to_str().unwrap().to_owned();
    let piece = async |range: &str, text: &str, no_308: bool| {
        let mut request = cloud.http.put(&place).header("content-range", range);
        if no_308 {
            request = request.header("x-guploader-no-308", "yes");
        }
        request.body(text.to_owned()).send().await.unwrap()
    };
    let response = piece("bytes 0-3/*", "abcd", false).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["range"]),
        (308, &"bytes=0-3".parse().unwrap())
    );
    let response = piece("bytes */*", "", true).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-http-status-code-override"], "308");
    assert_eq!(piece("bytes 6-7/8", "gh", false).await.status(), 400);
    // What came before is not taken twice.
    let response = piece("bytes 2-7/8", "cdefgh", false).await;
    assert_eq!(response.status(), 200);
    let path = "/storage/v1/b/piece-bucket/o/a?alt=media";
    let request = cloud.request(Method::GET, path).bearer_auth(&cloud.token);
    assert_eq!(
        request.send().await.unwrap().text().await.unwrap(),
        "abcdefgh"
    );
    assert_eq!(piece("bytes */8", "", false).await.status(), 410);
}

#[tokio::test]
async fn the_library_uploads_in_parts() {
    let cloud = Cloud::start().await;
    cloud.bucket("part-bucket", json!({})).await;
    let args = json!({"name": "part-bucket", "key": "a/b c", "size": (5 << 20) + 17});
    let made = cloud.google("put_in_parts", args).await;
    assert_eq!(made["same"], true);
    assert_eq!(made["size"], ((5 << 20) + 17).to_string());
    assert_eq!(made.get("md5Hash"), None);
    assert_eq!(
        uploads(&cloud, "part-bucket")
            .await
            .matches("<Upload>")
            .count(),
        0
    );
}

async fn uploads(cloud: &Cloud, bucket: &str) -> String {
    let path = format!("/{bucket}?uploads");
    let request = cloud.request(Method::GET, &path).bearer_auth(&cloud.token);
    request.send().await.unwrap().text().await.unwrap()
}

async fn xml(cloud: &Cloud, method: Method, path: &str, body: &str) -> Response {
    let request = cloud.request(method, path).bearer_auth(&cloud.token);
    request.body(body.to_owned()).send().await.unwrap()
}

/// Begins an upload; its id.
async fn begin(cloud: &Cloud, path: &str) -> String {
    let text = xml(cloud, Method::POST, &format!("{path}?uploads"), "")
        .await
        .text()
        .await
        .unwrap();
    let (_, rest) = text.split_once("<UploadId>").unwrap();
    rest.split_once("</UploadId>").unwrap().0.to_owned()
}

#[tokio::test]
async fn an_upload_in_parts_is_listed_and_aborted() {
    let cloud = Cloud::start().await;
    cloud.bucket("open-bucket", json!({})).await;
    let id = begin(&cloud, "/open-bucket/a").await;
    let part = format!("/open-bucket/a?partNumber=1&uploadId={id}");
    let response = xml(&cloud, Method::PUT, &part, "text").await;
    assert_eq!(
        response.headers()["etag"],
        "\"1cb251ec0d568de6a929b520c4aed8d1\""
    );
    assert!(
        uploads(&cloud, "open-bucket")
            .await
            .contains(&format!("<UploadId>{id}</UploadId>"))
    );
    let whole = format!("/open-bucket/a?uploadId={id}");
    let parts = xml(&cloud, Method::GET, &whole, "")
        .await
        .text()
        .await
        .unwrap();
    assert!(parts.contains("<PartNumber>1</PartNumber>"), "{parts}");
    assert!(cloud.instance.objects("open-bucket").is_empty());
    assert_eq!(xml(&cloud, Method::DELETE, &whole, "").await.status(), 204);
    let gone = xml(&cloud, Method::DELETE, &whole, "").await;
    assert_eq!(gone.status(), 404);
    assert!(
        gone.text()
            .await
            .unwrap()
            .contains("<Code>NoSuchUpload</Code>")
    );
}

#[tokio::test]
async fn parts_have_to_be_there_in_order_and_large_enough() {
    let cloud = Cloud::start().await;
    cloud.bucket("strict-bucket", json!({})).await;
    let id = begin(&cloud, "/strict-bucket/a").await;
    let tag = "1cb251ec0d568de6a929b520c4aed8d1";
    for number in [1, 2] {
        let part = format!("/strict-bucket/a?partNumber={number}&uploadId={id}");
        assert_eq!(xml(&cloud, Method::PUT, &part, "text").await.status(), 200);
    }
    let complete = async |parts: &[(u32, &str)]| {
        let parts: String = parts
            .iter()
            .map(|(number, tag)| {
                format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{tag}\"</ETag></Part>")
            })
            .collect();
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let path = format!("/strict-bucket/a?uploadId={id}");
        let response = xml(&cloud, Method::POST, &path, &body).await;
        (response.status().as_u16(), response.text().await.unwrap())
    };
    for (parts, code) in [
        (vec![], "MalformedCompleteMultipartUploadRequest"),
        (vec![(2, tag), (1, tag)], "InvalidPartOrder"),
        (vec![(1, "0")], "InvalidPart"),
        (vec![(3, tag)], "InvalidPart"),
        (vec![(1, tag), (2, tag)], "EntityTooSmall"),
    ] {
        let (status, text) = complete(&parts).await;
        assert_eq!(status, 400, "{text}");
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
    }
    assert_eq!(complete(&[(1, tag)]).await.0, 200);
    assert_eq!(cloud.instance.objects("strict-bucket")[0].size, 4);
}

#[tokio::test]
async fn sums_are_checked() {
    let cloud = Cloud::start().await;
    cloud.bucket("sum-bucket", json!({})).await;
    let request = cloud
        .request(Method::PUT, "/sum-bucket/a")
        .bearer_auth(&cloud.token);
    let response = request
        .header("x-goog-hash", "crc32c=AAAAAA==")
        .body("text")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("<Code>BadDigest</Code>")
    );
    let body = "--x\r\nContent-Type: application/json\r\n\r\n{\"name\": \"a\", \"md5Hash\": \"AAAA\"}\
                \r\n--x\r\nContent-Type: text/plain\r\n\r\ntext\r\n--x--";
    let path = "/upload/storage/v1/b/sum-bucket/o?uploadType=multipart";
    let request = cloud
        .request(Method::POST, path)
        .bearer_auth(&cloud.token)
        .body(body);
    let request = request.header("content-type", "multipart/related; boundary=x");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 400);
    let refusal: Value = response.json().await.unwrap();
    assert!(
        crate::message(&refusal).starts_with("Provided MD5 hash \"AAAA\""),
        "{refusal}"
    );
    assert!(cloud.instance.objects("sum-bucket").is_empty());
}
