//! How long deleted objects can be brought back, where a cloud keeps them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::kind::CloudKind;

/// How many days it is where nobody says so.
const DEFAULT_DAYS: u32 = 7;
const DAY: u64 = 24 * 3600;

/// How many days it may be on this cloud; `None` where it has no soft delete.
///
/// Source: the pages on soft delete of Google and of Azure. Google takes 0 for "off", which
/// W&B refuses.
fn range(cloud: CloudKind) -> Option<RangeInclusive<u32>> {
    match cloud {
        CloudKind::Gcp => Some(7..=90),
        CloudKind::Azure => Some(1..=365),
        CloudKind::Aws | CloudKind::S3Compatible | CloudKind::CoreWeave => None,
    }
}

/// How many days it is on this cloud where nobody says so; `None` where it has no soft delete.
pub fn default_days(cloud: CloudKind) -> Option<u32> {
    range(cloud).map(|_| DEFAULT_DAYS)
}

/// Why deleted objects cannot be kept for so many days there, as the end of a sentence.
pub fn check_days(cloud: CloudKind, days: i64) -> Result<(), String> {
    let Some(range) = range(cloud) else {
        return Err(format!(
            "{cloud} has no soft delete; versions take its place"
        ));
    };
    if u32::try_from(days).is_ok_and(|days| range.contains(&days)) {
        return Ok(());
    }
    let off = if days == 0 {
        ", and W&B refuses a bucket without soft delete"
    } else {
        ""
    };
    Err(format!(
        "it is {days}, and may be a whole number from {} to {} on {cloud}{off}",
        range.start(),
        range.end()
    ))
}

/// The whole days of a duration; `None` where soft delete is off.
pub fn whole_days(duration: Duration) -> Option<u32> {
    match u32::try_from(duration.as_secs() / DAY) {
        Ok(0) => None,
        Ok(days) => Some(days),
        Err(_) => Some(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_each_cloud() {
        for (cloud, days, good) in [
            (CloudKind::Gcp, 7, true),
            (CloudKind::Gcp, 90, true),
            (CloudKind::Gcp, 0, false),
            (CloudKind::Gcp, 6, false),
            (CloudKind::Gcp, 91, false),
            (CloudKind::Gcp, -7, false),
            (CloudKind::Azure, 1, true),
            (CloudKind::Azure, 365, true),
            (CloudKind::Azure, 366, false),
            (CloudKind::Aws, 7, false),
            (CloudKind::S3Compatible, 7, false),
        ] {
            assert_eq!(check_days(cloud, days).is_ok(), good, "{cloud} {days}");
        }
    }

    #[test]
    fn durations_are_told_in_days() {
        for (seconds, days) in [(0, None), (604_800, Some(7)), (1_000_000, Some(11))] {
            assert_eq!(whole_days(Duration::from_secs(seconds)), days, "{seconds}");
        }
    }
}
