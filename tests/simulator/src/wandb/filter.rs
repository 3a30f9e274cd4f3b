//! The little of SCIM's filter language that W&B knows: `attribute eq "value"`, and
//! `members[value eq "id"]` in paths.

use std::collections::HashMap;

use super::replies::{PAGE, Refusal};

/// What a list request asks for.
pub(super) struct Listing {
    /// Attribute in lower case and wanted value.
    pub(super) filter: Option<(String, String)>,
    /// Counted from one.
    pub(super) start: usize,
    pub(super) count: usize,
}

/// Reads the query of a list request; `attributes` (lower case) can be filtered by.
pub(super) fn listing(
    query: &HashMap<String, String>,
    attributes: &[&str],
) -> Result<Listing, Refusal> {
    let number = |key: &str, default: usize| match query.get(key) {
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::bad(format!("{key} is not a number"))),
        None => Ok(default),
    };
    let filter = match query.get("filter") {
        Some(text) => {
            let found = equality(text).filter(|(name, _)| attributes.contains(&name.as_str()));
            Some(found.ok_or_else(|| Refusal::bad(format!("unsupported filter: {text}")))?)
        }
        None => None,
    };
    Ok(Listing {
        filter,
        start: number("startIndex", 1)?,
        count: number("count", PAGE)?,
    })
}

/// The attribute (in lower case) and the value of `attribute eq "value"`.
pub(super) fn equality(text: &str) -> Option<(String, String)> {
    let (attribute, rest) = text.trim().split_once(char::is_whitespace)?;
    let (operator, value) = rest.trim_start().split_once(char::is_whitespace)?;
    if !operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    // Values are JSON strings, so anything after the closing quote is an error.
    let value = serde_json::from_str::<String>(value.trim()).ok()?;
    Some((attribute.to_ascii_lowercase(), value))
}

/// The member that a path such as `members[value eq "id"]` points at.
pub(super) fn member_of_path(path: &str) -> Option<String> {
    let inner = path.trim().strip_prefix("members[")?.strip_suffix(']')?;
    let (attribute, value) = equality(inner)?;
    (attribute == "value").then_some(value)
}
