//! Teams and people over SCIM.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::wandb::Fault;

use crate::{GROUP, KEY, PATCH, Talk, answer};

fn id(team: &Value) -> String {
    team["id"].as_str().unwrap().to_owned()
}

fn members(team: &Value) -> Vec<&str> {
    let list = team["members"].as_array().map(Vec::as_slice);
    let list = list.unwrap_or_default();
    list.iter()
        .filter_map(|one| one["Value"].as_str())
        .collect()
}

fn operations(list: &Value) -> Option<Value> {
    Some(json!({"schemas": [PATCH], "Operations": list}))
}

#[tokio::test]
async fn a_team_comes_back_as_it_was_made() {
    let talk = Talk::start().await;
    let (status, made) = talk
        .make_team(
            "omega",
            json!([{"value": "u-jane"}, {"value": "JOE@example.com"}]),
        )
        .await;
    assert_eq!(status, 201);
    assert_eq!(made["displayName"], "omega");
    assert_eq!(made["schemas"], json!([GROUP]));
    assert_eq!(
        made["members"],
        json!([{"Value": "u-jane", "Ref": "", "Type": "", "Display": "jane"},
            {"Value": "u-joe", "Ref": "", "Type": "", "Display": "joe"}])
    );
    assert_eq!(made["meta"]["resourceType"], "Group");
    assert_eq!(made["meta"]["location"], format!("Groups/{}", id(&made)));
    let path = format!("/scim/Groups/{}", id(&made));
    let read = talk.scim(Method::GET, &path, None).await;
    assert_eq!(read, (reqwest::StatusCode::OK, made));
    let (status, _) = talk.scim(Method::GET, "/scim/Groups/nobody", None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn requests_that_lack_something_are_refused() {
    let talk = Talk::start().await;
    for (body, said) in [
        (json!({"displayName": "a", "members": []}), "schemas"),
        (json!({"schemas": [GROUP], "members": []}), "displayName"),
        (json!({"schemas": [GROUP], "displayName": "a"}), "members"),
        (
            json!({"schemas": [GROUP], "displayName": "a", "members": "u-jane"}),
            "members",
        ),
        (
            json!({"schemas": [GROUP], "displayName": "a b", "members": []}),
            "team name",
        ),
        (
            json!({"schemas": [GROUP], "displayName": "a", "members": [{"value": "u-none"}]}),
            "u-none",
        ),
    ] {
        let (status, error) = talk.scim(Method::POST, "/scim/Groups", Some(body)).await;
        assert_eq!(status, 400);
        assert_eq!(error["status"], "400");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
    assert!(talk.instance.teams().is_empty());
}

#[tokio::test]
async fn names_are_unique_among_teams_and_people() {
    let talk = Talk::start().await;
    assert_eq!(talk.make_team("omega", json!([])).await.0, 201);
    let (status, error) = talk.make_team("omega", json!([])).await;
    assert_eq!((status.as_u16(), &error["status"]), (409, &json!("409")));
    assert_eq!(talk.make_team("jane", json!([])).await.0, 409);
    assert_eq!(talk.team_names(), ["omega"]);
}

#[tokio::test]
async fn a_bad_storage_is_refused() {
    let talk = Talk::start().await;
    let (status, error) = talk
        .make_team_with("omega", json!({"name": "b", "provider": "aws"}))
        .await;
    assert_eq!(status, 400);
    let detail = error["detail"].as_str().unwrap();
    for allowed in ["COREWEAVE", "AWS", "AZURE", "GCP", "MINIO"] {
        assert!(detail.contains(allowed), "{detail}");
    }
    for bucket in [
        json!({"provider": "AWS"}),
        json!({"name": "b"}),
        json!({"name": "", "provider": "AWS"}),
        json!({"name": 1, "provider": "AWS"}),
        json!({"name": "b", "provider": "AWS", "path": "a/../b"}),
        json!("b"),
    ] {
        assert_eq!(talk.make_team_with("omega", bucket).await.0, 400);
    }
    assert!(talk.instance.teams().is_empty());
}

#[tokio::test]
async fn storage_is_kept_but_never_shown() {
    let talk = Talk::start().await;
    talk.instance.fault(Fault::test_passes());
    let (status, made) = talk
        .make_team_with(
            "omega",
            json!({"name": "b", "provider": "AWS", "path": "p", "kmsKeyId": "k",
                "awsExternalId": "e"}),
        )
        .await;
    assert_eq!(status, 201);
    assert_eq!(made.get("storageBucket"), None);
    let kept = &talk.instance.teams()[0].storage;
    assert_eq!(
        json!(kept),
        json!({"name": "b", "provider": "AWS", "path": "p", "kmsKeyId": "k",
            "awsExternalId": "e"})
    );
}

#[tokio::test]
async fn members_are_added_removed_and_replaced() {
    let talk = Talk::start().await;
    let (_, made) = talk.make_team("omega", json!([{"value": "u-jane"}])).await;
    let path = format!("/scim/Groups/{}", id(&made));
    for (list, expected) in [
        (
            json!([{"op": "add", "path": "members", "value": [{"value": "joe@example.com"}]}]),
            vec!["u-jane", "u-joe"],
        ),
        (
            json!([{"op": "remove", "path": "members[value eq \"u-jane\"]"}]),
            vec!["u-joe"],
        ),
        (
            json!([{"op": "replace", "path": "members", "value": [{"value": "u-jane"}]}]),
            vec!["u-jane"],
        ),
        (
            json!([{"op": "Add", "value": {"members": [{"value": "u-joe"}]}},
                {"op": "remove", "path": "members[value eq \"jane@example.com\"]"}]),
            vec!["u-joe"],
        ),
        (json!([{"op": "remove", "path": "members"}]), vec![]),
    ] {
        let (status, team) = talk.scim(Method::PATCH, &path, operations(&list)).await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(members(&team), expected, "{list}");
    }
    let (_, team) = talk.scim(Method::GET, &path, None).await;
    assert_eq!(team["members"], Value::Null);
    let all = json!({"schemas": [GROUP], "displayName": "omega", "members": [{"value": "u-joe"}]});
    let (status, team) = talk.scim(Method::PUT, &path, Some(all)).await;
    assert_eq!((status.as_u16(), members(&team)), (200, vec!["u-joe"]));
}

#[tokio::test]
async fn refused_changes_change_nothing() {
    let talk = Talk::start().await;
    let (_, made) = talk.make_team("omega", json!([{"value": "u-jane"}])).await;
    let path = format!("/scim/Groups/{}", id(&made));
    let bucket = json!({"name": "b", "provider": "AWS"});
    for list in [
        json!([{"op": "add", "path": "members", "value": [{"value": "u-joe"}]},
            {"op": "add", "path": "members", "value": [{"value": "u-none"}]}]),
        json!([{"op": "replace", "path": "storageBucket", "value": bucket}]),
        json!([{"op": "replace", "value": {"storageBucket": bucket}}]),
        json!([{"op": "replace", "path": "displayName", "value": "alpha"}]),
        json!([{"op": "move", "path": "members"}]),
    ] {
        let (status, _) = talk.scim(Method::PATCH, &path, operations(&list)).await;
        assert_eq!(status, 400, "{list}");
    }
    for body in [
        json!({"schemas": [GROUP], "displayName": "alpha", "members": []}),
        json!({"schemas": [GROUP], "displayName": "omega"}),
        json!({"schemas": [GROUP], "displayName": "omega", "members": [], "storageBucket": bucket}),
    ] {
        assert_eq!(talk.scim(Method::PUT, &path, Some(body)).await.0, 400);
    }
    assert_eq!(talk.scim(Method::GET, &path, None).await.1, made);
}

#[tokio::test]
async fn teams_cannot_be_deleted_here() {
    let talk = Talk::start().await;
    let (_, made) = talk.make_team("omega", json!([])).await;
    let path = format!("/scim/Groups/{}", id(&made));
    let (status, error) = talk.scim(Method::DELETE, &path, None).await;
    assert_eq!((status.as_u16(), &error["status"]), (501, &json!("501")));
    assert_eq!(talk.team_names(), ["omega"]);
}

#[tokio::test]
async fn entity_tags_guard_changes() {
    let talk = Talk::start().await;
    let (_, made) = talk.make_team("omega", json!([])).await;
    let path = format!("/scim/Groups/{}", id(&made));
    let change = |tag: String| {
        let list = json!([{"op": "add", "path": "members", "value": [{"value": "u-joe"}]}]);
        answer(
            talk.request(Method::PATCH, &path)
                .bearer_auth(KEY)
                .header("If-Match", tag)
                .json(&operations(&list)),
        )
    };
    let read = talk.request(Method::GET, &path).bearer_auth(KEY);
    let read = read.send().await.unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(change(tag.clone()).await.0, 200);
    assert_eq!(change(tag).await.0, 412);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let talk = Talk::start().await;
    for name in ["alpha", "beta", "gamma"] {
        talk.make_team(name, json!([])).await;
    }
    let list = |query: [(&'static str, &'static str); 1]| {
        let request = talk.request(Method::GET, "/scim/Groups");
        answer(request.query(&query).bearer_auth(KEY))
    };
    let (status, found) = list([("filter", "displayName eq \"beta\"")]).await;
    assert_eq!(status, 200);
    assert_eq!(found["Resources"][0]["displayName"], "beta");
    assert_eq!(
        (
            &found["totalResults"],
            &found["startIndex"],
            &found["itemsPerPage"]
        ),
        (&json!(1), &json!(1), &json!(9999))
    );
    let (_, found) = list([("filter", "displayName eq \"none\"")]).await;
    assert_eq!(
        (&found["totalResults"], &found["Resources"]),
        (&json!(0), &json!([]))
    );
    let (_, found) = list([("startIndex", "3")]).await;
    assert_eq!(found["totalResults"], 3);
    assert_eq!(found["Resources"].as_array().unwrap().len(), 1);
    for bad in ["id eq \"x\"", "displayName co \"a\"", "displayName eq beta"] {
        assert_eq!(list([("filter", bad)]).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn people_are_found_by_name_address_and_id() {
    let talk = Talk::start().await;
    let find = |filter: &'static str| {
        let request = talk.request(Method::GET, "/scim/Users");
        answer(request.query(&[("filter", filter)]).bearer_auth(KEY))
    };
    for filter in [
        "userName eq \"jane\"",
        "emails.value eq \"Jane@example.com\"",
    ] {
        let (_, found) = find(filter).await;
        assert_eq!(found["totalResults"], 1, "{filter}");
        assert_eq!(found["Resources"][0]["id"], "u-jane", "{filter}");
    }
    let (status, jane) = talk.scim(Method::GET, "/scim/Users/u-jane", None).await;
    assert_eq!(status, 200);
    assert_eq!(jane["emails"]["Value"], "jane@example.com");
    assert_eq!(jane["userName"], "jane");
    let (status, _) = talk.scim(Method::GET, "/scim/Users/u-none", None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn the_service_account_joins_but_is_no_member_here() {
    let talk = Talk::start().await;
    let (_, made) = talk.make_team("omega", json!([])).await;
    assert_eq!(made["members"], Value::Null);
    let account = &talk.instance.teams()[0].service_accounts;
    assert_eq!(account.len(), 1);
    let path = format!("/scim/Groups/{}", id(&made));
    let list = json!([{"op": "add", "path": "members", "value": [{"value": account[0]}]}]);
    let (status, _) = talk.scim(Method::PATCH, &path, operations(&list)).await;
    assert_eq!(status, 400);
    let query = "{ entity(name: \"omega\") { members { username accountType } } }";
    assert_eq!(
        talk.graphql(query, json!({})).await["data"]["entity"]["members"],
        json!([{"username": "automation", "accountType": "SERVICE"}])
    );
}
