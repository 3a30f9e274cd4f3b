//! Values on the wire: MessagePack both ways, JSON in.
//!
//! A schema's type decides how bytes are read. Errors name the place, never the
//! content.

use std::collections::BTreeMap;
use std::fmt;

use rmpv::Value as Pack;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;

use super::diagnostic::Path;
use super::number::Number;
use super::value::{Type, Value};

/// How deep values may nest. Types that people write have a tenth of it; a reader
/// without a bound could be made to exhaust its stack.
const DEEPEST: usize = 200;

/// Bytes that are no value of the type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}", path, if path.steps().is_empty() { "" } else { ": " })]
pub struct CodecError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong.
    pub message: String,
}

fn wrong<T>(path: &Path, message: impl Into<String>) -> Result<T, CodecError> {
    Err(CodecError {
        path: path.clone(),
        message: message.into(),
    })
}

/// Reads MessagePack; no bytes at all are null.
pub fn from_msgpack(mut bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    let root = Path::root();
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let pack = rmpv::decode::read_value_with_max_depth(&mut bytes, DEEPEST)
        .or_else(|error| wrong(&root, format!("the MessagePack cannot be read: {error}")))?;
    if !bytes.is_empty() {
        return wrong(&root, "there are bytes after the value");
    }
    unpack(pack, ty, &root)
}

fn unpack(pack: Pack, ty: &Type, path: &Path) -> Result<Value, CodecError> {
    match (pack, ty) {
        (Pack::Nil, _) => Ok(Value::Null),
        // Any extension is an unknown value; what it says about its range is a hint.
        (Pack::Ext(..), _) => Ok(Value::Unknown),
        (pack, Type::Dynamic) => unpack_dynamic(pack, path),
        (Pack::Boolean(value), Type::Bool) => Ok(Value::Bool(value)),
        (pack, Type::Number) => unpack_number(&pack, path),
        (Pack::String(text), Type::String) => match text.as_str() {
            Some(text) => Ok(Value::String(text.nfc().collect())),
            None => wrong(path, "the text is not UTF-8"),
        },
        (Pack::Array(elements), Type::List(element)) => {
            unpack_elements(elements, |_| element, path).map(Value::List)
        }
        (Pack::Array(elements), Type::Set(element)) => {
            unpack_elements(elements, |_| element, path).map(Value::set)
        }
        (Pack::Array(elements), Type::Tuple(types)) if elements.len() == types.len() => {
            unpack_elements(elements, |index| &types[index], path).map(Value::List)
        }
        (Pack::Map(entries), Type::Map(element)) => {
            let mut map = BTreeMap::new();
            for (key, value) in entries {
                let key = unpack_key(&key, path)?;
                let value = unpack(value, element, &path.key(&key))?;
                map.insert(key, value);
            }
            Ok(Value::Map(map))
        }
        (Pack::Map(entries), Type::Object { attributes, .. }) => {
            let mut map = BTreeMap::new();
            for (key, value) in entries {
                let key = unpack_key(&key, path)?;
                let Some(ty) = attributes.get(&key) else {
                    return wrong(path, format!("unknown attribute {key:?}"));
                };
                let value = unpack(value, ty, &path.attribute(&key))?;
                map.insert(key, value);
            }
            complete(map, attributes, path)
        }
        _ => wrong(path, format!("a {ty} is needed")),
    }
}

fn complete(
    map: BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
    path: &Path,
) -> Result<Value, CodecError> {
    match attributes.keys().find(|name| !map.contains_key(*name)) {
        Some(missing) => wrong(path, format!("attribute {missing:?} is missing")),
        None => Ok(Value::Map(map)),
    }
}

fn unpack_elements<'a>(
    elements: Vec<Pack>,
    ty: impl Fn(usize) -> &'a Type,
    path: &Path,
) -> Result<Vec<Value>, CodecError> {
    elements
        .into_iter()
        .enumerate()
        .map(|(index, element)| unpack(element, ty(index), &path.index(index)))
        .collect()
}

fn unpack_key(key: &Pack, path: &Path) -> Result<String, CodecError> {
    match key.as_str() {
        Some(key) => Ok(key.nfc().collect()),
        None => wrong(path, "a key is not a text"),
    }
}

fn unpack_number(pack: &Pack, path: &Path) -> Result<Value, CodecError> {
    let number = match pack {
        Pack::Integer(number) => number
            .as_i64()
            .map(Number::from)
            .or_else(|| number.as_u64().map(Number::from)),
        Pack::F32(number) => Number::from_f64(f64::from(*number)).ok(),
        Pack::F64(number) => Number::from_f64(*number).ok(),
        Pack::String(text) => text.as_str().and_then(|text| text.parse().ok()),
        _ => None,
    };
    match number {
        Some(number) => Ok(Value::Number(number)),
        None => wrong(path, "a number is needed"),
    }
}

