//! Tests of the codec, against bytes of the specifications and by properties.

use proptest::prelude::*;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().expect(text))
}

/// Bytes written down from the specification of MessagePack and of Terraform's wire
/// format, not made by this code.
#[test]
fn values_have_the_bytes_of_the_specification() {
    let object = Type::object([("a", Type::String), ("b", Type::list(Type::Number))]);
    let cases: Vec<(Value, Type, &str)> = vec![
        (Value::Null, Type::String, "c0"),
        (Value::Unknown, Type::String, "d40000"),
        (Value::Bool(true), Type::Bool, "c3"),
        (Value::string("x"), Type::String, "a178"),
        (number("7"), Type::Number, "07"),
        (number("-1"), Type::Number, "ff"),
        (number("0.5"), Type::Number, "cb3fe0000000000000"),
        (number("0.1"), Type::Number, "a3302e31"),
        (
            number("1180591620717411303424"),
            Type::Number,
            "b631313830353931363230373137343131333033343234",
        ),
        (
            Value::List(vec![Value::Unknown, Value::string("b")]),
            Type::set(Type::String),
            "92d40000a162",
        ),
        (
            Value::Map(BTreeMap::from([("a".into(), Value::string("v"))])),
            object,
            "82a161a176a162c0",
        ),
        (
            Value::Dynamic(Box::new(Type::String), Box::new(Value::string("x"))),
            Type::Dynamic,
            "92c40822737472696e6722a178",
        ),
    ];
    for (value, ty, bytes) in cases {
        assert_eq!(hex(&to_msgpack(&value, &ty).expect("packs")), bytes, "{ty}");
    }
}

