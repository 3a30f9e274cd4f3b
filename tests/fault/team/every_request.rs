//! A team with a bucket of its own, killed at each request of its creation, to the storage
//! server and to the instance alike: the next apply goes on. Only a run that had nothing left
//! to do but to report looks like another state's work, and then the advice leads on.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::{Options, Proxy};

use super::kill::{TEAM, assert_whole};
use super::plain::advised;
use crate::harness::proxy_to;
use crate::harness::{API_KEY, Aws, Cloud, Login, Minio, Stage, hcl, minio, moto, wait};
use crate::kill::{is_killed_at, points_of};

/// A stage whose storage server and whose instance are behind proxies.
struct Scene<C: Cloud> {
    stage: Stage<C>,
    storage: Proxy,
    instance: Proxy,
    /// What the cloud's block of the bucket says.
    block: String,
}

/// Which of the two servers' requests a test counts.
#[derive(Clone, Copy, Debug)]
enum Side {
    Storage,
    Instance,
}

impl<C: Cloud<Login = Login>> Scene<C> {
    fn new(stage: Stage<C>, storage: Proxy, block: String) -> Self {
        let url = stage.wandb.url();
        let address = url.trim_start_matches("http://").parse();
        let address = address.expect("an address");
        let instance = wait(Proxy::start(address, Options::default())).expect("a proxy");
        let scene = Self {
            stage,
            storage,
            instance,
            block,
        };
        scene.write("", "");
        scene
    }

    /// Writes the configuration, with an argument more in the block and another block beside.
    fn write(&self, argument: &str, beside: &str) {
        let stage = &self.stage;
        let provider = if C::BLOCK == "aws" {
            stage.provider(&hcl!(
                r#"
                    base_url = "<url>"
                    api_key = "<key>"
                "#,
                url = self.instance.url(),
                key = API_KEY
            ))
        } else {
            let provider = stage.provider("");
            provider.replace(&stage.wandb.url(), &self.instance.url())
        };
        let team = hcl!(
            r#"
                resource "wandb_team_storage" "this" {
                  team = "<name>"
                  on_destroy = "delete"
                  byob_bucket {
                    name = "<name>"
                    on_destroy = "delete_everything"
                    <argument>
                    <cloud> {
                      <block>
                    }
                  }
                }
                <beside>
            "#,
            name = stage.bucket(),
            argument,
            cloud = C::BLOCK,
            block = self.block,
            beside
        );
        stage.write_under(&provider, &team);
    }

    fn proxy(&self, side: Side) -> &Proxy {
        match side {
            Side::Storage => &self.storage,
            Side::Instance => &self.instance,
        }
    }

    /// The next apply goes on with whatever is there; whether it had to be told how.
    fn goes_on(&self, when: &str) -> bool {
        let was_ready = self.stage.is_ready();
        let arguments = ["apply", "-auto-approve", "-no-color"];
        let run = self.stage.terraform(&arguments);
        if run.0.status.success() {
            return false;
        }
        let text = run.fails();
        if !text.contains("exists already") {
            // The request that the provider was killed at was still under way, and a conflict
            // with it passes.
            self.stage.apply();
            return false;
        }
        assert!(was_ready, "{when}: {text}");
        assert_eq!(self.stage.wandb.teams().len(), 1, "{when}: {text}");
        self.follow(&text);
        true
    }

    /// Does what the error says, to the letter.
    fn follow(&self, text: &str) {
        assert!(text.contains("adopt = true"), "{text}");
        let block = advised(text, self.stage.bucket());
        self.write("adopt = true", &block);
        self.stage.apply();
    }
}

fn on_minio(name: &str) -> Scene<Minio> {
    let (proxy, login) = proxy_to(minio());
    let stage = Stage::<Minio>::on(name, login);
    let (key, secret) = (&stage.login.access_key, &stage.login.secret_key);
    let entry = stage.address();
    let entry = entry.replace("s3://", &format!("s3://{key}:{secret}@"));
    stage.wandb.add_store(&entry);
    let block = hcl!(
        r#"
            wandb_access_key = "<key>"
            wandb_secret_key = "<secret>"
        "#,
        key,
        secret
    );
    Scene::new(stage, proxy, block)
}

fn on_amazon(name: &str) -> Scene<Aws> {
    let (proxy, login) = proxy_to(moto());
    let stage = Stage::<Aws>::on(name, login);
    stage.let_wandb_into(stage.bucket());
    Scene::new(stage, proxy, "https_only = false".to_owned())
}

