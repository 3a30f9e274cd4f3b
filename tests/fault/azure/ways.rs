//! Changes of the way in, killed and refused at each request, in an account of somebody else's.

use serde_json::{Value, json};
use simulator::azure::Fault;

use super::{Stage, World, by_identity, ends_well};
use crate::kill::{is_killed_at, points_of};

const QUIET: &str = "verify = \"settings\"\non_destroy = \"delete_everything\"";

fn block(stage: &Stage, way: &str, principal: &str) -> String {
    let way = match way {
        "key" => "access = \"access_key\"".to_owned(),
        "principal" => format!("access = \"principal\"\nwandb_principal_id = \"{principal}\""),
        _ => by_identity(stage),
    };
    format!("{way}\ncreate_storage_account = false")
}

fn assert_in_by(stage: &Stage, way: &str, when: &str) {
    let (identities, roles) = match way {
        "key" => (0, 0),
        "principal" => (0, 2),
        _ => (1, 2),
    };
    assert_eq!(stage.identities().len(), identities, "{when}");
    let held = stage.assignments();
    assert_eq!(held.len(), roles, "{when}: {held:?}");
    let key = stage.this()["secret_access_key"].clone();
    assert_eq!(key != Value::Null, way == "key", "{when}");
}

/// Nothing is left of the bucket in the account, and nobody is let in.
fn assert_left(stage: &Stage, when: &str) {
    assert!(!stage.exists(), "{when}");
    assert_eq!(stage.assignments(), [], "{when}");
    assert_eq!(stage.identities(), Vec::<Value>::new(), "{when}");
}

/// A bucket that is let in by one way, and a configuration that says another one.
fn begun(world: &World, name: &str, (from, to): (&str, &str), principal: &str) -> Stage {
    let stage = world.stage(name);
    let account = format!("/accounts/{}", stage.account());
    stage.login.control("POST", &account, json!({}));
    stage.write_bucket(QUIET, &block(&stage, from, principal));
    stage.apply();
    stage.write_bucket(QUIET, &block(&stage, to, principal));
    stage
}

/// Changes the way in once undisturbed, then once for each request with `disturb` at it.
fn each_request(changes: &[(&str, &str)], disturb: impl Fn(&Stage, usize)) {
    let world = World::new();
    let who = world.0.control("POST", "/principals", json!({}));
    let who = who["object_id"].as_str().expect("an id").to_owned();
    for &(from, to) in changes {
        let name = format!("az-{}{}", &from[..1], &to[..1]);
        let stage = begun(&world, &name, (from, to), &who);
        let points = points_of(&stage, stage.cloud(), &[]);
        assert_in_by(&stage, to, &format!("{from} to {to}"));
        stage.destroy();
        assert_left(&stage, &format!("{from} to {to}"));
        for number in points {
            let when = format!("{from} to {to}, at {number}");
            for goes_on in [true, false] {
                let name = format!("{name}-{number}-{goes_on}");
                let stage = begun(&world, &name, (from, to), &who);
                disturb(&stage, number);
                if goes_on {
                    ends_well(&stage, &when);
                    assert_in_by(&stage, to, &when);
                }
                stage.destroy();
                assert_left(&stage, &when);
            }
        }
    }
}

#[test]
fn a_kill_at_any_request_of_a_change_of_the_way_in_is_survived() {
    let changes = [
        ("identity", "key"),
        ("key", "principal"),
        ("principal", "identity"),
    ];
    each_request(&changes, |stage, number| {
        assert!(is_killed_at(stage, stage.cloud(), number, &[]), "{number}");
    });
}

#[test]
fn a_refusal_at_any_request_of_a_change_of_the_way_in_is_survived() {
    let changes = [
        ("key", "identity"),
        ("identity", "principal"),
        ("principal", "key"),
        ("identity", "key"),
    ];
    each_request(&changes, |stage, number| {
        stage.plan_to_file();
        stage.cloud().clear_requests();
        let cloud = stage.login.cloud.clone();
        stage.cloud().run_at(number, move || {
            for method in ["PUT", "PATCH", "DELETE"] {
                cloud.fault(Fault::status(&format!("arm {method}"), 403, None));
            }
        });
        stage.apply_plan();
        stage.cloud().clear_requests();
        stage.cloud().clear_faults();
    });
}
