//! Encryption at rest. On S3-compatible servers it is the user's choice, so it is
//! looked at only where a configuration asks for it.

use super::BYOB_PAGE;
use crate::byob::cloud::CloudKind;
use crate::byob::observed::Reading;
use crate::byob::requirement::{Check, Evidence, Requirement, Status, Verdict};
use crate::byob::spec::{Key, Setting};

/// `encryption.at_rest`.
pub const AT_REST: Requirement = Requirement {
    id: "encryption.at_rest",
    title: "New objects are encrypted at rest as configured",
    why: "Whoever gets hold of a disk must not get hold of the data.",
    clouds: &[CloudKind::Aws, CloudKind::S3Compatible],
    attribute: Some("sse_algorithm"),
    mended_by: &[Setting::Encryption],
    source: BYOB_PAGE,
    check: Check::Settings(at_rest),
};

/// `encryption.kms_key`.
pub const KMS_KEY: Requirement = Requirement {
    id: "encryption.kms_key",
    title: "New objects are encrypted with the configured key",
    why: "Disabling or deleting that key is how the owner takes the data away from everybody.",
    clouds: &[CloudKind::Aws, CloudKind::S3Compatible],
    attribute: Some("kms_key_name"),
    mended_by: &[Setting::Encryption],
    source: BYOB_PAGE,
    check: Check::Settings(kms_key),
};

fn at_rest(evidence: Evidence<'_>) -> Verdict {
    let Some(wanted) = &evidence.spec.encryption else {
        return Verdict::not_applicable();
    };
    match &evidence.observed.encryption {
        Reading::Known(state) => Verdict::compare(
            &wanted.algorithm,
            state.algorithm.as_deref().unwrap_or("none"),
            "new objects are not encrypted as configured",
        ),
        reading => Verdict::unknown(reading.why_unknown().unwrap_or_default()),
    }
}

fn kms_key(evidence: Evidence<'_>) -> Verdict {
    let expected = match evidence.spec.encryption.as_ref().map(|wanted| &wanted.key) {
        None | Some(Key::Server) => return Verdict::not_applicable(),
        Some(Key::Named(key)) => key.as_str(),
        Some(Key::ToMake) => "a key of its own",
    };
    match &evidence.observed.encryption {
        Reading::Known(state) => match state.key.as_deref() {
            Some(actual) if same_key(expected, actual) => Verdict::pass(),
            actual => Verdict::of(
                Status::Fail,
                expected,
                actual.unwrap_or("none"),
                "new objects are encrypted with another key",
            ),
        },
        reading => Verdict::unknown(reading.why_unknown().unwrap_or_default()),
    }
}

/// Servers answer a key's name with or without the prefix of an AWS key, or only with
/// its last part.
pub fn same_key(wanted: &str, actual: &str) -> bool {
    let bare = |key: &str| key.strip_prefix("arn:aws:kms:").unwrap_or(key).to_owned();
    bare(wanted) == bare(actual)
        || wanted
            .strip_suffix(actual)
            .is_some_and(|start| !actual.is_empty() && start.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::same_key;

    #[test]
    fn a_prefix_does_not_make_another_key() {
        assert!(same_key("wandb-key", "arn:aws:kms:wandb-key"));
        assert!(!same_key("wandb-key", "arn:aws:kms:other"));
        let arn = "arn:aws:kms:us-east-1:123456789012:key/0a1b";
        assert!(same_key(arn, "0a1b"));
        assert!(!same_key(arn, "a1b") && !same_key(arn, ""));
    }
}
