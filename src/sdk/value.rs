//! Values and types of Terraform's type system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value as Json, json};

use super::number::Number;

/// A value. Its [`Type`] comes from the schema and is not repeated here, except for
/// values of no fixed type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Not set.
    Null,
    /// Not known before something has been applied.
    Unknown,
    /// True or false.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// A text in Unicode's normal form C.
    String(String),
    /// A list, set or tuple. Sets are sorted and hold no known element twice.
    List(Vec<Value>),
    /// A map, object or block.
    Map(BTreeMap<String, Value>),
    /// A value of no fixed type, with the type that it has this time.
    Dynamic(Box<Type>, Box<Value>),
}

impl fmt::Debug for Value {
    /// Shows the shape and no content: any value may be a secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Unknown => out.write_str("unknown"),
            Self::Bool(_) => out.write_str("bool"),
            Self::Number(_) => out.write_str("number"),
            Self::String(_) => out.write_str("string"),
            Self::List(list) => out.debug_list().entries(list).finish(),
            Self::Map(map) => out.debug_map().entries(map).finish(),
            Self::Dynamic(_, value) => value.fmt(out),
        }
    }
}

impl Value {
    /// A text.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A set: sorted, nothing twice.
    pub fn set(elements: impl IntoIterator<Item = Self>) -> Self {
        let mut elements: Vec<Self> = elements.into_iter().collect();
        elements.sort();
        // Two unknown elements may turn out to differ.
        elements.dedup_by(|one, two| one == two && one.is_wholly_known());
        Self::List(elements)
    }

    /// Whether it is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether nothing is known about it.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether no part of it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(list) => list.iter().all(Self::is_wholly_known),
            Self::Map(map) => map.values().all(Self::is_wholly_known),
            Self::Dynamic(_, value) => value.is_wholly_known(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The attribute of an object; null when this is no object or has none.
    pub fn attribute(&self, name: &str) -> &Self {
        match self {
            Self::Map(map) => map.get(name).unwrap_or(&Self::Null),
            Self::Unknown => &Self::Unknown,
            _ => &Self::Null,
        }
    }
}

/// A type of Terraform's type system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// True or false.
    Bool,
    /// A number of any size.
    Number,
    /// A text.
    String,
    /// Any type, decided by each value.
    Dynamic,
    /// Elements in order.
    List(Box<Type>),
    /// Elements without order, none twice.
    Set(Box<Type>),
    /// Elements by name.
    Map(Box<Type>),
    /// A fixed number of elements, each with its own type.
    Tuple(Vec<Type>),
    /// Attributes by name, each with its own type.
    Object {
        /// Every attribute.
        attributes: BTreeMap<String, Type>,
        /// Those that a configuration may leave out.
        optional: BTreeSet<String>,
    },
}

/// A type in JSON that does not follow the notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a type: {0}")]
pub struct NotAType(String);

impl Type {
    /// A list of `element`.
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Self) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes, all required.
    pub fn object<'a>(attributes: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Object {
            attributes: attributes
                .into_iter()
                .map(|(name, ty)| (name.to_owned(), ty))
                .collect(),
            optional: BTreeSet::new(),
        }
    }

    /// The type in Terraform's JSON notation.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Tuple(elements) => {
                json!([
                    "tuple",
                    elements.iter().map(Self::to_json).collect::<Vec<_>>()
                ])
            }
            Self::Object {
                attributes,
                optional,
            } => {
                let attributes: serde_json::Map<String, Json> = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()))
                    .collect();
                if optional.is_empty() {
                    json!(["object", attributes])
                } else {
                    json!(["object", attributes, optional])
                }
            }
        }
    }

    /// Reads Terraform's JSON notation.
    pub fn from_json(json: &Json) -> Result<Self, NotAType> {
        let fail = || NotAType(json.to_string());
        match json {
            Json::String(name) => match name.as_str() {
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(fail()),
            },
            Json::Array(parts) => {
                let kind = parts.first().and_then(Json::as_str).ok_or_else(fail)?;
                let body = parts.get(1).ok_or_else(fail)?;
                match kind {
                    "list" => Ok(Self::list(Self::from_json(body)?)),
                    "set" => Ok(Self::set(Self::from_json(body)?)),
                    "map" => Ok(Self::map(Self::from_json(body)?)),
                    "tuple" => {
                        let elements = body.as_array().ok_or_else(fail)?;
                        elements
                            .iter()
                            .map(Self::from_json)
                            .collect::<Result<_, _>>()
                            .map(Self::Tuple)
                    }
                    "object" => Self::object_from_json(body, parts.get(2)).ok_or_else(fail),
                    _ => Err(fail()),
                }
            }
            _ => Err(fail()),
        }
    }

    fn object_from_json(body: &Json, optional: Option<&Json>) -> Option<Self> {
        let attributes = body
            .as_object()?
            .iter()
            .map(|(name, ty)| Self::from_json(ty).ok().map(|ty| (name.clone(), ty)))
            .collect::<Option<_>>()?;
        let optional = match optional {
            None => BTreeSet::new(),
            Some(names) => names
                .as_array()?
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        Some(Self::Object {
            attributes,
            optional,
        })
    }
}

impl fmt::Display for Type {
    /// As a configuration would spell it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => out.write_str("bool"),
            Self::Number => out.write_str("number"),
            Self::String => out.write_str("string"),
            Self::Dynamic => out.write_str("any"),
            Self::List(element) => write!(out, "list({element})"),
            Self::Set(element) => write!(out, "set({element})"),
            Self::Map(element) => write!(out, "map({element})"),
            Self::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::to_string).collect();
                write!(out, "tuple([{}])", elements.join(", "))
            }
            Self::Object { attributes, .. } => {
                let attributes: Vec<String> = attributes
                    .iter()
                    .map(|(name, ty)| format!("{name} = {ty}"))
                    .collect();
                write!(out, "object({{ {} }})", attributes.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back_what_they_write() {
        for text in [
            r#""dynamic""#,
            r#"["list","string"]"#,
            r#"["set",["map","number"]]"#,
            r#"["tuple",["bool","string"]]"#,
            r#"["object",{"a":"string","b":["list","bool"]}]"#,
            r#"["object",{"a":"string","b":"number"},["b"]]"#,
        ] {
            let json: Json = serde_json::from_str(text).expect("JSON");
            let ty = Type::from_json(&json).expect(text);
            assert_eq!(ty.to_json().to_string(), text);
        }
        for wrong in [r#""text""#, "[]", r#"["list"]"#, r#"["object",[]]"#, "1"] {
            let json: Json = serde_json::from_str(wrong).expect("JSON");
            assert!(Type::from_json(&json).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_set_has_no_order_and_keeps_every_unknown() {
        let one = Value::set([Value::string("b"), Value::string("a"), Value::string("b")]);
        assert_eq!(one, Value::set([Value::string("a"), Value::string("b")]));
        let two = Value::set([Value::Unknown, Value::Unknown]);
        assert_eq!(two, Value::List(vec![Value::Unknown, Value::Unknown]));
    }

    #[test]
    fn debug_output_shows_no_content() {
        let value = Value::Map(BTreeMap::from([(
            "password".into(),
            Value::string("hunter2"),
        )]));
        assert!(!format!("{value:?}").contains("hunter2"));
    }
}
