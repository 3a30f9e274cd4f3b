//! Encryption at rest. On S3-compatible servers it is the user's choice, so it is
//! looked at only where a configuration asks for it.

use super::BYOB_PAGE;
use crate::byob::kind::PerCloud;
use crate::byob::observed::Reading;
use crate::byob::requirement::{Applies, Check, Evidence, Requirement, Status, Verdict, argument};
use crate::byob::spec::{Key, Setting};

/// `encryption.at_rest`.
pub const AT_REST: Requirement = Requirement {
    id: "encryption.at_rest",
    title: "New objects are encrypted at rest as configured",
    why: "Whoever gets hold of a disk must not get hold of the data.",
    on: PerCloud {
        aws: argument("sse_algorithm"),
        gcp: Applies::Not("Google Cloud encrypts every object"),
        azure: Applies::Not("Azure encrypts every blob"),
        s3_compatible: argument("sse_algorithm"),
        coreweave: Applies::Not("CoreWeave encrypts every object"),
    },
    mended_by: &[Setting::Encryption],
    source: BYOB_PAGE,
    check: Check::Settings(at_rest),
};

/// `encryption.kms_key`.
pub const KMS_KEY: Requirement = Requirement {
    id: "encryption.kms_key",
    title: "New objects are encrypted with the configured key",
    why: "Disabling or deleting that key is how the owner takes the data away from everybody.",
    on: PerCloud {
        aws: argument("kms_key_arn"),
        gcp: argument("kms_key_name"),
        azure: Applies::Not("the account's keys encrypt"),
        s3_compatible: argument("kms_key_name"),
        coreweave: Applies::Not("CoreWeave's own keys encrypt"),
    },
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
        reading => Verdict::unknown(reading.why_unknown()),
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
            Some(actual) if expected == actual => Verdict::pass(),
            actual => Verdict::of(
                Status::Fail,
                expected,
                actual.unwrap_or("none"),
                "new objects are encrypted with another key",
            ),
        },
        reading => Verdict::unknown(reading.why_unknown()),
    }
}
