//! Who gets at the objects: W&B, and nobody whom the owner did not mean.

use std::collections::BTreeSet;

use super::BYOB_PAGE;
use super::trust::trust_fault;
use crate::byob::kind::PerCloud;
use crate::byob::observed::{IdentityState, Observed, Reading, Rule};
use crate::byob::requirement::{
    Applies, Check, Evidence, HERE, Requirement, Status, Verdict, argument, everywhere,
};
use crate::byob::spec::{Access, BucketSpec, Setting};

/// The id of [`WANDB_READ_WRITE`].
pub const READ_WRITE: &str = "access.wandb_read_write";

/// `access.wandb_read_write`.
pub const WANDB_READ_WRITE: Requirement = Requirement {
    id: READ_WRITE,
    title: "W&B can read and write objects, and do nothing else",
    why: "W&B lists, reads, writes and deletes artifacts and run files; it needs no right to \
          change who has access, nor to other buckets. The roles that it asks for on Google Cloud can \
          do more, which is the subject of `access.storage_admin`.",
    on: everywhere(HERE),
    mended_by: &[Setting::Grants, Setting::Identity],
    source: BYOB_PAGE,
    check: Check::Settings(wandb_read_write),
};

/// `access.public_blocked`.
pub const PUBLIC_BLOCKED: Requirement = Requirement {
    id: "access.public_blocked",
    title: "Nothing in the bucket is open to everybody",
    why: "Training data and models are in it.",
    on: PerCloud {
        aws: HERE,
        gcp: argument("public_access_prevention"),
        azure: HERE,
        s3_compatible: HERE,
        coreweave: HERE,
    },
    mended_by: &[Setting::PublicAccess],
    source: BYOB_PAGE,
    check: Check::Settings(public_blocked),
};

/// `access.https_only`.
pub const HTTPS_ONLY: Requirement = Requirement {
    id: "access.https_only",
    title: "Plain HTTP is refused",
    why: "Signed addresses and data would travel readable for everybody on the way.",
    on: PerCloud {
        aws: argument("https_only"),
        gcp: Applies::Not("Google Cloud serves buckets by TLS alone"),
        azure: argument("min_tls_version"),
        s3_compatible: Applies::Not("the server decides for all of its buckets"),
        coreweave: Applies::Not("CoreWeave serves buckets by TLS alone"),
    },
    mended_by: &[Setting::Grants],
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    check: Check::Settings(https_only),
};

/// `ownership.bucket_owner`.
pub const BUCKET_OWNER: Requirement = Requirement {
    id: "ownership.bucket_owner",
    title: "The bucket's owner owns every object",
    why: "W&B writes from an account of its own; its files must not stay W&B's.",
    on: PerCloud {
        aws: HERE,
        gcp: Applies::Not("with uniform access objects have no owners of their own"),
        azure: Applies::Not("blobs have no owners"),
        s3_compatible: Applies::Not(
            "servers other than Amazon's differ in it, so it is left alone",
        ),
        coreweave: Applies::Not("objects have no owners of their own"),
    },
    mended_by: &[Setting::Ownership],
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    check: Check::Settings(bucket_owner),
};

/// `access.uniform`.
pub const UNIFORM: Requirement = Requirement {
    id: "access.uniform",
    title: "The bucket's rules alone decide who gets at its objects",
    why: "Access lists of single objects would let others in, or keep W&B out, unseen.",
    on: PerCloud {
        aws: Applies::Not("the bucket's owner owns every object, which switches such lists off"),
        gcp: HERE,
        azure: Applies::Not("blobs have no access lists of their own"),
        s3_compatible: Applies::Not(
            "servers other than Amazon's differ in it, so it is left alone",
        ),
        coreweave: Applies::Not("objects have no access lists of their own"),
    },
    mended_by: &[Setting::Ownership],
    source: "https://cloud.google.com/storage/docs/uniform-bucket-level-access",
    check: Check::Settings(uniform),
};

/// The role that W&B asks for on Google Cloud.
const STORAGE_ADMIN_ROLE: &str = "roles/storage.admin";

