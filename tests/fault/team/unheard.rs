//! A team with a bucket of its own, killed at each request to the instance: the next apply
//! goes on, and nobody has to follow any advice.

use super::Stage;
use super::kill::{assert_whole, behind_proxy};
use crate::kill::{is_killed_at, points_of};

fn apply_goes_on(stage: &Stage, when: &str) {
    // The request that the provider was killed at may still be under way: a conflict with it
    // passes.
    let first = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    if first.0.status.success() {
        return;
    }
    let text = first.fails();
    assert!(!text.contains("exists already"), "{when}: {text}");
    stage.apply();
}

#[test]
fn a_team_that_was_killed_at_any_request_is_gone_on_with() {
    let (stage, proxy) = behind_proxy("team-unheard-none");
    let points = points_of(&stage, &proxy, &[]);
    assert_whole(&stage, "undisturbed");
    stage.destroy();
    assert!(points.len() > 3, "only {points:?}");
    for number in points {
        let when = format!("killed at {number}");
        let (stage, proxy) = behind_proxy(&format!("team-unheard-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        apply_goes_on(&stage, &when);
        stage.assert_empty_plan();
        assert_whole(&stage, &when);
        stage.destroy();
        assert!(!stage.exists(), "{when}");
        assert!(stage.wandb.teams().is_empty(), "{when}");
    }
}
