//! Requests from W&B's web pages, which have another origin than the bucket.
//!
//! A server uses the first rule that lets an origin and a method in, so that is the
//! rule that is judged. Where a bucket has no rules of its own, what a browser is
//! told by the server decides (community MinIO has rules for the whole server only).

use std::collections::BTreeSet;

use super::BYOB_PAGE;
use super::probes;
use crate::byob::observed::{CorsRule, Preflight, Reading};
use crate::byob::requirement::{
    Check, Evidence, HERE, Requirement, Status, Verdict, argument, everywhere,
};
use crate::byob::spec::{BucketSpec, CORS_EXPOSED, CORS_METHODS, Setting};

/// `cors.methods`.
pub const METHODS: Requirement = Requirement {
    id: "cors.methods",
    title: "Web pages of W&B may use GET, HEAD and PUT",
    why: "The web application reads files straight from the bucket and uploads to it with \
          signed addresses.",
    on: everywhere(HERE),
    mended_by: &[Setting::Cors],
    source: BYOB_PAGE,
    check: Check::Settings(methods),
};

/// `cors.headers`.
pub const HEADERS: Requirement = Requirement {
    id: "cors.headers",
    title: "Web pages of W&B may send the request headers of an upload",
    why: "Uploads carry content types, checksums and encryption headers that differ by version.",
    on: everywhere(HERE),
    mended_by: &[Setting::Cors],
    source: BYOB_PAGE,
    check: Check::Settings(headers),
};

/// `cors.origins`.
pub const ORIGINS: Requirement = Requirement {
    id: "cors.origins",
    title: "The origin of W&B's web application is let in",
    why: "A browser drops every answer whose origin rule does not name the page that asked.",
    on: everywhere(argument("cors_allowed_origins")),
    mended_by: &[Setting::Cors],
    source: BYOB_PAGE,
    check: Check::Settings(origins),
};

/// `cors.etag_exposed`.
pub const ETAG_EXPOSED: Requirement = Requirement {
    id: "cors.etag_exposed",
    title: "Web pages of W&B may read the ETag header",
    why: "An upload in parts is finished by naming the ETag of each part.",
    on: everywhere(HERE),
    mended_by: &[Setting::Cors],
    source: BYOB_PAGE,
    check: Check::Settings(etag_exposed),
};

/// `cors.max_age`.
pub const MAX_AGE: Requirement = Requirement {
    id: "cors.max_age",
    title: "Browsers may remember the answer to a preflight",
    why: "Without it every request is preceded by another one.",
    on: everywhere(argument("cors_max_age_seconds")),
    mended_by: &[Setting::Cors],
    source: BYOB_PAGE,
    check: Check::Settings(max_age),
};

/// What decides about cross-origin requests.
enum Ground<'a> {
    /// The rules of the bucket.
    Rules(&'a [CorsRule]),
    /// The server's answer to a preflight; the bucket has no rules.
    Server(&'a Preflight),
    /// Nothing is known, for this reason.
    Unknown(String),
}

/// A rule of the bucket is wanted even where the server lets everybody in, once the
/// user has chosen what it says.
fn ground(evidence: Evidence<'_>) -> Ground<'_> {
    let observed = evidence.observed;
    let no_rules = observed.cors.known().is_none_or(|rules| rules.is_empty());
    let chosen = evidence.spec.chosen.contains(&Setting::Cors);
    match (&observed.cors, &observed.preflight) {
        (_, Some(preflight)) if no_rules && preflight.origin_allowed && !chosen => {
            Ground::Server(preflight)
        }
        (Reading::Known(rules), _) => Ground::Rules(rules),
        (_, Some(preflight)) => Ground::Server(preflight),
        (reading, None) => Ground::Unknown(reading.why_unknown()),
    }
}

/// Whether the bucket's rules, or the server's, let W&B in as `spec` wants it. When
/// they do, nothing is written.
pub fn holds(evidence: Evidence<'_>) -> bool {
    [methods, headers, origins, max_age]
        .iter()
        .all(|check| check(evidence).status != Status::Fail)
        && match ground(evidence) {
            Ground::Rules(_) => etag_exposed(evidence).status != Status::Fail,
            Ground::Server(preflight) => preflight.etag_exposed != Some(false),
            Ground::Unknown(_) => true,
        }
}

/// The origins that are let in for uploads now, for showing drift; `None` when the
/// bucket's own rules do not decide.
pub fn effective(evidence: Evidence<'_>) -> Option<(BTreeSet<String>, Option<i64>)> {
    match ground(evidence) {
        Ground::Rules(rules) => Some(rule_for(rules, evidence.spec, "PUT").map_or_else(
            || (BTreeSet::new(), None),
            |rule| (rule.origins.iter().cloned().collect(), rule.max_age_seconds),
        )),
        Ground::Server(_) | Ground::Unknown(_) => None,
    }
}

/// The rule that a server picks for W&B's page and `method`. Where none lets W&B's
/// page in, the one with our id, so that drift shows on the attribute that changed.
fn rule_for<'a>(rules: &'a [CorsRule], spec: &BucketSpec, method: &str) -> Option<&'a CorsRule> {
    let lets_in = |rule: &&CorsRule| {
        rule.methods.iter().any(|one| one == method)
            && rule
                .origins
                .iter()
                .any(|pattern| origin_matches(pattern, &spec.origin))
    };
    rules
        .iter()
        .find(lets_in)
        .or_else(|| {
            rules
                .iter()
                .find(|rule| rule.id.is_some() && rule.id == spec.cors.id)
        })
        .or_else(|| {
            // Servers that keep no ids: the rule that is ours but for its origins.
            rules.iter().find(|rule| rule.origins == spec.cors.origins)
        })
}

