//! Service accounts.

use serde_json::{Value, json};
use time::Duration;

use super::{Outcome, require};
use crate::gcs::access::{Principal, Resource};
use crate::gcs::crypto::base64;
use crate::gcs::policies::{asked_version, check_etag};
use crate::gcs::policy::{Sent, only};
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::{Answer, Request};
use crate::gcs::roles::Home;
use crate::gcs::world::{Account, Constraint, World};

/// How long a deleted account can be taken back.
const KEPT: Duration = Duration::days(30);

pub(super) fn view(account: &Account) -> Value {
    let mut view = json!({
        "name": format!("projects/{}/serviceAccounts/{}", account.project, account.email),
        "projectId": account.project,
        "uniqueId": account.unique_id,
        "email": account.email,
        "etag": "MDEwMjE5MjA=",
        "oauth2ClientId": account.unique_id,
    });
    if !account.display_name.is_empty() {
        view["displayName"] = json!(account.display_name);
    }
    if !account.description.is_empty() {
        view["description"] = json!(account.description);
    }
    if account.disabled {
        view["disabled"] = json!(true);
    }
    view
}

fn unknown() -> Refusal {
    Refusal::not_found("Unknown service account")
}

/// The account of that address or id, in that project or, for `-`, in any.
pub(super) fn find<'a>(
    world: &'a World,
    project: &str,
    name: &str,
) -> Result<&'a Account, Refusal> {
    let mut all = world.accounts.values();
    let found = all.find(|one| one.email == name || one.unique_id == name);
    found
        .filter(|one| {
            project == "-"
                || world
                    .project(project)
                    .is_some_and(|it| it.id == one.project)
        })
        .ok_or_else(unknown)
}

/// The address of an account that the caller has this right on.
pub(super) fn permitted(
    world: &World,
    who: &Principal,
    project: &str,
    name: &str,
    permission: &str,
) -> Result<String, Refusal> {
    let found = find(world, project, name);
    let email = found.as_ref().map(|one| one.email.as_str());
    // Those with the right on the project see what is not there.
    let what = match email {
        Ok(email) => Resource::Account(email),
        Err(_) => Resource::Project(project),
    };
    require(world, who, permission, what)?;
    let account = found?;
    // A new account is not known everywhere yet.
    if account.known_from > world.now() {
        return Err(unknown());
    }
    Ok(account.email.clone())
}

fn project_id(
    world: &World,
    who: &Principal,
    project: &str,
    permission: &str,
) -> Result<String, Refusal> {
    let found = world.project(project).map(|one| one.id.clone());
    let id = found.unwrap_or_else(|| project.to_owned());
    require(world, who, permission, Resource::Project(&id))?;
    Ok(id)
}

pub(super) fn create(
    world: &mut World,
    who: &Principal,
    project: &str,
    request: &Request,
) -> Outcome {
    let project = project_id(world, who, project, "iam.serviceAccounts.create")?;
    let body = request.json()?;
    if let Some(body) = body.as_object() {
        only(body, &["accountId", "serviceAccount"], "request")?;
    }
    let id = body["accountId"].as_str().unwrap_or_default();
    let account = &body["serviceAccount"];
    let text = |name: &str| account[name].as_str().unwrap_or_default().to_owned();
    if let Some(account) = account.as_object() {
        only(account, &["displayName", "description"], "service_account")?;
    }
    let sound = (6..=30).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
        && id
            .chars()
            .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-');
    if !sound {
        return Err(Refusal::invalid(format!(
            "The account ID \"{id}\" does not have a length between 6 and 30, or does not match \
             [a-z]([-a-z0-9]*[a-z0-9])."
        )));
    }
    if text("displayName").len() > 100 || text("description").len() > 256 {
        return Err(Refusal::invalid(
            "The display name has more than 100 bytes, or the description more than 256.",
        ));
    }
    if world
        .config
        .constraints
        .contains(&Constraint::AccountCreation)
    {
        return Err(
            Refusal::invalid("Service account creation is not allowed on this project.")
                .canonical("FAILED_PRECONDITION"),
        );
    }
    let email = format!("{id}@{project}.iam.gserviceaccount.com");
    if world.accounts.contains_key(&email) {
        let message =
            format!("Service account {id} already exists within project projects/{project}.");
        return Err(Refusal::new(409, Kind::Conflict, message));
    }
    let mut account = world.new_account(&email, &project);
    account.display_name = text("displayName");
    account.description = text("description");
    account.known_from = world.now() + world.config.account_delay;
    let view = view(&account);
    world.accounts.insert(email, account);
    Ok(Answer::ok(&view))
}

pub(super) fn list(
    world: &mut World,
    who: &Principal,
    project: &str,
    request: &Request,
) -> Outcome {
    let project = project_id(world, who, project, "iam.serviceAccounts.list")?;
    let most = request
        .number("pageSize")?
        .filter(|most| *most > 0)
        .unwrap_or(20);
    let most = usize::try_from(most.min(100)).unwrap_or(20);
    let from = request.parameter("pageToken").unwrap_or_default();
    let token = |one: &Account| base64(one.email.as_bytes());
    let now = world.now();
    let mut rest = world
        .accounts
        .values()
        .filter(|one| one.project == project && one.known_from <= now)
        .skip_while(|one| !from.is_empty() && token(one) != from);
    let page: Vec<Value> = rest.by_ref().take(most).map(view).collect();
    let mut body = json!({});
    if !page.is_empty() {
        body["accounts"] = json!(page);
    }
    if let Some(next) = rest.next() {
        body["nextPageToken"] = json!(token(next));
    }
    Ok(Answer::ok(&body))
}

