//! What does not fit together in a bucket's block.

use super::block::{Arguments, argument};
use crate::clouds::gcp::names::{check_key_location, check_kms_key_name, check_location};
use crate::sdk::diagnostic::Diagnostics;
use crate::sdk::model::Field;
use crate::terraform::diagnostics::Explanation;

/// What does not fit together in a block.
pub(super) fn validate(block: &Arguments) -> Diagnostics {
    let mut diagnostics = check_together(block);
    let makes_key = &block.create_access_key;
    if *makes_key != Field::Known(true)
        && !makes_key.is_unknown()
        && block.access_key_rotation.known().is_some()
    {
        diagnostics.push(
            Explanation::new(
                "access_key_rotation does not fit the other arguments",
                "it is about a key that create_access_key makes, and that is off",
            )
            .at(argument("access_key_rotation"))
            .error(),
        );
    }
    diagnostics
}

/// Whether the key is where the bucket is. A location that the configuration leaves out may
/// be the one of a bucket that is there, so it says nothing until it is filled in.
pub(super) fn check_together(block: &Arguments) -> Diagnostics {
    let (Some(key), Some(location)) = (block.kms_key_name.known(), block.location.known()) else {
        return Diagnostics::new();
    };
    // What is no key or no location is told as such, and fits nothing.
    if check_kms_key_name(key).is_err() || check_location(location).is_err() {
        return Diagnostics::new();
    }
    match check_key_location(key, location) {
        Ok(()) => Diagnostics::new(),
        Err(why) => Explanation::new("kms_key_name does not fit the location", why)
            .what_to_do("Name a key in the bucket's location, or leave kms_key_name out.")
            .at(argument("kms_key_name"))
            .error()
            .into(),
    }
}
