//! "There is no such team" counts only when the team's own instance and organization say so,
//! and nobody's files go because of it.

use serde_json::{Value, json};
use simulator::wandb::Fault;

use super::{ALL, DELETE, TEAM, made, team_of, write};
use crate::team::Stage;

const PLAIN: &str = "wandb_team_storage.omega";

fn destroy_fails_with(stage: &Stage, extra: &[&str]) -> String {
    let mut arguments = vec!["destroy", "-auto-approve", "-no-color"];
    arguments.extend(extra);
    stage.terraform(&arguments).fails()
}

fn objects(stage: &Stage) -> Value {
    stage.s3_ok("holds", json!({}))["objects"].clone()
}

/// The key is one of another organization.
fn other_organization() -> Fault {
    Fault::Organizations {
        asked: 2,
        seen: vec![2],
    }
}

/// A team without a bucket of its own, on a bucket that the instance takes untried.
fn plain(name: &str) -> Stage {
    let stage = Stage::new(name);
    stage.wandb.fault(Fault::test_passes());
    stage.write(
        "resource \"wandb_team_storage\" \"omega\" {\n  team = \"omega\"\n  \
         storage = { name = \"acme\", provider = \"AWS\" }\n  on_destroy = \"delete\"\n}\n",
    );
    stage.apply();
    stage
}

#[test]
fn a_page_of_a_proxy_is_no_proof_that_a_team_is_gone() {
    let stage = made("ta-html", DELETE, ALL);
    stage.put("precious");
    let before = stage.state(TEAM);
    for (answer, words) in [
        (Fault::html("GET /scim/Groups", 404, None), "not W&B's own"),
        (Fault::html("GET /scim/Groups", 200, None), "not JSON"),
        (
            Fault::Answer {
                path_contains: "GET /scim/Groups".to_owned(),
                code: 404,
                content_type: "application/json".to_owned(),
                body: "{\"message\": \"no route\"}".to_owned(),
                carried_out: false,
                times: None,
            },
            "not W&B's own",
        ),
        (
            Fault::Answer {
                path_contains: "GET /scim/Groups".to_owned(),
                code: 200,
                content_type: "application/json".to_owned(),
                body: "{}".to_owned(),
                carried_out: false,
                times: None,
            },
            "holds no team",
        ),
    ] {
        stage.wandb.clear_faults();
        stage.wandb.fault(answer);
        let text = stage.plan_fails();
        assert!(text.contains(words), "{text}");
        destroy_fails_with(&stage, &[]);
        destroy_fails_with(&stage, &["-refresh=false"]);
        assert_eq!(objects(&stage), 1, "{words}");
        assert_eq!(stage.state(TEAM), before, "{words}");
    }
    stage.wandb.clear_faults();
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
    // The same without a bucket of its own.
    let stage = plain("ta-html-plain");
    stage
        .wandb
        .fault(Fault::html("GET /scim/Groups", 404, None));
    let text = stage.plan_fails();
    assert!(text.contains("not W&B's own"), "{text}");
    destroy_fails_with(&stage, &["-refresh=false"]);
    assert_eq!(stage.state(PLAIN)["team"], "omega");
}

#[test]
fn a_key_of_another_organization_does_not_tell_what_became_of_a_team() {
    for on_destroy in ["", DELETE] {
        let stage = made("ta-org", on_destroy, ALL);
        stage.put("precious");
        stage.wandb.fault(other_organization());
        let text = stage.plan_fails();
        assert!(text.contains("organization"), "{text}");
        assert!(text.contains("api_key"), "{text}");
        for extra in [&[][..], &["-refresh=false"]] {
            let arguments = ["destroy", "-auto-approve", "-no-color"];
            stage.terraform(&[&arguments[..], extra].concat());
            assert_eq!(objects(&stage), 1, "{on_destroy} {extra:?}");
        }
        assert!(team_of(&stage).is_some());
        stage.clean_up();
    }
    let stage = plain("ta-org-plain");
    stage.wandb.fault(other_organization());
    let text = stage.plan_fails();
    assert!(text.contains("organization"), "{text}");
    destroy_fails_with(&stage, &["-refresh=false"]);
    assert_eq!(stage.wandb.teams().len(), 1);
}

#[test]
fn a_team_that_waits_is_not_absent_for_a_key_of_another_organization() {
    let stage = Stage::new("ta-org-waits");
    write(&stage, DELETE, ALL);
    stage.apply();
    stage.put("precious");
    stage.wandb.fault(other_organization());
    let text = destroy_fails_with(&stage, &["-refresh=false"]);
    assert!(text.contains("organization"), "{text}");
    assert_eq!(objects(&stage), 1);
    stage.wandb.clear_faults();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_key_of_several_organizations_is_asked_which_one_answers() {
    let stage = plain("ta-several");
    stage.wandb.remove_team("omega");
    let both = |asked| Fault::Organizations {
        asked,
        seen: vec![1, 2],
    };
    // Nothing that is in the lists tells which organization they are of.
    stage.wandb.fault(both(1));
    let text = stage.plan_fails();
    assert!(text.contains("does not tell"), "{text}");
    // Another team tells.
    stage.wandb.add_team("other", &[], Default::default());
    assert_eq!(stage.plan().actions(PLAIN), ["create"]);
    stage.wandb.clear_faults();
    stage.wandb.fault(both(2));
    stage.wandb.add_team("elsewhere", &[], Default::default());
    let text = stage.plan_fails();
    assert!(text.contains("organization"), "{text}");
}

#[test]
fn the_files_of_a_team_that_was_deleted_elsewhere_stay() {
    for extra in [&[][..], &["-refresh=false"]] {
        let stage = made("ta-lost", DELETE, ALL);
        stage.put("precious");
        stage.wandb.remove_team(stage.bucket());
        let mut arguments = vec!["destroy", "-auto-approve", "-no-color"];
        arguments.extend(extra);
        let text = stage.terraform(&arguments).succeeds().text();
        assert!(text.contains("stays"), "{text}");
        assert_eq!(objects(&stage), 1);
        assert_eq!(stage.state(TEAM), Value::Null);
        stage.clean_up();
    }
    // The state says so in between, and an apply makes the team anew.
    let stage = made("ta-lost-state", DELETE, ALL);
    stage.put("precious");
    stage.wandb.remove_team(stage.bucket());
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let findings = stage.state(TEAM)["findings"].clone();
    assert_eq!(findings[0]["actual"], "no such team");
    stage.apply();
    stage.assert_empty_plan();
    assert!(team_of(&stage).is_some());
    assert_eq!(stage.state(TEAM)["findings"], json!([]));
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_deletion_that_did_not_happen_keeps_the_bucket() {
    let stage = made("ta-undeleted", DELETE, ALL);
    stage.put("precious");
    stage.wandb.fault(Fault::Answer {
        path_contains: "DeleteTeam".to_owned(),
        code: 200,
        content_type: "application/json".to_owned(),
        body: "{\"data\": {\"deleteTeam\": {\"success\": true}}}".to_owned(),
        carried_out: false,
        times: None,
    });
    let text = destroy_fails_with(&stage, &[]);
    assert!(text.contains("still has it"), "{text}");
    assert_eq!(objects(&stage), 1);
    stage.wandb.clear_faults();
    stage.destroy();
    assert!(!stage.exists());
    assert!(team_of(&stage).is_none());
}
