//! Requests as a browser or an SDK with a signed address sends them, and what comes back.
//! Sending is the business of the clouds.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// An address that carries a signature. It cannot be printed.
#[derive(Clone)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// Wraps a signed address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(SecretString::from(url.into()))
    }

    /// The address itself, for the request and nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretUrl(***)")
    }
}

/// One request, ready to be sent. What its headers say cannot be printed: one of them may
/// hold a token.
#[derive(Clone)]
pub struct HttpRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// Where to; usually signed.
    pub url: SecretUrl,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// What to send.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

impl HttpRequest {
    /// A request without headers and body.
    pub fn new(method: &'static str, url: SecretUrl) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// What came back, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case; values of one name are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Whether the server did what was asked for.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
