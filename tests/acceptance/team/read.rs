//! A team that is not there any more.

use super::{TEAM, with_bucket, write};

#[test]
fn a_team_that_vanished_is_made_again() {
    let stage = with_bucket("team-vanished");
    write(&stage, "");
    stage.apply();
    stage.wandb.remove_team("omega");
    assert_eq!(stage.plan().actions(TEAM), ["create"]);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
