//! Role assignments on an account: finding them, giving and taking them.
//!
//! There is one assignment for each principal, role and scope, so several buckets of an account
//! share it where they let the same principal in. The description of one that was made here
//! lists the containers that need it; the last one takes it away. One without such a
//! description is somebody else's, counts, and stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::error::{PRINCIPAL_NOT_FOUND, has_code, not_understood};
use super::names::{role_guid, role_name, stable_guid};
use super::request::{Api, Request};
use super::{Azure, LIST};
use crate::byob::observed::Rule;
use crate::byob::spec::Grants;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::missing;
use crate::clouds::retry::{Work, until_known_within};

pub(super) const READ: &str = "Microsoft.Authorization/roleAssignments/read";
pub(super) const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions/read";
/// How the description of an assignment of ours begins; containers follow.
const DESCRIPTION: &str = "terraform-provider-wandb: ";
/// How long a new principal may be unknown to others.
///
/// Source: Azure's page on troubleshooting role assignments.
const KNOWN: Duration = Duration::from_secs(180);

/// One assignment at the account itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    id: String,
    principal: String,
    /// The last part of the definition's id, in lower case.
    role: String,
    description: String,
}

impl Assignment {
    /// The containers that need it, where it was made here.
    fn containers(&self) -> Option<BTreeSet<String>> {
        let list = self.description.strip_prefix(DESCRIPTION)?;
        let names = list.split(", ").filter(|name| !name.is_empty());
        Some(names.map(str::to_owned).collect())
    }

    fn is_of(&self, principal: &str) -> bool {
        self.principal.eq_ignore_ascii_case(principal)
    }
}

/// All assignments at the account itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assignments(Vec<Assignment>);

fn assignment(told: &Value, scope: &str) -> Option<Assignment> {
    let properties = &told["properties"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let at = properties["scope"].as_str()?;
    if !at.trim_end_matches('/').eq_ignore_ascii_case(scope) {
        return None;
    }
    let role = properties["roleDefinitionId"].as_str()?;
    Some(Assignment {
        id: text(&told["id"])?,
        principal: text(&properties["principalId"])?,
        role: role.rsplit('/').next()?.to_ascii_lowercase(),
        description: text(&properties["description"]).unwrap_or_default(),
    })
}

impl Assignments {
    /// The roles of a principal, by the last parts of their ids.
    fn roles_of(&self, principal: &str) -> BTreeSet<String> {
        let own = self.0.iter().filter(|one| one.is_of(principal));
        own.map(|one| one.role.clone()).collect()
    }

    /// The names of a principal's roles, as they were asked for where they are among those.
    pub(super) fn names_of(
        &self,
        principal: &str,
        wanted: &BTreeMap<String, String>,
    ) -> BTreeSet<String> {
        let roles = self.roles_of(principal);
        roles.into_iter().map(|guid| named(&guid, wanted)).collect()
    }

    /// A principal's roles as an argument can name them, in one text.
    pub(super) fn written_of(&self, principal: &str, subscription: &str) -> String {
        let roles = self.roles_of(principal).into_iter();
        let written: Vec<String> = roles
            .map(|guid| match role_name(&guid) {
                Some(name) => name.to_owned(),
                None => definition(subscription, &guid),
            })
            .collect();
        written.join(LIST)
    }

    /// Whether a principal has these roles.
    pub(super) fn rule(&self, principal: &str, wanted: &BTreeMap<String, String>) -> Rule {
        let there = self.roles_of(principal);
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|(_, guid)| !there.contains(*guid))
            .map(|(name, _)| name.as_str())
            .collect();
        if missing.is_empty() {
            Rule::AsWanted
        } else if missing.len() == wanted.len() {
            Rule::Missing
        } else {
            Rule::Different(format!("without {}", missing.join(", ")))
        }
    }

    /// The names of roles that a principal has besides.
    pub(super) fn others_of(
        &self,
        principal: &str,
        wanted: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let wanted_guids: BTreeSet<&String> = wanted.values().collect();
        let there = self.roles_of(principal).into_iter();
        there
            .filter(|guid| !wanted_guids.contains(guid))
            .map(|guid| named(&guid, wanted))
            .collect()
    }

    /// Whether something that was made here for the container lets the principal in.
    pub(super) fn lets_in(&self, principal: &str, bucket: &str) -> bool {
        self.0.iter().any(|one| {
            one.is_of(principal)
                && one
                    .containers()
                    .is_some_and(|containers| containers.contains(bucket))
        })
    }

    /// Whom assignments of ours let in for the container.
    pub(super) fn principals_for(&self, bucket: &str) -> BTreeSet<String> {
        let own = self.0.iter().filter(|one| {
            one.containers()
                .is_some_and(|containers| containers.contains(bucket))
        });
        own.map(|one| one.principal.clone()).collect()
    }
}

fn named(guid: &str, wanted: &BTreeMap<String, String>) -> String {
    let mut asked = wanted.iter().filter(|(_, one)| *one == guid);
    let asked = asked.next().map(|(name, _)| name.clone());
    asked
        .or_else(|| role_name(guid).map(str::to_owned))
        .unwrap_or_else(|| guid.to_owned())
}

