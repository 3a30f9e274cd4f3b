//! Tests of the steps of a plan, one by one and by properties.

use proptest::prelude::*;

use super::super::schema::Attribute;
use super::*;

fn schema() -> Schema {
    Schema::new(
        Block::new("A thing.")
            .with([
                Attribute::string("name", "n").required().requires_replace(),
                Attribute::string("mode", "m").default(Value::string("slow")),
                Attribute::string("note", "o"),
                Attribute::string("id", "i").computed().keeps_state(),
                Attribute::string("etag", "e").computed(),
                Attribute::string("choice", "c").optional_computed(),
                Attribute::string("token", "t").write_only(),
            ])
            .single(
                "inner",
                Block::new("Inside.").with([
                    Attribute::string("place", "p").requires_replace(),
                    Attribute::string("made", "q").computed(),
                    Attribute::string("secret", "s").write_only(),
                ]),
            ),
    )
}

fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut map: BTreeMap<String, Value> = [
        "name", "mode", "note", "id", "etag", "choice", "token", "inner",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), Value::Null))
    .collect();
    map.extend(
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Value::Map(map)
}

fn text(text: &str) -> Value {
    Value::string(text)
}

fn inner(place: Value, made: Value, secret: Value) -> Value {
    Value::Map(BTreeMap::from([
        ("place".into(), place),
        ("made".into(), made),
        ("secret".into(), secret),
    ]))
}

#[test]
fn a_new_object_gets_defaults_and_unknowns() {
    let config = object([
        ("name", text("n")),
        ("token", text("hidden")),
        ("inner", inner(Value::Null, Value::Null, text("hidden"))),
    ]);
    let planned = propose(&schema(), &Value::Null, &config, &config);
    assert_eq!(
        planned,
        object([
            ("name", text("n")),
            ("mode", text("slow")),
            ("id", Value::Unknown),
            ("etag", Value::Unknown),
            ("choice", Value::Unknown),
            ("inner", inner(Value::Null, Value::Unknown, Value::Null)),
        ])
    );
}

#[test]
fn nothing_changes_when_nothing_changed() {
    let prior = object([
        ("name", text("n")),
        ("mode", text("slow")),
        ("id", text("1")),
        ("etag", text("e")),
        ("choice", text("c")),
    ]);
    let config = object([("name", text("n"))]);
    assert_eq!(propose(&schema(), &prior, &prior, &config), prior);
}

#[test]
fn a_change_forgets_what_may_change_with_it() {
    let prior = object([
        ("name", text("n")),
        ("mode", text("fast")),
        ("id", text("1")),
        ("etag", text("e")),
        ("choice", text("c")),
    ]);
    let config = object([("name", text("other"))]);
    let proposed = object([
        ("name", text("other")),
        ("mode", text("fast")),
        ("id", text("1")),
        ("etag", text("e")),
        ("choice", text("c")),
    ]);
    let planned = propose(&schema(), &prior, &proposed, &config);
    assert_eq!(planned.attribute("mode"), &text("slow"));
    assert_eq!(planned.attribute("id"), &text("1"));
    assert_eq!(planned.attribute("etag"), &Value::Unknown);
    assert_eq!(replaced(&schema(), &prior, &planned), [Path::of("name")]);
}

#[test]
fn a_block_that_goes_takes_its_place_along() {
    let with = object([("inner", inner(text("here"), Value::Null, Value::Null))]);
    assert_eq!(
        replaced(&schema(), &with, &object([])),
        [Path::of("inner.place")]
    );
}

/// What a configuration may say about a text.
fn given() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Unknown),
        Just(text("x")),
        Just(text("y"))
    ]
}

fn stored() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), Just(text("x")), Just(text("y"))]
}

prop_compose! {
    fn a_config()(
        name in prop_oneof![Just(text("x")), Just(text("y")), Just(Value::Unknown)],
        mode in given(), note in given(), choice in given(), token in given(),
        block in prop::option::of((given(), given())),
    ) -> Value {
        let inner = block.map_or(Value::Null, |(place, secret)| inner(place, Value::Null, secret));
        object([("name", name), ("mode", mode), ("note", note), ("choice", choice), ("token", token), ("inner", inner)])
    }
}

prop_compose! {
    fn a_state()(
        name in prop_oneof![Just(text("x")), Just(text("y"))],
        mode in stored(), note in stored(), choice in stored(), etag in stored(),
        block in prop::option::of((stored(), stored())),
    ) -> Value {
        let inner = block.map_or(Value::Null, |(place, made)| inner(place, made, Value::Null));
        object([("name", name), ("mode", mode), ("note", note), ("choice", choice),
            ("etag", etag), ("id", text("1")), ("inner", inner)])
    }
}

/// What Terraform proposes: the configuration, and the state where it says nothing.
fn proposed(block: &Block, prior: &Value, config: &Value) -> Value {
    let Value::Map(given) = config else {
        return config.clone();
    };
    let mut map = given.clone();
    for attribute in &block.attributes {
        if attribute.is_computed() && config.attribute(&attribute.name).is_null() {
            map.insert(
                attribute.name.clone(),
                prior.attribute(&attribute.name).clone(),
            );
        }
    }
    for nested in &block.blocks {
        let inner = proposed(
            &nested.block,
            prior.attribute(&nested.name),
            config.attribute(&nested.name),
        );
        map.insert(nested.name.clone(), inner);
    }
    Value::Map(map)
}

proptest! {
    #[test]
    fn every_proposal_keeps_terraforms_rules(
        config in a_config(),
        prior in prop_oneof![Just(Value::Null), a_state()],
    ) {
        let schema = schema();
        let offered = proposed(&schema.block, &prior, &config);
        let planned = propose(&schema, &prior, &offered, &config);
        prop_assert_eq!(breaches(&schema, &prior, &config, &planned), Vec::<String>::new());
        // Every path that makes a new object is one that differs.
        for path in replaced(&schema, &prior, &planned) {
            let names: Vec<String> = path.to_string().split('.').map(str::to_owned).collect();
            let find = |value: &Value| names.iter().fold(value.clone(), |value, name| value.attribute(name).clone());
            prop_assert_ne!(find(&prior), find(&planned));
        }
    }

    #[test]
    fn a_plan_of_what_is_there_is_empty(prior in a_state()) {
        let schema = schema();
        // The configuration that says just what the state says.
        let mut config = prior.clone();
        if let Value::Map(map) = &mut config {
            map.insert("id".into(), Value::Null);
            map.insert("etag".into(), Value::Null);
            if let Some(Value::Map(inner)) = map.get_mut("inner") {
                inner.insert("made".into(), Value::Null);
            }
        }
        prop_assume!(!prior.attribute("mode").is_null());
        let offered = proposed(&schema.block, &prior, &config);
        prop_assert_eq!(propose(&schema, &prior, &offered, &config), prior);
    }
}
