//! Variables of the environment, which stand in for arguments that are not set.
//!
//! One that is set and empty counts as unset, as AWS's own tools have it. Anything else goes
//! through the checks of the argument; a variable that is set and useless is never taken for
//! one that is not.

use std::env::VarError;

use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::{Field, Secret};
use crate::sdk::text::Text;
use crate::terraform::diagnostics::Explanation;

/// A check of a text; the error is the end of a sentence.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// For texts that have no other form.
pub(super) fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

/// The value of a variable; null when it is not set, or empty.
///
/// # Errors
/// When it cannot be what it stands for. The message names the variable, and never repeats a
/// secret.
pub(super) fn variable(name: &str, check: Check) -> Result<Field<String>, Diagnostic> {
    text_variable(name, Text::Line, check)
}

/// The same of a text of another shape.
///
/// # Errors
/// See [`variable`].
pub(super) fn text_variable(
    name: &str,
    shape: Text,
    check: Check,
) -> Result<Field<String>, Diagnostic> {
    let text = match std::env::var(name) {
        Ok(text) if text.is_empty() => return Ok(Field::Null),
        Ok(text) => text,
        Err(VarError::NotPresent) => return Ok(Field::Null),
        Err(VarError::NotUnicode(_)) => return Err(not_valid(name, "it is no text in UTF-8")),
    };
    match shape.check(&text).and_then(|()| check(&text)) {
        Ok(()) => Ok(Field::Known(text)),
        Err(why) => Err(not_valid(name, &why)),
    }
}

/// The same of a secret.
///
/// # Errors
/// See [`variable`].
pub(super) fn secret_variable(name: &str, check: Check) -> Result<Field<Secret>, Diagnostic> {
    Ok(variable(name, check)?.map(Secret::new))
}

fn not_valid(name: &str, why: &str) -> Diagnostic {
    Explanation::new(
        format!("Invalid {name} in the environment"),
        format!("the variable {name} is not valid: {why}"),
    )
    .what_to_do(format!("Correct or unset {name}."))
    .error()
}

/// A value, or a variable's in its place.
///
/// # Errors
/// See [`variable`].
pub(super) fn or_variable(
    field: Field<String>,
    name: &str,
    check: Check,
) -> Result<Field<String>, Diagnostic> {
    match field {
        Field::Null => variable(name, check),
        field => Ok(field),
    }
}
