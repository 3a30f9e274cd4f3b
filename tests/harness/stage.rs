//! A stage for one test: a working directory, real Terraform with the built provider,
//! a real storage server and a simulated W&B instance.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use simulator::wandb::{Config, Instance};
use tempfile::TempDir;

use super::ask::{Login, ask};
use super::run::{Plan, Run};
use super::servers::{minio, wait};

/// The key of the simulated instance's admin.
pub const API_KEY: &str = "0123456789abcdef0123456789abcdef01234567";
/// The provider's address in the configurations.
const SOURCE: &str = "wandb-byob/wandb";

/// One test's stage.
pub struct Stage {
    pub login: Login,
    pub wandb: Instance,
    directory: TempDir,
    name: String,
    environment: Vec<(String, String)>,
}

impl Stage {
    /// A stage on the shared MinIO. `name` is unique among the tests.
    pub fn new(name: &str) -> Self {
        Self::on(name, Login::of(minio()))
    }

    /// A stage on any server.
    pub fn on(name: &str, login: Login) -> Self {
        let config = Config {
            api_key: API_KEY.to_owned(),
            ..Config::default()
        };
        Self::with(name, login, config)
    }

    /// A stage with a particular W&B instance.
    pub fn with(name: &str, login: Login, config: Config) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("acceptance")
            .tempdir()
            .expect("a directory");
        let plugin = PathBuf::from(env!("CARGO_BIN_EXE_terraform-provider-wandb"));
        let folder = plugin.parent().expect("a folder").display().to_string();
        fs::write(
            directory.path().join("cli.tfrc"),
            format!("provider_installation {{\n  dev_overrides {{\n    \"{SOURCE}\" = \"{folder}\"\n  }}\n  direct {{}}\n}}\n"),
        )
        .expect("written");
        let wandb = wait(Instance::start(config)).expect("the simulated instance starts");
        let stamp = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map(|since| since.subsec_nanos())
            .unwrap_or_default();
        Self {
            login,
            wandb,
            directory,
            name: format!("{name}-{stamp:08x}"),
            environment: Vec::new(),
        }
    }

    /// A bucket name that no other test uses.
    pub fn bucket(&self) -> &str {
        &self.name
    }

    /// The working directory.
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Sets a variable for every Terraform run from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The provider block with everything in it; `extra` goes into the block.
    pub fn provider(&self, extra: &str) -> String {
        self.provider_on(&self.login, extra)
    }

    /// The same for another login.
    pub fn provider_on(&self, login: &Login, extra: &str) -> String {
        format!(
            "terraform {{\n  required_providers {{\n    wandb = {{ source = \"{SOURCE}\" }}\n  }}\n}}\n\
             provider \"wandb\" {{\n  base_url = \"{}\"\n  api_key = \"{API_KEY}\"\n  max_retries = 2\n  {extra}\n  \
             s3_compatible {{\n    endpoint = \"{}\"\n    access_key = \"{}\"\n    secret_key = \"{}\"\n  }}\n}}\n",
            self.wandb.url(),
            login.endpoint,
            login.access_key,
            login.secret_key
        )
    }

    /// Writes the whole configuration: the usual provider block and `body`.
    pub fn write(&self, body: &str) {
        self.write_raw(&format!("{}{body}", self.provider("")));
    }

    /// Writes the whole configuration.
    pub fn write_raw(&self, text: &str) {
        fs::write(self.path().join("main.tf"), text).expect("written");
    }

    /// A configuration of one bucket, `wandb_byob_bucket.this`, with these arguments.
    pub fn write_bucket(&self, arguments: &str, block: &str) {
        self.write(&self.bucket_block(arguments, block));
    }

    /// The text of that resource.
    pub fn bucket_block(&self, arguments: &str, block: &str) -> String {
        format!(
            "resource \"wandb_byob_bucket\" \"this\" {{\n  name = \"{}\"\n  {arguments}\n  s3_compatible {{\n    {block}\n  }}\n}}\n",
            self.name
        )
    }

    /// A Terraform command, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command
            .args(arguments)
            .current_dir(self.path())
            .env("TF_CLI_CONFIG_FILE", self.path().join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env_remove("TF_LOG");
        // Nothing of whoever runs the tests, and no look at a machine's role.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("AWS_") || text.starts_with("WANDB_") {
                command.env_remove(&name);
            }
        }
        command
            .env("AWS_CONFIG_FILE", self.path().join("no-config"))
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                self.path().join("no-credentials"),
            )
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs Terraform to its end.
    pub fn terraform(&self, arguments: &[&str]) -> Run {
        Run(self
            .command(arguments)
            .output()
            .expect("terraform is installed"))
    }

    /// Applies; anything but success fails the test.
    pub fn apply(&self) -> Run {
        self.apply_with(&[])
    }

    /// Applies with further arguments.
    pub fn apply_with(&self, extra: &[&str]) -> Run {
        let mut arguments = vec!["apply", "-auto-approve", "-no-color"];
        arguments.extend(extra);
        self.terraform(&arguments).succeeds()
    }

    /// Applies and expects a failure; returns all that was printed.
    pub fn apply_fails(&self) -> String {
        self.apply_fails_with(&[])
    }

    /// The same with further arguments.
    pub fn apply_fails_with(&self, extra: &[&str]) -> String {
        let mut arguments = vec!["apply", "-auto-approve", "-no-color"];
        arguments.extend(extra);
        self.terraform(&arguments).fails()
    }

    /// Destroys everything.
    pub fn destroy(&self) -> Run {
        self.terraform(&["destroy", "-auto-approve", "-no-color"])
            .succeeds()
    }

    /// Plans and returns the plan as Terraform shows it in JSON.
    pub fn plan(&self) -> Plan {
        self.plan_with(&[])
    }

    /// The same with further arguments.
    pub fn plan_with(&self, extra: &[&str]) -> Plan {
        let mut arguments = vec!["plan", "-out=plan.bin", "-no-color"];
        arguments.extend(extra);
        let text = self.terraform(&arguments).succeeds().text();
        let shown = self.terraform(&["show", "-json", "plan.bin"]).succeeds();
        let json = serde_json::from_slice(&shown.0.stdout).expect("JSON");
        Plan { json, text }
    }

    /// Plans and expects a failure; returns all that was printed.
    pub fn plan_fails(&self) -> String {
        self.terraform(&["plan", "-no-color"]).fails()
    }

    /// The attributes of a resource in the state; null when it is not there. Read from the
    /// file, since `terraform show` starts Terraform and the provider for it.
    pub fn state(&self, address: &str) -> Value {
        let Ok(text) = fs::read_to_string(self.path().join("terraform.tfstate")) else {
            return Value::Null;
        };
        let json: Value = serde_json::from_str(&text).expect("JSON");
        let resources = json["resources"].as_array().cloned().unwrap_or_default();
        let found = resources.iter().find_map(|resource| {
            let part = |name: &str| resource[name].as_str().unwrap_or_default();
            let name = match part("mode") {
                "data" => format!("data.{}.{}", part("type"), part("name")),
                _ => format!("{}.{}", part("type"), part("name")),
            };
            let instances = resource["instances"].as_array()?;
            instances.iter().find(|instance| {
                let index = &instance["index_key"];
                let full = if index.is_null() {
                    name.clone()
                } else {
                    format!("{name}[{index}]")
                };
                full == address && instance["deposed"].is_null()
            })
        });
        found
            .map(|instance| instance["attributes"].clone())
            .unwrap_or_default()
    }

    /// The attributes of `wandb_byob_bucket.this`.
    pub fn this(&self) -> Value {
        self.state("wandb_byob_bucket.this")
    }

    /// Asks the storage server about this test's bucket.
    pub fn s3(&self, call: &str) -> Value {
        self.s3_with(call, json!({}))
    }

    /// The same with further arguments.
    pub fn s3_with(&self, call: &str, mut args: Value) -> Value {
        args["Bucket"] = json!(self.name);
        ask(&self.login, "s3", call, args)
    }

    /// Does something at the storage server that has to work.
    pub fn s3_ok(&self, call: &str, args: Value) -> Value {
        let answer = self.s3_with(call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    }

    /// Puts an object.
    pub fn put(&self, key: &str) {
        self.s3_ok("put_object", json!({"Key": key, "Body": "data"}));
    }

    /// Whether the bucket is there.
    pub fn exists(&self) -> bool {
        let answer = self.s3("head_bucket");
        match answer["error"].as_str() {
            None => true,
            Some("404") => false,
            Some(other) => panic!("head_bucket: {other}"),
        }
    }

    /// The bucket's tags.
    pub fn tags(&self) -> Value {
        let answer = self.s3("get_bucket_tagging");
        let list = answer["ok"]["TagSet"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let pairs = list.into_iter().map(|tag| {
            (
                tag["Key"].as_str().unwrap_or_default().to_owned(),
                tag["Value"].clone(),
            )
        });
        Value::Object(pairs.collect())
    }

    /// Asserts that nothing is left to do, after looking at the server again.
    pub fn assert_empty_plan(&self) {
        let run = self.terraform(&["plan", "-detailed-exitcode", "-no-color"]);
        assert_eq!(
            run.0.status.code(),
            Some(0),
            "the plan is not empty:\n{}",
            run.text()
        );
    }

    /// Deletes whatever a test left in its bucket, and the bucket.
    pub fn clean_up(&self) {
        self.clean_up_objects();
        self.s3("delete_bucket");
    }

    /// Deletes whatever a test left in its bucket.
    pub fn clean_up_objects(&self) {
        let versions = self.s3("list_object_versions");
        for kind in ["Versions", "DeleteMarkers"] {
            for one in versions["ok"][kind].as_array().into_iter().flatten() {
                self.s3_with(
                    "delete_object",
                    json!({"Key": one["Key"], "VersionId": one["VersionId"]}),
                );
            }
        }
    }
}
