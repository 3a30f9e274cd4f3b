//! How W&B gets in, as a cloud's block says it: the arguments that have one name on every cloud
//! that has them, and what they ask for.

use crate::sdk::model::Field;
use crate::sdk::value::Value;

/// The argument of a block that asks for a key to be made. The same on every cloud.
pub const CREATE_KEY: &str = "create_access_key";
/// The argument of a block whose change makes a new key. The same on every cloud.
pub const KEY_ROTATION: &str = "access_key_rotation";

/// The argument of a block that says how W&B gets in, on clouds where that is a choice.
pub const ACCESS: &str = "access";
/// The value of [`ACCESS`] that stands for a key.
pub const BY_KEY: &str = "access_key";
/// The value of [`ACCESS`] that stands for an identity that is made, and has no key.
pub const BY_IDENTITY: &str = "workload_identity";
/// The argument of a block that names such an identity.
pub const IDENTITY_NAME: &str = "identity_name";

/// Whether a block asks for an identity of W&B's without a key.
pub fn makes_identity(block: &Value) -> Field<bool> {
    match block.attribute(ACCESS) {
        Value::String(access) => Field::Known(access == BY_IDENTITY),
        Value::Unknown => Field::Unknown,
        _ => Field::Known(false),
    }
}

/// The argument of a block that chooses between keys that are there.
pub const KEY_CHOICE: &str = "account_key";

/// Whether keys of this block's are somebody's already, and stay when another one is chosen.
pub fn chooses_key(block: &Value) -> bool {
    !matches!(block.attribute(ACCESS), Value::Null)
}

/// What a block's key of W&B's is made for, or which one it is; another value asks for another
/// key.
pub fn key_version(block: &Value) -> &Value {
    match block.attribute(ACCESS) {
        Value::Null => block.attribute(KEY_ROTATION),
        _ => block.attribute(KEY_CHOICE),
    }
}

/// Whether a block asks for a key of W&B's to be made, or to be found.
pub fn makes_key(block: &Value) -> Field<bool> {
    match block.attribute(ACCESS) {
        Value::String(access) => return Field::Known(access == BY_KEY),
        Value::Unknown => return Field::Unknown,
        _ => {}
    }
    match block.attribute(CREATE_KEY) {
        Value::Bool(wanted) => Field::Known(*wanted),
        Value::Unknown => Field::Unknown,
        _ => Field::Known(false),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn block(arguments: &[(&str, &str)]) -> Value {
        let arguments = arguments.iter();
        let map: BTreeMap<String, Value> = arguments
            .map(|(name, value)| ((*name).to_owned(), Value::string(*value)))
            .collect();
        Value::Map(map)
    }

    #[test]
    fn where_there_is_a_choice_it_is_what_counts() {
        let by_key = block(&[("access", "access_key"), ("account_key", "key2")]);
        assert_eq!(makes_key(&by_key), Field::Known(true));
        assert_eq!(key_version(&by_key), &Value::string("key2"));
        assert!(chooses_key(&by_key));
        let by_identity = block(&[("access", "workload_identity")]);
        assert_eq!(makes_key(&by_identity), Field::Known(false));
        assert_eq!(makes_identity(&by_identity), Field::Known(true));
        let other = block(&[("access_key_rotation", "2")]);
        assert_eq!(makes_key(&other), Field::Known(false));
        assert_eq!(makes_identity(&other), Field::Known(false));
        assert_eq!(key_version(&other), &Value::string("2"));
        assert!(!chooses_key(&other));
    }
}
