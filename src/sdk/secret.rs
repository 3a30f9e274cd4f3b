//! Secrets, and what this process must not print: every one that has passed through it.
//!
//! Servers, and proxies before them, repeat what they were sent. So their words are scrubbed
//! of all that is known here before they go anywhere: into an error, a log line, or a state.
//! A [`Secret`] remembers itself; whoever sends a secret in another form
//! remembers that form as well.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// A text that cannot be printed, not even by a server that repeats it: see [`scrub`]. It compares by
/// content.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        remember(&text);
        Self(SecretString::from(text))
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(***)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

/// What stands in the place of a secret.
const MASK: &str = "***";
/// Shorter ones are words of every text, and no server takes them for a secret key.
const SHORTEST: usize = 8;

static KNOWN: Mutex<BTreeSet<Known>> = Mutex::new(BTreeSet::new());

/// A secret; the longest comes first, for it may hold a shorter one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Known(std::cmp::Reverse<usize>, String);

fn known() -> MutexGuard<'static, BTreeSet<Known>> {
    // Nothing in there can be half written.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Never prints this from now on, nor what becomes of it in an address, in JSON, or in base64.
pub fn remember(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST {
        return;
    }
    let json = serde_json::Value::from(secret).to_string();
    let forms = [
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json.trim_matches('"').to_owned(),
        STANDARD.encode(secret),
    ];
    let mut known = known();
    for form in forms {
        known.insert(Known(std::cmp::Reverse(form.len()), form));
    }
}

/// Never prints what this user's name and secret become in a header for basic
/// authentication, either.
pub fn remember_basic(user: &str, secret: &str) {
    remember(secret);
    remember(&STANDARD.encode(format!("{user}:{secret}")));
}

/// The text without any secret.
pub fn scrub(text: &str) -> String {
    let mut text = text.to_owned();
    for Known(_, secret) in known().iter() {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), MASK);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_scrubbed() {
        remember("Se/cr+et=\"01");
        remember_basic("api", "local-0123456789");
        for text in [
            "Se/cr+et=\"01",
            "Se%2Fcr%2Bet%3D%2201",
            "Se/cr+et=\\\"01",
            "U2UvY3IrZXQ9IjAx",
            "local-0123456789",
            "YXBpOmxvY2FsLTAxMjM0NTY3ODk=",
        ] {
            let scrubbed = scrub(&format!("you sent <{text}>!"));
            assert_eq!(scrubbed, "you sent <***>!", "{text}");
        }
    }

    #[test]
    fn short_words_stay() {
        remember("admin");
        assert_eq!(scrub("the admin's"), "the admin's");
    }

    #[test]
    fn a_secret_inside_another_leaves_no_rest() {
        remember("abcdefgh-inner");
        remember("abcdefgh-inner-and-more");
        assert_eq!(scrub("x abcdefgh-inner-and-more y"), "x *** y");
    }
}