fn unpack_dynamic(pack: Pack, path: &Path) -> Result<Value, CodecError> {
    let Pack::Array(parts) = pack else {
        return wrong(path, "a value of any type needs its type with it");
    };
    let Ok([ty, value]) = <[Pack; 2]>::try_from(parts) else {
        return wrong(path, "a value of any type has two parts");
    };
    let bytes = match &ty {
        Pack::Binary(bytes) => bytes.as_slice(),
        Pack::String(text) => text.as_bytes(),
        _ => return wrong(path, "a type is needed"),
    };
    let ty = serde_json::from_slice(bytes)
        .ok()
        .and_then(|json| Type::from_json(&json).ok());
    let Some(ty) = ty else {
        return wrong(path, "a type is needed");
    };
    let value = unpack(value, &ty, path)?;
    Ok(Value::Dynamic(Box::new(ty), Box::new(value)))
}

/// Writes MessagePack. Attributes that the value lacks are written as null.
pub fn to_msgpack(value: &Value, ty: &Type) -> Result<Vec<u8>, CodecError> {
    let pack = pack(value, ty, &Path::root())?;
    let mut bytes = Vec::new();
    match rmpv::encode::write_value(&mut bytes, &pack) {
        Ok(()) => Ok(bytes),
        Err(error) => wrong(&Path::root(), error.to_string()),
    }
}

fn pack(value: &Value, ty: &Type, path: &Path) -> Result<Pack, CodecError> {
    Ok(match (value, ty) {
        (Value::Null, _) => Pack::Nil,
        (Value::Unknown, _) => Pack::Ext(0, vec![0]),
        (Value::Dynamic(actual, value), Type::Dynamic) => {
            let name = Pack::Binary(actual.to_json().to_string().into_bytes());
            Pack::Array(vec![name, pack(value, actual, path)?])
        }
        (Value::Bool(value), Type::Bool) => Pack::Boolean(*value),
        (Value::Number(number), Type::Number) => pack_number(number),
        (Value::String(text), Type::String) => Pack::from(text.as_str()),
        (Value::List(list), Type::List(element) | Type::Set(element)) => {
            pack_elements(list, |_| element, path)?
        }
        (Value::List(list), Type::Tuple(types)) if list.len() == types.len() => {
            pack_elements(list, |index| &types[index], path)?
        }
        (Value::Map(map), Type::Map(element)) => Pack::Map(
            map.iter()
                .map(|(key, value)| {
                    Ok((
                        Pack::from(key.as_str()),
                        pack(value, element, &path.key(key))?,
                    ))
                })
                .collect::<Result<_, _>>()?,
        ),
        (Value::Map(map), Type::Object { attributes, .. }) => {
            if let Some(extra) = map.keys().find(|name| !attributes.contains_key(*name)) {
                return wrong(path, format!("unknown attribute {extra:?}"));
            }
            Pack::Map(
                attributes
                    .iter()
                    .map(|(name, ty)| {
                        let value = map.get(name).unwrap_or(&Value::Null);
                        Ok((
                            Pack::from(name.as_str()),
                            pack(value, ty, &path.attribute(name))?,
                        ))
                    })
                    .collect::<Result<_, _>>()?,
            )
        }
        _ => return wrong(path, format!("the value is not a {ty}")),
    })
}

fn pack_elements<'a>(
    list: &[Value],
    ty: impl Fn(usize) -> &'a Type,
    path: &Path,
) -> Result<Pack, CodecError> {
    list.iter()
        .enumerate()
        .map(|(index, element)| pack(element, ty(index), &path.index(index)))
        .collect::<Result<_, _>>()
        .map(Pack::Array)
}

fn pack_number(number: &Number) -> Pack {
    match (number.to_i64(), number.to_exact_f64()) {
        (Some(whole), _) => Pack::from(whole),
        (None, Some(float)) if !float.is_finite() || float.fract() != 0.0 => Pack::F64(float),
        _ => Pack::from(number.to_string()),
    }
}

/// Reads JSON; attributes that the type does not have are an error.
pub fn from_json(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    read_json(bytes, ty, false)
}

/// Reads JSON that was written for another version of the type: attributes that are
/// gone are dropped, new ones are null.
pub fn from_older_json(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    read_json(bytes, ty, true)
}

