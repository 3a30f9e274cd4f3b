//! What a probe asks of a bucket, and what it found out.
//!
//! A probe acts as the two parties that W&B sends to a bucket: a browser on another
//! origin, and the SDK with a signed address. Doing it is the business of
//! [`crate::probe`]; this is only the vocabulary.

use super::http::HttpRequest;

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

/// One step of a probe, which a cloud turns into a signed request.
#[expect(missing_docs, reason = "the fields are what their names say")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeStep {
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

/// What a cloud makes of a [`ProbeStep`].
#[derive(Clone, Debug)]
pub enum Signed {
    /// The request that does it, but for the body.
    Request(HttpRequest),
    /// The cloud does not have this step: it is done without.
    NotNeeded,
    /// It cannot be signed with these credentials, for this reason.
    Unable(String),
}

/// What an answer to a [`ProbeStep`] says, in no cloud's language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeReply {
    /// The cloud's own word for a refusal.
    pub code: Option<String>,
    /// The version of the object that was written or looked at.
    pub version: Option<Version>,
    /// Ids of uploads in parts: the one that was begun, or all that were listed.
    pub uploads: Vec<String>,
}

/// Which version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// The object has no other one, so that a deletion need not name it.
    pub is_only: bool,
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
    /// It worked, and more than W&B needs did too: what else.
    Exceeded(String),
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
    /// `object_lock.no_default_retention`: what is written can be removed again. Where it
    /// cannot, or nobody can tell, nothing was written.
    pub retention: Attempt,
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
