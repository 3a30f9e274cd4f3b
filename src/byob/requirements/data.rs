//! What happens to data over time, and whether W&B takes such a bucket at all.

use std::time::Duration;

use super::BYOB_PAGE;
use crate::byob::deployment::availability;
use crate::byob::kind::PerCloud;
use crate::byob::name;
use crate::byob::observed::{Reading, Versioning};
use crate::byob::requirement::{
    Applies, Check, Evidence, HERE, Requirement, Status, Verdict, argument, everywhere,
};
use crate::byob::spec::{BucketSpec, Setting};

/// `versioning.enabled`.
pub const VERSIONING_ENABLED: Requirement = Requirement {
    id: "versioning.enabled",
    title: "Old versions of objects are kept",
    why: "W&B's garbage collection of artifacts relies on it, and a wrong deletion can be undone.",
    on: everywhere(argument("versioning")),
    mended_by: &[Setting::Versioning],
    source: "https://docs.wandb.ai/models/artifacts/delete-artifacts",
    check: Check::Settings(versioning_enabled),
};

/// `soft_delete.objects`.
pub const SOFT_DELETE: Requirement = Requirement {
    id: "soft_delete.objects",
    title: "Deleted objects can be brought back for a while",
    why: "W&B refuses a bucket without it, and a wrong deletion can be undone.",
    on: PerCloud {
        aws: Applies::Not("Amazon has no soft delete; versions take its place"),
        gcp: argument("soft_delete_days"),
        azure: argument("soft_delete_days"),
        s3_compatible: Applies::Not("these servers have no soft delete; versions take its place"),
        coreweave: Applies::Not("CoreWeave has no soft delete; versions take its place"),
    },
    mended_by: &[Setting::SoftDelete],
    source: BYOB_PAGE,
    check: Check::Settings(soft_delete),
};

/// `soft_delete.containers`.
pub const SOFT_DELETE_CONTAINERS: Requirement = Requirement {
    id: "soft_delete.containers",
    title: "A deleted bucket can be brought back for a while",
    why: "Whoever deletes the whole bucket by mistake can have it back with what was in it.",
    on: PerCloud {
        aws: Applies::Not("Amazon deletes empty buckets only, and for good"),
        gcp: Applies::Not("soft_delete.objects says it there"),
        azure: argument("soft_delete_days"),
        s3_compatible: Applies::Not("these servers delete buckets for good"),
        coreweave: Applies::Not("CoreWeave deletes empty buckets only, and for good"),
    },
    mended_by: &[Setting::SoftDelete],
    source: "https://learn.microsoft.com/azure/storage/blobs/soft-delete-container-overview",
    check: Check::Settings(soft_delete_of_containers),
};

/// `versioning.no_exclusions`.
pub const NO_EXCLUSIONS: Requirement = Requirement {
    id: "versioning.no_exclusions",
    title: "Old versions are kept of all of W&B's objects",
    why: "Versioning can be on and still leave out some names: their old versions are gone for \
          good.",
    on: PerCloud {
        aws: Applies::Not("Amazon keeps versions of every object or of none"),
        gcp: Applies::Not("Google Cloud keeps versions of every object or of none"),
        azure: Applies::Not("Azure keeps versions of every blob or of none"),
        s3_compatible: HERE,
        coreweave: Applies::Not("CoreWeave keeps versions of every object or of none"),
    },
    mended_by: &[],
    source: "https://min.io/docs/minio/linux/administration/object-management/object-versioning.html",
    check: Check::Settings(no_exclusions),
};

/// The id of [`NO_DEFAULT_RETENTION`].
pub const RETENTION: &str = "object_lock.no_default_retention";

/// `object_lock.no_default_retention`.
pub const NO_DEFAULT_RETENTION: Requirement = Requirement {
    id: RETENTION,
    title: "New objects are under no retention",
    why: "W&B cannot delete a file before its retention ends, and neither can a probe, so none \
          is written.",
    on: PerCloud {
        aws: HERE,
        gcp: HERE,
        azure: HERE,
        s3_compatible: HERE,
        coreweave: HERE,
    },
    mended_by: &[],
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
    check: Check::Either(no_default_retention),
};

