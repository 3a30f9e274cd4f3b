//! Typed models: a struct for each schema, and the way between it and a [`Value`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::diagnostic::{Diagnostic, Path};
use super::number::Number;
use super::value::Value;

pub use super::secret::Secret;

/// A value that does not fit the model. This is about numbers out of range; the type
/// was checked when the bytes were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where.
    pub path: Path,
    /// What would fit.
    pub message: String,
}

impl From<Misfit> for Diagnostic {
    fn from(misfit: Misfit) -> Self {
        Self::error("Invalid value", misfit.message).at(misfit.path)
    }
}

/// Something that can be read from a value.
pub trait FromValue: Sized {
    /// Reads the value at `path`.
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit>;
}

/// Something that can be written as a value.
pub trait ToValue {
    /// The value.
    fn to_value(&self) -> Value;
}

/// A struct with one field for each attribute and block. Made by [`crate::model`].
pub trait Model: FromValue + ToValue + Clone + fmt::Debug + Send + Sync + 'static {}

fn misfit<T>(path: &Path, message: &str) -> Result<T, Misfit> {
    Err(Misfit {
        path: path.clone(),
        message: message.to_owned(),
    })
}

/// What a configuration, plan or state says about one attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// This value.
    Known(T),
    /// Not set.
    #[default]
    Null,
    /// Not known before something has been applied.
    Unknown,
}

impl<T> Field<T> {
    /// The value, if it is set and known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// The value, if it is set and known.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// Whether it is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// A view of the same.
    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Known(value) => Field::Known(value),
            Self::Null => Field::Null,
            Self::Unknown => Field::Unknown,
        }
    }

    /// The same with another value.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Known(value) => Field::Known(with(value)),
            Self::Null => Field::Null,
            Self::Unknown => Field::Unknown,
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

impl From<&str> for Field<String> {
    fn from(text: &str) -> Self {
        Self::Known(text.to_owned())
    }
}

impl<T: FromValue> FromValue for Field<T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown => Ok(Self::Unknown),
            value => T::from_value(value, path).map(Self::Known),
        }
    }
}

impl<T: ToValue> ToValue for Field<T> {
    fn to_value(&self) -> Value {
        match self {
            Self::Known(value) => value.to_value(),
            Self::Null => Value::Null,
            Self::Unknown => Value::Unknown,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::String(text) => Ok(text.clone()),
            _ => misfit(path, "a text is needed"),
        }
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::string(self.as_str())
    }
}

impl FromValue for bool {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::Bool(value) => Ok(*value),
            _ => misfit(path, "true or false is needed"),
        }
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::Number(number) => match number.to_i64() {
                Some(number) => Ok(number),
                None => misfit(path, "a whole number of at most 64 bits is needed"),
            },
            _ => misfit(path, "a number is needed"),
        }
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value {
        Value::Number((*self).into())
    }
}

impl FromValue for Number {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::Number(number) => Ok(number.clone()),
            _ => misfit(path, "a number is needed"),
        }
    }
}

impl ToValue for Number {
    fn to_value(&self) -> Value {
        Value::Number(self.clone())
    }
}

impl FromValue for Value {
    fn from_value(value: &Value, _: &Path) -> Result<Self, Misfit> {
        Ok(value.clone())
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::List(list) => list
                .iter()
                .enumerate()
                .map(|(index, element)| T::from_value(element, &path.index(index)))
                .collect(),
            _ => misfit(path, "a list is needed"),
        }
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }
}

/// A set with elements that are all known. A set with an unknown element is read as
/// [`Field::Unknown`] through [`SetOf`].
impl FromValue for BTreeSet<String> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        Vec::from_value(value, path).map(|list: Vec<String>| list.into_iter().collect())
    }
}

impl ToValue for BTreeSet<String> {
    fn to_value(&self) -> Value {
        Value::set(self.iter().map(Value::string))
    }
}

/// A set of texts, of which some may be unknown or null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetOf {
    /// The elements as they came.
    pub elements: Vec<Field<String>>,
}

impl SetOf {
    /// The elements, if all of them are known.
    pub fn known(&self) -> Option<BTreeSet<String>> {
        self.elements
            .iter()
            .map(|element| element.known().cloned())
            .collect()
    }
}

impl From<BTreeSet<String>> for SetOf {
    fn from(set: BTreeSet<String>) -> Self {
        Self {
            elements: set.into_iter().map(Field::Known).collect(),
        }
    }
}

impl FromValue for SetOf {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        Vec::from_value(value, path).map(|elements| Self { elements })
    }
}

impl ToValue for SetOf {
    fn to_value(&self) -> Value {
        Value::set(self.elements.iter().map(ToValue::to_value))
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        match value {
            Value::Map(map) => map
                .iter()
                .map(|(key, element)| {
                    T::from_value(element, &path.key(key)).map(|element| (key.clone(), element))
                })
                .collect(),
            _ => misfit(path, "a map is needed"),
        }
    }
}