/// Whether a rule's origin, with at most one `*`, lets `origin` in.
pub fn origin_matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == origin,
        Some((start, end)) => {
            origin.len() >= start.len() + end.len()
                && origin.starts_with(start)
                && origin.ends_with(end)
        }
    }
}

fn judge(
    evidence: Evidence<'_>,
    by_rules: impl Fn(&[CorsRule]) -> Verdict,
    by_server: impl Fn(&Preflight) -> Verdict,
) -> Verdict {
    match ground(evidence) {
        Ground::Rules(rules) => by_rules(rules),
        Ground::Server(preflight) => by_server(preflight),
        Ground::Unknown(why) => match evidence.tried.get(probes::PREFLIGHT) {
            Some(verdict) if verdict.status == Status::Pass => Verdict::pass(),
            Some(_) | None => Verdict::unknown(why),
        },
    }
}

fn methods(evidence: Evidence<'_>) -> Verdict {
    let expected = CORS_METHODS.join(", ");
    let message = "the browser will refuse the missing methods";
    judge(
        evidence,
        |rules| {
            let actual: Vec<&str> = CORS_METHODS
                .into_iter()
                .filter(|method| {
                    rule_for(rules, evidence.spec, method)
                        .is_some_and(|rule| rule.methods.iter().any(|one| one == method))
                })
                .collect();
            Verdict::compare(&expected, listed(&actual), message)
        },
        |preflight| {
            let actual: Vec<&str> = CORS_METHODS
                .into_iter()
                .filter(|method| {
                    preflight
                        .methods
                        .iter()
                        .any(|one| one == method || one == "*")
                })
                .collect();
            Verdict::compare(&expected, listed(&actual), message)
        },
    )
}

fn headers(evidence: Evidence<'_>) -> Verdict {
    let message = "the browser will refuse uploads that carry other headers";
    let wanted = &evidence.spec.cors.headers;
    judge(
        evidence,
        |rules| match rule_for(rules, evidence.spec, "PUT") {
            Some(rule) if lets_in_headers(rule, wanted) => Verdict::pass(),
            Some(rule) => Verdict::of(
                Status::Fail,
                listed(&sorted(wanted)),
                listed(&sorted(&rule.headers)),
                message,
            ),
            None => Verdict::of(Status::Fail, listed(&sorted(wanted)), "none", message),
        },
        |preflight| {
            let actual = if preflight.headers_allowed {
                "*"
            } else {
                "none"
            };
            Verdict::compare("*", actual, message)
        },
    )
}

fn lets_in_headers(rule: &CorsRule, wanted: &[String]) -> bool {
    let has = |name: &str| {
        rule.headers
            .iter()
            .any(|one| one.eq_ignore_ascii_case(name))
    };
    has("*") || wanted.iter().all(|name| has(name))
}

fn origins(evidence: Evidence<'_>) -> Verdict {
    let expected = listed(&sorted(&evidence.spec.cors.origins));
    judge(
        evidence,
        |rules| {
            let actual = rule_for(rules, evidence.spec, "PUT")
                .map_or_else(|| "none".to_owned(), |rule| listed(&sorted(&rule.origins)));
            Verdict::compare(
                &expected,
                actual,
                "the browser will refuse the bucket's answers",
            )
        },
        |preflight| {
            if preflight.origin_allowed {
                return Verdict::pass();
            }
            Verdict::of(
                Status::Fail,
                &preflight.origin,
                "not let in",
                format!(
                    "the server has CORS rules for all buckets together and they leave out {}; \
                     its operator has to add it",
                    preflight.origin
                ),
            )
        },
    )
}

fn etag_exposed(evidence: Evidence<'_>) -> Verdict {
    let message = "uploads in parts from the browser cannot be finished";
    judge(
        evidence,
        |rules| {
            let exposed = |rule: &CorsRule| {
                rule.exposed
                    .iter()
                    .any(|header| header == "*" || header.eq_ignore_ascii_case(CORS_EXPOSED))
            };
            match rule_for(rules, evidence.spec, "PUT") {
                Some(rule) if exposed(rule) => Verdict::pass(),
                Some(rule) => Verdict::of(
                    Status::Fail,
                    CORS_EXPOSED,
                    listed(&sorted(&rule.exposed)),
                    message,
                ),
                None => Verdict::of(Status::Fail, CORS_EXPOSED, "none", message),
            }
        },
        |preflight| match (preflight.etag_exposed, evidence.tried.get(probes::ETAG)) {
            (Some(true), _) => Verdict::pass(),
            (Some(false), _) => Verdict::of(Status::Fail, CORS_EXPOSED, "none", message),
            // An answer to a preflight rarely says it; the probe has seen the real one.
            (None, Some(verdict)) => verdict.clone(),
            (None, None) if evidence.spec.chosen.contains(&Setting::Cors) => {
                Verdict::unknown("only a probe can tell on this server")
            }
            (None, None) => Verdict::not_applicable(),
        },
    )
}

fn max_age(evidence: Evidence<'_>) -> Verdict {
    let text = |seconds: Option<i64>| {
        seconds.map_or_else(
            || "not set".to_owned(),
            |seconds| format!("{seconds} seconds"),
        )
    };
    judge(
        evidence,
        |rules| {
            let actual =
                rule_for(rules, evidence.spec, "PUT").and_then(|rule| rule.max_age_seconds);
            Verdict::compare(
                text(evidence.spec.cors.max_age_seconds),
                text(actual),
                "browsers ask for permission more often or less often than configured",
            )
        },
        |_| Verdict::not_applicable(),
    )
}

fn sorted(list: &[String]) -> Vec<&str> {
    let set: BTreeSet<&str> = list.iter().map(String::as_str).collect();
    set.into_iter().collect()
}

fn listed(list: &[&str]) -> String {
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}
