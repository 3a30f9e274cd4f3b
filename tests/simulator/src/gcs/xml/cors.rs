//! What a browser is told about pages of other origins. The first rule that has the
//! origin and the method decides.

use crate::gcs::request::{Answer, Request};
use crate::gcs::settings::Rule;
use crate::gcs::world::World;

/// Answers a browser that asks before it sends. Who is not let in gets no headers, and
/// the status says nothing.
pub(super) fn preflight(world: &World, request: &Request, bucket: &str) -> Answer {
    let answer = Answer::empty(200).with("Content-Type", "text/html; charset=UTF-8");
    let Some(method) = request.header("access-control-request-method") else {
        return answer;
    };
    let wanted = request
        .header("access-control-request-headers")
        .unwrap_or_default();
    let wanted: Vec<&str> = wanted
        .split(',')
        .map(str::trim)
        .filter(|header| !header.is_empty())
        .collect();
    // All headers have to be on the list, those that every browser sends as well.
    let Some((rule, origin)) = rule_for(world, request, bucket, method)
        .filter(|(rule, _)| wanted.iter().all(|header| rule.lists(header)))
    else {
        return answer;
    };
    let methods = rule.methods.join(",");
    let headers = if rule.lists("*") {
        wanted.join(",")
    } else {
        rule.headers.join(",")
    };
    let answer = allowed(answer, &rule, &origin)
        .with("Access-Control-Allow-Methods", methods)
        .with(
            "Access-Control-Max-Age",
            rule.max_age.unwrap_or(3600).to_string(),
        );
    if headers.is_empty() {
        answer
    } else {
        answer.with("Access-Control-Allow-Headers", headers)
    }
}

/// Adds what lets the page read an answer, be it good or bad.
pub(super) fn share(world: &World, request: &Request, bucket: &str, answer: Answer) -> Answer {
    let Some((rule, origin)) = rule_for(world, request, bucket, request.method.as_str()) else {
        return answer;
    };
    let answer = allowed(answer, &rule, &origin);
    if rule.headers.is_empty() {
        answer
    } else {
        answer.with("Access-Control-Expose-Headers", rule.headers.join(", "))
    }
}

fn allowed(answer: Answer, rule: &Rule, origin: &str) -> Answer {
    if rule.origins.iter().any(|one| one == "*") {
        answer.with("Access-Control-Allow-Origin", "*")
    } else {
        answer
            .with("Access-Control-Allow-Origin", origin)
            .with("Vary", "Origin")
    }
}

fn rule_for(
    world: &World,
    request: &Request,
    bucket: &str,
    method: &str,
) -> Option<(Rule, String)> {
    let origin = request.header("origin")?;
    let rules = world.buckets.get(bucket)?.settings.cors();
    let rule = rules.into_iter().find(|rule| rule.meets(origin, method))?;
    Some((rule, origin.to_owned()))
}