impl<T: ToValue> ToValue for BTreeMap<String, T> {
    fn to_value(&self) -> Value {
        Value::Map(
            self.iter()
                .map(|(key, element)| (key.clone(), element.to_value()))
                .collect(),
        )
    }
}

impl FromValue for Secret {
    fn from_value(value: &Value, path: &Path) -> Result<Self, Misfit> {
        String::from_value(value, path).map(Self::new)
    }
}

impl ToValue for Secret {
    fn to_value(&self) -> Value {
        Value::string(self.expose())
    }
}

/// Attributes and blocks for which a model has no field of their own, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest(pub BTreeMap<String, Value>);

impl Rest {
    /// Everything in `value` but the attributes called `fields`.
    pub fn of(value: &Value, fields: &[&str]) -> Self {
        let Value::Map(map) = value else {
            return Self::default();
        };
        let is_field = |name: &str| {
            fields
                .iter()
                .any(|field| field.strip_prefix("r#").unwrap_or(field) == name)
        };
        Self(
            map.iter()
                .filter(|(name, _)| !is_field(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }
}

/// Declares a [`Model`]: a struct whose fields have the names of the attributes and
/// blocks. A field called `r#type` is the attribute `type`. A last field of type
/// [`Rest`], after a semicolon, takes everything that has no field of its own.
#[macro_export]
macro_rules! model {
    (
        $(#[$outer:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$inner:meta])* $field_visibility:vis $field:ident : $ty:ty ),* $(,)?
            $( ; $(#[$rest_meta:meta])* $rest_visibility:vis $rest:ident : Rest $(,)? )?
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq)]
        $visibility struct $name {
            $( $(#[$inner])* $field_visibility $field: $ty, )*
            $( $(#[$rest_meta])* $rest_visibility $rest: $crate::sdk::model::Rest, )?
        }

        impl $name {
            #[allow(dead_code, reason = "only models with a rest need it")]
            const FIELDS: &[&str] = &[$( stringify!($field) ),*];
        }

        impl $crate::sdk::model::FromValue for $name {
            fn from_value(
                value: &$crate::sdk::value::Value,
                path: &$crate::sdk::diagnostic::Path,
            ) -> Result<Self, $crate::sdk::model::Misfit> {
                Ok(Self {
                    $( $field: {
                        let name = stringify!($field);
                        let name = name.strip_prefix("r#").unwrap_or(name);
                        $crate::sdk::model::FromValue::from_value(
                            value.attribute(name),
                            &path.attribute(name),
                        )?
                    }, )*
                    $( $rest: $crate::sdk::model::Rest::of(value, Self::FIELDS), )?
                })
            }
        }

        impl $crate::sdk::model::ToValue for $name {
            fn to_value(&self) -> $crate::sdk::value::Value {
                let mut map = std::collections::BTreeMap::new();
                $(
                    let name = stringify!($field);
                    map.insert(
                        name.strip_prefix("r#").unwrap_or(name).to_owned(),
                        $crate::sdk::model::ToValue::to_value(&self.$field),
                    );
                )*
                $( map.extend(self.$rest.0.clone()); )?
                $crate::sdk::value::Value::Map(map)
            }
        }

        impl $crate::sdk::model::Model for $name {}
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    model! {
        /// A model for this test.
        struct Outer {
            name: Field<String>,
            r#type: Field<i64>,
            inner: Field<Inner>,
            tags: Field<BTreeMap<String, Field<String>>>,
        }
    }
    model! {
        /// A block of it.
        struct Inner {
            secret: Field<Secret>,
        }
    }

    model! {
        /// A model that does not know everything that is in it.
        struct Open {
            name: Field<String>,
            r#type: Field<i64>;
            others: Rest,
        }
    }

    #[test]
    fn the_rest_is_kept_as_it_came() {
        let value = value(Value::Number(7_i64.into()));
        let model = Open::from_value(&value, &Path::root()).expect("fits");
        assert_eq!(model.others.0.keys().collect::<Vec<_>>(), ["inner", "tags"]);
        assert_eq!(model.to_value(), value);
    }

    fn value(number: Value) -> Value {
        let inner = BTreeMap::from([("secret".to_owned(), Value::string("hunter2"))]);
        Value::Map(BTreeMap::from([
            ("name".to_owned(), Value::Unknown),
            ("type".to_owned(), number),
            ("inner".to_owned(), Value::Map(inner)),
            ("tags".to_owned(), Value::Null),
        ]))
    }

    #[test]
    fn a_model_reads_and_writes_every_field() {
        let value = value(Value::Number(7_i64.into()));
        let model = Outer::from_value(&value, &Path::root()).expect("fits");
        assert_eq!(model.name, Field::Unknown);
        assert_eq!(model.r#type, Field::Known(7));
        assert_eq!(model.to_value(), value);
        assert!(!format!("{model:?}").contains("hunter2"));
    }

    #[test]
    fn a_misfit_names_its_path() {
        let value = value(Value::Number("1.5".parse().expect("number")));
        let misfit = Outer::from_value(&value, &Path::root()).expect_err("1.5 is not whole");
        assert_eq!(misfit.path.to_string(), "type");
    }
}
