//! Times as Google writes them.

use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime, PrimitiveDateTime};

const MILLISECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const SECONDS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const PACIFIC: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]-07:00");
const WITH_OFFSET: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
const HTTP: &[FormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
const COMPACT: &[FormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const DATE: &[FormatItem<'_>] =
    format_description!("[year]-[month padding:none]-[day padding:none]");

fn form(time: OffsetDateTime, form: &[FormatItem<'_>]) -> String {
    time.format(form).unwrap_or_default()
}

/// `2026-01-31T12:00:00.123Z`, as Cloud Storage has it.
pub(crate) fn milliseconds(time: OffsetDateTime) -> String {
    form(time, MILLISECONDS)
}

/// `2026-01-31T12:00:00Z`, as IAM has it.
pub(crate) fn seconds(time: OffsetDateTime) -> String {
    form(time, SECONDS)
}

/// In California's summer time, as texts about retention have it.
pub(crate) fn pacific(time: OffsetDateTime) -> String {
    form(time.to_offset(offset!(-7)), PACIFIC)
}

/// `2026-01-31T12:00:00+00:00`, as texts about signatures have it.
pub(crate) fn with_offset(time: OffsetDateTime) -> String {
    form(time, WITH_OFFSET)
}

/// For `Last-Modified`.
pub(crate) fn http(time: OffsetDateTime) -> String {
    form(time, HTTP)
}

/// `20260131T120000Z`, as signatures have it.
pub(crate) fn parse_compact(text: &str) -> Option<OffsetDateTime> {
    let time = PrimitiveDateTime::parse(text, COMPACT).ok()?;
    Some(time.assume_utc())
}

/// A time in RFC 3339.
pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// A day, in the one form that it is given back in.
pub(crate) fn day(text: &str) -> Option<String> {
    let day = Date::parse(text, DATE).ok()?;
    Some(format!(
        "{:04}-{:02}-{:02}",
        day.year(),
        u8::from(day.month()),
        day.day()
    ))
}

/// Microseconds since 1970, which generations are made of.
pub(crate) fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    #[test]
    fn times_have_their_forms() {
        let time = datetime!(2026-01-02 03:04:05.678901 UTC);
        assert_eq!(super::milliseconds(time), "2026-01-02T03:04:05.678Z");
        assert_eq!(super::pacific(time), "2026-01-01T20:04:05.678901-07:00");
        assert_eq!(super::http(time), "Fri, 02 Jan 2026 03:04:05 GMT");
        assert_eq!(super::microseconds(time), 1_767_323_045_678_901);
        assert_eq!(super::day("2026-1-2").as_deref(), Some("2026-01-02"));
        assert_eq!(super::day("2026-02-30"), None);
    }
}
