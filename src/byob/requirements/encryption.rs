//! Encryption at rest. On S3-compatible servers it is the user's choice, so it is
//! looked at only where a configuration asks for it.

use super::BYOB_PAGE;
use crate::byob::cloud::CloudKind;
use crate::byob::requirement::{Check, Evidence, Requirement, Verdict};
use crate::byob::spec::{Encryption, Setting};

/// `encryption.at_rest`.
pub const AT_REST: Requirement = Requirement {
    id: "encryption.at_rest",
    title: "New objects are encrypted at rest as configured",
    why: "Whoever gets hold of a disk must not get hold of the data.",
    clouds: &[CloudKind::S3Compatible],
    attribute: Some("sse_algorithm"),
    mended_by: Some(Setting::Encryption),
    source: BYOB_PAGE,
    check: Check::Settings(at_rest),
};

/// `encryption.kms_key`.
pub const KMS_KEY: Requirement = Requirement {
    id: "encryption.kms_key",
    title: "New objects are encrypted with the configured key",
    why: "Disabling or deleting that key is how the owner takes the data away from everybody.",
    clouds: &[CloudKind::S3Compatible],
    attribute: Some("kms_key_name"),
    mended_by: Some(Setting::Encryption),
    source: BYOB_PAGE,
    check: Check::Settings(kms_key),
};

fn at_rest(evidence: Evidence<'_>) -> Verdict {
    let expected = match &evidence.spec.encryption {
        Encryption::Unmanaged => return Verdict::not_applicable(),
        Encryption::ServerKey(algorithm) | Encryption::NamedKey { algorithm, .. } => algorithm,
    };
    match evidence.observed.encryption.known() {
        Some(state) => Verdict::compare(
            expected,
            state.algorithm.as_deref().unwrap_or("none"),
            "new objects are not encrypted as configured",
        ),
        None => Verdict::unknown(
            evidence
                .observed
                .encryption
                .why_unknown()
                .unwrap_or_default(),
        ),
    }
}

fn kms_key(evidence: Evidence<'_>) -> Verdict {
    let Encryption::NamedKey { key, .. } = &evidence.spec.encryption else {
        return Verdict::not_applicable();
    };
    match evidence.observed.encryption.known() {
        Some(state)
            if state
                .key
                .as_deref()
                .is_some_and(|actual| same_key(key, actual)) =>
        {
            Verdict::pass()
        }
        Some(state) => Verdict::compare(
            key,
            state.key.as_deref().unwrap_or("none"),
            "new objects are encrypted with another key",
        ),
        None => Verdict::unknown(
            evidence
                .observed
                .encryption
                .why_unknown()
                .unwrap_or_default(),
        ),
    }
}

/// Servers answer a key's name with or without the prefix of an AWS key.
pub fn same_key(wanted: &str, actual: &str) -> bool {
    let bare = |key: &str| key.strip_prefix("arn:aws:kms:").unwrap_or(key).to_owned();
    bare(wanted) == bare(actual)
}

#[cfg(test)]
mod tests {
    use super::same_key;

    #[test]
    fn a_prefix_does_not_make_another_key() {
        assert!(same_key("wandb-key", "arn:aws:kms:wandb-key"));
        assert!(!same_key("wandb-key", "arn:aws:kms:other"));
    }
}
