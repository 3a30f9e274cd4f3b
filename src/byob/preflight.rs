//! A browser's preflight: the question, and what the answer says.

use std::collections::BTreeMap;

use super::kind::{CloudKind, PerCloud};
use super::observed::Preflight;

/// The request header that is asked for: one that only `*` lets in, where that is what the
/// rule says.
pub const HEADER: PerCloud<&str> = PerCloud {
    aws: ANY,
    gcp: "content-type",
    azure: ANY,
    s3_compatible: ANY,
    coreweave: ANY,
};
const ANY: &str = "x-wandb-byob";

/// The headers of a preflight for an upload from a page of `origin`.
pub fn question(cloud: CloudKind, origin: &str) -> Vec<(String, String)> {
    [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", *HEADER.of(cloud)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Reads an answer. The names in `headers` are in lower case.
///
/// `GET` and `HEAD` need no permission of their own: a browser asks about the method
/// of any other request only, so an origin that is let in may use them.
pub fn read(
    cloud: CloudKind,
    origin: &str,
    status: u16,
    headers: &BTreeMap<String, String>,
) -> Preflight {
    let origin_allowed = (200..300).contains(&status) && lets_in(headers, origin);
    let listed = list(headers, "access-control-allow-methods");
    let mut methods: Vec<String> = Vec::new();
    if origin_allowed {
        methods.extend(["GET".to_owned(), "HEAD".to_owned()]);
        if listed
            .iter()
            .any(|method| method.eq_ignore_ascii_case("PUT") || method == "*")
        {
            methods.push("PUT".to_owned());
        }
    }
    let headers_allowed = origin_allowed
        && list(headers, "access-control-allow-headers")
            .iter()
            .any(|header| header == "*" || header.eq_ignore_ascii_case(HEADER.of(cloud)));
    Preflight {
        origin: origin.to_owned(),
        origin_allowed,
        methods,
        headers_allowed,
        etag_exposed: headers
            .contains_key("access-control-expose-headers")
            .then(|| exposes_etag(headers)),
        max_age_seconds: headers
            .get("access-control-max-age")
            .and_then(|age| age.trim().parse().ok()),
        status,
    }
}

/// Whether the answer is for pages of `origin`.
pub fn lets_in(headers: &BTreeMap<String, String>, origin: &str) -> bool {
    headers
        .get("access-control-allow-origin")
        .is_some_and(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
}

/// Whether a page may read `ETag`. `*` counts, because signed addresses are used
/// without cookies.
pub fn exposes_etag(headers: &BTreeMap<String, String>) -> bool {
    list(headers, "access-control-expose-headers")
        .iter()
        .any(|header| header == "*" || header.eq_ignore_ascii_case("etag"))
}

fn list(headers: &BTreeMap<String, String>, name: &str) -> Vec<String> {
    headers
        .get(name)
        .map(|value| {
            value
                .split(',')
                .map(|part| part.trim().to_owned())
                .collect()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_answer_without_an_origin_lets_nobody_in() {
        let answer = read(
            CloudKind::Aws,
            "https://a.example",
            204,
            &headers(&[("access-control-allow-methods", "PUT")]),
        );
        assert!(!answer.origin_allowed && answer.methods.is_empty() && !answer.headers_allowed);
    }

    #[test]
    fn an_answer_for_this_origin_lets_it_in() {
        let answer = read(
            CloudKind::Aws,
            "https://a.example",
            200,
            &headers(&[
                ("access-control-allow-origin", "https://a.example"),
                ("access-control-allow-methods", "GET, PUT"),
                ("access-control-allow-headers", "X-Wandb-Byob"),
                ("access-control-expose-headers", "x-request-id, Etag"),
                ("access-control-max-age", "3600"),
            ]),
        );
        assert_eq!(answer.methods, ["GET", "HEAD", "PUT"]);
        assert!(answer.origin_allowed && answer.headers_allowed);
        assert_eq!(answer.etag_exposed, Some(true));
        assert_eq!(answer.max_age_seconds, Some(3600));
    }

    #[test]
    fn another_origin_or_a_refusal_is_not_let_in() {
        let other = headers(&[("access-control-allow-origin", "https://b.example")]);
        assert!(!read(CloudKind::Aws, "https://a.example", 200, &other).origin_allowed);
        let star = headers(&[("access-control-allow-origin", "*")]);
        assert!(!read(CloudKind::Aws, "https://a.example", 403, &star).origin_allowed);
    }
}
