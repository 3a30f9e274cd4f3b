//! A team goes only on demand.

use super::{with_bucket, write};

#[test]
fn a_team_is_deleted_only_on_demand() {
    let stage = with_bucket("team-delete");
    write(&stage, r#"on_destroy = "delete""#);
    stage.apply();
    let text = stage.destroy().text();
    assert!(text.contains("deleted for good"), "{text}");
    assert!(stage.wandb.teams().is_empty());
}
