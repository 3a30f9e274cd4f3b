//! A team that was there before.

use super::{TEAM, members, with_bucket, write};

#[test]
fn a_team_that_exists_offers_the_import_and_the_import_plans_empty() {
    let stage = with_bucket("team-exists");
    write(&stage, r#"members = ["jane@example.com"]"#);
    stage.apply();
    stage.forget(TEAM);
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    assert!(text.contains(r#"id = "omega""#), "{text}");
    stage.import(TEAM, "omega").succeeds();
    // The state takes what the configuration says, and W&B is not asked to change it.
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-jane"]);
    stage.destroy();
}
