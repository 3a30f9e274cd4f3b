//! The switches over HTTP, and the log of requests.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{KEY, Talk, answer};

async fn control(talk: &Talk, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let mut request = talk.request(method, &format!("/_simulator{path}"));
    if !body.is_null() {
        request = request.json(&body);
    }
    answer(request).await
}

#[tokio::test]
async fn the_log_names_requests_and_operations() {
    let talk = Talk::start().await;
    let list = talk.request(Method::GET, "/scim/Groups?startIndex=1");
    answer(list.bearer_auth(KEY)).await;
    let ask = json!({"query": "query Who { viewer { id } }", "operationName": "Who"});
    let request = talk.request(Method::POST, "/graphql");
    answer(request.basic_auth("api", Some("x")).json(&ask)).await;
    let (_, log) = control(&talk, Method::GET, "/requests", Value::Null).await;
    assert_eq!(
        log,
        json!([
            {"method": "GET", "path": "/scim/Groups", "query": "startIndex=1",
                "operation": null, "status": 200},
            {"method": "POST", "path": "/graphql", "query": "", "operation": "Who",
                "status": 401},
        ])
    );
    assert_eq!(talk.instance.requests().len(), 2);
    talk.instance.clear_requests();
    let (_, log) = control(&talk, Method::GET, "/requests", Value::Null).await;
    assert_eq!(log, json!([]));
}

#[tokio::test]
async fn teams_and_people_change_behind_the_back() {
    let talk = Talk::start().await;
    let jack = json!({"id": "u-jack", "user_name": "jack", "email": "jack@example.com"});
    assert_eq!(control(&talk, Method::POST, "/users", jack).await.0, 204);
    let team = json!({"name": "omega", "members": ["u-jack"]});
    assert_eq!(control(&talk, Method::POST, "/teams", team).await.0, 201);
    let (_, teams) = control(&talk, Method::GET, "/teams", Value::Null).await;
    assert_eq!(teams[0]["members"], json!(["u-jack"]));
    let members = json!({"members": ["u-jane", "u-joe"]});
    let (status, _) = control(&talk, Method::PUT, "/teams/omega", members).await;
    assert_eq!(status, 204);
    assert_eq!(talk.instance.teams()[0].members, ["u-jane", "u-joe"]);
    assert!(talk.instance.set_members("omega", &["u-joe"]));
    let (_, found) = talk.scim(Method::GET, "/scim/Groups", None).await;
    assert_eq!(found["Resources"][0]["members"][0]["Display"], "joe");
    let (status, _) = control(&talk, Method::DELETE, "/teams/omega", Value::Null).await;
    assert_eq!(status, 204);
    assert!(!talk.instance.remove_team("omega"));
    assert!(talk.instance.teams().is_empty());
}

#[tokio::test]
async fn faults_come_and_go() {
    let talk = Talk::start().await;
    let fault = json!({"kind": "status", "path_contains": "/scim", "code": 500, "times": 1});
    assert_eq!(control(&talk, Method::POST, "/faults", fault).await.0, 204);
    let (_, faults) = control(&talk, Method::GET, "/faults", Value::Null).await;
    assert_eq!(
        (&faults[0]["kind"], &faults[0]["left"]),
        (&json!("status"), &json!(1))
    );
    assert_eq!(talk.scim(Method::GET, "/scim/Groups", None).await.0, 500);
    assert_eq!(talk.scim(Method::GET, "/scim/Groups", None).await.0, 200);
    let fault = json!({"kind": "test_result", "severity": "ERROR", "message": "no"});
    assert_eq!(control(&talk, Method::POST, "/faults", fault).await.0, 204);
    let (status, _) = control(&talk, Method::DELETE, "/faults", Value::Null).await;
    assert_eq!(status, 204);
    let (_, faults) = control(&talk, Method::GET, "/faults", Value::Null).await;
    assert_eq!(faults, json!([]));
}

#[tokio::test]
async fn stores_are_shown_without_their_keys() {
    let talk = Talk::start().await;
    let store = json!({"entry": "s3://ak:sk@127.0.0.1:9000/b?region=r&tls=false"});
    assert_eq!(control(&talk, Method::POST, "/stores", store).await.0, 204);
    let (_, stores) = control(&talk, Method::GET, "/stores", Value::Null).await;
    assert_eq!(stores, json!(["s3://127.0.0.1:9000/b"]));
}
