//! What only the GraphQL interface can do.
//!
//! A status of 200 says nothing: errors come in a list beside the data.

use graphql_client::GraphQLQuery;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{Client, Repeat};
use super::error::{WandbError, WandbErrorKind};
use super::organization::Organization;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "src/wandb/schema.graphql",
    query_path = "src/wandb/queries/test_bucket.graphql",
    response_derives = "Debug"
)]
struct TestBucket;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "src/wandb/schema.graphql",
    query_path = "src/wandb/queries/team_storage.graphql",
    response_derives = "Debug"
)]
struct TeamStorage;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "src/wandb/schema.graphql",
    query_path = "src/wandb/queries/delete_team.graphql",
    response_derives = "Debug"
)]
struct DeleteTeam;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "src/wandb/schema.graphql",
    query_path = "src/wandb/queries/server.graphql",
    response_derives = "Debug"
)]
struct Server;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// W&B would not take the bucket.
    Error,
    /// W&B would take it and says what may hurt.
    Warning,
}

/// What W&B says about a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// In the instance's words.
    pub message: String,
}

/// A bucket as W&B's API knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageInfo {
    /// The bucket's name, or its address where W&B reaches it by a key.
    pub name: String,
    /// `AWS`, `AZURE`, `COREWEAVE`, `GCP` or `MINIO`.
    pub provider: String,
    /// The key that objects are encrypted with.
    pub kms_key_id: Option<String>,
    /// The external id that W&B sends when it assumes a role.
    pub aws_external_id: Option<String>,
}

/// A team as GraphQL knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamEntity {
    /// The bucket that it is bound to; `None` when it has none of its own.
    pub storage: Option<StorageInfo>,
    /// The organization that it is in, where the instance has such.
    pub organization: Option<Organization>,
}

/// What an instance says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its version, where it tells.
    pub version: Option<String>,
    /// The kinds of storage that it takes.
    pub providers: Vec<String>,
    /// Whether its licence allows teams to bring a bucket.
    pub storage_enabled: bool,
}

impl Client {
    /// Has the instance try the bucket. An empty list is a success.
    ///
    /// # Errors
    /// `NotSupported` when the instance is too old to know the call or the provider.
    pub async fn test_bucket(&self, storage: &StorageInfo) -> Result<Vec<Problem>, WandbError> {
        let organization = match self.organization() {
            Some(wanted) => Some(self.organization_id(wanted).await?),
            None => None,
        };
        let variables = test_bucket::Variables {
            input: test_bucket::StorageBucketInfoInput {
                name: storage.name.clone(),
                provider: provider(&storage.provider),
                kms_key_id: storage.kms_key_id.clone(),
                aws_external_id: storage.aws_external_id.clone(),
                organization_id: organization,
            },
        };
        let data = self
            .ask::<TestBucket>(variables, Repeat::Always, "testBucketStoreConnection")
            .await?;
        let problem = |entry: test_bucket::TestBucketTestBucketStoreConnection| Problem {
            severity: match entry.severity {
                test_bucket::ErrorSeverity::WARN => Severity::Warning,
                test_bucket::ErrorSeverity::ERROR | test_bucket::ErrorSeverity::Other(_) => {
                    Severity::Error
                }
            },
            message: entry.message,
        };
        Ok(data
            .test_bucket_store_connection
            .into_iter()
            .map(problem)
            .collect())
    }

    /// What GraphQL knows of a team; `None` when there is none, or when the caller does not
    /// see it.
    pub async fn team_entity(&self, team: &str) -> Result<Option<TeamEntity>, WandbError> {
        let variables = team_storage::Variables {
            name: team.to_owned(),
        };
        let data = self
            .ask::<TeamStorage>(variables, Repeat::Always, "entity")
            .await?;
        Ok(data.entity.map(|entity| TeamEntity {
            storage: entity.settings.storage_bucket_info.map(|info| StorageInfo {
                name: info.name,
                provider: provider_name(&info.provider),
                kms_key_id: info.kms_key_id,
                aws_external_id: info.aws_external_id,
            }),
            organization: entity.organization.map(|one| Organization {
                id: one.id,
                name: one.name,
            }),
        }))
    }

