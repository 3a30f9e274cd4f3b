//! From the outcome of a call that reads to what the domain makes of it.

use crate::byob::{CloudError, CloudErrorKind, Reading};

/// A refusal to look and a setting that the server does not know are readings; anything
/// else that goes wrong is an error.
pub fn reading<T>(outcome: Result<T, CloudError>) -> Result<Reading<T>, CloudError> {
    match outcome {
        Ok(value) => Ok(Reading::Known(value)),
        Err(error) if error.kind == CloudErrorKind::Denied => Ok(Reading::Denied(format!(
            "{}: {}",
            error.call, error.message
        ))),
        Err(error) if error.kind == CloudErrorKind::NotSupported => {
            Ok(Reading::Unsupported(error.message))
        }
        Err(error) => Err(error),
    }
}

/// Nothing where the answer is that there is nothing.
pub fn missing<T>(outcome: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the answer is that there is nothing, be it for this moment only.
pub fn is_missing(error: &CloudError) -> bool {
    error.kind == CloudErrorKind::NotFound
}
