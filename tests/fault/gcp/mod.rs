//! The simulated Google Cloud behind a proxy, and with faults of its own.

mod anew;
mod answers;
mod kill;
mod owner;
mod steps;
mod stop;

use serde_json::json;
use simulator::gcs::Config;
use simulator::proxy::{Options, Proxy};

use crate::harness::{ADMIN, Gcp, GoogleLogin, PROJECT, Run, wait};

/// A stage on Google Cloud.
type Stage = crate::harness::Stage<Gcp>;

/// A server of a loop's own, so that every account in it is known.
struct World(GoogleLogin);

impl World {
    fn new() -> Self {
        Self(GoogleLogin::start(Config::default()))
    }

    /// A stage whose cloud is behind a proxy.
    fn behind_proxy(&self, name: &str) -> (Stage, Proxy) {
        let address = self.0.url.replace("http://", "");
        let address = address.parse().expect("an address");
        let proxy = wait(Proxy::start(address, Options::default())).expect("a proxy");
        let login = GoogleLogin {
            url: proxy.url(),
            ..self.0.clone()
        };
        let instance = login.instance();
        (Stage::with(name, login, instance), proxy)
    }
}

/// Plans nothing.
fn assert_empty_plan(stage: &Stage, when: &str) {
    let run = stage.terraform(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(run.0.status.code(), Some(0), "{when}: {}", run.text());
}

/// Applies what is left to do, and plans nothing more.
fn ends_well(stage: &Stage, when: &str) {
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert!(run.0.status.success(), "{when}: {}", run.text());
    assert_empty_plan(stage, when);
}

/// The whole of what an apply with a key for W&B comes to, whatever happened before.
fn assert_tidy(stage: &Stage, when: &str) {
    let state = stage.this();
    assert_eq!(state["verified"], true, "{when}: {}", state["findings"]);
    assert!(stage.is_ready(), "{when}: {}", stage.labels());
    let mut objects = stage.cloud().objects(stage.bucket());
    objects.retain(|one| one.state != "soft_deleted");
    assert_eq!(objects, [], "{when}");
    let accounts = stage.made_accounts();
    assert_eq!(accounts.len(), 1, "{when}: {accounts:?}");
    let member = format!("serviceAccount:{}", accounts[0]);
    assert_eq!(stage.members(ADMIN), [member], "{when}");
    assert_key_reads(stage, &accounts[0], when);
}

/// The key of the state, which is this account's, reads the bucket.
fn assert_key_reads(stage: &Stage, account: &str, when: &str) {
    let state = stage.this();
    let file = json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": state["access_key_id"],
        "private_key": state["secret_access_key"],
        "client_email": account,
        "token_uri": format!("{}/token", stage.cloud().url()),
    });
    let asked = crate::harness::google(
        &stage.cloud().url(),
        &file.to_string(),
        "objects",
        &json!({"name": stage.bucket()}),
    );
    assert!(asked.get("error").is_none(), "{when}: {asked}");
}

/// Plans and applies, and gives the bucket another owner right before request `number` of the
/// apply is passed on.
fn apply_while_it_is_taken(stage: &Stage, world: &World, proxy: &Proxy, number: usize) -> Run {
    stage
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    proxy.clear();
    let (cloud, name) = (world.0.cloud.clone(), stage.bucket().to_owned());
    proxy.run_at(number, move || {
        let change = json!({"labels": {"terraform-provider-wandb": "ready-00c0ffee"}});
        cloud.patch_bucket(&name, &change).expect("a good change");
    });
    let run = stage.apply_plan();
    proxy.clear();
    run
}
