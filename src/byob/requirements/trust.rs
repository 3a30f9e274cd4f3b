//! Whose tokens can become W&B's identity.

use super::BYOB_PAGE;
use crate::byob::kind::PerCloud;
use crate::byob::observed::{Observed, Reading, Rule};
use crate::byob::requirement::{Applies, Check, Evidence, Requirement, Status, Verdict, argument};
use crate::byob::spec::{Access, BucketSpec, Setting};

/// `access.federated_credentials`.
pub const FEDERATED_CREDENTIALS: Requirement = Requirement {
    id: "access.federated_credentials",
    title: "The services of the W&B instance can become W&B's identity, and nobody else",
    why: "Each service shows a token of its own cluster, whose issuer and name the cloud knows.",
    on: PerCloud {
        aws: Applies::Not("W&B has a principal of its own there"),
        gcp: Applies::Not("W&B has a service account of its own there"),
        azure: argument("oidc_issuer_url"),
        s3_compatible: Applies::Not("W&B comes by a key"),
        coreweave: Applies::Not("W&B has a principal of its own there"),
    },
    mended_by: &[Setting::Identity],
    source: BYOB_PAGE,
    check: Check::Settings(federated_credentials),
};

fn federated_credentials(evidence: Evidence<'_>) -> Verdict {
    if let Some(fault) = trust_fault(evidence.spec, evidence.observed) {
        return fault;
    }
    match &evidence.observed.identity {
        Reading::Known(Some(state)) if state.trust.is_some() && !state.trusts_others.is_empty() => {
            Verdict::of(
                Status::Warn,
                "the services of the W&B instance",
                format!("also {}", state.trusts_others.join(", ")),
                "whoever holds such a token can do what W&B can; nobody here has let it in, so it \
                 stays until somebody removes it",
            )
        }
        Reading::Known(Some(state)) if state.trust.is_some() => Verdict::pass(),
        _ => Verdict::not_applicable(),
    }
}

/// What is wrong with the trust in W&B's own tokens, if there is to be any.
pub fn trust_fault(spec: &BucketSpec, observed: &Observed) -> Option<Verdict> {
    let Access::MadeIdentity(_) = &spec.access else {
        return None;
    };
    let state = match &observed.identity {
        Reading::Known(Some(state)) => state,
        // identity_fault says it.
        Reading::Known(None) => return None,
        reading => return Some(Verdict::unknown(reading.why_unknown())),
    };
    let actual = match state.trust.as_ref()? {
        Rule::AsWanted => return None,
        Rule::Missing => "none",
        Rule::Different(what) => what,
    };
    Some(Verdict::of(
        Status::Fail,
        "the services of the W&B instance",
        actual,
        "some services of the instance cannot sign in as W&B's identity",
    ))
}
