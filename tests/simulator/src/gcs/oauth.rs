//! Sign-in: tokens for signed assertions, for refresh tokens, and for tokens of other
//! identity providers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::Principal;
use super::crypto::WebToken;
use super::request::{Answer, Request};
use super::world::{EVERYTHING, World};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Where real key files send their owners; an assertion may name it as well.
const GOOGLE: &[&str] = &[
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
];

struct Refused(u16, &'static str, String);

fn invalid(description: impl Into<String>) -> Refused {
    Refused(400, "invalid_grant", description.into())
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let fields = fields(request);
    let field = |names: &[&str]| -> String {
        let found = names.iter().find_map(|name| fields.get(*name));
        found.cloned().unwrap_or_default()
    };
    let outcome = if request.path == "/v1/token" {
        exchange(world, &field)
    } else {
        match field(&["grant_type"]).as_str() {
            ASSERTION => assertion(world, &field(&["assertion"])),
            "refresh_token" => refresh(world, &field(&["refresh_token"])),
            other => Err(Refused(
                400,
                "unsupported_grant_type",
                format!("Invalid grant_type: {other}"),
            )),
        }
    };
    match outcome {
        Ok(body) => Answer::ok(&body),
        Err(Refused(status, error, description)) => Answer::json(
            status,
            &json!({"error": error, "error_description": description}),
        ),
    }
}

/// The body's fields, as a form or in JSON.
fn fields(request: &Request) -> BTreeMap<String, String> {
    if let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) {
        let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
        return body
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect();
    }
    url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect()
}

fn granted(token: &str, scopes: &[String]) -> Value {
    json!({
        "access_token": token,
        "expires_in": 3599,
        "token_type": "Bearer",
        "scope": scopes.join(" "),
    })
}

fn assertion(world: &mut World, text: &str) -> Result<Value, Refused> {
    let token = WebToken::parse(text).ok_or_else(|| invalid("Invalid JWT Signature."))?;
    let email = token.text("iss").to_owned();
    let account = world.accounts.get(&email);
    let account = account.ok_or_else(|| invalid("Invalid grant: account not found"))?;
    if account.disabled {
        return Err(invalid("Invalid grant: account is disabled"));
    }
    let named = token.header["kid"].as_str();
    let mut keys = account.keys.iter();
    if !keys
        .any(|key| named.is_none_or(|named| named == key.id) && token.is_signed_by(&key.private))
    {
        return Err(invalid("Invalid JWT Signature."));
    }
    let own = format!("{}/token", world.url);
    let audience = token.text("aud");
    if audience != own && !GOOGLE.contains(&audience) {
        return Err(invalid(format!(
            "Invalid JWT: audience {audience} is not this service."
        )));
    }
    let now = world.now().unix_timestamp();
    let (issued, expires) = (
        token.time("iat").unwrap_or(0),
        token.time("exp").unwrap_or(0),
    );
    if expires <= now || issued > now + 300 || expires - issued > 3600 + 60 {
        return Err(invalid(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
             timeframe. Check your iat and exp values in the JWT claim.",
        ));
    }
    let scopes: Vec<String> = token
        .text("scope")
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    if scopes.is_empty() {
        return Err(Refused(
            400,
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.".to_owned(),
        ));
    }
    let token = world.issue(Principal::Account(email), scopes.clone());
    Ok(granted(&token, &scopes))
}

fn refresh(world: &mut World, token: &str) -> Result<Value, Refused> {
    let email = world.refresh_tokens.get(token).cloned();
    let email = email.ok_or_else(|| invalid("Token has been expired or revoked."))?;
    let scopes = vec![EVERYTHING.to_owned()];
    let token = world.issue(Principal::User(email), scopes.clone());
    Ok(granted(&token, &scopes))
}

fn exchange(world: &mut World, field: &dyn Fn(&[&str]) -> String) -> Result<Value, Refused> {
    if field(&["grant_type", "grantType"]) != EXCHANGE {
        return Err(Refused(
            400,
            "unsupported_grant_type",
            "Invalid grant type.".to_owned(),
        ));
    }
    let scope = field(&["scope"]);
    if scope.is_empty() {
        return Err(Refused(
            400,
            "invalid_request",
            "A scope is required.".to_owned(),
        ));
    }
    let audience = field(&["audience"]);
    let token = field(&["subject_token", "subjectToken"]);
    let mut known = world
        .foreign_tokens
        .iter()
        .filter(|one| one.audience == audience)
        .peekable();
    if known.peek().is_none() {
        return Err(Refused(
            400,
            "invalid_target",
            "The target service indicated by the \"audience\" parameters is invalid. This might \
             either be because the pool or provider is disabled or deleted or because it doesn't \
             exist."
                .to_owned(),
        ));
    }
    let found = known
        .find(|one| one.token == token)
        .map(|one| one.principal.clone());
    let principal = found.ok_or_else(|| invalid("The subject token is not valid."))?;
    let scopes = scope.split(' ').map(str::to_owned).collect();
    let token = world.issue(Principal::Federated(principal), scopes);
    Ok(json!({
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": 3599,
    }))
}