fn read_json(bytes: &[u8], ty: &Type, lenient: bool) -> Result<Value, CodecError> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let seed = Typed { ty, lenient };
    seed.deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value))
        .or_else(|error| {
            // The words of a data error can quote the data, so only the place is told.
            wrong(
                &Path::root(),
                format!(
                    "the JSON is not a value of the schema's type, at line {} column {}",
                    error.line(),
                    error.column()
                ),
            )
        })
}

/// Reads one JSON value of a type. Numbers are read as they are written.
#[derive(Clone, Copy)]
struct Typed<'a> {
    ty: &'a Type,
    lenient: bool,
}

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        match self.ty {
            Type::Number => {
                let raw: &'de RawValue = de::Deserialize::deserialize(source)?;
                match raw.get().trim() {
                    "null" => Ok(Value::Null),
                    text => text
                        .trim_matches('"')
                        .parse()
                        .map(Value::Number)
                        .map_err(de::Error::custom),
                }
            }
            _ => source.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Typed<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a {}", self.ty)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        match self.ty {
            Type::Bool => Ok(Value::Bool(value)),
            _ => Err(E::invalid_type(de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        match self.ty {
            Type::String => Ok(Value::String(text.nfc().collect())),
            _ => Err(E::invalid_type(de::Unexpected::Other("text"), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let ty = match self.ty {
                Type::List(element) | Type::Set(element) => element,
                Type::Tuple(types) => match types.get(list.len()) {
                    Some(ty) => ty,
                    None => break,
                },
                _ => return Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
            };
            match source.next_element_seed(Self { ty, ..self })? {
                Some(element) => list.push(element),
                None => break,
            }
        }
        match self.ty {
            Type::Tuple(types) if types.len() != list.len() => {
                Err(de::Error::invalid_length(list.len(), &self))
            }
            Type::Set(_) => Ok(Value::set(list)),
            _ => Ok(Value::List(list)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        if matches!(self.ty, Type::Dynamic) {
            return self.visit_dynamic(source);
        }
        let mut map = BTreeMap::new();
        while let Some(key) = source.next_key::<String>()? {
            let ty = match self.ty {
                Type::Map(element) => Some(element.as_ref()),
                Type::Object { attributes, .. } => attributes.get(&key),
                _ => return Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
            };
            match ty {
                Some(ty) => {
                    let value = source.next_value_seed(Self { ty, ..self })?;
                    map.insert(key.nfc().collect(), value);
                }
                None if self.lenient => {
                    source.next_value::<de::IgnoredAny>()?;
                }
                None => return Err(de::Error::custom("unknown attribute")),
            }
        }
        if let Type::Object { attributes, .. } = self.ty {
            for name in attributes.keys() {
                if !map.contains_key(name) && !self.lenient {
                    return Err(de::Error::custom("an attribute is missing"));
                }
                map.entry(name.clone()).or_insert(Value::Null);
            }
        }
        Ok(Value::Map(map))
    }
}

impl Typed<'_> {
    /// `{"type": …, "value": …}`, in either order.
    fn visit_dynamic<'de, A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let (mut ty, mut raw) = (None, None);
        while let Some(key) = source.next_key::<String>()? {
            match key.as_str() {
                "type" => ty = Some(source.next_value::<serde_json::Value>()?),
                "value" => raw = Some(source.next_value::<&'de RawValue>()?),
                _ => return Err(de::Error::custom("unknown attribute")),
            }
        }
        let (Some(ty), Some(raw)) = (ty, raw) else {
            return Err(de::Error::custom("a value of any type has type and value"));
        };
        let ty = Type::from_json(&ty).map_err(de::Error::custom)?;
        let seed = Typed {
            ty: &ty,
            lenient: self.lenient,
        };
        let value = seed
            .deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
            .map_err(de::Error::custom)?;
        Ok(Value::Dynamic(Box::new(ty), Box::new(value)))
    }
}

/// The value as JSON, numbers exact. For documents, logs and tests: it holds every
/// content, secrets included. Unknown parts are null.
pub fn to_json(value: &Value) -> String {
    match value {
        Value::Null | Value::Unknown => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::List(list) => {
            let parts: Vec<String> = list.iter().map(to_json).collect();
            format!("[{}]", parts.join(","))
        }
        Value::Map(map) => {
            let parts: Vec<String> = map
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{}:{}",
                        serde_json::Value::from(key.as_str()),
                        to_json(value)
                    )
                })
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Dynamic(ty, value) => {
            format!("{{\"type\":{},\"value\":{}}}", ty.to_json(), to_json(value))
        }
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
