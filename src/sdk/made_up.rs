//! Values that `terraform test` makes up for a mocked provider, which reach the validation
//! of real ones: texts of eight letters and digits, 0, and empty collections.
//!
//! No validation refuses them; a plan, which is never made of a mocked resource, does.

use super::diagnostic::{Path, Step};
use super::value::Value;

/// How long the texts are.
const LENGTH: usize = 8;

/// Whether some part of a value may have been made up. Also true of some that were not.
pub(super) fn is_made_up(value: &Value) -> bool {
    match value {
        Value::String(text) => text
            .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
            .any(|word| word.len() == LENGTH),
        Value::Number(number) => number.to_i64() == Some(0),
        Value::List(list) => list.is_empty() || list.iter().any(is_made_up),
        Value::Map(map) => map.is_empty() || map.values().any(is_made_up),
        Value::Dynamic(_, value) => is_made_up(value),
        Value::Null | Value::Unknown | Value::Bool(_) => false,
    }
}

/// The value at a place of a configuration.
pub(super) fn value_at<'a>(config: &'a Value, path: &Path) -> &'a Value {
    path.steps()
        .iter()
        .fold(config, |value, step| match (step, value) {
            (Step::Attribute(name) | Step::Key(name), value) => value.attribute(name),
            (Step::Index(index), Value::List(list)) => list.get(*index).unwrap_or(&Value::Null),
            (Step::Index(_), _) => &Value::Null,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terraform_makes_up() {
        for text in [
            "k3x9ab01",
            "arn:aws:iam::k3x9ab01:root",
            "https://k3x9ab01.example.com",
        ] {
            assert!(is_made_up(&Value::string(text)), "{text}");
        }
        for text in ["", "us-east-1\n", "Bad_Name", "s3://KEY:SECRET@h/b"] {
            assert!(!is_made_up(&Value::string(text)), "{text}");
        }
        assert!(is_made_up(&Value::Map(Default::default())));
        assert!(is_made_up(&Value::Number(0_i64.into())));
        assert!(!is_made_up(&Value::Number(7_i64.into())));
    }
}
