//! A stage for one test: a working directory, real Terraform with the built provider,
//! a real server of some cloud and a simulated W&B instance.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use simulator::wandb::{Config, Instance};
use tempfile::TempDir;

use super::clouds::Cloud;
use super::hcl::hcl;
use super::run::{Plan, Run};
use super::servers::wait;

/// The key of the simulated instance's admin.
pub const API_KEY: &str = "0123456789abcdef0123456789abcdef01234567";
/// The provider's address in the configurations.
const SOURCE: &str = "wandb-byob/wandb";

/// What variables of whoever runs the tests begin with.
const STRANGERS: [&str; 11] = [
    "ARM_",
    "AWS_",
    "AZURE_",
    "CLOUDSDK_",
    "GCE_",
    "GCLOUD_",
    "GOOGLE_",
    "IDENTITY_",
    "MSI_",
    "STORAGE_EMULATOR_HOST",
    "WANDB_",
];

/// The resource of most tests.
pub const THIS: &str = "wandb_byob_bucket.this";

/// One test's stage on a cloud.
pub struct Stage<C: Cloud> {
    pub login: C::Login,
    pub wandb: Instance,
    directory: TempDir,
    name: String,
    environment: Vec<(String, String)>,
    /// What the cloud's block of every bucket says.
    pub usual: String,
}

impl<C: Cloud> Stage<C> {
    /// A stage on the server that all tests share. `name` is unique among the tests.
    pub fn new(name: &str) -> Self {
        Self::on(name, C::login())
    }

    /// A stage on another server, or as somebody else.
    pub fn on(name: &str, login: C::Login) -> Self {
        Self::with(name, login, C::instance())
    }

    /// A stage with a particular W&B instance.
    pub fn with(name: &str, login: C::Login, config: Config) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("acceptance")
            .tempdir()
            .expect("a directory");
        let plugin = PathBuf::from(env!("CARGO_BIN_EXE_terraform-provider-wandb"));
        let folder = plugin.parent().expect("a folder").display().to_string();
        fs::write(
            directory.path().join("cli.tfrc"),
            hcl!(
                r#"
                    provider_installation {
                      dev_overrides {
                        "<source>" = "<folder>"
                      }
                      direct {}
                    }
                "#,
                source = SOURCE,
                folder
            ),
        )
        .expect("written");
        let wandb = wait(Instance::start(config)).expect("the simulated instance starts");
        let stamp = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map(|since| since.subsec_nanos())
            .unwrap_or_default();
        let name = format!("{name}-{stamp:08x}");
        let usual = C::usual(&name);
        Self {
            login,
            wandb,
            directory,
            name,
            environment: Vec::new(),
            usual,
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

    /// The provider's block as most tests have it, with further arguments.
    pub fn provider(&self, arguments: &str) -> String {
        self.provider_block(&self.login, arguments, C::PLACE)
    }

    /// The same for another login.
    pub fn provider_on(&self, login: &C::Login, arguments: &str) -> String {
        self.provider_block(login, arguments, C::PLACE)
    }

    /// The same with arguments in the cloud's own block, which says no place by itself.
    pub fn provider_in(&self, arguments: &str, block: &str) -> String {
        self.provider_block(&self.login, arguments, block)
    }

    fn provider_block(&self, login: &C::Login, arguments: &str, block: &str) -> String {
        hcl!(
            r#"
                terraform {
                  required_providers {
                    wandb = { source = "<source>" }
                  }
                }
                provider "wandb" {
                  max_retries = 2
                  <deployment>
                  <arguments>
                  <cloud> {
                    <block>
                    <access>
                  }
                }
            "#,
            source = SOURCE,
            deployment = C::deployment(login, &self.wandb),
            arguments,
            cloud = C::BLOCK,
            block,
            access = C::access(login)
        )
    }

    /// Writes the whole configuration: the usual provider's block and `body`.
    pub fn write(&self, body: &str) {
        self.write_under(&self.provider(""), body);
    }

    /// Writes the whole configuration under a provider's block of the test's own.
    pub fn write_under(&self, provider: &str, body: &str) {
        self.write_raw(&format!("{provider}\n{body}"));
    }

    /// Writes the whole configuration.
    pub fn write_raw(&self, text: &str) {
        fs::write(self.path().join("main.tf"), text).expect("written");
    }

    /// What was written last.
    pub fn written(&self) -> String {
        fs::read_to_string(self.path().join("main.tf")).expect("written")
    }

    /// A configuration of one bucket, `wandb_byob_bucket.this`, with these arguments.
    pub fn write_bucket(&self, arguments: &str, block: &str) {
        self.write(&self.bucket_block(arguments, block));
    }

    /// The text of that resource.
    pub fn bucket_block(&self, arguments: &str, block: &str) -> String {
        hcl!(
            r#"
                resource "wandb_byob_bucket" "this" {
                  name = "<name>"
                  <arguments>
                  <cloud> {
                    <usual>
                    <block>
                  }
                }
            "#,
            name = self.name,
            arguments,
            cloud = C::BLOCK,
            usual = self.usual,
            block
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
            let begins = |start: &&str| text.starts_with(*start);
            if STRANGERS.iter().any(begins) {
                command.env_remove(&name);
            }
        }
        command
            .env("AWS_CONFIG_FILE", self.path().join("no-config"))
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                self.path().join("no-credentials"),
            )
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("CLOUDSDK_CONFIG", self.path().join("no-gcloud"))
            .env("GCE_METADATA_HOST", "127.0.0.1:9");
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

    /// Applies the plan that was written to a file.
    pub fn apply_plan(&self) -> Run {
        self.terraform(&["apply", "-no-color", "plan.bin"])
    }

    /// Destroys everything.
    pub fn destroy(&self) -> Run {
        self.terraform(&["destroy", "-auto-approve", "-no-color"])
            .succeeds()
    }

    /// Destroys and expects a failure; returns all that was printed.
    pub fn destroy_fails(&self) -> String {
        self.terraform(&["destroy", "-auto-approve", "-no-color"])
            .fails()
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

    /// Plans to a file, for an apply of just that.
    pub fn plan_to_file(&self) {
        self.terraform(&["plan", "-out=plan.bin", "-no-color"])
            .succeeds();
    }

    /// Plans and expects a failure; returns all that was printed.
    pub fn plan_fails(&self) -> String {
        self.terraform(&["plan", "-no-color"]).fails()
    }

    /// Takes what is there into the state, by its import id.
    pub fn import(&self, address: &str, id: &str) -> Run {
        self.terraform(&["import", "-no-color", address, id])
    }

    /// Takes a resource out of the state.
    pub fn forget(&self, address: &str) {
        self.terraform(&["state", "rm", address]).succeeds();
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
        self.state(THIS)
    }

    /// The generation of the bucket, by the state.
    pub fn generation(&self) -> String {
        let generation = self.this()["generation"].clone();
        generation.as_str().expect("a generation").to_owned()
    }

    /// The user that W&B's key is of.
    pub fn user(&self) -> String {
        format!("wandb-byob-{}-{}", self.generation(), self.bucket())
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
}
