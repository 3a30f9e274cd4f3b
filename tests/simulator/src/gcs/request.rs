//! A request in the form that every service here looks at, and an answer before it goes
//! out. Plain values: a batch makes requests of its own and reads the answers.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::refusal::Refusal;

/// A request that has arrived whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As the client sent it, with the port.
    pub(crate) host: String,
    /// Still percent-encoded, without the query.
    pub(crate) path: String,
    /// The parts of the path, decoded; none for `/`.
    pub(crate) segments: Vec<String>,
    /// Still percent-encoded; empty when there is none.
    pub(crate) raw_query: String,
    /// In the order of the address, decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// `target` is the path with its query, as in a request line.
    pub(crate) fn new(method: Method, target: &str, headers: HeaderMap, body: Bytes) -> Self {
        let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts = path.strip_prefix('/').unwrap_or(path);
        let segments = if parts.is_empty() {
            Vec::new()
        } else {
            parts.split('/').map(decode).collect()
        };
        let host = headers
            .get("host")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        Self {
            method,
            host,
            path: path.to_owned(),
            segments,
            raw_query: raw_query.to_owned(),
            query: url::form_urlencoded::parse(raw_query.as_bytes())
                .into_owned()
                .collect(),
            headers,
            body,
        }
    }

    /// The parts of the path, for matching.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The first value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter is `true`; Google's own library writes `True`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A whole number among the query parameters.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.parameter(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            Refusal::invalid(format!("Invalid value for {name}: '{text}'"))
                .at("parameter", name.to_owned())
        })
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a JSON object; an empty body is an empty object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        match serde_json::from_slice(&self.body) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) | Err(_) => Err(Refusal::parse_error()),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Self::empty(status)
            .with("Content-Type", "application/json; charset=UTF-8")
            .with(
                "Cache-Control",
                "no-cache, no-store, max-age=0, must-revalidate",
            )
            .body(text)
    }

    pub(crate) fn ok(value: &Value) -> Self {
        Self::json(200, value)
    }

    pub(crate) fn xml(status: u16, text: &str) -> Self {
        Self::empty(status)
            .with("Content-Type", "application/xml; charset=UTF-8")
            .body(format!("<?xml version='1.0' encoding='UTF-8'?>{text}"))
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).unwrap_or_default()
    }
}

/// A part of a multipart body: its headers, with lower-case names, and its content.
pub(crate) type Part = (Vec<(String, String)>, Bytes);

/// The parts of a multipart body.
pub(crate) fn parts_of(body: &Bytes, content_type: &str) -> Option<Vec<Part>> {
    let (_, boundary) = content_type.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches(['"', '\'']);
    let mark = format!("--{boundary}");
    let mut found = Vec::new();
    let mut at = position(body, mark.as_bytes(), 0)? + mark.len();
    loop {
        if body[at..].starts_with(b"--") {
            return Some(found);
        }
        let end = position(body, format!("\n{mark}").as_bytes(), at)?;
        // The line break before a boundary belongs to the boundary.
        let cut = if end > at && body[end - 1] == b'\r' {
            end - 1
        } else {
            end
        };
        let part = body.slice(at..cut);
        found.push(split_head(&part)?);
        at = end + 1 + mark.len();
    }
}

/// Headers, with lower-case names, and what follows them.
pub(crate) fn split_head(part: &Bytes) -> Option<Part> {
    let start = part.iter().position(|byte| !byte.is_ascii_whitespace());
    let part = part.slice(start.unwrap_or(part.len())..);
    let (end, length) = position(&part, b"\r\n\r\n", 0)
        .map(|at| (at, 4))
        .or_else(|| position(&part, b"\n\n", 0).map(|at| (at, 2)))
        .unwrap_or((part.len(), 0));
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let headers = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some((headers, part.slice(end + length..)))
}

/// Where some bytes begin, from a place on.
pub(crate) fn position(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::{Bytes, parts_of};

    #[test]
    fn multipart_bodies_keep_their_line_breaks() {
        let body = Bytes::from("--b\r\nContent-Type: a\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\n--b--");
        let parts = parts_of(&body, "multipart/related; boundary=\"b\"").unwrap();
        assert_eq!(parts[0].0, [("content-type".to_owned(), "a".to_owned())]);
        assert_eq!(&parts[0].1[..], b"one\r\n");
        assert!(parts_of(&body, "multipart/related").is_none());
    }
}
