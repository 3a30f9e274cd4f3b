//! A stand-in for Amazon's services of a loop's own, so that every key in it is known, and
//! what has to be there after each turn: one bucket, one key, one alias, one user with one
//! access key, and an empty plan.

use std::collections::BTreeSet;

use serde_json::json;
use simulator::proxy::Proxy;
use simulator::servers::Server;

use super::Stage;
use crate::harness::proxy_to;
use crate::harness::wait;

/// What the creates ask for. The stand-in lets every key do everything, which the probe
/// would find.
pub const ARGUMENTS: &str = r#"
    verify = "settings"
    tags = { a = "b" }
"#;

/// A stand-in for Amazon's services, and the keys of the stages before.
pub struct World {
    server: Server,
    known_keys: BTreeSet<String>,
}

impl World {
    pub fn new() -> Self {
        Self {
            server: wait(Server::moto()).expect("moto starts"),
            known_keys: BTreeSet::new(),
        }
    }

    pub fn behind_proxy(&self, name: &str) -> (Stage, Proxy) {
        let (proxy, login) = proxy_to(&self.server);
        (Stage::on(name, login), proxy)
    }

    /// A stage that has not made its bucket yet.
    pub fn create(&self, name: &str) -> (Stage, Proxy) {
        let (stage, proxy) = self.behind_proxy(name);
        stage.write_bucket(ARGUMENTS, "create_access_key = true");
        (stage, proxy)
    }

    /// Keys that were made since this was asked the last time.
    pub fn new_keys(&mut self, stage: &Stage) -> Vec<String> {
        let listed = stage.kms("list_keys", json!({"Limit": 1000}));
        let all = listed["Keys"].as_array().expect("keys").iter();
        let arns = all.filter_map(|key| key["KeyArn"].as_str().map(str::to_owned));
        arns.filter(|arn| self.known_keys.insert(arn.clone()))
            .collect()
    }
}

/// The whole of what an apply comes to, whatever happened before.
pub fn assert_tidy(stage: &Stage, key: &str, when: &str) {
    let state = stage.this();
    let ready = format!("ready-{}", stage.generation());
    assert_eq!(state["verified"], true, "{when}: {}", state["findings"]);
    // What follows an underscore is the generation in the user's name, where that is older.
    let marker = stage.marker();
    assert_eq!(marker.split('_').next(), Some(ready.as_str()), "{when}");
    assert_eq!(
        stage.s3_ok("holds", json!({})),
        json!({"objects": 0, "versions": 0, "delete_markers": 0, "uploads": 0}),
        "{when}"
    );
    assert_eq!(state["aws"]["kms_key_arn"], key, "{when}");
    assert_eq!(stage.described(key)["KeyState"], "Enabled", "{when}");
    let tags = stage.kms("list_resource_tags", json!({"KeyId": key}));
    let marker = json!({"TagKey": "terraform-provider-wandb", "TagValue": ready});
    let tags = tags["Tags"].as_array().expect("tags");
    assert!(tags.contains(&marker), "{when}: {tags:?}");
    assert_eq!(aliases(stage), [key], "{when}");
    let keys = stage.access_keys_of(&stage.only_user());
    assert_eq!(keys, [state["access_key_id"].clone()], "{when}");
}

/// The keys that are called after this bucket.
pub fn aliases(stage: &Stage) -> Vec<String> {
    let listed = stage.kms("list_aliases", json!({}));
    let all = listed["Aliases"].as_array().expect("aliases").iter();
    let ours = all.filter(|alias| {
        alias["AliasName"]
            .as_str()
            .is_some_and(|name| name.contains(stage.bucket()))
    });
    ours.map(|alias| {
        let id = alias["TargetKeyId"].as_str().expect("a key");
        stage.described(id)["Arn"]
            .as_str()
            .expect("an ARN")
            .to_owned()
    })
    .collect()
}

/// Applies what is left to do, and plans nothing more.
pub fn ends_well(stage: &Stage, when: &str) {
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert!(run.0.status.success(), "{when}: {}", run.text());
    assert_empty_plan(stage, when);
}

/// Plans nothing.
pub fn assert_empty_plan(stage: &Stage, when: &str) {
    let run = stage.terraform(&["plan", "-detailed-exitcode", "-no-color"]);
    assert_eq!(run.0.status.code(), Some(0), "{when}: {}", run.text());
}
