//! What changes or vanishes behind the back of a team with its own bucket.

use serde_json::Value;

use super::{ALL, DELETE, TEAM, made, team_of, tell_instance, write, write_named};

#[test]
fn drift_of_the_teams_bucket_shows_in_its_block_and_is_mended() {
    let stage = made("tb-drift", DELETE, ALL);
    stage.suspend_versioning();
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    assert_eq!(
        plan.change(TEAM)["before"]["byob_bucket"]["versioning"],
        false
    );
    assert_eq!(
        plan.change(TEAM)["after"]["byob_bucket"]["versioning"],
        true
    );
    stage.apply();
    assert_eq!(stage.versioning(), "Enabled");
    stage.assert_empty_plan();
    // Tags change in place.
    write(
        &stage,
        DELETE,
        r#"
            on_destroy = "delete_everything"
            tags = { a = "b" }
        "#,
    );
    stage.apply();
    assert_eq!(stage.tags()["a"], "b");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_vanished_bucket_is_made_anew_for_its_team() {
    let stage = made("tb-gone", DELETE, ALL);
    stage.clean_up();
    assert!(!stage.exists());
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    assert!(plan.text.contains("is gone"), "{}", plan.text);
    stage.apply();
    assert!(stage.exists());
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_team_stays_bound_while_its_bucket_is_gone() {
    let stage = made("tb-bound", "", r#"path = "a""#);
    let before = stage.state(TEAM)["id"].clone();
    stage.clean_up();
    let refused = |words: &str| {
        let text = stage.plan_fails();
        assert!(text.contains("W&B cannot change"), "{text}");
        assert!(text.contains(words), "{text}");
    };
    write(&stage, "", r#"path = "b""#);
    refused("byob_bucket.path");
    write(&stage, r#"path = "a/b""#, r#"path = "a""#);
    refused("the path of team");
    write_named(&stage, "another", "", r#"path = "a""#);
    refused("byob_bucket.name");
    // The state still says what the team is bound to.
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let state = stage.state(TEAM);
    // The bucket's user is still there, and so is the bucket in the state.
    assert_eq!(state["byob_bucket"]["storage"]["name"], stage.address());
    assert_eq!(state["byob_bucket"]["storage"]["path"], "a");
    assert_eq!(state["byob_bucket"]["verified"], false);
    refused("byob_bucket.name");
    write(&stage, "", r#"path = "a""#);
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.exists());
    let state = stage.state(TEAM);
    assert_eq!(state["id"], before);
    assert_eq!(state["storage"], Value::Null);
    // With leave to delete the team, another path is a replacement.
    write(&stage, DELETE, r#"path = "a""#);
    stage.apply();
    stage.clean_up();
    write(&stage, DELETE, r#"path = "b""#);
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.wandb.clear_stores();
    tell_instance(&stage);
    stage.apply();
    stage.assert_empty_plan();
    assert_ne!(stage.state(TEAM)["id"], before);
    assert_eq!(team_of(&stage).expect("a team").storage["path"], "b");
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}