fn is_survived<C: Cloud<Login = Login>>(
    make: impl Fn(&str) -> Scene<C>,
    side: Side,
    keys: impl Fn(&Stage<C>, &str),
) {
    let first = make(&format!("every-{side:?}-none").to_lowercase());
    let points = points_of(&first.stage, first.proxy(side), &[]);
    assert_whole(&first.stage, "undisturbed");
    first.stage.destroy();
    assert!(points.len() > 3, "only {points:?}");
    let mut told = 0;
    for number in points {
        let when = format!("killed at {side:?} {number}");
        let scene = make(&format!("every-{side:?}-{number}").to_lowercase());
        let stage = &scene.stage;
        assert!(
            is_killed_at(stage, scene.proxy(side), number, &[]),
            "not {when}"
        );
        told += usize::from(scene.goes_on(&when));
        stage.assert_empty_plan();
        assert_whole(stage, &when);
        keys(stage, &when);
        stage.destroy();
        assert!(!stage.exists(), "{when}");
        assert!(stage.wandb.teams().is_empty(), "{when}");
    }
    // The last write of all, on one of the two sides, and nothing before it.
    assert!(told <= 1, "{told} times");
}

#[test]
fn a_team_on_minio_survives_a_kill_at_any_request_to_the_storage() {
    is_survived(on_minio, Side::Storage, |_, _| {});
}

#[test]
fn a_team_on_minio_survives_a_kill_at_any_request_to_the_instance() {
    is_survived(on_minio, Side::Instance, |_, _| {});
}

#[test]
fn a_team_on_amazon_survives_a_kill_at_any_request_to_the_cloud() {
    is_survived(on_amazon, Side::Storage, |stage, when| {
        assert_eq!(stage.own_keys().len(), 1, "{when}");
    });
}

#[test]
fn a_team_on_amazon_survives_a_kill_at_any_request_to_the_instance() {
    is_survived(on_amazon, Side::Instance, |stage, when| {
        assert_eq!(stage.own_keys().len(), 1, "{when}");
    });
}

/// A finished team that no state knows is nobody's to take; its advice works to the letter,
/// and nothing in the bucket is lost by it.
fn is_taken_by_the_advice<C: Cloud<Login = Login>>(scene: &Scene<C>) {
    let stage = &scene.stage;
    stage.apply();
    let generation = stage.state(TEAM)["byob_bucket"]["generation"].clone();
    stage.put("a run");
    stage.forget(TEAM);
    assert!(scene.goes_on("forgotten"));
    stage.assert_empty_plan();
    assert_eq!(stage.s3_ok("holds", json!({}))["objects"], 1);
    let state = stage.state(TEAM);
    assert_eq!(state["storage_status"], "bound");
    assert_ne!(state["byob_bucket"]["generation"], generation);
    assert!(stage.is_ready());
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_finished_team_on_minio_is_taken_by_the_advice() {
    is_taken_by_the_advice(&on_minio("forgotten"));
}

#[test]
fn a_finished_team_on_amazon_is_taken_by_the_advice() {
    is_taken_by_the_advice(&on_amazon("forgotten"));
}

/// The bucket's work fails in the run that goes on with a team: the team stays what it is,
/// and the next apply ends the work.
#[test]
fn a_team_that_is_gone_on_with_is_never_replaced() {
    let scene = on_minio("goes-on-fails");
    let stage = &scene.stage;
    stage.apply();
    let team = stage.wandb.teams()[0].id.clone();
    stage.put("a run");
    let marker = stage.marker().replace("ready-", "creating-");
    stage.mark(&marker);
    stage.forget(TEAM);
    scene
        .storage
        .reply(usize::MAX, amazon::s3_denied(), |seen| {
            seen.method == "OPTIONS"
        });
    let text = stage.apply().text();
    scene.storage.clear();
    assert!(text.contains("The team is there already"), "{text}");
    assert_eq!(stage.state(TEAM)["id"], team);
    assert_eq!(stage.marker().split('-').next(), Some("creating"));
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    stage.apply();
    assert!(stage.is_ready());
    stage.assert_empty_plan();
    assert_eq!(stage.wandb.teams()[0].id, team);
    assert_eq!(stage.s3_ok("holds", json!({}))["objects"], 1);
    stage.destroy();
    assert!(!stage.exists());
}

/// The very last write fails: that is owed, and the next apply does it.
#[test]
fn a_bucket_that_was_not_marked_as_finished_is_marked_next_time() {
    let scene = on_minio("not-closed");
    let stage = &scene.stage;
    let written = std::sync::atomic::AtomicUsize::new(0);
    scene
        .storage
        .reply(usize::MAX, amazon::s3_denied(), move |seen| {
            seen.method == "PUT"
                && seen.target.ends_with("?tagging")
                && written.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0
        });
    let text = stage.apply().text();
    scene.storage.clear();
    assert!(
        text.contains("its marker says that it is half made"),
        "{text}"
    );
    assert!(!stage.is_ready());
    assert_eq!(stage.state(TEAM)["storage_status"], "bound");
    let plan = stage.plan();
    assert_eq!(plan.actions(TEAM), ["update"], "{}", plan.text);
    stage.apply();
    assert_whole(stage, "marked");
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}
