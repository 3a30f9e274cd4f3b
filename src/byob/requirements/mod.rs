//! The catalogue: what W&B needs of a bucket, one value each, grouped by what they are
//! about. Ids are public and never reused.

pub mod access;
pub mod cors;
pub mod data;
pub mod encryption;
pub mod kms;
pub mod probes;
pub mod registration;
pub mod trust;

use super::probe::ProbeResult;
use super::requirement::{Check, Requirement, Status, Tried, Verdict};

/// Where most requirements come from.
pub(crate) const BYOB_PAGE: &str =
    "https://docs.wandb.ai/platform/hosting/data-security/secure-storage-connector";

/// All requirements, in the order of the documentation and of findings.
pub static CATALOGUE: &[Requirement] = &[
    cors::METHODS,
    cors::HEADERS,
    cors::ORIGINS,
    cors::ETAG_EXPOSED,
    cors::MAX_AGE,
    access::WANDB_READ_WRITE,
    access::HTTPS_ONLY,
    access::PUBLIC_BLOCKED,
    access::UNIFORM,
    access::STORAGE_ADMIN,
    access::IDENTITY_ROLES,
    trust::FEDERATED_CREDENTIALS,
    encryption::AT_REST,
    encryption::KMS_KEY,
    kms::KEY_USAGE,
    kms::ACCOUNT_ADMIN,
    kms::WANDB_USE,
    kms::ROTATION,
    kms::ENABLED,
    data::VERSIONING_ENABLED,
    data::SOFT_DELETE,
    data::SOFT_DELETE_CONTAINERS,
    data::NO_EXCLUSIONS,
    access::BUCKET_OWNER,
    data::NO_EXPIRY,
    data::NO_DEFAULT_RETENTION,
    data::NAME_VALID,
    data::AVAILABILITY_SUPPORTED,
    probes::PROBE_PREFLIGHT,
    probes::PROBE_PUT,
    probes::PROBE_GET,
    probes::PROBE_MULTIPART,
    probes::PROBE_ETAG,
    registration::WANDB_CONNECTION,
];

/// The requirement with this id.
pub fn find(id: &str) -> Option<&'static Requirement> {
    CATALOGUE.iter().find(|requirement| requirement.id == id)
}

/// Every requirement that only a trial can decide is unknown, for this reason.
pub fn untried(why: &str) -> Tried {
    CATALOGUE
        .iter()
        .filter(|requirement| matches!(requirement.check, Check::Trial | Check::Either(_)))
        .fold(Tried::nothing(), |tried, requirement| {
            tried.with(requirement.id, Verdict::unknown(why))
        })
}

/// What a probe has found out.
pub fn probed(result: &ProbeResult) -> Tried {
    [
        (probes::PREFLIGHT, &result.preflight),
        (probes::PUT, &result.put),
        (probes::GET, &result.get),
        (probes::MULTIPART, &result.multipart),
        (probes::ETAG, &result.etag),
        (access::READ_WRITE, &result.access),
        (data::RETENTION, &result.retention),
    ]
    .into_iter()
    .fold(Tried::nothing(), |tried, (id, attempt)| {
        let mut verdict = Verdict::from(attempt);
        // The owner's own choice: W&B can work with it, and cannot delete.
        if id == data::RETENTION && verdict.status == Status::Fail {
            verdict.status = Status::Warn;
        }
        tried.with(id, verdict)
    })
}

/// Whether a failure of this requirement is one that was seen to happen, by trying what W&B
/// does: such a bucket does not work, whatever its settings say, and nobody may rely on it.
pub fn is_proof(id: &str) -> bool {
    id == access::READ_WRITE || is_of_probe(id)
}

/// Whether only a probe decides this requirement.
pub fn is_of_probe(id: &str) -> bool {
    id.starts_with("probe.")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_spelled_alike() {
        let ids: BTreeSet<&str> = CATALOGUE.iter().map(|requirement| requirement.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for id in ids {
            let (group, rest) = id.split_once('.').unwrap_or_else(|| panic!("{id}"));
            let plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(plain(group) && plain(rest), "{id}");
        }
    }

    #[test]
    fn everything_is_documented() {
        for requirement in CATALOGUE {
            for text in [requirement.title, requirement.why, requirement.source] {
                assert!(text.len() > 8, "{}", requirement.id);
            }
            assert!(!requirement.title.ends_with('.'), "{}", requirement.id);
        }
    }
}