/// `lifecycle.no_expiry`.
pub const NO_EXPIRY: Requirement = Requirement {
    id: "lifecycle.no_expiry",
    title: "No lifecycle rule deletes current objects of W&B",
    why: "W&B never expects a file to vanish: run history becomes unreadable.",
    on: everywhere(HERE),
    mended_by: &[],
    source: BYOB_PAGE,
    check: Check::Settings(no_expiry),
};

/// `name.valid`.
pub const NAME_VALID: Requirement = Requirement {
    id: "name.valid",
    title: "The bucket's name follows the cloud's rules",
    why: "A name that some servers or signed addresses cannot carry breaks uploads later.",
    on: everywhere(argument("name")),
    mended_by: &[],
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    check: Check::Settings(name_valid),
};

/// `availability.supported`.
pub const AVAILABILITY_SUPPORTED: Requirement = Requirement {
    id: "availability.supported",
    title: "W&B takes such a bucket for this deployment and scope",
    why: "Not every deployment of W&B takes every kind of bucket.",
    on: everywhere(argument("scope")),
    mended_by: &[],
    source: BYOB_PAGE,
    check: Check::Settings(availability_supported),
};

fn versioning_enabled(evidence: Evidence<'_>) -> Verdict {
    let actual = match &evidence.observed.versioning {
        Reading::Known(Versioning::Enabled)
            if evidence.spec.versioning || evidence.spec.shares_settings =>
        {
            return Verdict::pass();
        }
        Reading::Known(Versioning::Enabled) => {
            return Verdict::of(
                Status::Fail,
                "off",
                "on",
                "old versions are kept although the configuration switches that off",
            );
        }
        Reading::Known(Versioning::Suspended) => "suspended",
        Reading::Known(Versioning::Off) => "off",
        reading => return Verdict::unknown(reading.why_unknown()),
    };
    if evidence.spec.versioning {
        Verdict::of(
            Status::Fail,
            "on",
            actual,
            "overwritten and deleted files are gone for good",
        )
    } else {
        Verdict::of(
            Status::Warn,
            "on",
            actual,
            "switched off by the configuration: overwritten and deleted files are gone for good",
        )
    }
}

/// So many days as servers count them.
pub fn days(days: u32) -> Duration {
    Duration::from_hours(24 * u64::from(days))
}

/// Whether what is kept for so long is kept as long as wanted.
pub fn keeps(spec: &BucketSpec, actual: Duration, wanted: u32) -> bool {
    let wanted = days(wanted);
    actual == wanted || (spec.shares_settings && actual > wanted)
}

/// A duration in words; days where it is whole days.
fn worded(duration: Duration) -> String {
    let (seconds, day) = (duration.as_secs(), 24 * 3600);
    match seconds {
        0 => "off".to_owned(),
        _ if seconds.is_multiple_of(day) => format!("{} days", seconds / day),
        _ => format!("{seconds} seconds"),
    }
}

fn soft_delete(evidence: Evidence<'_>) -> Verdict {
    kept_for(
        evidence,
        &evidence.observed.soft_delete,
        "W&B refuses the bucket, and deleted files are gone for good",
    )
}

fn soft_delete_of_containers(evidence: Evidence<'_>) -> Verdict {
    kept_for(
        evidence,
        &evidence.observed.soft_delete_containers,
        "a bucket that is deleted by mistake is gone for good",
    )
}

fn kept_for(evidence: Evidence<'_>, reading: &Reading<Duration>, when_off: &str) -> Verdict {
    let actual = match reading {
        Reading::Known(actual) => *actual,
        reading => return Verdict::unknown(reading.why_unknown()),
    };
    let wanted = evidence.spec.soft_delete_days;
    if wanted.is_some_and(|wanted| keeps(evidence.spec, actual, wanted)) {
        return Verdict::pass();
    }
    match wanted.map(days) {
        None if !actual.is_zero() => Verdict::pass(),
        wanted => Verdict::of(
            Status::Fail,
            wanted.map_or_else(|| "on".to_owned(), worded),
            worded(actual),
            if actual.is_zero() {
                when_off
            } else {
                "what is deleted can be brought back for another time than configured"
            },
        ),
    }
}

