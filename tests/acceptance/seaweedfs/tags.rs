//! Tags on a server that takes every letter.

use super::Stage;

#[test]
fn odd_tags_are_kept() {
    let stage = Stage::new("tags-odd");
    let arguments = r#"tags = { "a b" = "x=y:z/+-@_.", "Ünï" = "côdé", "empty" = "" }"#;
    stage.write_bucket(arguments, "");
    stage.apply();
    stage.assert_empty_plan();
    let tags = stage.tags();
    assert_eq!(tags["a b"], "x=y:z/+-@_.");
    assert_eq!(tags["Ünï"], "côdé");
    assert_eq!(tags["empty"], "");
    stage.destroy();
}
