//! Times and identifiers as Azure writes them.

use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::gcs::random_hex;

const LONG: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
const SECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const SPACED: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
const HTTP: &[FormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
const MINUTES: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
const DAY: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");

fn form(time: OffsetDateTime, form: &[FormatItem<'_>]) -> String {
    time.format(form).unwrap_or_default()
}

/// `2026-01-31T12:00:00.1234567Z`, as resources, snapshots and versions have it.
pub(crate) fn long(time: OffsetDateTime) -> String {
    form(time, LONG)
}

/// `2026-01-31T12:00:00Z`.
pub(crate) fn seconds(time: OffsetDateTime) -> String {
    form(time, SECONDS)
}

/// `2026-01-31 12:00:00Z`, as refusals of sign-in have it.
pub(crate) fn spaced(time: OffsetDateTime) -> String {
    form(time, SPACED)
}

/// For `Last-Modified`.
pub(crate) fn http(time: OffsetDateTime) -> String {
    form(time, HTTP)
}

/// A time of HTTP.
pub(crate) fn parse_http(text: &str) -> Option<OffsetDateTime> {
    let time = PrimitiveDateTime::parse(text, HTTP).ok()?;
    Some(time.assume_utc())
}

/// A time in any of the forms that signatures allow: to the second, the minute or the day.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339).ok();
    parsed
        .or_else(|| Some(PrimitiveDateTime::parse(text, MINUTES).ok()?.assume_utc()))
        .or_else(|| Some(time::Date::parse(text, DAY).ok()?.midnight().assume_utc()))
}

/// A new identifier in its usual form.
pub(crate) fn guid() -> String {
    let hex = random_hex(32);
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

/// Whether a text has the form of an identifier.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, sign)| match at {
            8 | 13 | 18 | 23 => sign == '-',
            _ => sign.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    #[test]
    fn times_have_their_forms() {
        let time = datetime!(2026-01-02 03:04:05.678901234 UTC);
        assert_eq!(super::long(time), "2026-01-02T03:04:05.6789012Z");
        assert_eq!(super::seconds(time), "2026-01-02T03:04:05Z");
        assert_eq!(super::http(time), "Fri, 02 Jan 2026 03:04:05 GMT");
        for text in ["2026-01-02", "2026-01-02T00:00Z", "2026-01-02T00:00:00Z"] {
            assert_eq!(super::parse(text), Some(datetime!(2026-01-02 0:00 UTC)));
        }
        assert!(super::is_guid(&super::guid()));
        assert!(!super::is_guid("owner"));
    }
}
