//! The simulated Azure, with kills and faults of its own.

mod answers;
mod gone;
mod kill;
mod lies;
mod owner;
mod ways;

use serde_json::{Value, json};
use simulator::azure::Config;

use crate::harness::{Azure, AzureLogin};

/// A stage on Azure.
type Stage = crate::harness::Stage<Azure>;

/// A server of a loop's own, so that every request and identity in it is known.
struct World(AzureLogin);

impl World {
    fn new() -> Self {
        Self(AzureLogin::start(Config::default()))
    }

    fn stage(&self, name: &str) -> Stage {
        let instance = self.0.instance();
        Stage::with(name, self.0.clone(), instance)
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

/// What an apply with an identity for W&B comes to, whatever happened before.
fn assert_tidy(stage: &Stage, services: usize, when: &str) {
    let state = stage.this();
    assert_eq!(state["verified"], true, "{when}: {}", state["findings"]);
    assert!(stage.is_ready(), "{when}: {}", stage.metadata());
    assert_eq!(stage.holds("live"), 0, "{when}");
    assert_eq!(stage.holds("version"), 0, "{when}");
    let identities = stage.identities();
    assert_eq!(identities.len(), 1, "{when}: {identities:?}");
    let credentials = identities[0]["credentials"].as_array().map(Vec::len);
    assert_eq!(credentials, Some(services), "{when}: {identities:?}");
    let principal = identities[0]["object_id"].as_str().expect("an id");
    let held = stage.assignments();
    assert_eq!(held.len(), 2, "{when}: {held:?}");
    assert!(
        held.iter().all(|(who, _)| who == principal),
        "{when}: {held:?}"
    );
}

/// Nothing is left of a bucket with an account of its own.
fn assert_gone(stage: &Stage, when: &str) {
    assert_eq!(stage.seen_account(), Value::Null, "{when}");
    assert_eq!(stage.identities(), Vec::<Value>::new(), "{when}");
    assert_eq!(stage.assignments(), [], "{when}");
}

/// Two services of the instance, so that loops stay short.
fn by_identity(stage: &Stage) -> String {
    let few = r#"kubernetes_service_accounts = ["wandb-api", "wandb-app"]"#;
    format!("{}\n{few}", stage.by_identity())
}

/// Changes settings of the account behind everybody's back.
fn change_service(stage: &Stage, change: Value) {
    let path = format!("/accounts/{}", stage.account());
    stage
        .login
        .control("PATCH", &path, json!({"blob_service": change}));
}
