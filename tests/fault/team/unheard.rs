//! A team with a bucket of its own, killed at each request to the instance: the next apply
//! goes on, and nobody has to follow any advice.

use simulator::proxy::{Options, Proxy};

use super::kill::{assert_whole, behind_proxy};
use crate::harness::{API_KEY, Aws, Cloud, Login, hcl, wait};
use crate::kill::{is_killed_at, points_of};

fn apply_goes_on(stage: &crate::harness::Stage<impl Cloud<Login = Login>>, when: &str) {
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

/// A team and its bucket on Amazon's stand-in; the W&B instance is behind a proxy.
fn on_amazon(name: &str) -> (crate::harness::Stage<Aws>, Proxy) {
    let stage = crate::harness::Stage::<Aws>::new(name);
    let url = stage.wandb.url();
    let address = url.trim_start_matches("http://").parse();
    let proxy = wait(Proxy::start(
        address.expect("an address"),
        Options::default(),
    ));
    let proxy = proxy.expect("a proxy");
    stage.let_wandb_into(stage.bucket());
    let wandb = hcl!(
        r#"
            base_url = "<url>"
            api_key = "<key>"
        "#,
        url = proxy.url(),
        key = API_KEY
    );
    let team = hcl!(
        r#"
            resource "wandb_team_storage" "this" {
              team = "<name>"
              on_destroy = "delete"
              byob_bucket {
                name = "<name>"
                on_destroy = "delete_everything"
                aws {
                  https_only = false
                }
              }
            }
        "#,
        name = stage.bucket()
    );
    stage.write_under(&stage.provider(&wandb), &team);
    (stage, proxy)
}

#[test]
fn a_team_on_amazon_that_was_killed_is_gone_on_with_and_keeps_its_key() {
    let (amazon, proxy) = on_amazon("aws-unheard-none");
    let points = points_of(&amazon, &proxy, &[]);
    assert_whole(&amazon, "undisturbed");
    amazon.destroy();
    for number in points {
        let when = format!("killed at {number}");
        let (amazon, proxy) = on_amazon(&format!("aws-unheard-{number}"));
        assert!(is_killed_at(&amazon, &proxy, number, &[]), "not {when}");
        apply_goes_on(&amazon, &when);
        amazon.assert_empty_plan();
        assert_whole(&amazon, &when);
        assert_eq!(amazon.own_keys().len(), 1, "{when}");
        amazon.destroy();
        assert!(!amazon.exists(), "{when}");
        assert!(amazon.wandb.teams().is_empty(), "{when}");
    }
}
