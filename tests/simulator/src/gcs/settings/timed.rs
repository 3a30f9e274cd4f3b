//! Settings that count from some time on.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::gcs::clock;
use crate::gcs::refusal::{Kind, Refusal};

use super::{Settings, Surroundings, boolean, nested, whole};

const DAY: i64 = 86_400;

pub(super) fn soft_delete(
    value: Option<&Value>,
    before: Option<&Settings>,
    around: Surroundings<'_>,
) -> Result<Value, Refusal> {
    let known = ["retentionDurationSeconds", "effectiveTime"];
    let policy = value
        .map(|value| nested(value, &known, "softDeletePolicy"))
        .transpose()?;
    let seconds = match policy.and_then(|policy| policy.get("retentionDurationSeconds")) {
        None => around.soft_delete,
        Some(value) => whole(value).ok_or_else(Refusal::parse_error)?,
    };
    if seconds != 0 && !(7 * DAY..=90 * DAY).contains(&seconds) {
        return Err(Refusal::invalid(format!(
            "The soft delete retention duration must be 0 or between {} and {} seconds, not \
             {seconds}.",
            7 * DAY,
            90 * DAY
        )));
    }
    if let Some(before) = before.filter(|before| before.soft_delete() == seconds) {
        return Ok(before.0["softDeletePolicy"].clone());
    }
    let mut policy = json!({"retentionDurationSeconds": seconds.to_string()});
    if seconds != 0 {
        policy["effectiveTime"] = json!(clock::milliseconds(around.now));
    }
    Ok(policy)
}

pub(super) fn access(
    value: Option<&Value>,
    before: Option<&Settings>,
    now: OffsetDateTime,
) -> Result<Value, Refusal> {
    let none = json!({});
    let known = [
        "uniformBucketLevelAccess",
        "bucketPolicyOnly",
        "publicAccessPrevention",
    ];
    let access = nested(value.unwrap_or(&none), &known, "iamConfiguration")?;
    let uniform = match access.get("uniformBucketLevelAccess") {
        None => false,
        Some(value) => boolean(
            nested(
                value,
                &["enabled", "lockedTime"],
                "uniformBucketLevelAccess",
            )?,
            "enabled",
        )?,
    };
    let prevention = match access.get("publicAccessPrevention").map(Value::as_str) {
        None => "inherited",
        // The older word for the same.
        Some(Some("inherited" | "unspecified")) => "inherited",
        Some(Some("enforced")) => "enforced",
        Some(_) => {
            return Err(Refusal::invalid(
                "Invalid value for publicAccessPrevention.",
            ));
        }
    };
    let locked = before
        .map(|before| before.at("iamConfiguration.uniformBucketLevelAccess.lockedTime"))
        .and_then(Value::as_str)
        .and_then(clock::parse);
    if !uniform && locked.is_some_and(|locked| locked <= now) {
        return Err(Refusal::invalid(
            "Cannot disable uniform bucket-level access because the bucket has had it enabled for \
             90 days.",
        ));
    }
    let uniform = if uniform {
        let locked = locked.unwrap_or(now + Duration::days(90));
        json!({"enabled": true, "lockedTime": clock::milliseconds(locked)})
    } else {
        json!({"enabled": false})
    };
    Ok(json!({
        "bucketPolicyOnly": uniform,
        "uniformBucketLevelAccess": uniform,
        "publicAccessPrevention": prevention,
    }))
}

pub(super) fn retention(
    value: Option<&Value>,
    before: Option<&Settings>,
    around: Surroundings<'_>,
) -> Result<Option<Value>, Refusal> {
    let locked = before.is_some_and(Settings::retention_is_locked);
    let held = before.map_or(0, Settings::retention);
    let known = ["retentionPeriod", "effectiveTime", "isLocked"];
    let policy = value
        .map(|value| nested(value, &known, "retentionPolicy"))
        .transpose()?;
    let Some(period) = policy.and_then(|policy| policy.get("retentionPeriod")) else {
        return if locked {
            Err(locked_policy(around.bucket, "removed"))
        } else {
            Ok(None)
        };
    };
    let period = whole(period).ok_or_else(Refusal::parse_error)?;
    if !(1..=3_155_760_000).contains(&period) {
        return Err(Refusal::invalid(format!(
            "Invalid retention period: {period}"
        )));
    }
    if locked && period < held {
        return Err(locked_policy(around.bucket, "reduced"));
    }
    if let Some(before) = before.filter(|_| period == held) {
        return Ok(Some(before.0["retentionPolicy"].clone()));
    }
    let mut policy = json!({
        "retentionPeriod": period.to_string(),
        "effectiveTime": clock::milliseconds(around.now),
    });
    if locked {
        policy["isLocked"] = json!(true);
    }
    Ok(Some(policy))
}

fn locked_policy(bucket: &str, what: &str) -> Refusal {
    let message =
        format!("Bucket '{bucket}' has a locked Retention Policy which cannot be {what}.");
    Refusal::new(403, Kind::Retained, message)
}
