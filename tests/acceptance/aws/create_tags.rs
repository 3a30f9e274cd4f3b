//! Servers that take a bucket's tags with its creation and drop them.

use super::Stage;

#[test]
fn tags_that_the_server_drops_are_written_at_once() {
    let stage = Stage::new("drops-tags");
    stage.write_bucket(r#"tags = { a = "b" }"#, "");
    stage.apply();
    assert!(stage.is_ready());
    assert_eq!(stage.tags()["a"], "b");
    stage.assert_empty_plan();
    stage.destroy();
}
