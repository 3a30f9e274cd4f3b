//! Teams and people, by SCIM 2.0.
//!
//! A team's storage is given once, when the team is made, and never comes back in an
//! answer. SCIM cannot delete a team.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Client, Repeat, Request};
use super::error::{WandbError, WandbErrorKind};

const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// How many entries are asked for at once; the instance's own limit.
const PAGE: usize = 9999;

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user's id.
    pub id: String,
    /// A name to show, where there is one.
    pub display: Option<String>,
}

/// A team that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id in the SCIM interface.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<Member>,
}

/// A team that shall be made.
#[derive(Clone, Debug, Default)]
pub struct NewTeam {
    /// Its name; it can never be changed.
    pub name: String,
    /// Ids or e-mail addresses.
    pub members: Vec<String>,
    /// The storage in our spelling (`kms_key_id`); it can never be changed.
    pub storage: BTreeMap<String, String>,
}

impl Client {
    /// The team with this id; `None` when there is none.
    pub async fn team(&self, id: &str) -> Result<Option<Team>, WandbError> {
        let call = "GET /scim/Groups/{id}";
        let path = format!("scim/Groups/{id}");
        match self.scim(read(&path, &[], call)).await {
            Ok(Some(body)) => team(&body, call).map(Some),
            Ok(None) => Err(no_body(call)),
            Err(error) if error.kind == WandbErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The team with this name; `None` when there is none.
    pub async fn find_team(&self, name: &str) -> Result<Option<Team>, WandbError> {
        let filter = format!("displayName eq {}", quoted(name));
        let call = "GET /scim/Groups";
        for entry in self.list("scim/Groups", &filter, call).await? {
            let found = team(&entry, call)?;
            // Instances that ignore the filter answer with everything.
            if found.name == name {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Makes a team bound to its storage. Never sent twice: after an error of kind
    /// `Transport` the team may exist, and the caller has to look.
    pub async fn create_team(&self, new: &NewTeam) -> Result<Team, WandbError> {
        let call = "POST /scim/Groups";
        let members: Vec<Value> = new
            .members
            .iter()
            .map(|member| json!({"value": member}))
            .collect();
        let body = json!({
            "schemas": [GROUP_SCHEMA],
            "displayName": new.name,
            "members": members,
            "storageBucket": storage_bucket(&new.storage),
        });
        let request = Request {
            method: Method::POST,
            path: "scim/Groups",
            query: &[],
            body: Some(body),
            repeat: Repeat::Unsent,
            call,
        };
        match self.scim(request).await? {
            Some(body) => team(&body, call),
            None => Err(no_body(call)),
        }
    }

    /// Adds and removes members, by id or e-mail address.
    pub async fn change_members(
        &self,
        id: &str,
        add: &[String],
        remove: &[String],
    ) -> Result<(), WandbError> {
        let mut operations = Vec::new();
        if !add.is_empty() {
            let value: Vec<Value> = add.iter().map(|member| json!({"value": member})).collect();
            operations.push(json!({"op": "add", "path": "members", "value": value}));
        }
        for member in remove {
            let path = format!("members[value eq {}]", quoted(member));
            operations.push(json!({"op": "remove", "path": path}));
        }
        if operations.is_empty() {
            return Ok(());
        }
        let path = format!("scim/Groups/{id}");
        let request = Request {
            method: Method::PATCH,
            path: &path,
            query: &[],
            body: Some(json!({"schemas": [PATCH_SCHEMA], "Operations": operations})),
            repeat: Repeat::Always,
            call: "PATCH /scim/Groups/{id}",
        };
        self.scim(request).await.map(|_| ())
    }

    /// The id of the user with this e-mail address; `None` when there is none.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<String>, WandbError> {
        let filter = format!("emails.value eq {}", quoted(email));
        for user in self.list("scim/Users", &filter, "GET /scim/Users").await? {
            let matches = addresses(&user)
                .iter()
                .any(|one| one.eq_ignore_ascii_case(email));
            if matches && let Some(id) = text(&user, "id") {
                return Ok(Some(id.to_owned()));
            }
        }
        Ok(None)
    }

    /// Whether there is a user with this id.
    pub async fn has_user(&self, id: &str) -> Result<bool, WandbError> {
        let path = format!("scim/Users/{id}");
        match self.scim(read(&path, &[], "GET /scim/Users/{id}")).await {
            // An id with a slash or dots in it asks for something else.
            Ok(body) => Ok(body.is_some_and(|user| text(&user, "id") == Some(id))),
            Err(error) if error.kind == WandbErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, path: &str, filter: &str, call: &str) -> Result<Vec<Value>, WandbError> {
        let mut entries = Vec::new();
        loop {
            let start = (entries.len() + 1).to_string();
            let count = PAGE.to_string();
            let query = [
                ("filter", filter),
                ("startIndex", &start),
                ("count", &count),
            ];
            let page = self
                .scim(read(path, &query, call))
                .await?
                .ok_or_else(|| no_body(call))?;
            let found = page
                .get("Resources")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let total = page
                .get("totalResults")
                .and_then(Value::as_u64)
                .unwrap_or(0);
            let ended = found.is_empty();
            entries.extend(found);
            if ended || entries.len() as u64 >= total {
                return Ok(entries);
            }
        }
    }
}

fn read<'a>(path: &'a str, query: &'a [(&'a str, &'a str)], call: &'a str) -> Request<'a> {
    Request {
        method: Method::GET,
        path,
        query,
        body: None,
        repeat: Repeat::Always,
        call,
    }
}

fn no_body(call: &str) -> WandbError {
    WandbError::new(WandbErrorKind::Transport, call, "an empty answer")
}

/// A string in SCIM's filter language, which takes JSON's escapes.
fn quoted(value: &str) -> String {
    Value::String(value.to_owned()).to_string()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// W&B capitalises the keys of members where the standard does not.
fn either<'a>(value: &'a Value, keys: [&str; 2]) -> Option<&'a str> {
    keys.into_iter().find_map(|key| text(value, key))
}

fn addresses(user: &Value) -> Vec<String> {
    match user.get("emails") {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|entry| either(entry, ["value", "Value"]))
            .map(str::to_owned)
            .collect(),
        Some(single) => either(single, ["value", "Value"])
            .map(str::to_owned)
            .into_iter()
            .collect(),
        None => Vec::new(),
    }
}

fn team(body: &Value, call: &str) -> Result<Team, WandbError> {
    let (Some(id), Some(name)) = (text(body, "id"), text(body, "displayName")) else {
        return Err(WandbError::new(
            WandbErrorKind::Transport,
            call,
            "the answer holds no team with an id and a displayName",
        ));
    };
    let members = body
        .get("members")
        .and_then(Value::as_array)
        .map(|list| {
            list.iter()
                .filter_map(|entry| {
                    let id = either(entry, ["value", "Value"])?.to_owned();
                    Some(Member {
                        id,
                        display: either(entry, ["display", "Display"]).map(str::to_owned),
                    })
                })
                .collect()
        })
        .unwrap_or_default();
    Ok(Team {
        id: id.to_owned(),
        name: name.to_owned(),
        members,
    })
}

/// SCIM's spelling of the storage's fields. GraphQL's differs in the last letters.
fn storage_bucket(storage: &BTreeMap<String, String>) -> Value {
    let name = |key: &str| match key {
        "kms_key_id" => "kmsKeyId".to_owned(),
        "aws_external_id" => "awsExternalId".to_owned(),
        "azure_tenant_id" => "azureTenantId".to_owned(),
        "azure_client_id" => "azureClientId".to_owned(),
        other => other.to_owned(),
    };
    let fields: Map<String, Value> = storage
        .iter()
        .map(|(key, value)| (name(key), json!(value)))
        .collect();
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_in_both_spellings() {
        let body = json!({"id": "g1", "displayName": "omega", "members": [
            {"Value": "u1", "Display": "jane"}, {"value": "u2"}]});
        let team = team(&body, "x").unwrap_or_else(|error| panic!("{error}"));
        let ids: Vec<&str> = team
            .members
            .iter()
            .map(|member| member.id.as_str())
            .collect();
        assert_eq!(ids, ["u1", "u2"]);
        assert_eq!(team.members[0].display.as_deref(), Some("jane"));
    }

    #[test]
    fn members_may_be_null() {
        let body = json!({"id": "g1", "displayName": "omega", "members": null});
        assert_eq!(
            team(&body, "x").map(|team| team.members.len()).ok(),
            Some(0)
        );
    }

    #[test]
    fn filters_cannot_be_broken_out_of() {
        assert_eq!(
            quoted(r#"a" or displayName pr "#),
            r#""a\" or displayName pr ""#
        );
    }

    #[test]
    fn storage_is_spelled_for_scim() {
        let storage = BTreeMap::from(
            [
                ("name", "b"),
                ("provider", "AWS"),
                ("kms_key_id", "k"),
                ("aws_external_id", "e"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        assert_eq!(
            storage_bucket(&storage),
            json!({"name": "b", "provider": "AWS", "kmsKeyId": "k", "awsExternalId": "e"})
        );
    }
}
