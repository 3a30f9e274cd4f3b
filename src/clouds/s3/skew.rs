//! A request that is refused because two clocks differ: by how much.

use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::byob::CloudError;
use crate::clouds::xml;

/// The error with the difference between this machine's clock and the server's, where it is
/// about that and the answer tells the server's: in the header `date`, or in the document.
pub(in crate::clouds) fn explained(
    error: CloudError,
    date: Option<&str>,
    document: Option<&[u8]>,
) -> CloudError {
    // Amazon's services but S3 call it a wrong signature, and say in words why.
    let is_skewed = error.code.as_deref() == Some("RequestTimeTooSkewed")
        || error.message.starts_with("Signature expired:")
        || error.message.starts_with("Signature not yet current:");
    if !is_skewed {
        return error;
    }
    let parsed = |text: &str, format: Format| {
        let date = DateTime::from_str(text.trim(), format).ok()?;
        SystemTime::try_from(date).ok()
    };
    let document = document.and_then(|bytes| xml::parse(std::str::from_utf8(bytes).ok()?).ok());
    let in_document = document
        .as_ref()
        .and_then(|error| error.child_text("ServerTime"));
    let server = date
        .and_then(|date| parsed(date, Format::HttpDate))
        .or_else(|| parsed(in_document?, Format::DateTime));
    let words = error.message.clone();
    let message = match server {
        Some(server) => format!("{}: {words}", difference(SystemTime::now(), server)),
        None => words,
    };
    CloudError { message, ..error }.hint(
        "The credentials are not at fault: set this machine's clock, or have it set by a time \
         server, then run again.",
    )
}

fn difference(here: SystemTime, server: SystemTime) -> String {
    match here.duration_since(server) {
        Ok(ahead) => format!(
            "this machine's clock is {} seconds ahead of the server's",
            ahead.as_secs()
        ),
        Err(behind) => format!(
            "this machine's clock is {} seconds behind the server's",
            behind.duration().as_secs()
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::byob::CloudErrorKind;

    #[test]
    fn the_difference_has_a_direction() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let hour = Duration::from_hours(1);
        for (server, expected) in [
            (
                now + hour,
                "this machine's clock is 3600 seconds behind the server's",
            ),
            (
                now - hour,
                "this machine's clock is 3600 seconds ahead of the server's",
            ),
        ] {
            assert_eq!(difference(now, server), expected);
        }
    }

    #[test]
    fn the_servers_time_is_in_a_header_or_in_the_document() {
        let skewed = |code: &str| CloudError {
            code: Some(code.to_owned()),
            ..CloudError::new(CloudErrorKind::Unauthenticated, "call", "b", "words")
        };
        let document = b"<Error><ServerTime>2001-02-03T04:05:06Z</ServerTime></Error>";
        for (date, document) in [
            (Some("Sat, 03 Feb 2001 04:05:06 GMT"), None),
            (None, Some(&document[..])),
        ] {
            let error = explained(skewed("RequestTimeTooSkewed"), date, document);
            assert!(error.message.contains("seconds ahead"), "{}", error.message);
            assert!(error.hint.is_some_and(|hint| hint.contains("clock")));
        }
        let date = Some("Sat, 03 Feb 2001 04:05:06 GMT");
        let other = explained(skewed("InvalidAccessKeyId"), date, None);
        assert_eq!(other.message, "words");
        let signature = CloudError {
            message: "Signature expired: 20010203T040506Z is now earlier than …".to_owned(),
            ..skewed("InvalidSignatureException")
        };
        let error = explained(signature, date, None);
        assert!(error.message.contains("seconds ahead"), "{}", error.message);
    }
}
