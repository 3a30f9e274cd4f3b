//! What can be broken.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::azure::Fault;

use crate::{Cloud, GROUP, STORAGE, account_id, code};

#[tokio::test(flavor = "multi_thread")]
async fn each_service_breaks_in_its_own_words() {
    let cloud = Cloud::start().await;
    let key = cloud.account("mine1").await;
    let path = format!("{}?api-version={STORAGE}", account_id("mine1"));
    let throttle = json!({"kind": "status", "path_contains": "arm GET /subscriptions", "code": 429,
        "times": 1, "retry_after": 3});
    cloud.control("POST", "/faults", throttle);
    let response = cloud
        .request(Method::GET, &path)
        .bearer_auth(&cloud.token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"3".parse().unwrap())
    );
    assert_eq!(code(&response.json().await.unwrap()), "TooManyRequests");
    assert_eq!(cloud.arm(Method::GET, &path, Value::Null).await.0, 200);
    cloud
        .instance
        .fault(Fault::status("blob GET /mine1", 503, Some(1)));
    let who = json!({"account": "mine1", "key": key});
    let refused = cloud
        .refused_as(&who, "containers", json!([]), json!({}))
        .await;
    assert_eq!(refused, (503, "ServerBusy".to_owned()));
    cloud
        .instance
        .fault(Fault::status("authority POST", 503, None));
    let scope = "https://management.azure.com/.default";
    let answer = cloud
        .try_as(&json!({}), "sign_in", json!([scope]), json!({}))
        .await;
    assert!(answer["error"].is_string(), "{answer}");
    cloud.instance.clear_faults();
    cloud.microsoft("sign_in", json!([scope])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_has_happened_and_a_reset_has_not() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let container = |name: &str| {
        format!(
            "{}/blobServices/default/containers/{name}?api-version={STORAGE}",
            account_id("mine1")
        )
    };
    for (fault, name, there) in [
        (Fault::lose_reply("arm PUT", Some(1)), "lost", 200),
        (Fault::reset("arm PUT", Some(1)), "reset", 404),
    ] {
        cloud.instance.fault(fault);
        let request = cloud
            .request(Method::PUT, &container(name))
            .bearer_auth(&cloud.token);
        assert!(request.json(&json!({})).send().await.is_err());
        assert_eq!(
            cloud
                .arm(Method::GET, &container(name), Value::Null)
                .await
                .0,
            there,
            "{name}"
        );
    }
    let lost = cloud.instance.requests();
    let lost = lost.iter().find(|one| one.path.ends_with("/lost")).unwrap();
    assert_eq!(
        (lost.service, lost.method.as_str(), lost.status),
        ("arm", "PUT", None)
    );
    assert_eq!(lost.caller, cloud.instance.owner());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_does_is_seen() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    cloud.control(
        "POST",
        "/accounts/mine1/containers/theirs",
        json!({"metadata": {"a": "b"}}),
    );
    cloud.control(
        "POST",
        "/accounts/mine1/containers/theirs/blobs/x/y",
        json!({"text": "hello"}),
    );
    cloud.control(
        "PATCH",
        "/accounts/mine1",
        json!({"properties": {"minimumTlsVersion": "TLS1_0"}}),
    );
    let found = cloud
        .microsoft(
            "storage.storage_accounts.get_properties",
            json!([GROUP, "mine1"]),
        )
        .await;
    assert_eq!(found["properties"]["minimumTlsVersion"], "TLS1_0");
    let who = json!({"account": "mine1", "key": cloud.key("mine1").await});
    assert_eq!(
        cloud
            .call_as(&who, "get", json!(["theirs", "x/y"]), json!({}))
            .await,
        "hello"
    );
    let url = format!(
        "{}/_simulator/accounts/mine1/containers/theirs",
        cloud.instance.addresses().control
    );
    let seen: Value = cloud
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["blobs"][0]["name"], "x/y");
    assert!(
        cloud
            .instance
            .control("GET", "/nonsense", &json!({}))
            .is_err()
    );
}
