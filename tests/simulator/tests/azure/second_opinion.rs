//! Azurite's opinion: Microsoft's library asks both the same, and both answer alike where
//! Azurite knows what is asked.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::servers::Server;

use crate::Cloud;

/// What is asked of both, one after the other: the call, what it is given, and more.
fn calls() -> Vec<(&'static str, Value, Value)> {
    let none = || json!({});
    vec![
        (
            "create_container",
            json!(["box"]),
            json!({"metadata": {"a": "b"}}),
        ),
        ("create_container", json!(["box"]), none()),
        ("create_container", json!(["Upper"]), none()),
        ("create_container", json!(["ab"]), none()),
        ("container", json!(["box"]), none()),
        ("container", json!(["none"]), none()),
        (
            "put",
            json!(["box", "a/b c+d.txt", "hello"]),
            json!({"metadata": {"x": "y"}}),
        ),
        ("put", json!(["box", "a/b c+d.txt", "again"]), none()),
        (
            "put",
            json!(["box", "a/b c+d.txt", "again"]),
            json!({"overwrite": true}),
        ),
        ("put", json!(["none", "a", "hello"]), none()),
        ("put", json!(["box", "empty", ""]), none()),
        ("get", json!(["box", "a/b c+d.txt"]), none()),
        (
            "get",
            json!(["box", "a/b c+d.txt"]),
            json!({"offset": 1, "length": 2}),
        ),
        ("get", json!(["box", "empty"]), none()),
        ("get", json!(["box", "none"]), none()),
        ("get", json!(["none", "none"]), none()),
        ("walk", json!(["box"]), none()),
        ("walk", json!(["box"]), json!({"name_starts_with": "a/"})),
        ("walk", json!(["none"]), none()),
        ("stage", json!(["box", "big", "YQ==", "one "]), none()),
        ("stage", json!(["box", "big", "Yg==", "two"]), none()),
        (
            "stage",
            json!(["box", "big", "dG9vIGxvbmc=", "three"]),
            none(),
        ),
        ("block_list", json!(["box", "big"]), none()),
        ("get", json!(["box", "big"]), none()),
        ("commit", json!(["box", "big", ["Yw=="]]), none()),
        ("commit", json!(["box", "big", ["Yg==", "YQ=="]]), none()),
        ("block_list", json!(["box", "big"]), none()),
        ("get", json!(["box", "big"]), none()),
        ("set_metadata", json!(["box", "big"]), json!({"k": "v"})),
        ("set_metadata", json!(["box", "none"]), json!({"k": "v"})),
        ("delete", json!(["box", "none"]), none()),
        ("snapshot", json!(["box", "none"]), none()),
        ("delete", json!(["box", "big"]), none()),
        ("delete", json!(["box", "big"]), none()),
        (
            "set_service_properties",
            json!([3, ["https://app.test"]]),
            none(),
        ),
        ("service_properties", json!([]), none()),
        ("delete_container", json!(["none"]), none()),
    ]
}

/// What matters of an answer: refusals by status and code, and what both know alike.
fn gist(call: &str, answer: &Value) -> Value {
    if answer.get("error").is_some() {
        return json!([answer["status"], answer["error"]]);
    }
    match call {
        "put" | "snapshot" => json!("done"),
        _ => answer["ok"].clone(),
    }
}

async fn with_azurite() -> (Cloud, Server, Value, Value) {
    let cloud = Cloud::start().await;
    let key = cloud.account("mine1").await;
    let azurite = Server::azurite("mine1", &key).await.unwrap();
    let ours = cloud.ready.clone();
    let mut theirs = ours.clone();
    theirs["blob"] = json!(azurite.endpoint());
    (cloud, azurite, ours, theirs)
}

