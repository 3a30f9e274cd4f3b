//! What only trying can tell: the bucket as a browser and the SDK meet it.

use super::BYOB_PAGE;
use crate::byob::requirement::{Check, HERE, Requirement, everywhere};

/// The id of [`PROBE_PREFLIGHT`].
pub const PREFLIGHT: &str = "probe.preflight";
/// The id of [`PROBE_PUT`].
pub const PUT: &str = "probe.put";
/// The id of [`PROBE_GET`].
pub const GET: &str = "probe.get";
/// The id of [`PROBE_MULTIPART`].
pub const MULTIPART: &str = "probe.multipart";
/// The id of [`PROBE_ETAG`].
pub const ETAG: &str = "probe.etag";

const fn trial(id: &'static str, title: &'static str, why: &'static str) -> Requirement {
    Requirement {
        id,
        title,
        why,
        on: everywhere(HERE),
        mended_by: &[],
        source: BYOB_PAGE,
        check: Check::Trial,
    }
}

/// `probe.preflight`.
pub const PROBE_PREFLIGHT: Requirement = trial(
    PREFLIGHT,
    "A browser on W&B's origin is let in",
    "Settings can look right while a proxy or the server's own rules refuse the browser.",
);
/// `probe.put`.
pub const PROBE_PUT: Requirement = trial(
    PUT,
    "A signed upload succeeds",
    "This is how the SDK and the web application write files.",
);
/// `probe.get`.
pub const PROBE_GET: Requirement = trial(
    GET,
    "A signed download returns what was uploaded",
    "This is how files are read; encryption keys that W&B may not use show here.",
);
/// `probe.multipart`.
pub const PROBE_MULTIPART: Requirement = trial(
    MULTIPART,
    "An upload in parts can be begun, fed and given up",
    "Artifacts over a few hundred megabytes are uploaded in parts.",
);
/// `probe.etag`.
pub const PROBE_ETAG: Requirement = trial(
    ETAG,
    "A web page can read the ETag of an upload",
    "An upload in parts is finished by naming the ETag of each part.",
);
