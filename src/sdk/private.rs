//! Data that Terraform keeps for a resource beside its state. Not encrypted, not shown.
//!
//! Read and Delete see what the last apply left; the delete half of a replacement
//! sees what the *plan* of the create half wrote. So nothing that Delete needs may
//! live here alone.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::diagnostic::Diagnostic;

/// Named values that survive from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Private(BTreeMap<String, Json>);

impl Private {
    /// Reads what Terraform kept; no bytes are no values.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Diagnostic> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map(Self).map_err(|_| {
            Diagnostic::error(
                "The resource's private data cannot be read",
                "Terraform's state holds private data for this resource that this provider did \
                 not write. Restore the state from a backup, or remove the resource from the \
                 state and import it again.",
            )
        })
    }

    /// The bytes for Terraform to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        Json::from_iter(self.0.clone()).to_string().into_bytes()
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// The text of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_str)
    }

    /// Keeps a value under this name.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The values of a part of the object, kept under one name.
    pub fn part(&self, name: &str) -> Self {
        match self.get(name) {
            Some(Json::Object(map)) => Self(map.clone().into_iter().collect()),
            _ => Self::default(),
        }
    }

    /// Keeps the values of a part of the object under one name.
    pub fn set_part(&mut self, name: &str, part: &Self) {
        if part.0.is_empty() {
            self.remove(name);
        } else {
            self.set(name, Json::from_iter(part.0.clone()));
        }
    }

    /// Forgets the value of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back() {
        let mut private = Private::default();
        assert_eq!(private.to_bytes(), b"");
        private.set("create", "x");
        assert_eq!(private.to_bytes(), br#"{"create":"x"}"#);
        assert_eq!(Private::from_bytes(&private.to_bytes()), Ok(private));
        assert!(Private::from_bytes(b"\xc0").is_err());
    }
}
