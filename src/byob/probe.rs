//! What a probe asks of a bucket, and what it found out.
//!
//! A probe acts as the two parties that W&B sends to a bucket: a browser on another
//! origin, and the SDK with a signed address. Doing it is the business of
//! `clouds/probe.rs`; this is only the vocabulary.

use std::collections::BTreeMap;

use super::cloud::SecretUrl;

/// What a probe's object is called, below the path.
pub const OBJECT: &str = ".wandb-byob-probe";
/// How the object that is uploaded in parts ends.
pub const PARTS_SUFFIX: &str = "-parts";

/// Whether an object is one of a probe's: nobody's data. A run that was killed leaves
/// such objects behind.
pub fn is_probe_object(object: &str) -> bool {
    let name = object.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(PARTS_SUFFIX).unwrap_or(name) == OBJECT
}

/// A request as a browser or an SDK with a signed address sends it.
#[derive(Clone, Debug)]
pub struct WebRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// Where to; usually signed.
    pub url: SecretUrl,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// What to send.
    pub body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case; values of one name are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// One request that can be signed.
#[expect(missing_docs, reason = "the fields are what their names say")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeRequest {
    /// Upload an object.
    Put { object: String },
    /// Download it.
    Get { object: String },
    /// Ask for its headers.
    Head { object: String },
    /// Begin an upload in parts.
    BeginUpload { object: String },
    /// Send one part, numbered from 1.
    UploadPart {
        object: String,
        upload: String,
        part: u32,
    },
    /// List uploads in parts of the object that nobody has finished.
    ListUploads { object: String },
    /// Give the upload up.
    AbortUpload { object: String, upload: String },
    /// Delete an object, or one version of it.
    Delete {
        object: String,
        version: Option<String>,
    },
}

impl ProbeRequest {
    /// The HTTP method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Put { .. } | Self::UploadPart { .. } => "PUT",
            Self::Get { .. } | Self::ListUploads { .. } => "GET",
            Self::Head { .. } => "HEAD",
            Self::BeginUpload { .. } => "POST",
            Self::AbortUpload { .. } | Self::Delete { .. } => "DELETE",
        }
    }
}

/// Whether one part of the probe worked.
#[expect(missing_docs, reason = "the fields are what their names say")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It worked.
    Passed,
    /// It was refused or came out wrong: what was expected, what came, and why.
    Failed {
        expected: String,
        actual: String,
        message: String,
    },
    /// It could not be tried, for example because an earlier part failed.
    NotTried(String),
}

/// The outcome of a probe, one entry a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// `probe.preflight`.
    pub preflight: Attempt,
    /// `probe.put`.
    pub put: Attempt,
    /// `probe.get`, which includes the request for headers.
    pub get: Attempt,
    /// `probe.multipart`.
    pub multipart: Attempt,
    /// `probe.etag`.
    pub etag: Attempt,
    /// `access.wandb_read_write`: W&B's key can do this and no more. Not tried
    /// without that key.
    pub access: Attempt,
    /// Objects of the probe that could not be removed.
    pub left_behind: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::is_probe_object;

    #[test]
    fn only_the_probes_own_names_are_nobodys_data() {
        for own in [".wandb-byob-probe", "teams/omega/.wandb-byob-probe-parts"] {
            assert!(is_probe_object(own), "{own}");
        }
        for data in [
            "",
            "model.bin",
            ".wandb-byob-probe.bin",
            ".wandb-byob-probe/model.bin",
            "x.wandb-byob-probe",
        ] {
            assert!(!is_probe_object(data), "{data}");
        }
    }
}