    /// Deletes a team with everything that W&B keeps about it. There is no way back.
    pub async fn delete_team(&self, team: &str) -> Result<(), WandbError> {
        let variables = delete_team::Variables {
            input: delete_team::DeleteTeamInput {
                client_mutation_id: None,
                team_name: team.to_owned(),
            },
        };
        let data = self
            .ask::<DeleteTeam>(variables, Repeat::Unsent, "deleteTeam")
            .await?;
        if data.delete_team.is_some_and(|payload| payload.success) {
            return Ok(());
        }
        Err(WandbError::new(
            WandbErrorKind::Unexpected,
            "GraphQL deleteTeam",
            "the instance says that the team was not deleted",
        ))
    }

    /// What the instance says about itself.
    pub async fn instance(&self) -> Result<Instance, WandbError> {
        let data = self
            .ask::<Server>(server::Variables {}, Repeat::Always, "serverInfo")
            .await?;
        let Some(info) = data.server_info else {
            return Ok(Instance::default());
        };
        Ok(Instance {
            version: info
                .latest_local_version_info
                .map(|one| one.version_on_this_instance_string),
            providers: info
                .available_bucket_providers
                .iter()
                .map(server_provider_name)
                .collect(),
            storage_enabled: info.secure_storage_connector_enabled,
        })
    }

    /// Asks one question, and takes no list of errors for an answer.
    pub(super) async fn ask<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
        repeat: Repeat,
        field: &str,
    ) -> Result<Q::ResponseData, WandbError> {
        let call = format!("GraphQL {field}");
        let body = Q::build_query(variables);
        let body = json!({
            "query": body.query,
            "operationName": body.operation_name,
            "variables": serde_json::to_value(&body.variables).map_err(|error| {
                WandbError::new(WandbErrorKind::Unexpected, &call, error.to_string())
            })?,
        });
        let answer = match self.graphql(body, repeat, &call).await {
            // A server that does not know a field may say so with a status of its own.
            Err(error) if error.kind == WandbErrorKind::Invalid && is_unknown(&error.message) => {
                return Err(WandbError::new(
                    WandbErrorKind::NotSupported,
                    &call,
                    error.message,
                ));
            }
            other => other?,
        };
        refuse_errors(&answer, &call)?;
        let data = answer.get("data").cloned().unwrap_or(Value::Null);
        serde_json::from_value(data).map_err(|error| {
            WandbError::new(
                WandbErrorKind::Unexpected,
                &call,
                format!("the answer does not have the shape that was asked for: {error}"),
            )
        })
    }
}

/// Servers have no code for "I do not know this field, type or enum value", only these
/// sentences. Samples: `Cannot query field "x" on type "Mutation".` (graphql-js and
/// gqlgen), `Unknown field "x" on type "Mutation".` (async-graphql), `Unknown type
/// "X".`, `Enumeration type "X" does not contain the value "Y"`, `Value "Y" does not
/// exist in "X" enum.`
fn is_unknown(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "cannot query field",
        "unknown field",
        "unknown type",
        "unknown argument",
        "is not defined",
    ]
    .iter()
    .any(|sample| message.contains(sample))
        || (message.contains("enum")
            && (message.contains("does not contain") || message.contains("does not exist")))
}

