//! A W&B instance whose answers are lost, garbled, endless or of somebody else.

use serde_json::json;
use simulator::wandb::Fault;

use super::Stage;

const TEAM: &str = "wandb_team_storage.omega";

fn team(arguments: &str) -> String {
    format!(
        "resource \"wandb_team_storage\" \"omega\" {{\n  team = \"omega\"\n  \
         storage = {{ name = \"acme\", provider = \"AWS\" }}\n  {arguments}\n}}\n"
    )
}

/// A configuration of a team on a bucket that the instance takes untried.
fn stage(name: &str) -> Stage {
    let stage = Stage::new(name);
    stage.wandb.fault(Fault::test_passes());
    stage.write(&team(""));
    stage
}

#[test]
fn a_team_whose_making_ended_in_doubt_is_looked_up() {
    for (code, kind, body) in [
        (500, "text/html", "<html>oops</html>"),
        (502, "text/html", "<html>bad gateway</html>"),
        (404, "text/html", "<html>not found</html>"),
        (200, "text/html", "<html>welcome</html>"),
        (200, "application/json", ""),
        (201, "application/json", "{\"unexpected\": true}"),
        (500, "application/json", "{\"message\": \"internal\"}"),
        (
            500,
            "application/scim+json",
            "{\"schemas\": [\"urn:ietf:params:scim:api:messages:2.0:Error\"], \"status\": \"500\"}",
        ),
    ] {
        let stage = stage("tf-doubt");
        stage
            .wandb
            .fault(Fault::carried_out("POST /scim/Groups", code, kind, body));
        let text = stage.apply().text();
        assert!(text.contains("found by its name"), "{code} {body}: {text}");
        assert_eq!(stage.wandb.teams().len(), 1, "{code} {body}");
        assert_eq!(stage.state(TEAM)["id"], stage.wandb.teams()[0].id);
        stage.assert_empty_plan();
    }
}

#[test]
fn nothing_new_is_said_only_after_a_look() {
    let stage = stage("tf-nothing");
    stage
        .wandb
        .fault(Fault::html("POST /scim/Groups", 500, Some(1)));
    stage.wandb.clear_requests();
    let text = stage.apply_fails();
    assert!(text.contains("has no team \"omega\""), "{text}");
    let requests = stage.wandb.requests();
    let posted = requests
        .iter()
        .rposition(|one| one.method == "POST" && one.path == "/scim/Groups");
    let looked = requests
        .iter()
        .rposition(|one| one.method == "GET" && one.path == "/scim/Groups");
    assert!(looked > posted, "{requests:?}");
    // The look fails as well.
    stage
        .wandb
        .fault(Fault::html("POST /scim/Groups", 500, Some(1)));
    stage
        .terraform(&["plan", "-no-color", "-out=plan.bin"])
        .succeeds();
    // Three looks: of the plan in the apply, before the POST, and after it.
    stage.wandb.clear_requests();
    stage
        .wandb
        .fault(Fault::lose_reply("POST /scim/Groups", Some(1)));
    let text = stage.terraform(&["apply", "-no-color", "plan.bin"]).fails();
    assert!(text.contains("Left behind"), "{text}");
    stage.apply();
    stage.assert_empty_plan();
}

#[test]
fn a_list_that_contradicts_itself_is_an_error_and_no_absence() {
    for (what, faults) in [
        ("a total too large", vec![Fault::WrongTotal { total: 7 }]),
        (
            "a total too small",
            vec![Fault::IgnoreFilter, Fault::WrongTotal { total: 1 }],
        ),
        (
            "startIndex ignored",
            vec![
                Fault::IgnoreFilter,
                Fault::IgnoreStart,
                Fault::PageSize { entries: 2 },
            ],
        ),
    ] {
        let stage = stage("tf-lists");
        for number in 0..5 {
            stage
                .wandb
                .add_team(&format!("other-{number}"), &[], Default::default());
        }
        for fault in faults {
            stage.wandb.fault(fault);
        }
        stage.wandb.clear_requests();
        let text = stage.plan_fails();
        assert!(text.contains("SCIM"), "{what}: {text}");
        let asked = stage.wandb.requests().len();
        assert!(asked < 5, "{what}: {asked} requests");
    }
    // Short pages alone are all right, and so is a filter that nobody looks at.
    let stage = stage("tf-pages");
    for number in 0..5 {
        stage
            .wandb
            .add_team(&format!("other-{number}"), &[], Default::default());
    }
    stage.wandb.fault(Fault::IgnoreFilter);
    stage.wandb.fault(Fault::PageSize { entries: 2 });
    stage.apply();
    stage.assert_empty_plan();
}

#[test]
fn a_pause_that_the_instance_asks_for_is_made() {
    let stage = stage("tf-pause");
    for (path, code) in [
        ("GET /scim/Groups", 503),
        ("GET /scim/Groups", 429),
        ("TestBucket", 503),
        ("POST /scim/Groups", 429),
    ] {
        stage
            .wandb
            .fault(Fault::status(path, code, Some(1), Some(1)));
    }
    let start = std::time::Instant::now();
    stage.apply();
    assert!(start.elapsed().as_secs() >= 4, "{:?}", start.elapsed());
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.assert_empty_plan();
}

#[test]
fn whoever_the_instance_adds_by_itself_may_be_named_or_not() {
    let stage = stage("tf-caller");
    stage.wandb.fault(Fault::AddCaller);
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
    let admin = "admin@example.com";
    let members = |list: &[&str]| {
        let quoted: Vec<String> = list.iter().map(|one| format!("{one:?}")).collect();
        team(&format!("members = [{}]", quoted.join(", ")))
    };
    // Not managed, then managed without and with the caller, and back.
    stage.apply();
    stage.assert_empty_plan();
    for list in [
        &["u-jane"][..],
        &["u-jane", admin],
        &["u-jane"],
        &[],
        &[admin],
        &[],
    ] {
        stage.write(&members(list));
        stage.apply();
        stage.assert_empty_plan();
        let state = stage.state(TEAM)["members"].clone();
        let mut sorted: Vec<&str> = list.to_vec();
        sorted.sort_unstable();
        assert_eq!(state, json!(sorted), "{list:?}");
    }
    // Named from the beginning.
    let stage = self::stage("tf-caller-named");
    stage.wandb.fault(Fault::AddCaller);
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
    stage.write(&members(&[admin, "u-jane"]));
    stage.apply();
    stage.assert_empty_plan();
    stage.write(&members(&["u-jane"]));
    stage.apply();
    stage.assert_empty_plan();
    // Somebody else who comes in is drift all the same.
    stage.wandb.add_user("u-joe", "joe", "joe@example.com");
    let everybody: Vec<String> = stage.wandb.teams()[0].members.clone();
    let mut more: Vec<&str> = everybody.iter().map(String::as_str).collect();
    more.push("u-joe");
    stage.wandb.set_members("omega", &more);
    assert_eq!(stage.plan().actions(TEAM), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
}