/// `access.storage_admin`.
pub const STORAGE_ADMIN: Requirement = Requirement {
    id: "access.storage_admin",
    title: "W&B's service account has the role that W&B asks for",
    why: "Besides objects, W&B reads the bucket's CORS rules and settings, which \
          roles/storage.admin lets it.",
    on: PerCloud {
        aws: Applies::Not("rights are written out there, and have no roles"),
        gcp: argument("wandb_roles"),
        azure: Applies::Not("access.identity_roles says it there"),
        s3_compatible: Applies::Not("rights are written out there, and have no roles"),
        coreweave: Applies::Not("rights are written out there, and have no roles"),
    },
    mended_by: &[Setting::Grants],
    source: BYOB_PAGE,
    check: Check::Settings(storage_admin),
};

/// `access.identity_roles`.
pub const IDENTITY_ROLES: Requirement = Requirement {
    id: "access.identity_roles",
    title: "W&B's identity has the roles that W&B asks for",
    why: "Besides blobs, W&B reads the account's CORS rules and settings, and signs addresses in \
          the name of the identity.",
    on: PerCloud {
        aws: Applies::Not("rights are written out there, and have no roles"),
        gcp: Applies::Not("access.storage_admin says it there"),
        azure: argument("wandb_roles"),
        s3_compatible: Applies::Not("rights are written out there, and have no roles"),
        coreweave: Applies::Not("rights are written out there, and have no roles"),
    },
    mended_by: &[Setting::Grants, Setting::Identity],
    source: BYOB_PAGE,
    check: Check::Settings(identity_roles),
};

/// Why nothing was proven with W&B's key where none is known, and what helps.
pub const WITHOUT_KEY: PerCloud<&str> = PerCloud {
    aws: MAKE_KEY,
    gcp: MAKE_KEY,
    azure: "no key of W&B is known here: with access = \"access_key\" the bucket is proven with it",
    s3_compatible: "no key of W&B is known here: set create_access_key, or wandb_access_key with \
                    its secret, and the bucket is proven with it",
    coreweave: "W&B reaches the bucket by its own identity, and no key of that is known here",
};
const MAKE_KEY: &str =
    "no key of W&B is known here: set create_access_key, and the bucket is proven with it";

/// A key that is made here has W&B's rights and no others.
fn exact(tried: &Verdict) -> Verdict {
    let mut verdict = tried.clone();
    if verdict.status == Status::Warn {
        verdict.status = Status::Fail;
    }
    verdict
}

fn wandb_read_write(evidence: Evidence<'_>) -> Verdict {
    let tried = evidence.tried.get(READ_WRITE);
    let granted = granted(evidence);
    if let Some(verdict) = &granted
        && verdict.status != Status::Pass
    {
        return verdict.clone();
    }
    match &evidence.spec.access {
        Access::MadeKey(_) => match (&evidence.observed.identity, tried) {
            // The key itself has shown what it can do.
            (Reading::Skipped, Some(tried)) => exact(tried),
            _ => identity_fault(evidence.spec, evidence.observed)
                .unwrap_or_else(|| tried.map_or_else(Verdict::pass, exact)),
        },
        Access::MadeIdentity(_) => identity_fault(evidence.spec, evidence.observed)
            .or_else(|| trust_fault(evidence.spec, evidence.observed))
            .unwrap_or_else(Verdict::pass),
        Access::GivenKey => tried.cloned().unwrap_or_else(Verdict::not_applicable),
        Access::Unmanaged => {
            granted.unwrap_or_else(|| Verdict::unknown(*WITHOUT_KEY.of(evidence.spec.cloud)))
        }
    }
}

