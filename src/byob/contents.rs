//! How much a bucket holds.

use std::fmt;

/// How much a bucket holds, counted up to a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Current objects.
    pub objects: u64,
    /// Versions that are not current.
    pub versions: u64,
    /// Delete markers.
    pub delete_markers: u64,
    /// Uploads that were begun and neither finished nor aborted.
    pub uploads: u64,
    /// Bytes of all counted objects and versions.
    pub bytes: u64,
    /// The counting stopped at the limit: there is more.
    pub at_least: bool,
}

impl Contents {
    /// Whether deleting the bucket now would lose nothing.
    pub fn is_empty(&self) -> bool {
        self.objects + self.versions + self.delete_markers + self.uploads == 0
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            (self.objects, "object"),
            (self.versions, "noncurrent version"),
            (self.delete_markers, "delete marker"),
            (self.uploads, "unfinished upload"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| format!("{count} {noun}{}", if *count == 1 { "" } else { "s" }))
        .collect();
        let prefix = if self.at_least { "at least " } else { "" };
        match parts.split_last() {
            None => out.write_str("nothing"),
            Some((only, [])) => write!(out, "{prefix}{only} ({} bytes)", self.bytes),
            Some((last, rest)) => write!(
                out,
                "{prefix}{} and {last} ({} bytes)",
                rest.join(", "),
                self.bytes
            ),
        }
    }
}