#[test]
fn refined_unknowns_and_uint64_are_read() {
    // Extension 12 with a map that says "not null".
    let refined = [0xc7, 0x03, 0x0c, 0x81, 0x01, 0xc2];
    assert_eq!(from_msgpack(&refined, &Type::String), Ok(Value::Unknown));
    let largest = [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(
        from_msgpack(&largest, &Type::Number),
        Ok(number("18446744073709551615"))
    );
    assert_eq!(from_msgpack(&[], &Type::Number), Ok(Value::Null));
    let infinite = [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        from_msgpack(&infinite, &Type::Number),
        Ok(Value::Number(Number::Infinity))
    );
}

#[test]
fn texts_are_brought_to_normal_form() {
    let decomposed = "e\u{301}";
    let bytes = to_msgpack(&Value::string(decomposed), &Type::String).expect("packs");
    assert_eq!(
        from_msgpack(&bytes, &Type::String),
        Ok(Value::string("\u{e9}"))
    );
}

#[test]
fn errors_name_the_place_and_not_the_content() {
    let ty = Type::object([("list", Type::list(Type::Bool))]);
    // {"list": ["hunter2"]}
    let mut bytes = vec![0x81, 0xa4];
    bytes.extend(b"list");
    bytes.extend([0x91, 0xa7]);
    bytes.extend(b"hunter2");
    let error = from_msgpack(&bytes, &ty).expect_err("a text is no bool");
    assert_eq!(error.to_string(), "list[0]: a bool is needed");

    let error = from_json(br#"{"list": ["hunter2"]}"#, &ty).expect_err("a text is no bool");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(error.to_string().contains("line 1"), "{error}");
}

#[test]
fn garbage_is_an_error_and_no_crash() {
    let ty = Type::object([("a", Type::String)]);
    for bytes in [
        &[0x81][..],
        &[0x80],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0x91; 4000],
        &[0xc0, 0xc0],
        &[0x81, 0xa1, b'b', 0xc0],
    ] {
        assert!(from_msgpack(bytes, &ty).is_err(), "{bytes:02x?}");
    }
    for text in ["", "{", "[]", r#"{"b":1}"#, r#"{"a":1}"#, r#"{"a":"x"} x"#] {
        assert!(from_json(text.as_bytes(), &ty).is_err(), "{text}");
    }
    assert!(from_json("[".repeat(100_000).as_bytes(), &Type::Dynamic).is_err());
}

#[test]
fn json_keeps_every_digit() {
    let ty = Type::list(Type::Number);
    let text = "[1180591620717411303424,0.1,-7,18446744073709551615]";
    let value = from_json(text.as_bytes(), &ty).expect("JSON");
    assert_eq!(to_json(&value), text);
}

#[test]
fn an_older_state_loses_what_is_gone_and_gains_null() {
    let ty = Type::object([("kept", Type::String), ("new", Type::Number)]);
    let json = br#"{"kept":"x","gone":{"deep":[1,2]}}"#;
    assert!(from_json(json, &ty).is_err());
    assert_eq!(
        from_older_json(json, &ty),
        Ok(Value::Map(BTreeMap::from([
            ("kept".into(), Value::string("x")),
            ("new".into(), Value::Null),
        ])))
    );
}

#[test]
fn a_dynamic_value_brings_its_type() {
    let value = from_json(
        br#"{"value":[1,2],"type":["list","number"]}"#,
        &Type::Dynamic,
    );
    let list = Value::List(vec![number("1"), number("2")]);
    assert_eq!(
        value,
        Ok(Value::Dynamic(
            Box::new(Type::list(Type::Number)),
            Box::new(list)
        ))
    );
}

/// A type and a value of it, a few levels deep.
pub(crate) fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|value| (Type::Bool, Value::Bool(value))),
        any::<i64>().prop_map(|number| (Type::Number, Value::Number(number.into()))),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{0,20}[1-9])?"
            .prop_map(|text| (Type::Number, Value::Number(text.parse().expect("digits")))),
        ".{0,12}".prop_map(|text| (Type::String, Value::String(text.nfc().collect()))),
        Just((Type::String, Value::Null)),
        Just((Type::Number, Value::Unknown)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            many.clone().prop_map(|pairs| {
                let (types, values) = pairs.into_iter().unzip();
                (Type::Tuple(types), Value::List(values))
            }),
            many.prop_map(|pairs| {
                let named = |index: usize| format!("name_{index}");
                let attributes = pairs
                    .iter()
                    .enumerate()
                    .map(|(i, (ty, _))| (named(i), ty.clone()));
                let ty = Type::Object {
                    attributes: attributes.collect(),
                    optional: Default::default(),
                };
                let values = pairs
                    .iter()
                    .enumerate()
                    .map(|(i, (_, value))| (named(i), value.clone()));
                (ty, Value::Map(values.collect()))
            }),
            (inner.clone(), 0..3usize).prop_map(|((ty, value), count)| {
                (Type::list(ty), Value::List(vec![value; count]))
            }),
            inner
                .clone()
                .prop_map(|(ty, value)| { (Type::set(ty), Value::set([value.clone(), value])) }),
            inner.clone().prop_map(|(ty, value)| {
                (
                    Type::map(ty),
                    Value::Map(BTreeMap::from([("key".to_owned(), value)])),
                )
            }),
            inner.prop_map(|(ty, value)| match value {
                Value::Null | Value::Unknown | Value::Dynamic(..) => (Type::Dynamic, Value::Null),
                value => (Type::Dynamic, Value::Dynamic(Box::new(ty), Box::new(value))),
            }),
        ]
    })
}

proptest! {
    #[test]
    fn msgpack_reads_back_what_it_writes((ty, value) in typed_value()) {
        let bytes = to_msgpack(&value, &ty).expect("packs");
        prop_assert_eq!(from_msgpack(&bytes, &ty), Ok(value));
    }

    #[test]
    fn json_reads_back_what_it_writes((ty, value) in typed_value()) {
        prop_assume!(value.is_wholly_known());
        prop_assert_eq!(from_json(to_json(&value).as_bytes(), &ty), Ok(value));
    }

    #[test]
    fn no_bytes_crash_the_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        (ty, _) in typed_value(),
    ) {
        // Whatever they are, there is an answer.
        let _ = from_msgpack(&bytes, &ty);
        let _ = from_json(&bytes, &ty);
    }
}
