//! Who gets at the objects: W&B, and nobody whom the owner did not mean.

use super::BYOB_PAGE;
use crate::byob::cloud::CloudKind;
use crate::byob::observed::{IdentityState, Reading};
use crate::byob::requirement::{Check, Evidence, Requirement, Status, Verdict};
use crate::byob::spec::{Access, Setting};

/// The id of [`WANDB_READ_WRITE`].
pub const READ_WRITE: &str = "access.wandb_read_write";

/// `access.wandb_read_write`.
pub const WANDB_READ_WRITE: Requirement = Requirement {
    id: READ_WRITE,
    title: "W&B can read and write objects, and do nothing else",
    why: "W&B lists, reads, writes and deletes artifacts and run files; it needs no right to \
          change who has access, nor to other buckets.",
    clouds: &[CloudKind::S3Compatible],
    attribute: None,
    mended_by: Some(Setting::Identity),
    source: BYOB_PAGE,
    check: Check::Settings(wandb_read_write),
};

/// `access.public_blocked`.
pub const PUBLIC_BLOCKED: Requirement = Requirement {
    id: "access.public_blocked",
    title: "Nothing in the bucket is open to everybody",
    why: "Training data and models are in it.",
    clouds: &[CloudKind::S3Compatible],
    attribute: None,
    mended_by: None,
    source: BYOB_PAGE,
    check: Check::Settings(public_blocked),
};

fn wandb_read_write(evidence: Evidence<'_>) -> Verdict {
    let tried = evidence.tried.get(READ_WRITE);
    match &evidence.spec.access {
        Access::MadeKey(identity) => match &evidence.observed.identity {
            Reading::Known(Some(state)) => match identity_fault(evidence, state) {
                Some(fault) => fault,
                None => tried.cloned().unwrap_or_else(Verdict::pass),
            },
            Reading::Known(None) => Verdict::of(
                Status::Fail,
                format!("user {}", identity.name),
                "not there",
                "W&B's key is of no use without its user",
            ),
            reading => Verdict::unknown(reading.why_unknown().unwrap_or_default()),
        },
        Access::GivenKey => tried.cloned().unwrap_or_else(Verdict::not_applicable),
        Access::Unmanaged => Verdict::unknown(
            "no key of W&B is known here: set create_access_key, or wandb_access_key with its \
             secret, and the bucket is proven with it",
        ),
    }
}

/// What is wrong with the identity on paper, if anything.
fn identity_fault(evidence: Evidence<'_>, state: &IdentityState) -> Option<Verdict> {
    let Access::MadeKey(identity) = &evidence.spec.access else {
        return None;
    };
    let fail = |expected: &str, actual: &str, message: &str| {
        Some(Verdict::of(Status::Fail, expected, actual, message))
    };
    if !state.enabled {
        return fail(
            "enabled",
            "disabled",
            "the server refuses W&B's key while its user is disabled",
        );
    }
    match &state.rights {
        None => return fail("W&B's rights", "none", "the user has lost its rights"),
        Some(rights) if !rights.means_the_same(&identity.rights) => {
            return fail(
                "W&B's rights",
                "other rights",
                "the user's rights were changed",
            );
        }
        Some(_) => {}
    }
    if !state.other_rights.is_empty() {
        return fail(
            "W&B's rights alone",
            &format!("also {}", state.other_rights.join(", ")),
            "the user has more rights than W&B needs",
        );
    }
    match evidence
        .spec
        .access_key_id
        .as_ref()
        .map(|id| state.keys.get(id))
    {
        Some(None) => fail(
            "W&B's access key",
            "not there",
            "the key that W&B holds was removed",
        ),
        Some(Some(false)) => fail(
            "W&B's access key enabled",
            "disabled",
            "the key that W&B holds was disabled",
        ),
        Some(Some(true)) | None => None,
    }
}

fn public_blocked(evidence: Evidence<'_>) -> Verdict {
    match &evidence.observed.grants {
        Reading::Known(document) => {
            let open = document.public_statements();
            if open.is_empty() {
                return Verdict::pass();
            }
            Verdict::of(
                Status::Warn,
                "no statement for everybody",
                open.join(", "),
                "this statement of the bucket's policy lets everybody in; it is not ours, so it \
                 stays until somebody removes it",
            )
        }
        // A server without such documents has no way to open a bucket with one.
        Reading::Unsupported(_) | Reading::Skipped => Verdict::not_applicable(),
        Reading::Denied(why) => Verdict::unknown(format!("not allowed to look: {why}")),
    }
}