/// Reads the assignments at the account itself. That there is no such account is an error: what
/// was given and is not seen would stay.
pub(super) async fn get(cloud: &Azure) -> Result<Assignments, CloudError> {
    let scope = cloud.place.account_id();
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
    let request = Request::manager(Api::Authorization, "GET", &id).with("$filter", "atScope()");
    let target = &cloud.place.account;
    let told = cloud.all(READ, target, &request).await?;
    let found = told.iter().filter_map(|one| assignment(one, &scope));
    Ok(Assignments(found.collect()))
}

/// The ids of roles by the names that were asked for. Those that Azure does not have by itself
/// are looked for.
pub(super) async fn ids(
    cloud: &Azure,
    roles: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, CloudError> {
    let found = defined(cloud, roles).await?.into_iter();
    found
        .map(|(role, guid)| match guid {
            Some(guid) => Ok((role, guid)),
            None => Err(undefined(&role)),
        })
        .collect()
}

/// The same for a look at what there is: nobody has a role that is not defined.
pub(super) async fn known_ids(
    cloud: &Azure,
    roles: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, CloudError> {
    let found = defined(cloud, roles).await?.into_iter();
    Ok(found
        .map(|(role, guid)| {
            let guid = guid.unwrap_or_else(|| role.clone());
            (role, guid)
        })
        .collect())
}

/// The ids of those roles that there are.
async fn defined(
    cloud: &Azure,
    roles: &BTreeSet<String>,
) -> Result<BTreeMap<String, Option<String>>, CloudError> {
    let mut found = BTreeMap::new();
    for role in roles {
        let guid = match role_guid(role) {
            Some(guid) => Some(guid),
            None => named_so(cloud, role).await?,
        };
        found.insert(role.clone(), guid);
    }
    Ok(found)
}

fn undefined(role: &str) -> CloudError {
    let why = "there is no role of this name in the resource group or above it";
    CloudError::new(CloudErrorKind::Invalid, DEFINITIONS, role, why)
        .hint("Check wandb_roles: the name of a role, or its full id.")
}

/// The full id of a role's definition.
fn definition(subscription: &str, guid: &str) -> String {
    format!(
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    )
}

/// The id of the role of this name, if there is one.
async fn named_so(cloud: &Azure, role: &str) -> Result<Option<String>, CloudError> {
    let id = format!(
        "{}/providers/Microsoft.Authorization/roleDefinitions",
        cloud.place.group_id()
    );
    let filter = format!("roleName eq '{role}'");
    let request = Request::manager(Api::Authorization, "GET", &id).with("$filter", &filter);
    let told = cloud.all(DEFINITIONS, role, &request).await?;
    let named = told.iter().find(|one| {
        let name = one["properties"]["roleName"].as_str();
        name.is_some_and(|name| name.eq_ignore_ascii_case(role))
    });
    let guid = named.and_then(|one| one["name"].as_str());
    Ok(guid.map(str::to_ascii_lowercase))
}

fn described(containers: &BTreeSet<String>) -> String {
    let list: Vec<&str> = containers.iter().map(String::as_str).collect();
    format!("{DESCRIPTION}{}", list.join(", "))
}

async fn put(
    cloud: &Azure,
    id: &str,
    principal: &str,
    role: &str,
    containers: &BTreeSet<String>,
) -> Result<(), CloudError> {
    let definition = definition(&cloud.place.subscription, role);
    let body = json!({"properties": {
        "roleDefinitionId": definition,
        "principalId": principal,
        // Without it Azure asks a directory that may not know the principal yet.
        "principalType": "ServicePrincipal",
        "description": described(containers),
    }});
    let request = Request::manager(Api::Authorization, "PUT", id).json(&body);
    let waiting = |outcome: &Result<(), CloudError>| {
        outcome
            .as_ref()
            .is_err_and(|error| has_code(error, PRINCIPAL_NOT_FOUND))
    };
    let stop = cloud.patience.stop();
    let written = until_known_within(KNOWN, stop, WRITE, principal, waiting, || async {
        let written = cloud.send_request(Work::Write, WRITE, principal, &request);
        Ok(written.await.map(drop))
    })
    .await?;
    match written {
        // Somebody has given it meanwhile.
        Err(error) if error.kind == CloudErrorKind::AlreadyExists => Ok(()),
        Err(error) if has_code(&error, PRINCIPAL_NOT_FOUND) => Err(error.hint(
            "Check the id of the principal: it is the object id of a service principal or a managed \
             identity in this tenant, and not its client id.",
        )),
        outcome => outcome,
    }
}

/// Gives a principal its roles for the container. `before` is what there was.
pub(super) async fn give(
    cloud: &Azure,
    bucket: &str,
    principal: &str,
    wanted: &BTreeMap<String, String>,
    before: &Assignments,
) -> Result<(), CloudError> {
    let scope = cloud.place.account_id();
    for role in wanted.values() {
        let mut same = before.0.iter();
        let same = same.find(|one| one.is_of(principal) && one.role == *role);
        let (id, mut containers) = match same {
            None => {
                let name = stable_guid(&[&scope, principal, role]);
                let id =
                    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
                (id, BTreeSet::new())
            }
            Some(one) => match one.containers() {
                Some(containers) if !containers.contains(bucket) => (one.id.clone(), containers),
                // Ours, or somebody else's.
                _ => continue,
            },
        };
        containers.insert(bucket.to_owned());
        put(cloud, &id, principal, role, &containers).await?;
    }
    Ok(())
}

async fn delete(cloud: &Azure, one: &Assignment) -> Result<(), CloudError> {
    let request = Request::manager(Api::Authorization, "DELETE", &one.id);
    let gone = cloud
        .send_request(Work::Write, DELETE, &one.principal, &request)
        .await;
    missing(gone).map(drop)
}

/// Takes away what was given for the container: from everybody, or from whom `of` names, and of
/// that the roles that are not in `keep`.
pub(super) async fn take(
    cloud: &Azure,
    bucket: &str,
    of: impl Fn(&str) -> bool,
    keep: &BTreeMap<String, String>,
    before: &Assignments,
) -> Result<(), CloudError> {
    let kept: BTreeSet<&String> = keep.values().collect();
    for one in &before.0 {
        let Some(mut containers) = one.containers() else {
            continue;
        };
        if !of(&one.principal) || kept.contains(&one.role) || !containers.remove(bucket) {
            continue;
        }
        if containers.is_empty() {
            delete(cloud, one).await?;
        } else {
            put(cloud, &one.id, &one.principal, &one.role, &containers).await?;
        }
    }
    Ok(())
}

/// Takes away all that an identity of ours has on the account, whoever gave it.
pub(super) async fn take_all(
    cloud: &Azure,
    principal: &str,
    keep: &BTreeMap<String, String>,
    before: &Assignments,
) -> Result<(), CloudError> {
    let kept: BTreeSet<&String> = keep.values().collect();
    for one in &before.0 {
        if one.is_of(principal) && !kept.contains(&one.role) {
            delete(cloud, one).await?;
        }
    }
    Ok(())
}

/// Who was let in and is not any more. An id in another case is the same principal's.
pub(super) fn former(wanted: &Grants) -> Vec<&String> {
    let is_in = |one: &String| {
        let mut principals = wanted.principals.iter();
        principals.any(|principal| principal.eq_ignore_ascii_case(one))
    };
    wanted.former.iter().filter(|one| !is_in(one)).collect()
}

/// The object id of an identity, from its resource.
pub(super) fn principal_of(told: &Value, target: &str) -> Result<String, CloudError> {
    let id = told["properties"]["principalId"].as_str();
    id.map(str::to_owned).ok_or_else(|| {
        let call = "Microsoft.ManagedIdentity/userAssignedIdentities/read";
        not_understood(call, target, "the identity has no principal")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
    const OWNER: &str = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
    const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

    fn told(scope: &str, principal: &str, role: &str, description: Value) -> Value {
        json!({"id": format!("{scope}/x"), "properties": {
            "scope": scope, "principalId": principal, "description": description,
            "roleDefinitionId": format!("/subscriptions/s/providers/x/roleDefinitions/{role}")}})
    }

    fn wanted() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("Reader".to_owned(), READER.to_owned()),
            ("Storage Blob Data Owner".to_owned(), OWNER.to_owned()),
        ])
    }

    fn all(list: &[Value]) -> Assignments {
        Assignments(
            list.iter()
                .filter_map(|one| assignment(one, SCOPE))
                .collect(),
        )
    }

    #[test]
    fn only_what_was_given_on_the_account_itself_counts() {
        let group = "/subscriptions/s/resourceGroups/g";
        let found = all(&[
            told(group, "p", OWNER, Value::Null),
            told(
                &SCOPE.to_uppercase(),
                "P",
                &OWNER.to_uppercase(),
                Value::Null,
            ),
        ]);
        assert_eq!(found.0.len(), 1);
        assert_eq!(
            found.rule("p", &wanted()),
            Rule::Different("without Reader".to_owned())
        );
        assert_eq!(found.rule("q", &wanted()), Rule::Missing);
        assert_eq!(
            found.names_of("p", &wanted()),
            BTreeSet::from(["Storage Blob Data Owner".to_owned()])
        );
    }

    #[test]
    fn what_was_made_here_names_its_containers() {
        let found = all(&[
            told(
                SCOPE,
                "p",
                OWNER,
                json!("terraform-provider-wandb: box, other"),
            ),
            told(SCOPE, "p", READER, json!("by hand")),
        ]);
        assert_eq!(found.rule("p", &wanted()), Rule::AsWanted);
        assert!(found.lets_in("p", "box"));
        assert!(!found.lets_in("p", "bo"));
        assert_eq!(
            found.0[0].containers(),
            Some(BTreeSet::from(["box".to_owned(), "other".to_owned()]))
        );
        assert_eq!(found.0[1].containers(), None);
        let only_reader = BTreeMap::from([("Reader".to_owned(), READER.to_owned())]);
        assert_eq!(
            found.others_of("p", &only_reader),
            ["Storage Blob Data Owner"]
        );
    }
}