/// What the bucket's own rules give to W&B; `None` where they are to give nothing.
fn granted(evidence: Evidence<'_>) -> Option<Verdict> {
    let wanted = evidence.spec.grants.as_ref()?;
    let state = match &evidence.observed.grants {
        Reading::Known(state) => state,
        reading => return Some(Verdict::unknown(reading.why_unknown())),
    };
    if wanted.exclusive && !state.foreign.is_empty() {
        return Some(Verdict::of(
            Status::Fail,
            "no rules but ours",
            state.foreign.join(", "),
            "the configuration says that nobody else writes rules for this bucket",
        ));
    }
    match &state.wandb {
        Rule::AsWanted if wanted.principals.is_empty() => None,
        Rule::AsWanted => Some(Verdict::pass()),
        Rule::Missing => Some(Verdict::of(
            Status::Fail,
            format!("W&B's rights for {}", wanted.principals.join(", ")),
            "none",
            "W&B cannot reach the bucket",
        )),
        Rule::Different(what) => Some(Verdict::of(
            Status::Fail,
            format!("W&B's rights for {}", wanted.principals.join(", ")),
            what,
            "W&B can do less or more than it needs, or somebody else can",
        )),
    }
}

fn https_only(evidence: Evidence<'_>) -> Verdict {
    let Some(wanted) = &evidence.spec.grants else {
        return Verdict::not_applicable();
    };
    let rule = match &evidence.observed.grants {
        Reading::Known(state) => &state.https_only,
        reading => return Verdict::unknown(reading.why_unknown()),
    };
    match (wanted.https_only, rule) {
        (true, Rule::AsWanted) => Verdict::pass(),
        (true, Rule::Missing) => Verdict::of(
            Status::Fail,
            "refused",
            "let in",
            "requests without TLS are let in",
        ),
        (_, Rule::Different(what)) => Verdict::of(
            Status::Fail,
            if wanted.https_only {
                "refused"
            } else {
                "no such rule"
            },
            what,
            "the rule about requests without TLS was changed",
        ),
        (false, Rule::AsWanted | Rule::Missing) => Verdict::of(
            Status::Warn,
            "refused",
            "let in",
            "requests without TLS, or with an old one, are let in, and the configuration leaves it so",
        ),
    }
}

fn bucket_owner(evidence: Evidence<'_>) -> Verdict {
    match &evidence.observed.other_owner {
        Reading::Known(other) if other.is_empty() => Verdict::pass(),
        Reading::Known(other) => Verdict::of(
            Status::Fail,
            "the bucket's owner",
            other,
            "whoever writes an object may keep it from the bucket's owner",
        ),
        reading => Verdict::unknown(reading.why_unknown()),
    }
}

fn uniform(evidence: Evidence<'_>) -> Verdict {
    match &evidence.observed.other_owner {
        Reading::Known(other) if other.is_empty() => Verdict::pass(),
        Reading::Known(other) => Verdict::of(
            Status::Fail,
            "uniform access",
            other,
            "single objects can have access lists that nobody sees on the bucket",
        ),
        reading => Verdict::unknown(reading.why_unknown()),
    }
}

/// The rights of an identity that is made here are [`identity_fault`]'s.
fn storage_admin(evidence: Evidence<'_>) -> Verdict {
    let wanted = match (&evidence.spec.access, &evidence.spec.grants) {
        (Access::MadeKey(identity), _) => &identity.rights.roles,
        (_, Some(grants)) if !grants.principals.is_empty() => &grants.rights.roles,
        _ => return Verdict::not_applicable(),
    };
    if wanted.contains(STORAGE_ADMIN_ROLE) {
        return match (&evidence.spec.access, &evidence.observed.grants) {
            (Access::MadeKey(_), _) => Verdict::pass(),
            (_, Reading::Known(state)) if state.roles.contains(STORAGE_ADMIN_ROLE) => {
                Verdict::pass()
            }
            (_, Reading::Known(state)) => Verdict::of(
                Status::Fail,
                STORAGE_ADMIN_ROLE,
                listed(&state.roles),
                "W&B cannot check the bucket's settings, and refuses it",
            ),
            (_, reading) => Verdict::unknown(reading.why_unknown()),
        };
    }
    Verdict::of(
        Status::Warn,
        STORAGE_ADMIN_ROLE,
        listed(wanted),
        "the configuration gives other roles, and W&B may not be able to check the bucket's settings",
    )
}

