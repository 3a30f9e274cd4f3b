//! Role assignments, what roles allow, and locks.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::azure::Config;

use crate::{Cloud, GROUP, MANAGEMENT, STORAGE, SUBSCRIPTION, account_id, code, message};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const NAME: &str = "66666666-6666-4666-a666-666666666666";

fn role(id: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}")
}

fn at(scope: &str, name: &str) -> String {
    format!(
        "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01"
    )
}

fn wanted(principal: &Value) -> Value {
    json!({"properties": {"roleDefinitionId": role(READER), "principalId": principal}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_given_once_and_taken() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let scope = account_id("mine1");
    let somebody = cloud.somebody("", "");
    let id = &somebody["object_id"];
    let call = |name: &str| format!("authorization.role_assignments.{name}");
    let found = cloud
        .call_as(
            &json!({}),
            "authorization.role_definitions.list",
            json!([scope]),
            json!({"filter": "roleName eq 'Reader'"}),
        )
        .await;
    assert!(found[0]["id"].as_str().unwrap().ends_with(READER));
    let made = cloud
        .microsoft(&call("create"), json!([scope, NAME, wanted(id)]))
        .await;
    assert_eq!(made["name"], NAME);
    let (status, answer) = cloud
        .arm(
            Method::PUT,
            &at(&scope, "77777777-7777-4777-a777-777777777777"),
            wanted(id),
        )
        .await;
    assert_eq!((status, code(&answer)), (409, "RoleAssignmentExists"));
    assert!(message(&answer).contains("6666666666664666a666666666666666"));
    assert_eq!(
        cloud
            .arm(Method::PUT, &at(&scope, NAME), wanted(id))
            .await
            .0,
        200
    );
    let filter = format!("principalId eq '{}'", id.as_str().unwrap());
    let listed = cloud
        .call_as(
            &json!({}),
            &call("list_for_scope"),
            json!([scope]),
            json!({"filter": filter}),
        )
        .await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let group = format!("{SUBSCRIPTION}/resourceGroups/{GROUP}");
    let above = cloud
        .call_as(
            &json!({}),
            &call("list_for_scope"),
            json!([group]),
            json!({"filter": "atScope()"}),
        )
        .await;
    assert_eq!(above.as_array().unwrap().len(), 1, "the owner's alone");
    cloud.microsoft(&call("delete"), json!([scope, NAME])).await;
    let path = at(&scope, NAME);
    assert_eq!(cloud.arm(Method::DELETE, &path, Value::Null).await.0, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_is_told_what() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let scope = account_id("mine1");
    let somebody = cloud.somebody("", "");
    let id = &somebody["object_id"];
    let call = |name: &str| format!("authorization.role_assignments.{name}");
    cloud
        .microsoft(&call("create"), json!([scope, NAME, wanted(id)]))
        .await;
    let token = cloud.token_of(&somebody, MANAGEMENT);
    let account = format!("{scope}?api-version={STORAGE}");
    assert_eq!(
        cloud
            .arm_as(&token, Method::GET, &account, Value::Null)
            .await
            .0,
        200
    );
    let (status, answer) = cloud
        .arm_as(&token, Method::DELETE, &account, Value::Null)
        .await;
    assert_eq!((status, code(&answer)), (403, "AuthorizationFailed"));
    assert_eq!(
        message(&answer),
        format!(
            "The client '{}' with object id '{}' does not have authorization to perform action \
         'Microsoft.Storage/storageAccounts/delete' over scope '{scope}' or the scope is invalid. \
         If access was recently granted, please refresh your credentials.",
            somebody["client_id"].as_str().unwrap(),
            id.as_str().unwrap()
        )
    );
    cloud.microsoft(&call("delete"), json!([scope, NAME])).await;
    assert_eq!(
        cloud
            .arm_as(&token, Method::GET, &account, Value::Null)
            .await
            .0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_assignment_can_be_is_refused() {
    let cloud = Cloud::start().await;
    let somebody = cloud.somebody("", "");
    let id = &somebody["object_id"];
    let mut unknown = wanted(id);
    unknown["properties"]["roleDefinitionId"] = json!(role("00000000-0000-4000-a000-000000000000"));
    let mut user = wanted(id);
    user["properties"]["principalType"] = json!("User");
    let nobody = json!("12121212-1212-4212-a212-121212121212");
    for (name, body, status, expected) in [
        ("mine", wanted(id), 400, "InvalidRoleAssignmentId"),
        (NAME, unknown, 400, "RoleDefinitionDoesNotExist"),
        (NAME, user, 400, "UnmatchedPrincipalType"),
        (NAME, wanted(&nobody), 400, "PrincipalNotFound"),
        (NAME, wanted(&json!("me")), 400, "InvalidPrincipalId"),
    ] {
        let (got, answer) = cloud.arm(Method::PUT, &at(SUBSCRIPTION, name), body).await;
        assert_eq!((got, code(&answer)), (status, expected));
    }
    let (status, answer) = cloud
        .arm(Method::PUT, &at(&account_id("none1"), NAME), wanted(id))
        .await;
    assert_eq!((status, code(&answer)), (404, "ResourceNotFound"));
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_principals_take_their_time() {
    let config = Config {
        role_delay: Duration::from_secs(120),
        principal_delay: Duration::from_secs(30),
        ..Config::default()
    };
    let cloud = Cloud::with(config).await;
    let call = "msi.user_assigned_identities.create_or_update";
    let made = cloud
        .microsoft(call, json!([GROUP, "wandb", {"location": "westeurope"}]))
        .await;
    let principal = &made["properties"]["principalId"];
    let (status, answer) = cloud
        .arm(Method::PUT, &at(SUBSCRIPTION, NAME), wanted(principal))
        .await;
    assert_eq!((status, code(&answer)), (400, "PrincipalNotFound"));
    let mut body = wanted(principal);
    body["properties"]["principalType"] = json!("ServicePrincipal");
    assert_eq!(
        cloud
            .arm(Method::PUT, &at(SUBSCRIPTION, NAME), body)
            .await
            .0,
        201
    );
    let token = |cloud: &Cloud| {
        cloud
            .instance
            .token(principal.as_str().unwrap(), MANAGEMENT)
    };
    let path = format!("{SUBSCRIPTION}?api-version=2022-12-01");
    assert_eq!(
        cloud
            .arm_as(&token(&cloud), Method::GET, &path, Value::Null)
            .await
            .0,
        403
    );
    cloud.instance.advance(Duration::from_secs(121));
    assert_eq!(
        cloud
            .arm_as(&token(&cloud), Method::GET, &path, Value::Null)
            .await
            .0,
        200
    );
    cloud
        .arm(Method::DELETE, &at(SUBSCRIPTION, NAME), Value::Null)
        .await;
    assert_eq!(
        cloud
            .arm_as(&token(&cloud), Method::GET, &path, Value::Null)
            .await
            .0,
        200
    );
    cloud.instance.advance(Duration::from_secs(121));
    assert_eq!(
        cloud
            .arm_as(&token(&cloud), Method::GET, &path, Value::Null)
            .await
            .0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_allow_what_they_say() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let id = account_id("mine1");
    let keys = format!("{id}/listKeys?api-version={STORAGE}");
    let account = format!("{id}?api-version={STORAGE}");
    let container = format!("{id}/blobServices/default/containers/box?api-version={STORAGE}");
    for (role, reads, writes, lists_keys, makes_container) in [
        ("Contributor", 200, 200, 200, 201),
        ("Reader", 200, 403, 403, 403),
        ("Storage Account Contributor", 200, 200, 200, 200),
        (
            "Storage Account Key Operator Service Role",
            403,
            403,
            200,
            403,
        ),
        ("Storage Blob Data Owner", 403, 403, 403, 200),
        ("Storage Blob Data Reader", 403, 403, 403, 403),
        ("User Access Administrator", 200, 403, 403, 403),
    ] {
        let token = cloud.token_of(&cloud.somebody(role, &id), MANAGEMENT);
        let got = [
            cloud
                .arm_as(&token, Method::GET, &account, Value::Null)
                .await
                .0,
            cloud
                .arm_as(&token, Method::PATCH, &account, json!({}))
                .await
                .0,
            cloud
                .arm_as(&token, Method::POST, &keys, Value::Null)
                .await
                .0,
            cloud
                .arm_as(&token, Method::PUT, &container, json!({}))
                .await
                .0,
        ];
        assert_eq!(got, [reads, writes, lists_keys, makes_container], "{role}");
        let mine =
            format!("{id}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01");
        let (status, mine) = cloud.arm_as(&token, Method::GET, &mine, Value::Null).await;
        assert_eq!((status, mine["value"].as_array().unwrap().len()), (200, 1));
    }
    let custom = json!({"name": "mine", "actions": ["Microsoft.Storage/storageAccounts/read"]});
    cloud.control("POST", "/roles", custom);
    let token = cloud.token_of(&cloud.somebody("mine", &id), MANAGEMENT);
    assert_eq!(
        cloud
            .arm_as(&token, Method::GET, &account, Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(
        cloud
            .arm_as(&token, Method::POST, &keys, Value::Null)
            .await
            .0,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_keep_the_management_side_and_not_the_data() {
    let cloud = Cloud::start().await;
    let key = cloud.account("mine1").await;
    let id = account_id("mine1");
    let who = json!({"account": "mine1", "key": key});
    cloud
        .call_as(&who, "create_container", json!(["box"]), json!({}))
        .await;
    let lock = format!("{id}/providers/Microsoft.Authorization/locks/keep?api-version=2020-05-01");
    let body = json!({"properties": {"level": "CanNotDelete"}});
    assert_eq!(cloud.arm(Method::PUT, &lock, body).await.0, 201);
    let container = format!("{id}/blobServices/default/containers/box?api-version={STORAGE}");
    let group = format!("{SUBSCRIPTION}/resourceGroups/{GROUP}?api-version=2022-12-01");
    for path in [&container, &format!("{id}?api-version={STORAGE}"), &group] {
        let (status, answer) = cloud.arm(Method::DELETE, path, Value::Null).await;
        assert_eq!((status, code(&answer)), (409, "ScopeLocked"), "{path}");
        assert!(
            message(&answer).contains(&format!("are locked: '{id}'.")),
            "{answer}"
        );
    }
    let locks = format!(
        "{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
    );
    let (_, below) = cloud.arm(Method::GET, &locks, Value::Null).await;
    assert_eq!(below["value"][0]["name"], "keep");
    cloud
        .call_as(&who, "delete_container", json!(["box"]), json!({}))
        .await;
    let keys = format!("{id}/listKeys?api-version={STORAGE}");
    assert_eq!(cloud.arm(Method::POST, &keys, Value::Null).await.0, 200);
    let body = json!({"properties": {"level": "ReadOnly"}});
    assert_eq!(cloud.arm(Method::PUT, &lock, body).await.0, 200);
    let (status, answer) = cloud.arm(Method::POST, &keys, Value::Null).await;
    assert_eq!((status, code(&answer)), (409, "ScopeLocked"));
    assert_eq!(cloud.arm(Method::DELETE, &lock, Value::Null).await.0, 200);
    assert_eq!(cloud.arm(Method::POST, &keys, Value::Null).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_that_is_set_later_takes_nothing_away() {
    let cloud = Cloud::start().await;
    let delays = json!({"role_delay": 60, "principal_delay": 60, "federation_delay": 60});
    cloud.control("PATCH", "/settings", delays);
    let path = format!("{SUBSCRIPTION}?api-version=2022-12-01");
    assert_eq!(cloud.arm(Method::GET, &path, Value::Null).await.0, 200);
    let somebody = cloud.somebody("Reader", SUBSCRIPTION);
    let token = cloud.token_of(&somebody, MANAGEMENT);
    assert_eq!(
        cloud
            .arm_as(&token, Method::GET, &path, Value::Null)
            .await
            .0,
        200
    );
}
