//! Signed addresses, version 4: who signed, for how long, and whether nothing was
//! changed.

use axum::http::Method;
use percent_encoding::percent_decode_str;
use time::Duration;

use crate::gcs::clock;
use crate::gcs::crypto::{hex, sha256, unhex};
use crate::gcs::object::encode;
use crate::gcs::refusal::{Kind, Refusal};
use crate::gcs::request::Request;
use crate::gcs::world::World;

const ALGORITHM: &str = "GOOG4-RSA-SHA256";
/// Seven days, in seconds.
const LONGEST: i64 = 604_800;

/// Whether the address carries a signature.
pub(super) fn is_signed(request: &Request) -> bool {
    parameter(request, "X-Goog-Signature").is_some()
        || parameter(request, "X-Goog-Algorithm").is_some()
}

fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut pairs = request.query.iter();
    pairs
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn malformed(details: &str, name: &str) -> Refusal {
    let refusal = Refusal::new(
        400,
        Kind::BadRequest,
        format!("Your request has a malformed header. {details}"),
    )
    .coded("MalformedSecurityHeader", "Invalid argument.");
    if name.is_empty() {
        refusal
    } else {
        refusal.element("ParameterName", name)
    }
}

/// What an address says of its signature.
struct Signature<'a> {
    email: String,
    scope: String,
    date: &'a str,
    headers: Vec<&'a str>,
    bytes: Vec<u8>,
}

/// The account that signed an address.
pub(super) fn check(world: &World, request: &Request) -> Result<String, Refusal> {
    let signature = read(world, request)?;
    let keys = world
        .accounts
        .get(&signature.email)
        .filter(|account| !account.disabled)
        .map(|account| account.keys.as_slice())
        .unwrap_or_default();
    // What is signed for GET is good for HEAD too.
    let methods: &[&str] = match request.method {
        Method::HEAD => &["HEAD", "GET"],
        _ => &[request.method.as_str()],
    };
    let mut texts = Vec::new();
    for method in methods {
        let canonical = canonical_request(request, method, &signature.headers);
        let text = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            signature.date,
            signature.scope,
            hex(&sha256(canonical.as_bytes()))
        );
        if keys
            .iter()
            .any(|key| key.private.verifies(text.as_bytes(), &signature.bytes))
        {
            return Ok(signature.email);
        }
        texts.push((text, canonical));
    }
    let (text, canonical) = texts.swap_remove(0);
    Err(Refusal::forbidden(
        "The request signature we calculated does not match the signature you provided. Check your \
         Google secret key and signing method.",
    )
    .coded("SignatureDoesNotMatch", "Access denied.")
    .element("StringToSign", &text)
    .element("CanonicalRequest", &canonical))
}

fn read<'a>(world: &World, request: &'a Request) -> Result<Signature<'a>, Refusal> {
    let wanted = |name: &'static str| {
        parameter(request, name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| malformed("A parameter is missing.", name))
    };
    if wanted("X-Goog-Algorithm")? != ALGORITHM {
        return Err(malformed("The algorithm is not known.", "X-Goog-Algorithm"));
    }
    let credential = wanted("X-Goog-Credential")?;
    let date = wanted("X-Goog-Date")?;
    let expires = wanted("X-Goog-Expires")?;
    let signed = wanted("X-Goog-SignedHeaders")?;
    let bytes = unhex(wanted("X-Goog-Signature")?);
    let (email, scope) = credential.split_once('/').unwrap_or((credential, ""));
    let parts: Vec<&str> = scope.split('/').collect();
    let time = clock::parse_compact(date).ok_or_else(|| malformed("", "Date"))?;
    match parts[..] {
        [day, _location, "storage", "goog4_request"] if date.starts_with(day) && day.len() == 8 => {
        }
        _ => {
            return Err(malformed(
                "The credential scope is not valid.",
                "X-Goog-Credential",
            ));
        }
    }
    let seconds = expires
        .parse()
        .ok()
        .filter(|seconds| (1..=LONGEST).contains(seconds));
    let seconds =
        seconds.ok_or_else(|| malformed("The expiration is not valid.", "X-Goog-Expires"))?;
    let end = time + Duration::seconds(seconds);
    let now = world.now();
    if end < now {
        let details = format!("Request signature expired at: {}", clock::with_offset(end));
        return Err(
            Refusal::new(400, Kind::BadRequest, details).coded("ExpiredToken", "Invalid argument.")
        );
    }
    if time > now + Duration::minutes(15) {
        return Err(
            Refusal::forbidden("The date of the signature is in the future.")
                .coded("RequestTimeTooSkewed", "Access denied."),
        );
    }
    let headers: Vec<&str> = signed.split(';').collect();
    check_headers(request, &headers)?;
    Ok(Signature {
        email: email.to_owned(),
        scope: scope.to_owned(),
        date,
        headers,
        bytes: bytes.unwrap_or_default(),
    })
}

/// The host has to be signed, and every header of Google's own; what is signed has to be
/// there.
fn check_headers(request: &Request, signed: &[&str]) -> Result<(), Refusal> {
    if !signed.contains(&"host") {
        return Err(malformed("Host header not signed.", ""));
    }
    for name in signed {
        if !request.headers.contains_key(*name) {
            return Err(malformed(
                "Header was included in signedheaders, but not in the request.",
                name,
            ));
        }
    }
    for name in request.headers.keys() {
        let name = name.as_str();
        if name.starts_with("x-goog-") && !signed.contains(&name) {
            return Err(malformed("Header must be signed.", name));
        }
    }
    Ok(())
}

fn canonical_request(request: &Request, method: &str, signed: &[&str]) -> String {
    let part = |part: &str| encode(&percent_decode_str(part).decode_utf8_lossy());
    let path: Vec<String> = request.path.split('/').map(part).collect();
    let mut query: Vec<String> = request
        .query
        .iter()
        .filter(|(key, _)| !key.eq_ignore_ascii_case("X-Goog-Signature"))
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    query.sort();
    let headers: String = signed
        .iter()
        .map(|name| {
            let values = request.headers.get_all(*name).iter();
            let values: Vec<String> = values
                .filter_map(|value| value.to_str().ok())
                .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            format!("{name}:{}\n", values.join(","))
        })
        .collect();
    let payload = request
        .header("x-goog-content-sha256")
        .unwrap_or("UNSIGNED-PAYLOAD");
    format!(
        "{method}\n{}\n{}\n{headers}\n{}\n{payload}",
        path.join("/"),
        query.join("&"),
        signed.join(";")
    )
}
