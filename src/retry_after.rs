//! How long a server asks to wait (RFC 9110, `Retry-After`): for a number of seconds, or until a
//! date in any of the three forms that HTTP has for dates.

use std::time::{Duration, SystemTime};

/// The pause that `text` asks for, seen from `now`. `None` when it asks for none: it cannot be
/// read, or the date is over.
pub fn asked_pause(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    date.duration_since(now).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        // Sun, 06 Nov 1994 08:49:07 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_747);
        for (text, expected) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:06 GMT", None),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("1994-11-06T08:49:37Z", None),
        ] {
            let asked = asked_pause(text, now).map(|pause| pause.as_secs());
            assert_eq!(asked, expected, "{text}");
        }
    }
}
