//! Organizations: which ones a key sees, and which one a team is in.
//!
//! On the shared service every key belongs to some, and SCIM answers for one of them only.

use graphql_client::GraphQLQuery;

use super::client::{Client, Repeat};
use super::error::{WandbError, WandbErrorKind};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "src/wandb/schema.graphql",
    query_path = "src/wandb/queries/viewer.graphql",
    response_derives = "Debug"
)]
struct Viewer;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "src/wandb/schema.graphql",
    query_path = "src/wandb/queries/team.graphql",
    response_derives = "Debug"
)]
struct Team;

/// An organization of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Client {
    /// The organizations that the key sees.
    pub async fn organizations(&self) -> Result<Vec<Organization>, WandbError> {
        let data = self
            .ask::<Viewer>(viewer::Variables {}, Repeat::Always, "viewer")
            .await?;
        let seen = data.viewer.map(|viewer| viewer.organizations);
        Ok(seen
            .unwrap_or_default()
            .into_iter()
            .map(|one| Organization {
                id: one.id,
                name: one.name,
            })
            .collect())
    }

    /// The organization that a team is in; `None` where the instance tells none.
    pub async fn organization_of(&self, team: &str) -> Result<Option<Organization>, WandbError> {
        let variables = team::Variables {
            name: team.to_owned(),
        };
        let data = self
            .ask::<Team>(variables, Repeat::Always, "entity")
            .await?;
        let found = data.entity.and_then(|entity| entity.organization);
        Ok(found.map(|one| Organization {
            id: one.id,
            name: one.name,
        }))
    }

    /// The id of an organization that the key sees, by its name or id.
    pub(super) async fn organization_id(&self, wanted: &str) -> Result<String, WandbError> {
        let seen = self.organizations().await?;
        let found = seen
            .iter()
            .find(|one| one.name == wanted || one.id == wanted)
            .map(|one| one.id.clone());
        found.ok_or_else(|| {
            let names: Vec<&str> = seen.iter().map(|one| one.name.as_str()).collect();
            let mut error = WandbError::new(
                WandbErrorKind::Invalid,
                "GraphQL viewer",
                format!("the key does not see the organization {wanted:?}"),
            );
            error.hint = Some(format!(
                "Set organization of the provider to one of: {}.",
                if names.is_empty() {
                    "(none is visible)".to_owned()
                } else {
                    names.join(", ")
                }
            ));
            error
        })
    }
}
