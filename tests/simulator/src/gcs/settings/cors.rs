//! Rules for pages of other origins.

use serde_json::{Value, json};

use crate::gcs::refusal::Refusal;

use super::{nested, whole};

/// A rule as the XML interface applies it.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) origins: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) max_age: Option<i64>,
}

impl Rule {
    pub(super) fn of(rule: &Value) -> Self {
        let list = |name: &str| {
            let list = rule[name].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            origins: list("origin"),
            methods: list("method"),
            headers: list("responseHeader"),
            max_age: whole(&rule["maxAgeSeconds"]),
        }
    }

    /// Whether the rule speaks of such a request.
    pub(crate) fn meets(&self, origin: &str, method: &str) -> bool {
        let origin_fits = self
            .origins
            .iter()
            .any(|one| one == "*" || one.eq_ignore_ascii_case(origin));
        origin_fits
            && self
                .methods
                .iter()
                .any(|one| one == "*" || one.eq_ignore_ascii_case(method))
    }

    /// Whether a header of the request, or of the answer, is on the list.
    pub(crate) fn lists(&self, header: &str) -> bool {
        self.headers
            .iter()
            .any(|one| one == "*" || one.eq_ignore_ascii_case(header))
    }
}

pub(super) fn check(value: &Value) -> Result<Value, Refusal> {
    let rules = value.as_array().ok_or_else(Refusal::parse_error)?;
    for rule in rules {
        let known = ["origin", "method", "responseHeader", "maxAgeSeconds"];
        let rule = nested(rule, &known, "cors")?;
        for name in ["origin", "method", "responseHeader"] {
            let Some(list) = rule.get(name) else { continue };
            let list = list.as_array().ok_or_else(Refusal::parse_error)?;
            for one in list {
                let one = one.as_str().ok_or_else(Refusal::parse_error)?;
                if one.is_empty() || one.contains(char::is_whitespace) {
                    return Err(Refusal::invalid(format!(
                        "Invalid value for cors.{name}: '{one}'"
                    )));
                }
                if name == "method" && !is_method(one) {
                    return Err(Refusal::invalid(format!("Invalid CORS method: '{one}'")));
                }
            }
        }
        let age = rule.get("maxAgeSeconds").map(whole);
        if age.is_some_and(|age| age.is_none_or(|age| !(0..=i64::from(i32::MAX)).contains(&age))) {
            return Err(Refusal::invalid("Invalid value for cors.maxAgeSeconds."));
        }
    }
    let plain = |rule: &Value| {
        let mut rule = rule.clone();
        if let Some(age) = whole(&rule["maxAgeSeconds"]) {
            rule["maxAgeSeconds"] = json!(age);
        } else if let Some(rule) = rule.as_object_mut() {
            rule.remove("maxAgeSeconds");
        }
        rule
    };
    Ok(rules.iter().map(plain).collect())
}

fn is_method(text: &str) -> bool {
    [
        "*", "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH",
    ]
    .contains(&text)
}
