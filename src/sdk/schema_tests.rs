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
