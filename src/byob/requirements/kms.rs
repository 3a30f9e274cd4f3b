//! The key that encrypts the objects, in the cloud's key service. What is demanded of a
//! given key is only what W&B needs; of one that was made here, everything.

use super::BYOB_PAGE;
use crate::byob::kind::PerCloud;
use crate::byob::observed::{KeyState, Reading, Rule};
use crate::byob::requirement::{Applies, Check, Evidence, Requirement, Status, Verdict, argument};
use crate::byob::spec::{KeySpec, Setting};

/// Why the group says nothing on a cloud whose keys are in no service of their own.
const NO_KEY_SERVICE: &str = "there is no key of a key service to look at";
/// Why a requirement of a made key says nothing where keys are given only.
const GIVEN_ONLY: &str = "keys are given and never made there, and their owner decides that";

/// `kms.key_usage`.
pub const KEY_USAGE: Requirement = Requirement {
    id: "kms.key_usage",
    title: "The key is for encrypting and decrypting",
    why: "A key for signatures cannot encrypt objects.",
    on: PerCloud {
        aws: argument("kms_key_arn"),
        gcp: argument("kms_key_name"),
        azure: Applies::Not(NO_KEY_SERVICE),
        s3_compatible: Applies::Not(NO_KEY_SERVICE),
        coreweave: Applies::Not(NO_KEY_SERVICE),
    },
    mended_by: &[],
    source: BYOB_PAGE,
    check: Check::Settings(key_usage),
};

/// `kms.account_admin`.
pub const ACCOUNT_ADMIN: Requirement = Requirement {
    id: "kms.account_admin",
    title: "The owner's account administers the key",
    why: "A key that nobody may change any more takes the data with it.",
    on: PerCloud {
        aws: argument("kms_admin_arns"),
        gcp: Applies::Not(GIVEN_ONLY),
        azure: Applies::Not(NO_KEY_SERVICE),
        s3_compatible: Applies::Not(NO_KEY_SERVICE),
        coreweave: Applies::Not(NO_KEY_SERVICE),
    },
    mended_by: &[Setting::Key],
    source: BYOB_PAGE,
    check: Check::Settings(account_admin),
};

/// `kms.wandb_use`.
pub const WANDB_USE: Requirement = Requirement {
    id: "kms.wandb_use",
    title: "W&B may encrypt and decrypt with the key",
    why: "Without it every upload and download of W&B is refused, whatever the bucket allows.",
    on: PerCloud {
        aws: argument("kms_key_arn"),
        gcp: argument("kms_key_name"),
        azure: Applies::Not(NO_KEY_SERVICE),
        s3_compatible: Applies::Not(NO_KEY_SERVICE),
        coreweave: Applies::Not(NO_KEY_SERVICE),
    },
    mended_by: &[Setting::Key],
    source: BYOB_PAGE,
    check: Check::Settings(wandb_use),
};

/// `kms.rotation`.
pub const ROTATION: Requirement = Requirement {
    id: "kms.rotation",
    title: "The key's material is renewed as configured",
    why: "Auditors ask for it; old objects stay readable.",
    on: PerCloud {
        aws: argument("kms_key_rotation"),
        gcp: Applies::Not(GIVEN_ONLY),
        azure: Applies::Not(NO_KEY_SERVICE),
        s3_compatible: Applies::Not(NO_KEY_SERVICE),
        coreweave: Applies::Not(NO_KEY_SERVICE),
    },
    mended_by: &[Setting::Key],
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    check: Check::Settings(rotation),
};

/// `kms.enabled`.
pub const ENABLED: Requirement = Requirement {
    id: "kms.enabled",
    title: "The key is there, enabled, and found by its name",
    why: "While it is disabled nothing can be read or written; once it is deleted, never again.",
    on: PerCloud {
        aws: argument("kms_key_arn"),
        gcp: argument("kms_key_name"),
        azure: Applies::Not(NO_KEY_SERVICE),
        s3_compatible: Applies::Not(NO_KEY_SERVICE),
        coreweave: Applies::Not(NO_KEY_SERVICE),
    },
    mended_by: &[Setting::Key],
    source: "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    check: Check::Settings(enabled),
};