#[tokio::test(flavor = "multi_thread")]
async fn azurite_answers_alike() {
    let (mut cloud, azurite, ours, theirs) = with_azurite().await;
    let who = json!({"account": "mine1", "key": azurite.secret_key()});
    let wrong = json!({"account": "mine1", "key": "d3Jvbmc="});
    for (call, args, more) in calls() {
        let mut answers = Vec::new();
        for to in [&ours, &theirs] {
            cloud.ready = to.clone();
            let answer = cloud.try_as(&who, call, args.clone(), more.clone()).await;
            answers.push(gist(call, &answer));
        }
        assert_eq!(answers[0], answers[1], "{call} {args} {more}");
    }
    for to in [&ours, &theirs] {
        cloud.ready = to.clone();
        let refused = cloud
            .refused_as(&wrong, "walk", json!(["box"]), json!({}))
            .await;
        assert_eq!(refused.0, 403);
    }
    azurite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azurite_takes_the_same_signatures() {
    let (mut cloud, azurite, ours, theirs) = with_azurite().await;
    let who = json!({"account": "mine1", "key": azurite.secret_key()});
    let signature = async |cloud: &Cloud, call: &str, args: Value| {
        let sas = cloud.call_as(&who, call, args, json!({})).await;
        json!({"account": "mine1", "sas": sas})
    };
    for to in [&ours, &theirs] {
        cloud.ready = to.clone();
        cloud
            .call_as(&who, "create_container", json!(["box"]), json!({}))
            .await;
        cloud
            .call_as(&who, "put", json!(["box", "a", "text"]), json!({}))
            .await;
    }
    for (make, of, call, args) in [
        (
            "blob_sas",
            json!(["box", "a", "r"]),
            "get",
            json!(["box", "a"]),
        ),
        (
            "blob_sas",
            json!(["box", "a", "r"]),
            "delete",
            json!(["box", "a"]),
        ),
        (
            "blob_sas",
            json!(["box", "a", "r"]),
            "get",
            json!(["box", "b"]),
        ),
        (
            "blob_sas",
            json!(["box", "a", "r", -1]),
            "get",
            json!(["box", "a"]),
        ),
        (
            "blob_sas",
            json!(["box", "new", "c"]),
            "put",
            json!(["box", "new", "x"]),
        ),
        (
            "container_sas",
            json!(["box", "rl"]),
            "walk",
            json!(["box"]),
        ),
        ("container_sas", json!(["box", "r"]), "walk", json!(["box"])),
        ("account_sas", json!(["sco", "rl"]), "walk", json!(["box"])),
        ("account_sas", json!(["o", "rl"]), "walk", json!(["box"])),
    ] {
        let mut answers = Vec::new();
        for to in [&ours, &theirs] {
            cloud.ready = to.clone();
            let who = signature(&cloud, make, of.clone()).await;
            let answer = cloud.try_as(&who, call, args.clone(), json!({})).await;
            // Azurite calls every refusal AuthorizationFailure; the real service has a
            // code for each reason, and those are in `signed.rs`.
            answers.push(match answer["status"].as_u64() {
                Some(status) => json!(status),
                None => gist(call, &answer),
            });
        }
        assert_eq!(answers[0], answers[1], "{make} {of} {call} {args}");
    }
    azurite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azurite_tells_browsers_the_same() {
    let (mut cloud, azurite, ours, theirs) = with_azurite().await;
    let who = json!({"account": "mine1", "key": azurite.secret_key()});
    let app = "https://app.test";
    for to in [&ours, &theirs] {
        cloud.ready = to.clone();
        let args = json!([3, [app]]);
        cloud
            .call_as(&who, "set_service_properties", args, json!({}))
            .await;
    }
    for (origin, method, headers) in [
        (app, "GET", ""),
        (app, "PUT", ""),
        ("https://other.test", "GET", ""),
        (app, "GET", "x-ms-blob-type"),
    ] {
        let mut answers = Vec::new();
        for to in [&ours, &theirs] {
            let url = format!("{}/mine1/box/a", to["blob"].as_str().unwrap());
            let mut request = cloud
                .http
                .request(Method::OPTIONS, url)
                .header("Origin", origin);
            request = request.header("Access-Control-Request-Method", method);
            if !headers.is_empty() {
                request = request.header("Access-Control-Request-Headers", headers);
            }
            let answer = request.send().await.unwrap();
            let header = |name: &str| {
                let value = answer
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            answers.push((
                answer.status(),
                header("access-control-allow-origin"),
                header("access-control-max-age"),
                header("x-ms-error-code"),
            ));
        }
        assert_eq!(answers[0], answers[1], "{origin} {method} {headers}");
    }
    azurite.stop().await;
}
