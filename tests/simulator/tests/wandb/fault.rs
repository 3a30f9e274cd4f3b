//! Everything that can be made to go wrong.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use simulator::wandb::Fault;

use crate::{GROUP, KEY, Talk};

#[tokio::test]
async fn statuses_strike_as_often_as_told() {
    let talk = Talk::start().await;
    talk.instance
        .fault(Fault::status("GET /scim/Groups", 503, Some(2), Some(7)));
    for _ in 0..2 {
        let request = talk.request(Method::GET, "/scim/Groups").bearer_auth(KEY);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "7");
    }
    assert_eq!(talk.scim(Method::GET, "/scim/Groups", None).await.0, 200);
    talk.instance.fault(Fault::status("/scim", 429, None, None));
    assert_eq!(talk.make_team("omega", json!([])).await.0, 429);
    talk.instance.clear_faults();
    assert!(talk.instance.teams().is_empty());
    assert_eq!(talk.make_team("omega", json!([])).await.0, 201);
}

#[tokio::test]
async fn a_lost_reply_leaves_a_team() {
    let talk = Talk::start().await;
    talk.instance
        .fault(Fault::lose_reply("POST /scim/Groups", Some(1)));
    let body = json!({"schemas": [GROUP], "displayName": "omega", "members": []});
    let request = talk.request(Method::POST, "/scim/Groups");
    let outcome = request.bearer_auth(KEY).json(&body).send().await;
    let error = outcome.unwrap_err();
    assert!(error.is_request() && !error.is_connect(), "{error:?}");
    assert_eq!(talk.team_names(), ["omega"]);
    assert_eq!(talk.instance.requests().len(), 1);
    assert_eq!(talk.instance.requests()[0].status, None);
    assert_eq!(talk.make_team("omega", json!([])).await.0, 409);
}

#[tokio::test]
async fn a_reset_leaves_nothing() {
    let talk = Talk::start().await;
    talk.instance.fault(Fault::reset("/scim/Groups", Some(1)));
    let body = json!({"schemas": [GROUP], "displayName": "omega", "members": []});
    let request = talk.request(Method::POST, "/scim/Groups");
    let outcome = request.bearer_auth(KEY).json(&body).send().await;
    assert!(outcome.is_err());
    assert!(talk.instance.teams().is_empty());
    assert_eq!(talk.make_team("omega", json!([])).await.0, 201);
}

#[tokio::test]
async fn delays_hold_requests_back() {
    let talk = Talk::start().await;
    talk.instance.fault(Fault::delay(150));
    let start = Instant::now();
    assert_eq!(talk.scim(Method::GET, "/scim/Groups", None).await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn graphql_errors_hit_one_operation() {
    let talk = Talk::start().await;
    talk.instance
        .fault(Fault::graphql_error("deleteTeam", "permission denied"));
    talk.make_team("omega", json!([])).await;
    let delete = "mutation { deleteTeam(input: {teamName: \"omega\"}) { success } }";
    assert_eq!(
        talk.graphql(delete, json!({})).await,
        json!({"data": null, "errors": [{"message": "permission denied"}]})
    );
    assert_eq!(talk.team_names(), ["omega"]);
    let body = talk.graphql("{ viewer { username } }", json!({})).await;
    assert_eq!(body.get("errors"), None);
}

#[tokio::test]
async fn another_answer_can_hide_what_was_carried_out() {
    let talk = Talk::start().await;
    let fault = Fault::carried_out("POST /scim/Groups", 500, "text/html", "<html>");
    talk.instance.fault(fault);
    let body = json!({"schemas": [GROUP], "displayName": "omega", "members": []});
    let request = talk.request(Method::POST, "/scim/Groups");
    let answer = request.bearer_auth(KEY).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert_eq!(answer.text().await.unwrap(), "<html>");
    assert_eq!(talk.team_names(), ["omega"]);
    talk.instance.fault(Fault::echo(
        "GET /scim",
        400,
        "application/scim+json",
        Some(1),
    ));
    let (status, body) = talk.scim(Method::GET, "/scim/Groups", None).await;
    assert_eq!(status, 400);
    assert_eq!(body["detail"], format!("I do not like Bearer {KEY}"));
}

#[tokio::test]
async fn lists_can_be_wrong_in_three_ways() {
    let talk = Talk::start().await;
    for name in ["a", "b", "c"] {
        talk.make_team(name, json!([])).await;
    }
    talk.instance.fault(Fault::PageSize { entries: 2 });
    let second = "/scim/Groups?startIndex=3";
    let (_, page) = talk.scim(Method::GET, second, None).await;
    assert_eq!(page["Resources"].as_array().unwrap().len(), 1);
    assert_eq!(page["totalResults"], 3);
    talk.instance.fault(Fault::IgnoreStart);
    talk.instance.fault(Fault::WrongTotal { total: 9 });
    let (_, page) = talk.scim(Method::GET, second, None).await;
    assert_eq!(page["Resources"][0]["displayName"], "a");
    assert_eq!(page["totalResults"], 9);
}

#[tokio::test]
async fn a_key_of_another_organization_sees_other_teams() {
    let talk = Talk::start().await;
    talk.make_team("omega", json!([])).await;
    let of_team =
        "{ entity(name: \"omega\") { organization { id } } viewer { organizations { id } } }";
    let own = talk.graphql(of_team, json!({})).await;
    let organization = &own["data"]["entity"]["organization"];
    assert_eq!(*organization, own["data"]["viewer"]["organizations"][0]);
    talk.instance.fault(Fault::Organizations {
        asked: 2,
        seen: vec![2],
    });
    let (_, page) = talk.scim(Method::GET, "/scim/Groups", None).await;
    assert_eq!(page["totalResults"], 0);
    let other = talk.graphql(of_team, json!({})).await;
    assert_eq!(other["data"]["entity"], json!(null));
    assert_ne!(*organization, other["data"]["viewer"]["organizations"][0]);
    // Names are taken on the whole instance.
    assert_eq!(talk.make_team("omega", json!([])).await.0, 409);
}
