//! Who may ask: one key, in the forms that W&B takes it.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Config;

/// Whether a SCIM request carries the key: as a bearer token (not on old instances),
/// or by Basic with the owner's name, or with no name for a service account.
pub(super) fn scim(config: &Config, headers: &HeaderMap) -> bool {
    match (bearer(headers), basic(headers)) {
        (Some(token), _) => config.bearer && token == config.api_key,
        (None, Some((user, key))) => {
            key == config.api_key && (user.is_empty() || user == config.username)
        }
        (None, None) => false,
    }
}

/// Whether a GraphQL request carries the key: by Basic, where the name is `api`.
pub(super) fn graphql(config: &Config, headers: &HeaderMap) -> bool {
    basic(headers).is_some_and(|(user, key)| user == "api" && key == config.api_key)
}

fn header<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (found, rest) = value.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    header(headers, "bearer")
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header(headers, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, key) = text.split_once(':')?;
    Some((user.to_owned(), key.to_owned()))
}
