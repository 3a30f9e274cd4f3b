//! Each request of a create lost in turn.

use simulator::proxy::Cut;

use super::world::{World, assert_empty_plan, assert_tidy, ends_well};
use crate::kill::{Counter as _, turning_points};

/// The connection ends at each request of a create in turn.
fn a_lost_request_of_a_create(name: &str, cut: Cut) {
    let mut world = World::new();
    let (stage, proxy) = world.create("aws-undisturbed");
    proxy.clear();
    stage.apply();
    let points = turning_points(&proxy.reads());
    world.new_keys(&stage);
    assert!(points.len() > 15, "only {points:?}");
    for number in points {
        let when = format!("lost at {number}");
        let (stage, proxy) = world.create(&format!("aws-{name}-{number}"));
        proxy.clear();
        proxy.cut_at(number, cut);
        let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
        proxy.clear();
        assert!(!run.text().contains("plugin crashed"), "{}", run.text());
        // Most are repeated at once; the next apply goes on with the rest.
        if run.0.status.success() {
            assert_empty_plan(&stage, &when);
        } else {
            ends_well(&stage, &when);
        }
        let keys = world.new_keys(&stage);
        assert_eq!(keys.len(), 1, "{when}: {keys:?}");
        assert_tidy(&stage, &keys[0], &when);
        assert_eq!(stage.tags()["a"], "b", "{when}");
    }
}

#[test]
fn a_lost_answer_to_any_request_of_a_create_is_survived() {
    a_lost_request_of_a_create("deaf", Cut::After);
}

#[test]
fn a_lost_request_of_a_create_is_survived() {
    a_lost_request_of_a_create("mute", Cut::Before);
}
