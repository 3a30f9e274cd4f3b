//! Everything that can be made to go wrong, and the switches over HTTP.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use simulator::gcs::Fault;

use crate::{Cloud, PROJECT, WANDB, message};

#[tokio::test]
async fn faults_speak_the_services_language() {
    let cloud = Cloud::start().await;
    cloud.bucket("fault-bucket", json!({})).await;
    let path = "/storage/v1/b/fault-bucket";
    cloud.instance.fault(Fault::status(
        "PATCH /storage/v1/b/fault-bucket",
        429,
        Some(1),
    ));
    let (status, body) = cloud.api(Method::PATCH, path, json!({})).await;
    assert_eq!(status, 429);
    let error = &body["error"]["errors"][0];
    assert_eq!(
        (&error["reason"], &error["domain"]),
        (&json!("rateLimitExceeded"), &json!("usageLimits"))
    );
    assert_eq!(cloud.api(Method::PATCH, path, json!({})).await.0, 200);
    cloud.instance.fault(Fault::Status {
        path_contains: "/iam".to_owned(),
        code: 409,
        message: Some("somebody was faster".to_owned()),
        times: Some(1),
        retry_after: Some(3),
    });
    let (status, body) = cloud
        .api(Method::GET, &format!("{path}/iam"), Value::Null)
        .await;
    assert_eq!((status, message(&body)), (409, "somebody was faster"));
    cloud
        .instance
        .fault(Fault::status("GET /v1/projects", 503, Some(1)));
    let (_, body) = cloud
        .api(Method::GET, &format!("/v1/projects/{PROJECT}"), Value::Null)
        .await;
    assert_eq!(body["error"]["status"], "UNAVAILABLE");
    cloud
        .instance
        .fault(Fault::status("GET /fault-bucket/", 503, None));
    let response = cloud
        .request(Method::GET, "/fault-bucket/a")
        .send()
        .await
        .unwrap();
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("<Code>ServiceUnavailable</Code>")
    );
    cloud.instance.clear_faults();
}

#[tokio::test]
async fn a_bucket_can_be_unknown_just_after_it_was_made() {
    let cloud = Cloud::start().await;
    cloud.bucket("late-bucket", json!({})).await;
    let path = "/storage/v1/b/late-bucket";
    cloud
        .instance
        .fault(Fault::status("GET /storage/v1/b/late-bucket", 404, Some(2)));
    for expected in [404, 404, 200] {
        assert_eq!(cloud.api(Method::GET, path, Value::Null).await.0, expected);
    }
}

#[tokio::test]
async fn lost_replies_and_resets_differ_in_what_is_left() {
    let cloud = Cloud::start().await;
    let path = format!("/storage/v1/b?project={PROJECT}");
    for (fault, left) in [
        (Fault::reset("POST /storage/v1/b?", Some(1)), false),
        (Fault::lose_reply("POST /storage/v1/b?", Some(1)), true),
    ] {
        cloud.instance.fault(fault);
        let request = cloud.request(Method::POST, &path).bearer_auth(&cloud.token);
        let outcome = request.json(&json!({"name": "lost-bucket"})).send().await;
        assert!(outcome.is_err());
        assert_eq!(cloud.instance.bucket("lost-bucket").is_some(), left);
    }
    assert_eq!(cloud.instance.requests().last().unwrap().status, None);
}

#[tokio::test]
async fn delays_hold_requests_back() {
    let cloud = Cloud::start().await;
    cloud.instance.fault(Fault::delay("/storage/v1/b/", 150));
    let start = Instant::now();
    cloud
        .api(Method::GET, "/storage/v1/b/any-bucket", Value::Null)
        .await;
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn the_switches_are_there_over_http() {
    let cloud = Cloud::start().await;
    cloud.bucket("switch-bucket", json!({})).await;
    let control = async |method: Method, path: &str, body: Value| {
        let request = cloud.request(method, &format!("/_simulator{path}"));
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap_or_default())
    };
    let (_, log) = control(Method::GET, "/requests", Value::Null).await;
    assert_eq!(log[0]["method"], "POST");
    assert_eq!(log[0]["caller"], cloud.instance.owner());
    assert_eq!(log[0]["status"], 200);
    assert_eq!(
        control(Method::DELETE, "/requests", Value::Null).await.0,
        204
    );
    assert!(cloud.instance.requests().is_empty());
    let (_, made) = control(Method::POST, "/tokens", json!({"email": WANDB})).await;
    let token = made["access_token"].as_str().unwrap();
    let path = "/storage/v1/b/switch-bucket";
    assert_eq!(
        cloud.api_as(token, Method::GET, path, Value::Null).await.0,
        403
    );
    let grant = json!({"project": PROJECT, "role": "roles/storage.admin",
        "member": format!("serviceAccount:{WANDB}")});
    assert_eq!(control(Method::POST, "/grants", grant).await.0, 204);
    assert_eq!(
        cloud.api_as(token, Method::GET, path, Value::Null).await.0,
        200
    );
    let (_, file) = control(Method::POST, "/keys", json!({"email": WANDB})).await;
    assert_eq!(file["client_email"], WANDB);
    let change = json!({"labels": {"a": "1"}});
    assert_eq!(
        control(Method::PATCH, "/buckets/switch-bucket", change)
            .await
            .0,
        204
    );
    let (_, seen) = control(Method::GET, "/buckets/switch-bucket", Value::Null).await;
    assert_eq!(seen["bucket"]["labels"]["a"], "1");
    let constraint = json!({"constraint": "domains", "allowed": ["@a.test"]});
    assert_eq!(
        control(Method::POST, "/constraints", constraint).await.0,
        204
    );
    assert_eq!(
        control(Method::POST, "/clock", json!({"seconds": 3700}))
            .await
            .0,
        204
    );
    assert_eq!(
        cloud.api_as(token, Method::GET, path, Value::Null).await.0,
        401
    );
    let fault = json!({"kind": "status", "path_contains": "/", "code": 500, "times": 1});
    assert_eq!(control(Method::POST, "/faults", fault).await.0, 204);
    let (_, faults) = control(Method::GET, "/faults", Value::Null).await;
    assert_eq!(faults[0]["left"], 1);
}
