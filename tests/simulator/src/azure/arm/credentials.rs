//! The federated credentials of an identity.

use serde_json::{Value, json};

use super::{Call, body, identities, list};
use crate::azure::refusal::{Outcome, Refusal};
use crate::azure::request::Answer;
use crate::azure::world::{Credential, Identity};

const MOST: usize = 20;
const WANTED: &str = "The request format was unexpected. Federated Identity Credential must \
    specify 'issuer', 'subject' and 'audience'.";

fn view(identity: &Identity, one: &Credential) -> Value {
    json!({"id": format!("{}/federatedIdentityCredentials/{}", identity.id, one.name),
        "name": one.name,
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "properties": {"issuer": one.issuer, "subject": one.subject, "audiences": one.audiences}})
}

fn missing(name: &str) -> Refusal {
    let message = format!("The Federated Identity Credential '{name}' was not found.");
    Refusal::new(404, "NotFound", message)
}

/// Answers for credentials.
pub(crate) fn answer(call: &mut Call<'_>) -> Outcome {
    let at = identities::at(call)?;
    let identity = call.world.identities[at].clone();
    let principal = call.world.principal(&identity.object_id);
    let credentials = principal
        .map(|one| one.credentials.clone())
        .unwrap_or_default();
    if !call.target.is_one() {
        let all = credentials.iter().map(|one| view(&identity, one)).collect();
        return Ok(list(all, None));
    }
    let name = call.target.name(1).to_owned();
    let found = credentials
        .iter()
        .position(|one| one.name.eq_ignore_ascii_case(&name));
    match call.method() {
        "GET" => {
            let found = found.map(|at| view(&identity, &credentials[at]));
            Ok(Answer::json(200, &found.ok_or_else(|| missing(&name))?))
        }
        "PUT" => put(call, &identity, at, &credentials, found),
        "DELETE" => {
            let Some(found) = found else {
                return Ok(Answer::empty(204));
            };
            busy(call, at)?;
            write(call, &identity, |all| drop(all.remove(found)));
            Ok(Answer::empty(200))
        }
        _ => Err(call.unsupported()),
    }
}

fn put(
    call: &mut Call<'_>,
    identity: &Identity,
    at: usize,
    credentials: &[Credential],
    found: Option<usize>,
) -> Outcome {
    let name = call.target.name(1).to_owned();
    let mut sent = sent(call, &name)?;
    busy(call, at)?;
    let twin = |one: &&Credential| {
        one.issuer == sent.issuer
            && one.subject == sent.subject
            && !one.name.eq_ignore_ascii_case(&name)
    };
    if credentials.iter().any(|one| twin(&one)) {
        let message = "Issuer and subject combination already exists for this Managed \
                    Identity.";
        return Err(Refusal::conflict("Conflict", message));
    }
    if found.is_none() && credentials.len() >= MOST {
        let message = format!(
            "Too many Federated Identity Credentials for the managed identity '{}': no \
                     more than {MOST} are allowed.",
            identity.id
        );
        return Err(Refusal::bad(
            "FederatedIdentityCredentialsLimitExceeded",
            message,
        ));
    }
    if let Some(at) = found {
        sent.name.clone_from(&credentials[at].name);
    }
    let answer = Answer::json(
        if found.is_some() { 200 } else { 201 },
        &view(identity, &sent),
    );
    write(call, identity, |all| match found {
        Some(at) => all[at] = sent,
        None => all.push(sent),
    });
    Ok(answer)
}

/// Changes the credentials of an identity's principal.
fn write(call: &mut Call<'_>, identity: &Identity, change: impl FnOnce(&mut Vec<Credential>)) {
    let mut principals = call.world.principals.iter_mut();
    if let Some(one) = principals.find(|one| one.object_id == identity.object_id) {
        change(&mut one.credentials);
    }
}

/// Refuses while another write is under way, or one that tests speak of.
fn busy(call: &mut Call<'_>, at: usize) -> Result<(), Refusal> {
    let now = call.world.now();
    let identity = &mut call.world.identities[at];
    if call.request.overlaps || now < identity.busy_until {
        let message = format!(
            "Too many Federated Identity Credentials are written concurrently for the managed \
             identity '{}'. Concurrent Federated Identity Credentials writes under the same \
             managed identity are not supported.",
            identity.id.to_ascii_lowercase()
        );
        let code = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity";
        return Err(Refusal::conflict(code, message));
    }
    Ok(())
}

fn sent(call: &Call<'_>, name: &str) -> Result<Credential, Refusal> {
    let signs = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    let first = name
        .chars()
        .next()
        .is_some_and(|sign| sign.is_ascii_alphanumeric());
    if !(3..=120).contains(&name.len()) || !first || !name.chars().all(signs) {
        let message = format!("The Federated Identity Credential name '{name}' is invalid.");
        return Err(Refusal::bad("BadRequest", message));
    }
    let properties = body::properties(&call.body()?)?;
    let text = |name: &str| {
        let value = properties.get(name).and_then(Value::as_str);
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let audiences = properties.get("audiences").and_then(Value::as_array);
    let audiences: Option<Vec<String>> = audiences.map(|all| {
        all.iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    });
    let (Some(issuer), Some(subject), Some(audiences)) =
        (text("issuer"), text("subject"), audiences)
    else {
        return Err(Refusal::bad("BadRequest", WANTED));
    };
    if audiences.len() != 1 || [&issuer, &subject].iter().any(|one| one.len() > 600) {
        return Err(Refusal::bad("BadRequest", WANTED));
    }
    if !issuer.starts_with("https://") {
        let message = "Federated Identity Credential must have a valid issuer: an https address.";
        return Err(Refusal::bad("BadRequest", message));
    }
    Ok(Credential {
        name: name.to_owned(),
        issuer,
        subject,
        audiences,
        written: call.world.now(),
    })
}
