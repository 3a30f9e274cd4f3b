//! Tests of schemas.

use super::*;

fn schema() -> Schema {
    Schema::new(
        Block::new("A thing.")
            .with([
                Attribute::string("mode", "How.").one_of(&["fast", "slow"]),
                Attribute::number("size", "How much.").between(1, 10),
            ])
            .single(
                "inner",
                Block::new("Inside.").with([Attribute::string("token", "Secret.").write_only()]),
            ),
    )
}

fn config(mode: Value, size: Value, token: Value) -> Value {
    let inner = Value::Map(BTreeMap::from([("token".into(), token)]));
    Value::Map(BTreeMap::from([
        ("mode".into(), mode),
        ("size".into(), size),
        ("inner".into(), inner),
    ]))
}

#[test]
fn checks_name_the_path_and_skip_what_is_unknown() {
    let number = |number: i64| Value::Number(number.into());
    let wrong = config(Value::string("x"), number(11), Value::string("t"));
    let found = schema().block.validate(&wrong, &Path::root(), false);
    let paths: Vec<String> = found
        .iter()
        .map(|one| one.path.clone().unwrap_or_default().to_string())
        .collect();
    assert_eq!(paths, ["mode", "size", "inner.token"]);
    let unknown = config(Value::Unknown, Value::Unknown, Value::Null);
    assert!(
        schema()
            .block
            .validate(&unknown, &Path::root(), false)
            .is_empty()
    );
}

#[test]
fn problems_are_found() {
    assert_eq!(schema().problems(), Vec::<String>::new());
    let wrong = Schema::new(Block::new("x").with([
        Attribute::string("Name", "d"),
        Attribute::string("a", ""),
        Attribute::string("a", "d"),
    ]));
    assert_eq!(wrong.problems().len(), 3);
}
