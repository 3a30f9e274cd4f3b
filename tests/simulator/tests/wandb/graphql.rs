//! The GraphQL interface: shapes, refusals, and what old instances lack.

use serde_json::{Value, json};
use simulator::wandb::{Config, Fault, Severity};

use crate::{Talk, config};

const TEST: &str = "mutation Test($input: StorageBucketInfoInput!) {
    testBucketStoreConnection(input: $input) { message severity } }";
const STORAGE: &str = "query Storage($name: String!) { entity(name: $name) { id name isTeam
    settings { storageBucketInfo { ID name provider kmsKeyID awsExternalID } } } }";

fn message(body: &Value) -> &str {
    body["errors"][0]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_absent_entity_is_null() {
    let talk = Talk::start().await;
    assert_eq!(
        talk.graphql(STORAGE, json!({"name": "omega"})).await,
        json!({"data": {"entity": null}})
    );
}

#[tokio::test]
async fn a_teams_storage_is_read_back() {
    let talk = Talk::start().await;
    talk.instance.fault(Fault::test_passes());
    talk.make_team("plain", json!([])).await;
    talk.make_team_with(
        "omega",
        json!({"name": "b", "provider": "GCP", "kmsKeyId": "k"}),
    )
    .await;
    let settings = |body: Value| body["data"]["entity"]["settings"].clone();
    assert_eq!(
        settings(talk.graphql(STORAGE, json!({"name": "plain"})).await),
        json!({"storageBucketInfo": null})
    );
    let mut info = settings(talk.graphql(STORAGE, json!({"name": "omega"})).await);
    assert!(info["storageBucketInfo"]["ID"].take().is_string());
    assert_eq!(
        info,
        json!({"storageBucketInfo": {"ID": null, "name": "b", "provider": "GCP",
            "kmsKeyID": "k", "awsExternalID": null}})
    );
    let person = talk.graphql(STORAGE, json!({"name": "jane"})).await;
    assert_eq!(person["data"]["entity"]["isTeam"], false);
}

#[tokio::test]
async fn viewer_organization_and_server_say_who_they_are() {
    let talk = Talk::with(Config {
        version: "0.77.1".to_owned(),
        ..config()
    })
    .await;
    talk.make_team("omega", json!([{"value": "u-jane"}])).await;
    let query = "{ viewer { username email admin organizations { name } }
        organization(name: \"acme\") { name teams { name members { username role } } }
        serverInfo { availableBucketProviders secureStorageConnectorEnabled
            latestLocalVersionInfo { versionOnThisInstanceString } features { name } } }";
    assert_eq!(
        talk.graphql(query, json!({})).await["data"],
        json!({
            "viewer": {"username": "owner", "email": "owner@example.com", "admin": true,
                "organizations": [{"name": "acme"}]},
            "organization": {"name": "acme", "teams": [{"name": "omega", "members": [
                {"username": "jane", "role": "member"},
                {"username": "automation", "role": "member"}]}]},
            "serverInfo": {
                "availableBucketProviders": ["AWS", "AZURE", "COREWEAVE", "GCP", "MINIO"],
                "secureStorageConnectorEnabled": true,
                "latestLocalVersionInfo": {"versionOnThisInstanceString": "0.77.1"},
                "features": []},
        })
    );
}

#[tokio::test]
async fn refusals_have_the_status_200() {
    let talk = Talk::start().await;
    for (query, said) in [
        ("{ __schema { types { name } } }", "introspection"),
        ("{ nothing }", "nothing"),
        ("{", "expected"),
        (
            "mutation { testBucketStoreConnection(input: {name: \"b\"}) { message } }",
            "provider",
        ),
        (
            "mutation { testBucketStoreConnection(input: {name: \"b\", provider: aws}) { message } }",
            "aws",
        ),
        (
            "mutation { testBucketStoreConnection(input: {name: \"b\", provider: AWS, kmsKeyId: \"k\"}) { message } }",
            "kmsKeyId",
        ),
        (
            "mutation { deleteTeam(input: {teamName: \"none\"}) { success } }",
            "team none not found",
        ),
    ] {
        let body = talk.graphql(query, json!({})).await;
        let message = message(&body);
        assert!(message.contains(said), "{query}: {body}");
    }
}

#[tokio::test]
async fn teams_are_made_and_deleted() {
    let talk = Talk::start().await;
    let create = "mutation($input: CreateTeamInput!) { createTeam(input: $input) {
        clientMutationId entity { name } } }";
    let input = json!({"input": {"teamName": "omega", "clientMutationId": "7"}});
    assert_eq!(
        talk.graphql(create, input.clone()).await,
        json!({"data": {"createTeam": {"clientMutationId": "7", "entity": {"name": "omega"}}}})
    );
    let again = talk.graphql(create, input).await;
    assert!(message(&again).contains("already taken"), "{again}");
    let delete = "mutation($name: String!) { deleteTeam(input: {teamName: $name}) { success } }";
    assert_eq!(
        talk.graphql(delete, json!({"name": "omega"})).await,
        json!({"data": {"deleteTeam": {"success": true}}})
    );
    assert!(talk.instance.teams().is_empty());
}

#[tokio::test]
async fn unreachable_clouds_are_errors_until_told_otherwise() {
    let talk = Talk::start().await;
    for provider in ["AWS", "GCP", "AZURE", "COREWEAVE"] {
        let input = json!({"input": {"name": "b", "provider": provider}});
        let body = talk.graphql(TEST, input).await;
        let problem = &body["data"]["testBucketStoreConnection"][0];
        assert_eq!(problem["severity"], "ERROR");
        let message = problem["message"].as_str().unwrap();
        assert!(
            message.contains("not reachable from this instance"),
            "{message}"
        );
        let bucket = json!({"name": "b", "provider": provider});
        assert_eq!(talk.make_team_with("omega", bucket).await.0, 400);
    }
    assert!(talk.instance.teams().is_empty());
    talk.instance
        .fault(Fault::test_result(Severity::Warn, "no soft delete"));
    let input = json!({"input": {"name": "b", "provider": "GCP"}});
    assert_eq!(
        talk.graphql(TEST, input).await["data"]["testBucketStoreConnection"],
        json!([{"message": "no soft delete", "severity": "WARN"}])
    );
    let bucket = json!({"name": "b", "provider": "GCP"});
    assert_eq!(talk.make_team_with("omega", bucket).await.0, 201);
}

#[tokio::test]
async fn old_instances_lack_storage_in_their_schema() {
    let talk = Talk::with(Config {
        old_schema: true,
        ..config()
    })
    .await;
    let input = json!({"input": {"name": "b", "provider": "AWS"}});
    assert_eq!(
        message(&talk.graphql(TEST, input).await),
        "Unknown type \"StorageBucketInfoInput\"."
    );
    assert_eq!(
        message(&talk.graphql(STORAGE, json!({"name": "omega"})).await),
        "Cannot query field \"storageBucketInfo\" on type \"EntitySettings\"."
    );
    let body = talk.graphql("{ viewer { username } }", json!({})).await;
    assert_eq!(body["data"]["viewer"]["username"], "owner");
}
