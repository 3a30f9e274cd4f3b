//! The `timeouts` block, and durations as Go writes them.

use std::time::Duration;

use super::model::Field;
use super::schema::{Attribute, Block};
use super::value::Value;

/// The block with one attribute for each operation and its default.
pub fn block(operations: &[(&str, &str)]) -> Block {
    Block::new("How long operations may take, as durations such as `90s`, `20m` or `1h30m`.").with(
        operations.iter().map(|(operation, default)| {
            let description =
                format!("The longest time for the {operation} operation. Default: `{default}`.");
            Attribute::string(operation, &description)
                .check_string(|text| parse_duration(text).map(|_| ()))
        }),
    )
}

/// The time for `operation` in a block of this module, or the default.
pub fn timeout(timeouts: &Field<Value>, operation: &str, default: Duration) -> Duration {
    match timeouts.known().map(|block| block.attribute(operation)) {
        Some(Value::String(text)) => parse_duration(text).unwrap_or(default),
        _ => default,
    }
}

/// Reads a duration such as `1h30m`, `2.5s` or `300ms`. The error is the end of a
/// sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration such as \"20m\" or \"1h30m\"");
    let mut rest = text;
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(wrong()),
        };
        seconds += number * unit;
        rest = &rest[letters..];
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration > Duration::ZERO => Ok(duration),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, milliseconds) in [
            ("20m", 1_200_000),
            ("1h30m", 5_400_000),
            ("2.5s", 2_500),
            ("300ms", 300),
            ("1m0.5s", 60_500),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for wrong in [
            "",
            "20",
            "m",
            "20 m",
            "-5m",
            "0s",
            "1d",
            "1.2.3s",
            "9999999999999999999999h",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