/// The roles of an identity that is made here, or of a principal that is W&B's own.
fn identity_roles(evidence: Evidence<'_>) -> Verdict {
    let grants = evidence.spec.grants.as_ref();
    let principals = grants.filter(|grants| !grants.principals.is_empty());
    let (wanted, rule) = match (&evidence.spec.access, principals) {
        (Access::MadeIdentity(identity), _) => match &evidence.observed.identity {
            Reading::Known(Some(state)) => (&identity.rights.roles, &state.rights),
            Reading::Known(None) => (&identity.rights.roles, &Rule::Missing),
            reading => return Verdict::unknown(reading.why_unknown()),
        },
        (_, Some(grants)) => match &evidence.observed.grants {
            Reading::Known(state) => (&grants.rights.roles, &state.wandb),
            reading => return Verdict::unknown(reading.why_unknown()),
        },
        _ => return Verdict::not_applicable(),
    };
    let actual = match rule {
        Rule::AsWanted => return Verdict::pass(),
        Rule::Missing => "none",
        Rule::Different(what) => what,
    };
    Verdict::of(
        Status::Fail,
        listed(wanted),
        actual,
        "W&B needs these and no others",
    )
}

fn listed(roles: &BTreeSet<String>) -> String {
    if roles.is_empty() {
        return "none".to_owned();
    }
    roles.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// What is wrong with W&B's identity on paper, if there is to be one.
pub fn identity_fault(spec: &BucketSpec, observed: &Observed) -> Option<Verdict> {
    let identity = spec.access.identity()?;
    let state = match &observed.identity {
        Reading::Known(Some(state)) => state,
        Reading::Known(None) => {
            return Some(Verdict::of(
                Status::Fail,
                format!("user {}", identity.name),
                "not there",
                "W&B cannot get in without its user",
            ));
        }
        reading => return Some(Verdict::unknown(reading.why_unknown())),
    };
    state_fault(spec, state)
}

fn state_fault(spec: &BucketSpec, state: &IdentityState) -> Option<Verdict> {
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
        Rule::Missing => return fail("W&B's rights", "none", "the user has lost its rights"),
        Rule::Different(_) => {
            return fail(
                "W&B's rights",
                "other rights",
                "the user's rights were changed",
            );
        }
        Rule::AsWanted => {}
    }
    if !state.other_rights.is_empty() {
        return fail(
            "W&B's rights alone",
            &format!("also {}", state.other_rights.join(", ")),
            "the user has more rights than W&B needs",
        );
    }
    if matches!(spec.access, Access::MadeIdentity(_)) {
        return None;
    }
    match spec.access_key_id.as_ref().map(|id| state.keys.get(id)) {
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
    match &evidence.observed.public_access {
        Reading::Known(state) if !state.open.is_empty() => {
            let chosen = evidence.spec.blocks_public == Some(false);
            let status = if chosen { Status::Warn } else { Status::Fail };
            let message = if chosen {
                "switched off by the configuration: a single wrong rule could open the bucket to \
                 everybody"
            } else {
                "a single wrong rule could open the bucket to everybody"
            };
            let actual = format!("not blocked: {}", state.open.join(", "));
            return Verdict::of(status, "all public access blocked", actual, message);
        }
        Reading::Denied(why) => return Verdict::unknown(format!("not allowed to look: {why}")),
        Reading::Known(_) | Reading::Unsupported(_) | Reading::Skipped => {}
    }
    match &evidence.observed.grants {
        Reading::Known(state) if state.public.is_empty() => Verdict::pass(),
        Reading::Known(state) => Verdict::of(
            Status::Warn,
            "no statement for everybody",
            state.public.join(", "),
            "this statement of the bucket's policy lets everybody in; it is not ours, so it stays \
             until somebody removes it",
        ),
        // A server without such rules has no way to open a bucket with one.
        Reading::Unsupported(_) | Reading::Skipped => Verdict::not_applicable(),
        Reading::Denied(why) => Verdict::unknown(format!("not allowed to look: {why}")),
    }
}
