//! What browsers are told, by the account's rules as the management side has them.

use serde_json::Value;

use super::refusal::{Outcome, Refusal};
use crate::azure::request::{Answer, Request};
use crate::azure::world::Account;

/// Which headers every browser may see without being told.
const SIMPLE: &[&str] = &[
    "cache-control",
    "content-language",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

fn texts<'a>(rule: &'a Value, name: &str) -> Vec<&'a str> {
    let all = rule[name].as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

/// The rule for an origin, a method and headers; the first that fits counts.
fn rule<'a>(
    account: &'a Account,
    origin: &str,
    method: &str,
    headers: &[&str],
) -> Option<&'a Value> {
    let rules = account.blob_service("cors")["corsRules"].as_array()?;
    rules.iter().find(|rule| {
        texts(rule, "allowedOrigins")
            .iter()
            .any(|one| *one == "*" || *one == origin)
            && texts(rule, "allowedMethods").contains(&method)
            && headers
                .iter()
                .all(|header| covered(&texts(rule, "allowedHeaders"), header))
    })
}

fn covered(patterns: &[&str], header: &str) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = pattern.to_ascii_lowercase();
        let header = header.to_ascii_lowercase();
        match pattern.strip_suffix('*') {
            Some(start) => header.starts_with(start),
            None => pattern == header,
        }
    })
}

/// Answers a preflight, which nobody signs.
pub(crate) fn preflight(account: &Account, request: &Request) -> Outcome {
    let origin = request.header("origin");
    let method = request.header("access-control-request-method");
    let (Some(origin), Some(method)) = (origin, method) else {
        let words = "A required CORS header is not present.";
        return Err(Refusal::new(400, "InvalidHeaderValue", words));
    };
    let asked = request
        .header("access-control-request-headers")
        .unwrap_or_default();
    let headers: Vec<&str> = asked
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    let Some(rule) = rule(account, origin, method, &headers) else {
        let words = "CORS not enabled or no matching rule found for this request.";
        return Err(Refusal::new(403, "CorsPreflightFailure", words));
    };
    let mut answer = Answer::empty(200)
        .with("Access-Control-Allow-Origin", origin)
        .with("Access-Control-Allow-Methods", method)
        .with(
            "Access-Control-Max-Age",
            rule["maxAgeInSeconds"].to_string(),
        )
        .with("Access-Control-Allow-Credentials", "true");
    if !asked.is_empty() {
        answer = answer.with("Access-Control-Allow-Headers", asked);
    }
    Ok(answer)
}

/// Adds to an answer what a browser wants to see.
pub(crate) fn add(account: &Account, request: &Request, answer: Answer) -> Answer {
    let Some(origin) = request.header("origin") else {
        let any = account.blob_service("cors")["corsRules"].as_array();
        let any = any.is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| !texts(rule, "allowedOrigins").contains(&"*"))
        });
        return if any {
            answer.with("Vary", "Origin")
        } else {
            answer
        };
    };
    let Some(rule) = rule(account, origin, request.method.as_str(), &[]) else {
        return answer;
    };
    let exposed = texts(rule, "exposedHeaders");
    let seen: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, _)| name.clone())
        .chain(["Content-Length".to_owned(), "Date".to_owned()])
        .filter(|name| !SIMPLE.contains(&name.to_ascii_lowercase().as_str()))
        .filter(|name| covered(&exposed, name))
        .collect();
    let mut answer = answer;
    if !seen.is_empty() {
        answer = answer.with("Access-Control-Expose-Headers", seen.join(","));
    }
    if texts(rule, "allowedOrigins").contains(&"*") {
        return answer.with("Access-Control-Allow-Origin", "*");
    }
    answer
        .with("Access-Control-Allow-Origin", origin)
        .with("Access-Control-Allow-Credentials", "true")
        .with("Vary", "Origin")
}
