//! A team whose own bucket is gone, and somebody else has its name by now.

use serde_json::{Value, json};
use simulator::amazon;

use super::Stage;
use super::kill::TEAM;
use crate::harness::proxy_to;
use crate::harness::{hcl, minio};

const REFRESH: [&str; 4] = ["apply", "-refresh-only", "-auto-approve", "-no-color"];

fn write(stage: &Stage) {
    stage.write(&hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              on_destroy = "delete"
              byob_bucket {
                name = "<name>"
                s3_compatible {
                  create_access_key = true
                }
              }
            }
        "#,
        name = stage.bucket()
    ));
}

/// The user goes, whatever has become of the team, and although the other bucket holds data, or
/// lets nobody look.
#[test]
fn a_user_of_a_teams_bucket_goes_although_somebody_else_has_the_name() {
    for (has_team, is_refused) in [(true, false), (false, false), (true, true), (false, true)] {
        let when = format!("team: {has_team}, refused: {is_refused}");
        let (proxy, login) = proxy_to(minio());
        let name = format!("taken-{has_team}-{is_refused}");
        let stage = Stage::on(&name, login);
        write(&stage);
        stage.apply();
        stage.tell_instance_of(&stage.state(TEAM)["byob_bucket"]);
        stage.apply();
        stage.clean_up_objects();
        stage.s3_ok("delete_bucket", json!({}));
        let text = stage.terraform(&REFRESH).succeeds().text();
        assert!(text.contains("what was made for it is not"), "{text}");
        stage.s3_ok("create_bucket", json!({}));
        stage.mark("ready-00c0ffee");
        stage.put("theirs");
        if !has_team {
            assert!(stage.wandb.remove_team(stage.bucket()));
        }
        if is_refused {
            let bucket = format!("/{}", stage.bucket());
            proxy.reply(usize::MAX, amazon::s3_denied(), move |seen| {
                seen.target.starts_with(&bucket)
            });
        }
        let text = stage.destroy().text();
        proxy.clear();
        assert_eq!(stage.state(TEAM), Value::Null, "{when}: {text}");
        assert!(stage.wandb.teams().is_empty(), "{when}");
        assert_eq!(stage.users(), Vec::<String>::new(), "{when}: {text}");
        stage.s3_ok("head_object", json!({"Key": "theirs"}));
        stage.clean_up_objects();
        stage.s3_ok("delete_bucket", json!({}));
    }
}