fn refuse_errors(answer: &Value, call: &str) -> Result<(), WandbError> {
    let Some(errors) = answer
        .get("errors")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
    else {
        return Ok(());
    };
    let texts: Vec<&str> = errors
        .iter()
        .map(|error| {
            error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("no explanation")
        })
        .collect();
    let text = texts.join("; ");
    let code = errors.iter().find_map(|error| {
        let extensions = error.get("extensions")?;
        extensions
            .get("code")
            .or_else(|| extensions.get("status"))
            .cloned()
    });
    let status = match &code {
        Some(Value::Number(number)) => number.as_u64().and_then(|code| u16::try_from(code).ok()),
        Some(Value::String(name)) => match name.as_str() {
            "UNAUTHENTICATED" => Some(401),
            "FORBIDDEN" | "PERMISSION_ERROR" => Some(403),
            "NOT_FOUND" => Some(404),
            _ => None,
        },
        _ => None,
    };
    if is_unknown(&text) {
        return Err(WandbError::new(WandbErrorKind::NotSupported, call, text));
    }
    Err(
        match status.and_then(|code| StatusCode::from_u16(code).ok()) {
            Some(status) => WandbError::of_status(status, call, &text),
            None => WandbError::new(WandbErrorKind::Unexpected, call, text),
        },
    )
}

fn provider(name: &str) -> test_bucket::CloudProvider {
    match name {
        "AWS" => test_bucket::CloudProvider::AWS,
        "AZURE" => test_bucket::CloudProvider::AZURE,
        "COREWEAVE" => test_bucket::CloudProvider::COREWEAVE,
        "GCP" => test_bucket::CloudProvider::GCP,
        "MINIO" => test_bucket::CloudProvider::MINIO,
        other => test_bucket::CloudProvider::Other(other.to_owned()),
    }
}

fn provider_name(provider: &team_storage::CloudProvider) -> String {
    match provider {
        team_storage::CloudProvider::AWS => "AWS".to_owned(),
        team_storage::CloudProvider::AZURE => "AZURE".to_owned(),
        team_storage::CloudProvider::COREWEAVE => "COREWEAVE".to_owned(),
        team_storage::CloudProvider::GCP => "GCP".to_owned(),
        team_storage::CloudProvider::MINIO => "MINIO".to_owned(),
        team_storage::CloudProvider::Other(name) => name.clone(),
    }
}

fn server_provider_name(provider: &server::CloudProvider) -> String {
    match provider {
        server::CloudProvider::AWS => "AWS".to_owned(),
        server::CloudProvider::AZURE => "AZURE".to_owned(),
        server::CloudProvider::COREWEAVE => "COREWEAVE".to_owned(),
        server::CloudProvider::GCP => "GCP".to_owned(),
        server::CloudProvider::MINIO => "MINIO".to_owned(),
        server::CloudProvider::Other(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(answer: Value) -> Option<WandbErrorKind> {
        refuse_errors(&answer, "GraphQL x")
            .err()
            .map(|error| error.kind)
    }

    #[test]
    fn errors_beside_data_are_errors() {
        assert_eq!(kind(json!({"data": {"x": 1}})), None);
        assert_eq!(kind(json!({"data": {"x": 1}, "errors": []})), None);
        assert_eq!(
            kind(json!({"data": null, "errors": [{"message": "boom"}]})),
            Some(WandbErrorKind::Unexpected)
        );
        assert_eq!(
            kind(json!({"errors": [{"message": "no", "extensions": {"code": 403}}]})),
            Some(WandbErrorKind::Denied)
        );
        assert_eq!(
            kind(json!({"errors": [{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}]})),
            Some(WandbErrorKind::Unauthenticated)
        );
    }

    #[test]
    fn an_old_server_is_recognised() {
        for message in [
            r#"Cannot query field "testBucketStoreConnection" on type "Mutation"."#,
            r#"Unknown field "testBucketStoreConnection" on type "Mutation"."#,
            r#"Unknown type "StorageBucketInfoInput"."#,
            r#"Value "COREWEAVE" does not exist in "CloudProvider" enum."#,
        ] {
            assert_eq!(
                kind(json!({"errors": [{"message": message}]})),
                Some(WandbErrorKind::NotSupported),
                "{message}"
            );
        }
    }
}