/// Judges the key, if there is one to look at and it is there.
fn of_key(evidence: Evidence<'_>, check: impl Fn(&KeySpec, &KeyState, bool) -> Verdict) -> Verdict {
    let Some(wanted) = &evidence.spec.key else {
        return Verdict::not_applicable();
    };
    match &evidence.observed.key {
        Reading::Known(Some(state)) => {
            check(wanted, state, evidence.spec.owns_key(evidence.observed))
        }
        // [`enabled`] says that it is gone.
        Reading::Known(None) => Verdict::not_applicable(),
        reading => Verdict::unknown(reading.why_unknown()),
    }
}

fn key_usage(evidence: Evidence<'_>) -> Verdict {
    of_key(evidence, |_, state, _| {
        if state.other_usage.is_empty() {
            return Verdict::pass();
        }
        Verdict::of(
            Status::Fail,
            "encrypt and decrypt",
            &state.other_usage,
            "objects cannot be encrypted with this key",
        )
    })
}

fn account_admin(evidence: Evidence<'_>) -> Verdict {
    of_key(evidence, |_, state, is_ours| {
        if !is_ours {
            return Verdict::not_applicable();
        }
        judge(
            &state.admins,
            "the owner's account and the configured administrators",
            "the key could become impossible to administer",
        )
    })
}

fn wandb_use(evidence: Evidence<'_>) -> Verdict {
    of_key(evidence, |wanted, state, is_ours| {
        if wanted.users.is_empty() && state.users.known() == Some(&Rule::AsWanted) {
            return Verdict::not_applicable();
        }
        let message = if is_ours {
            "W&B's requests would be refused by the key".to_owned()
        } else {
            format!(
                "the key is not this resource's own, so its policy is not changed; add this \
                 statement to it: {}",
                state.remedy
            )
        };
        judge(
            &state.users,
            &format!("W&B's rights for {}", wanted.users.join(", ")),
            &message,
        )
    })
}

fn judge(rule: &Reading<Rule>, expected: &str, message: &str) -> Verdict {
    match rule {
        Reading::Known(Rule::AsWanted) => Verdict::pass(),
        Reading::Known(Rule::Missing) => Verdict::of(Status::Fail, expected, "none", message),
        Reading::Known(Rule::Different(what)) => Verdict::of(Status::Fail, expected, what, message),
        reading => Verdict::unknown(reading.why_unknown()),
    }
}

fn rotation(evidence: Evidence<'_>) -> Verdict {
    of_key(evidence, |wanted, state, is_ours| {
        let word = |on: bool| if on { "every year" } else { "never" };
        match &state.rotation {
            _ if !is_ours => Verdict::not_applicable(),
            Reading::Known(actual) if *actual == wanted.rotation && !wanted.rotation => {
                Verdict::of(
                    Status::Warn,
                    word(true),
                    word(false),
                    "switched off by the configuration",
                )
            }
            Reading::Known(actual) => Verdict::compare(
                word(wanted.rotation),
                word(*actual),
                "the key's material is not renewed as configured",
            ),
            reading => Verdict::unknown(reading.why_unknown()),
        }
    })
}

fn enabled(evidence: Evidence<'_>) -> Verdict {
    if evidence.spec.key.is_some() && evidence.observed.key == Reading::Known(None) {
        return Verdict::of(
            Status::Fail,
            "the key",
            "not there",
            "objects that were encrypted with it cannot be read any more",
        );
    }
    of_key(evidence, |_, state, is_ours| {
        if let Some(days) = state.days_to_deletion {
            let mends = if is_ours {
                "the next apply cancels the deletion and enables the key"
            } else {
                "cancel the deletion and enable the key; it is not this resource's own"
            };
            return Verdict::of(
                Status::Fail,
                "enabled",
                format!("it will be deleted in {days} days"),
                format!("everything in the bucket will be lost with it; {mends}"),
            );
        }
        if !state.enabled {
            return Verdict::of(
                Status::Fail,
                "enabled",
                "disabled",
                "nothing in the bucket can be read or written",
            );
        }
        if is_ours && !state.alias {
            return Verdict::of(
                Status::Fail,
                "found by its alias",
                "the alias is missing or names another key",
                "people, and a create that goes on, would not find the key",
            );
        }
        Verdict::pass()
    })
}