fn no_exclusions(evidence: Evidence<'_>) -> Verdict {
    let observed = evidence.observed;
    if observed.versioning.known() != Some(&Versioning::Enabled) {
        // versioning.enabled says all there is to say.
        return Verdict::not_applicable();
    }
    let path = evidence.spec.path.as_deref();
    let excluded = &observed.unversioned;
    let literal = |pattern: &str| pattern.split('*').next().unwrap_or_default().to_owned();
    let mut found: Vec<&str> = excluded
        .prefixes
        .iter()
        .map(String::as_str)
        .filter(|pattern| meets(&literal(pattern), path))
        .collect();
    if excluded.folders {
        found.push("folders");
    }
    if found.is_empty() {
        return Verdict::pass();
    }
    Verdict::of(
        Status::Warn,
        "no exceptions from versioning",
        found.join(", "),
        "overwritten and deleted files of these names are gone for good",
    )
}

/// Whether a rule with this prefix can meet objects under `path`.
fn meets(prefix: &str, path: Option<&str>) -> bool {
    path.is_none_or(|path| {
        let path = format!("{path}/");
        path.starts_with(prefix) || prefix.starts_with(&path)
    })
}

/// The owner's own choice: W&B can work with it, and cannot delete.
fn no_default_retention(evidence: Evidence<'_>) -> Option<Verdict> {
    let retention = evidence.observed.default_retention.known()?;
    Some(if retention.is_empty() {
        Verdict::pass()
    } else {
        Verdict::of(
            Status::Warn,
            "no default retention",
            retention,
            "W&B cannot delete a file before its retention ends",
        )
    })
}

fn no_expiry(evidence: Evidence<'_>) -> Verdict {
    let path = evidence.spec.path.as_deref();
    match &evidence.observed.lifecycle {
        Reading::Known(rules) => {
            let expiring: Vec<&str> = rules
                .iter()
                .filter(|rule| rule.enabled && rule.expires_current && meets(&rule.prefix, path))
                .map(|rule| rule.id.as_str())
                .collect();
            if expiring.is_empty() {
                return Verdict::pass();
            }
            Verdict::of(
                Status::Warn,
                "no rule that expires current objects",
                expiring.join(", "),
                "these rules delete files that W&B still refers to",
            )
        }
        Reading::Unsupported(_) | Reading::Skipped => Verdict::not_applicable(),
        Reading::Denied(why) => Verdict::unknown(format!("not allowed to look: {why}")),
    }
}

fn name_valid(evidence: Evidence<'_>) -> Verdict {
    match name::check_bucket(evidence.spec.cloud, &evidence.spec.name) {
        Ok(()) => Verdict::pass(),
        Err(why) => Verdict::of(Status::Fail, "a valid name", &evidence.spec.name, why),
    }
}

fn availability_supported(evidence: Evidence<'_>) -> Verdict {
    let spec = evidence.spec;
    match spec.deployment {
        None => Verdict::not_applicable(),
        Some(deployment) => match availability(deployment, spec.scope, spec.cloud) {
            Ok(()) => Verdict::pass(),
            Err(why) => Verdict::of(
                Status::Fail,
                "a supported combination",
                format!("{deployment}, {}, {}", spec.scope, spec.cloud),
                why,
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_meet_paths_in_both_directions() {
        for (prefix, path, expected) in [
            ("", None, true),
            ("logs/", None, true),
            ("", Some("teams/a"), true),
            ("teams/", Some("teams/a"), true),
            ("teams/a/x", Some("teams/a"), true),
            ("teams/ab", Some("teams/a"), false),
            ("logs/", Some("teams/a"), false),
        ] {
            assert_eq!(meets(prefix, path), expected, "{prefix} {path:?}");
        }
    }
}
