//! Teams and people, by SCIM 2.0.
//!
//! A team's storage is given once, when the team is made, and never comes back in an
//! answer. SCIM cannot delete a team.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Client, Repeat, Request};
use super::error::{WandbError, WandbErrorKind};

const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
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
        match self.scim(read(&["scim", "Groups", id], &[], call)).await {
            Ok(Some(body)) => {
                let found = team(&body, call)?;
                if found.id == id {
                    return Ok(Some(found));
                }
                Err(WandbError::new(
                    WandbErrorKind::Transport,
                    call,
                    format!("the answer is about a team with the id {:?}", found.id),
                ))
            }
            Ok(None) => Err(no_body(call)),
            Err(error) if error.kind == WandbErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The team with this name; `None` when there is none.
    pub async fn find_team(&self, name: &str) -> Result<Option<Team>, WandbError> {
        let filter = format!("displayName eq {}", quoted(name));
        let call = "GET /scim/Groups";
        // Instances that ignore the filter answer with everything.
        let is_wanted = |entry: &Value| text(entry, "displayName") == Some(name);
        let found = self.find("Groups", &filter, call, is_wanted).await?;
        found.map(|entry| team(&entry, call)).transpose()
    }

    /// Some team of those that the key's organization has; `None` when it has none.
    pub async fn any_team(&self) -> Result<Option<Team>, WandbError> {
        let call = "GET /scim/Groups";
        let query = [("startIndex", "1"), ("count", "1")];
        let body = self
            .scim(read(&["scim", "Groups"], &query, call))
            .await?
            .ok_or_else(|| no_body(call))?;
        let page = Page::read(&body, call)?;
        page.entries.first().map(|one| team(one, call)).transpose()
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
            path: &["scim", "Groups"],
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
        let request = Request {
            method: Method::PATCH,
            path: &["scim", "Groups", id],
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
        let is_wanted = |user: &Value| {
            let mut own = addresses(user).into_iter();
            own.any(|one| one.eq_ignore_ascii_case(email)) && text(user, "id").is_some()
        };
        let call = "GET /scim/Users";
        let found = self.find("Users", &filter, call, is_wanted).await?;
        Ok(found.and_then(|user| text(&user, "id").map(str::to_owned)))
    }

    /// Whether there is a user with this id.
    pub async fn has_user(&self, id: &str) -> Result<bool, WandbError> {
        let call = "GET /scim/Users/{id}";
        match self.scim(read(&["scim", "Users", id], &[], call)).await {
            // An id that is nothing but dots asks for something else.
            Ok(body) => Ok(body.is_some_and(|user| text(&user, "id") == Some(id))),
            Err(error) if error.kind == WandbErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The entry of a list that is wanted; `None` when a list that is whole does not hold it.
    async fn find(
        &self,
        kind: &str,
        filter: &str,
        call: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, WandbError> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        loop {
            let start = (seen.len() + 1).to_string();
            let count = PAGE.to_string();
            let query = [
                ("filter", filter),
                ("startIndex", &start),
                ("count", &count),
            ];
            let body = self
                .scim(read(&["scim", kind], &query, call))
                .await?
                .ok_or_else(|| no_body(call))?;
            let page = Page::read(&body, call)?;
            let (before, is_full) = (seen.len(), page.entries.len() >= PAGE);
            for entry in page.entries {
                if is_wanted(entry) {
                    return Ok(Some(entry.clone()));
                }
                seen.insert(text(entry, "id").unwrap_or_default().to_owned());
            }
            let listed = seen.len() as u64;
            if listed == page.total && !is_full {
                return Ok(None);
            }
            // A page that brings nothing new ends a list that was full to the last entry;
            // any other list contradicts itself, and what it does not hold may be there.
            if seen.len() == before || listed > page.total {
                return match listed == page.total {
                    true => Ok(None),
                    false => Err(contradiction(call, page.total, listed)),
                };
            }
        }
    }
}

/// A page of a list, as SCIM defines it.
struct Page<'a> {
    entries: &'a [Value],
    total: u64,
}

impl<'a> Page<'a> {
    /// Reads a page. What is none proves nothing, least of all that something is not there.
    fn read(body: &'a Value, call: &str) -> Result<Self, WandbError> {
        let has_schema = body
            .get("schemas")
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|one| one == LIST_SCHEMA));
        let total = body.get("totalResults").and_then(Value::as_u64);
        let entries = match body.get("Resources") {
            Some(Value::Array(entries)) => Some(entries.as_slice()),
            // Nothing needs to stand there where there is nothing.
            None | Some(Value::Null) if total == Some(0) => Some(&[][..]),
            _ => None,
        };
        match (has_schema, entries, total) {
            (true, Some(entries), Some(total)) => Ok(Self { entries, total }),
            _ => Err(WandbError::new(
                WandbErrorKind::Transport,
                call,
                "the answer is no list of SCIM's",
            )),
        }
    }
}

fn contradiction(call: &str, total: u64, listed: u64) -> WandbError {
    let mut error = WandbError::new(
        WandbErrorKind::Transport,
        call,
        format!("the list is said to have {total} entries, and {listed} different ones came"),
    );
    error.hint = Some(
        "The instance's SCIM interface does not answer as it should (a filter, startIndex or \
         totalResults is wrong), so what is not in its lists may be there all the same. Run again; \
         if it stays so, ask whoever runs the instance."
            .to_owned(),
    );
    error
}

fn read<'a>(path: &'a [&'a str], query: &'a [(&'a str, &'a str)], call: &'a str) -> Request<'a> {
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
    fn only_a_list_of_scims_is_a_list() {
        let list = |extra: Value| {
            let mut body = json!({"schemas": [LIST_SCHEMA], "totalResults": 0});
            if let (Some(body), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
                body.extend(extra.clone());
            }
            Page::read(&body, "x").map(|page| page.entries.len()).ok()
        };
        assert_eq!(list(json!({})), Some(0));
        assert_eq!(list(json!({"Resources": null})), Some(0));
        assert_eq!(list(json!({"Resources": []})), Some(0));
        assert_eq!(list(json!({"Resources": [1], "totalResults": 7})), Some(1));
        for bad in [
            json!({"schemas": []}),
            json!({"totalResults": null}),
            json!({"totalResults": 1}),
            json!({"Resources": {}}),
        ] {
            assert_eq!(list(bad.clone()), None, "{bad}");
        }
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
