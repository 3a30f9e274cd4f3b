//! The simulated Google Cloud behind a proxy, and with faults of its own.

mod answers;
mod kill;
mod owner;
mod steps;

use serde_json::json;
use simulator::gcs::Config;
use simulator::proxy::{Options, Proxy};

use crate::harness::{ADMIN, Gcp, GoogleLogin, wait};

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
    // The key of the state is one that works.
    let id = state["access_key_id"].as_str().expect("a key");
    let secret = state["secret_access_key"].as_str().expect("a secret");
    let file = json!({
        "type": "service_account",
        "project_id": "simulated-project",
        "private_key_id": id,
        "private_key": secret,
        "client_email": accounts[0],
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