pub(super) fn get(world: &mut World, who: &Principal, project: &str, name: &str) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccounts.get")?;
    Ok(Answer::ok(&view(find(world, "-", &email)?)))
}

pub(super) fn change(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccounts.update")?;
    let body = request.json()?;
    let mask = body["updateMask"].as_str().unwrap_or_default().to_owned();
    let new = &body["serviceAccount"];
    if let Some(account) = world.accounts.get_mut(&email) {
        for field in mask.split(',') {
            let text = |name: &str| new[name].as_str().unwrap_or_default().to_owned();
            match field {
                "displayName" | "display_name" => account.display_name = text("displayName"),
                "description" => account.description = text("description"),
                _ => return Err(Refusal::invalid(format!("Invalid update mask: {field}"))),
            }
        }
    }
    Ok(Answer::ok(&view(find(world, "-", &email)?)))
}

/// Members stay in policies, as what is buried.
pub(super) fn delete(world: &mut World, who: &Principal, project: &str, name: &str) -> Outcome {
    let email = permitted(world, who, project, name, "iam.serviceAccounts.delete")?;
    if let Some(mut account) = world.accounts.remove(&email) {
        let (member, id) = (format!("serviceAccount:{email}"), account.unique_id.clone());
        rewrite(world, |policy| policy.bury(&member, &id));
        account.known_from = world.now() + KEPT;
        world.deleted_accounts.push(account);
    }
    Ok(Answer::ok(&json!({})))
}

pub(super) fn undelete(world: &mut World, who: &Principal, project: &str, id: &str) -> Outcome {
    let project = project_id(world, who, project, "iam.serviceAccounts.undelete")?;
    let now = world.now();
    let mut deleted = world.deleted_accounts.iter();
    let place = deleted
        .position(|one| one.unique_id == id && one.project == project && one.known_from > now);
    let place = place.ok_or_else(unknown)?;
    if world
        .accounts
        .contains_key(&world.deleted_accounts[place].email)
    {
        return Err(Refusal::new(
            409,
            Kind::Conflict,
            "A service account of that name exists.",
        ));
    }
    let mut account = world.deleted_accounts.remove(place);
    account.known_from = now;
    let member = format!("serviceAccount:{}", account.email);
    rewrite(world, |policy| policy.unbury(&member, id));
    let view = view(&account);
    world.accounts.insert(account.email.clone(), account);
    Ok(Answer::ok(&json!({"restoredAccount": view})))
}

/// Changes all policies that there are.
fn rewrite(world: &mut World, change: impl Fn(&mut crate::gcs::policy::Policy)) {
    let buckets = world.buckets.values_mut().map(|one| &mut one.policy);
    let accounts = world.accounts.values_mut().map(|one| &mut one.policy);
    let keys = world.crypto_keys.values_mut().map(|one| &mut one.policy);
    let projects = world.projects.values_mut().map(|one| &mut one.policy);
    for policed in buckets.chain(accounts).chain(keys).chain(projects) {
        policed.rewrite(&change);
    }
}

pub(super) fn enable(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    enabled: bool,
) -> Outcome {
    let permission = if enabled {
        "iam.serviceAccounts.enable"
    } else {
        "iam.serviceAccounts.disable"
    };
    let email = permitted(world, who, project, name, permission)?;
    if let Some(account) = world.accounts.get_mut(&email) {
        account.disabled = !enabled;
    }
    Ok(Answer::ok(&json!({})))
}

pub(super) fn get_policy(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = permitted(
        world,
        who,
        project,
        name,
        "iam.serviceAccounts.getIamPolicy",
    )?;
    let version = asked_version(request.parameter("options.requestedPolicyVersion"))?;
    let policed = &find(world, "-", &email)?.policy;
    Ok(Answer::ok(&policed.latest().view(version, &policed.etag)))
}

pub(super) fn set_policy(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = permitted(
        world,
        who,
        project,
        name,
        "iam.serviceAccounts.setIamPolicy",
    )?;
    let sent = Sent::parse(&request.json()?["policy"])?;
    let policed = &find(world, "-", &email)?.policy;
    check_etag(&sent, policed)?;
    world.check_policy(&sent, policed.latest(), Home::Account)?;
    world.check_domains(&sent.policy, policed.latest(), Home::Account)?;
    let (now, felt) = (world.now(), world.felt());
    let account = world.accounts.get_mut(&email);
    let account = account.ok_or_else(unknown)?;
    account.policy.set(sent.policy, now, felt);
    let policed = &account.policy;
    Ok(Answer::ok(&policed.latest().view(3, &policed.etag)))
}

pub(super) fn test(
    world: &mut World,
    who: &Principal,
    project: &str,
    name: &str,
    request: &Request,
) -> Outcome {
    let email = find(world, project, name)?.email.clone();
    tested(world, who, Resource::Account(&email), request)
}

/// Which of the permissions in a request the caller has.
pub(crate) fn tested(
    world: &World,
    who: &Principal,
    what: Resource<'_>,
    request: &Request,
) -> Outcome {
    let body = request.json()?;
    let asked = body["permissions"].as_array().cloned().unwrap_or_default();
    let asked: Vec<&str> = asked.iter().filter_map(Value::as_str).collect();
    if asked
        .iter()
        .any(|one| one.contains('*') || !one.contains('.'))
    {
        return Err(Refusal::invalid("Wildcards are not allowed here."));
    }
    let granted: Vec<&str> = asked
        .into_iter()
        .filter(|one| world.may(who, one, what))
        .collect();
    let body = if granted.is_empty() {
        json!({})
    } else {
        json!({"permissions": granted})
    };
    Ok(Answer::ok(&body))
}
