//! What a run of Terraform printed and planned.

use std::process::Output;

use serde_json::{Value, json};

/// A Terraform run that has ended.
pub struct Run(pub Output);

impl Run {
    /// Everything that was printed.
    pub fn text(&self) -> String {
        let out = String::from_utf8_lossy(&self.0.stdout);
        let err = String::from_utf8_lossy(&self.0.stderr);
        unwrapped(&format!("{out}\n{err}"))
    }

    pub fn succeeds(self) -> Self {
        assert!(
            self.0.status.success(),
            "terraform failed:\n{}",
            self.text()
        );
        self
    }

    pub fn fails(self) -> String {
        let text = self.text();
        assert!(!self.0.status.success(), "terraform did not fail:\n{text}");
        assert!(!text.contains("bug in the provider"), "{text}");
        assert!(!text.contains("plugin crashed"), "{text}");
        text
    }
}

/// Messages without Terraform's frame and line breaks, so that tests can look for
/// sentences.
fn unwrapped(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']).trim_end())
        .collect();
    lines
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A plan.
pub struct Plan {
    pub json: Value,
    pub text: String,
}

impl Plan {
    /// The actions for a resource, for example `["update"]`.
    pub fn actions(&self, address: &str) -> Vec<String> {
        let change = self.change(address);
        let list = change["actions"].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    }

    /// The change of a resource.
    pub fn change(&self, address: &str) -> Value {
        let changes = self.json["resource_changes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        changes
            .into_iter()
            .find(|one| one["address"] == address)
            .map(|one| one["change"].clone())
            .unwrap_or_default()
    }

    /// Whether nothing will be done.
    pub fn is_empty(&self) -> bool {
        let changes = self.json["resource_changes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        changes
            .iter()
            .all(|one| one["change"]["actions"] == json!(["no-op"]))
    }

    /// The attributes of `wandb_byob_bucket.this` that differ, by name.
    pub fn changed(&self, address: &str) -> Vec<String> {
        let change = self.change(address);
        let unknown = change["after_unknown"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let after = change["after"].as_object().cloned().unwrap_or_default();
        let before = change["before"].as_object().cloned().unwrap_or_default();
        let mut names: Vec<String> = before
            .keys()
            .filter(|name| {
                after.get(*name) != before.get(*name) || unknown.get(*name) == Some(&json!(true))
            })
            .cloned()
            .collect();
        names.sort();
        names
    }
}
