//! What a W&B instance refuses, and what the user reads.

use serde_json::json;
use simulator::wandb::{Config, Fault, Severity};

use super::{Stage, TEAM};
use crate::harness::{API_KEY, Cloud, Minio, hcl};

/// A team on a bucket that the instance cannot reach from here.
fn team(arguments: &str) -> String {
    hcl!(
        r#"
            resource "wandb_team_storage" "omega" {
              team = "omega"
              storage = { name = "acme", provider = "AWS" }
              <arguments>
            }
        "#,
        arguments
    )
}

fn stage(name: &str) -> Stage {
    let stage = Stage::new(name);
    stage.wandb.fault(Fault::test_passes());
    stage.write(&team(""));
    stage
}

#[test]
fn each_refusal_says_what_to_look_at() {
    let stage = stage("refusals");
    for (status, words) in [
        (401, "WANDB_API_KEY"),
        (403, "service account"),
        (404, "base_url"),
        (429, "Run again later"),
        (500, "500"),
        (502, "whether the instance is up"),
    ] {
        stage.wandb.clear_faults();
        stage
            .wandb
            .fault(Fault::status("GET /scim/Groups", status, None, None));
        let text = stage.plan_fails();
        assert!(text.contains(words), "{status}: {text}");
        assert!(text.contains(&status.to_string()), "{status}: {text}");
        assert!(text.contains("GET /scim/Groups"), "{status}: {text}");
        assert!(!text.contains(API_KEY), "{text}");
    }
}

#[test]
fn a_name_that_somebody_took_in_between_is_reported() {
    let stage = stage("conflict");
    // A person has the name: no list of teams shows it, and the creation is refused.
    stage
        .wandb
        .add_user("u-omega", "omega", "omega@example.com");
    let text = stage.apply_fails();
    assert!(text.contains("409"), "{text}");
    assert!(text.contains("The team was not made"), "{text}");
    assert!(stage.wandb.teams().is_empty());
    assert_eq!(stage.state(TEAM), json!(null));
}

#[test]
fn a_list_longer_than_one_page_is_read_to_its_end() {
    let stage = stage("pages");
    for number in 0..10_050 {
        stage
            .wandb
            .add_team(&format!("team-{number}"), &[], Default::default());
    }
    stage.wandb.add_team("omega", &[], Default::default());
    // An instance that does not filter answers with everything, page by page.
    stage.wandb.fault(Fault::IgnoreFilter);
    stage.wandb.clear_requests();
    let text = stage.plan_fails();
    assert!(text.contains("exists already"), "{text}");
    let pages: Vec<String> = stage
        .wandb
        .requests()
        .into_iter()
        .filter(|request| request.path == "/scim/Groups")
        .map(|request| request.query)
        .collect();
    assert_eq!(pages.len(), 2, "{pages:?}");
    assert!(pages[1].contains("startIndex=10000"), "{pages:?}");
}

#[test]
fn an_old_instance_takes_basic_authentication_and_no_test() {
    let config = Config {
        api_key: API_KEY.to_owned(),
        bearer: false,
        old_schema: true,
        version: "0.70.0".to_owned(),
        ..Config::default()
    };
    let stage = Stage::with("old-instance", Minio::login(), config);
    stage.wandb.fault(Fault::test_passes());
    stage.write(&team(""));
    let text = stage.plan_fails();
    assert!(text.contains("set username"), "{text}");
    let provider = stage.provider(r#"username = "admin""#);
    stage.write_under(&provider, &team(""));
    stage.apply();
    let plan = stage.plan();
    assert!(plan.is_empty(), "{}", plan.text);
    assert_eq!(stage.state(TEAM)["storage_status"], "unknown");
    assert_eq!(stage.wandb.teams().len(), 1);
}

#[test]
fn a_warning_of_the_test_is_a_warning() {
    let stage = Stage::new("warns");
    stage
        .wandb
        .fault(Fault::test_result(Severity::Warn, "the bucket is far away"));
    stage.write(&team(""));
    let text = stage.apply().text();
    assert!(text.contains("the bucket is far away"), "{text}");
    assert_eq!(stage.wandb.teams().len(), 1);
    stage.assert_empty_plan();
}

#[test]
fn members_that_cannot_be_changed_leave_the_state_as_it_was() {
    let stage = stage("members-fail");
    stage.wandb.add_user("u-jane", "jane", "jane@example.com");
    stage.write(&team(r#"members = ["jane@example.com"]"#));
    stage.apply();
    stage.write(&team("members = []"));
    stage
        .wandb
        .fault(Fault::status("PATCH /scim/Groups", 403, Some(1), None));
    let text = stage.apply_fails();
    assert!(text.contains("members were not changed"), "{text}");
    assert_eq!(stage.state(TEAM)["members"], json!(["jane@example.com"]));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams()[0].members, Vec::<String>::new());
    // The answer to a change is lost: the change is repeated, and changes nothing more.
    stage.write(&team(r#"members = ["u-jane"]"#));
    stage
        .wandb
        .fault(Fault::lose_reply("PATCH /scim/Groups", Some(1)));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams()[0].members, ["u-jane"]);
}

#[test]
fn an_instance_that_is_not_there_and_one_that_speaks_html_are_reported() {
    let stage = stage("no-instance");
    let provider = stage.provider("");
    let gone = provider.replace(&stage.wandb.url(), "http://127.0.0.1:9");
    let gone = gone.replace("max_retries = 2", "max_retries = 0");
    stage.write_under(&gone, &team(""));
    let text = stage.plan_fails();
    assert!(text.contains("whether the instance is up"), "{text}");
    // MinIO's port in place of W&B's.
    let other = provider.replace(&stage.wandb.url(), &stage.login.endpoint);
    stage.write_under(&other, &team(""));
    let text = stage.plan_fails();
    assert!(text.contains("base_url"), "{text}");
}
