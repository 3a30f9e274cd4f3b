//! Each request lost in turn.

use simulator::proxy::Cut;

use super::{assert_tidy, behind_proxy};
use crate::kill::{Counter as _, turning_points};

/// The connection ends at each request in turn, after the server has carried it out or
/// before: one bucket, one user, one key, whatever was repeated.
fn a_lost_request_of_a_create(when: Cut) {
    let apply = |name: &str, cut: Option<usize>| {
        let (stage, proxy) = behind_proxy(name);
        stage.write_bucket(r#"tags = { a = "b" }"#, "create_access_key = true");
        stage.plan_to_file();
        proxy.clear();
        if let Some(number) = cut {
            proxy.cut_at(number, when);
        }
        let run = stage.apply_plan();
        assert!(!run.text().contains("plugin crashed"), "{}", run.text());
        let points = turning_points(&proxy.reads());
        proxy.clear();
        // Most are repeated at once; the next apply goes on with the rest.
        stage.apply();
        stage.assert_empty_plan();
        assert_tidy(&stage, cut.unwrap_or_default());
        assert_eq!(stage.tags()["a"], "b");
        stage.destroy();
        assert!(!stage.exists(), "lost at {cut:?}");
        points
    };
    let points = apply("lost-none", None);
    assert!(points.len() > 10, "only {points:?}");
    for number in points {
        apply(&format!("lost-{number}"), Some(number));
    }
}

#[test]
fn a_lost_answer_to_any_request_of_a_create_is_survived() {
    a_lost_request_of_a_create(Cut::After);
}

#[test]
fn a_lost_request_of_a_create_is_survived() {
    a_lost_request_of_a_create(Cut::Before);
}
