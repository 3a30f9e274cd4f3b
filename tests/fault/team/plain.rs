//! A team on a bucket of another resource, killed at each request to the instance. What such a
//! run leaves once the team is made looks like another state's work, so the error says how to
//! go on, and that works to the letter.

use simulator::proxy::{Options, Proxy};

use super::Stage;
use super::kill::TEAM;
use crate::harness::{hcl, wait};
use crate::kill::{is_killed_at, points_of};

/// A bucket that the instance knows, and an instance behind a proxy.
fn behind_proxy(name: &str) -> (Stage, Proxy) {
    let stage = Stage::new(name);
    let url = stage.wandb.url();
    let address = url.trim_start_matches("http://").parse();
    let address = address.expect("an address");
    let proxy = wait(Proxy::start(address, Options::default())).expect("a proxy");
    stage.wandb.add_user("VXNlcjo5", "ada", "ada@example.com");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.tell_instance();
    write(&stage, &proxy, "");
    (stage, proxy)
}

fn write(stage: &Stage, proxy: &Proxy, beside: &str) {
    let provider = stage.provider("").replace(&stage.wandb.url(), &proxy.url());
    let bucket = stage.bucket_block(
        r#"on_destroy = "delete_everything""#,
        "create_access_key = true",
    );
    stage.write_raw(&hcl!(
        r#"
            <provider>
            <bucket>
            resource "wandb_team_storage" "this" {
              team = "<name>"
              on_destroy = "delete"
              members = ["ada@example.com"]
              path = "teams/this"
              storage = wandb_byob_bucket.this.storage
            }
            <beside>
        "#,
        provider,
        bucket,
        name = stage.bucket(),
        beside
    ));
}

/// The block that an error advises to write, with the resource's name in its place.
pub fn advised(text: &str, team: &str) -> String {
    let block = format!("import {{\n  to = wandb_team_storage.<name>\n  id = {team:?}\n}}\n");
    for line in block.lines() {
        assert!(text.contains(line.trim()), "no {line:?} in {text}");
    }
    block.replace("wandb_team_storage.<name>", TEAM)
}

#[test]
fn a_plain_team_that_was_killed_is_imported_to_the_letter() {
    let (stage, proxy) = behind_proxy("plain-none");
    let points = points_of(&stage, &proxy, &[]);
    assert!(points.len() > 2, "only {points:?}");
    stage.destroy();
    let mut told = 0;
    for number in points {
        let when = format!("killed at {number}");
        let (stage, proxy) = behind_proxy(&format!("plain-{number}"));
        assert!(is_killed_at(&stage, &proxy, number, &[]), "not {when}");
        let arguments = ["apply", "-auto-approve", "-no-color"];
        let run = stage.terraform(&arguments);
        if !run.0.status.success() {
            let text = run.fails();
            let said = "bound to this very storage, and the state does not know it";
            assert!(text.contains(said), "{when}: {text}");
            write(&stage, &proxy, &advised(&text, stage.bucket()));
            stage.apply();
            told += 1;
        }
        stage.assert_empty_plan();
        let (state, teams) = (stage.state(TEAM), stage.wandb.teams());
        assert_eq!(teams.len(), 1, "{when}");
        assert_eq!(state["id"], teams[0].id, "{when}");
        assert_eq!(state["storage_status"], "bound", "{when}");
        stage.destroy();
        assert!(stage.wandb.teams().is_empty(), "{when}");
    }
    assert!(told > 0, "no kill came after the team was made");
}

/// A team of that name on another bucket is shown for what it is; no import would help.
#[test]
fn a_team_on_another_storage_is_said_to_be_one() {
    let (stage, _proxy) = behind_proxy("plain-other");
    let elsewhere = [("name", "s3://elsewhere/b"), ("provider", "MINIO")];
    let elsewhere = elsewhere.map(|(key, value)| (key.to_owned(), value.to_owned()));
    stage.wandb.add_team(stage.bucket(), &[], elsewhere.into());
    let text = stage.apply_fails();
    let said = r#"bound to another storage (name = "s3://elsewhere/b")"#;
    assert!(text.contains(said), "{text}");
    assert!(
        text.contains("W&B never changes what a team is bound to"),
        "{text}"
    );
    assert_eq!(stage.wandb.teams().len(), 1);
}
