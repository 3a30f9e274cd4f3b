//! `wandb_team_storage`: a W&B team whose files live in a bucket.
//!
//! W&B binds a team to its bucket for good. So everything is checked before the team is
//! made, nothing after that is an error, and a change of what is bound is refused.

mod life;
mod members;
mod plan;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::byob_bucket::{Finding, findings_type};
use super::environment::{Configuration, Environment};
use super::trouble::Trouble;
use crate::byob::name;
use crate::model;
use crate::sdk::model::FromValue;
use crate::sdk::prelude::*;
use crate::sdk::timeouts::{self, timeout};
use crate::wandb::Client;

const TEN_MINUTES: Duration = Duration::from_secs(600);
/// What `storage` may hold.
const STORAGE_KEYS: [&str; 7] = [
    "name",
    "provider",
    "path",
    "kms_key_id",
    "aws_external_id",
    "azure_tenant_id",
    "azure_client_id",
];
/// The kinds of storage that W&B's API knows.
const PROVIDERS: [&str; 5] = ["AWS", "AZURE", "COREWEAVE", "GCP", "MINIO"];

model! {
    /// A team as Terraform sees it.
    pub struct TeamStorage {
        pub team: Field<String>,
        pub members: Field<SetOf>,
        pub storage: Field<BTreeMap<String, Field<String>>>,
        pub path: Field<String>,
        pub on_destroy: Field<String>,
        pub timeouts: Field<Value>,
        pub id: Field<String>,
        pub storage_status: Field<String>,
        pub findings: Field<Vec<Finding>>,
    }
}

/// The resource.
#[derive(Debug)]
pub struct TeamStorageResource {
    environment: Environment,
}

impl TeamStorageResource {
    /// The resource of one provider.
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }

    /// A client of the instance; an error says what is missing.
    fn client(&self, cx: &Context, summary: &str) -> Result<Client, Diagnostic> {
        let configuration = self.environment.configuration();
        match configuration
            .as_deref()
            .map(|configuration| &configuration.wandb)
        {
            Some(Field::Known(client)) => Ok(client.for_operation(cx.stop().clone())),
            Some(Field::Unknown) => Err(Trouble::new(
                summary,
                "base_url or api_key of the provider is not known before something else is applied",
            )
            .what_to_do("Apply what they depend on first, for example with -target.")
            .error()),
            Some(Field::Null) | None => Err(no_key(summary)),
        }
    }
}

fn no_key(summary: &str) -> Diagnostic {
    Trouble::new(summary, "the provider has no api_key")
        .what_to_do("Set api_key (WANDB_API_KEY) in the provider block: the key of an admin.")
        .error()
}

fn block() -> Block {
    Block::new(
        "A W&B team whose files live in a bucket. W&B never lets a team change its storage or its \
         name, so such a change is refused at plan time.",
    )
    .with([
        Attribute::string("team", "The team's name: letters, digits, `-` and `_`.")
            .required()
            .check_string(check_team),
        Attribute::string_set(
            "members",
            "User ids or e-mail addresses. Absent: members are not managed here.",
        ),
        Attribute::string_map(
            "storage",
            "Where the team stores: `storage` of a `wandb_byob_bucket`, or a map with `name`, \
             `provider` (`AWS`, `AZURE`, `COREWEAVE`, `GCP` or `MINIO`) and, where they apply, \
             `path`, `kms_key_id`, `aws_external_id`, `azure_tenant_id` and `azure_client_id`.",
        )
        .required()
        .check(check_storage),
        Attribute::string(
            "path",
            "The team stores below this path; overrides the path of `storage`, for teams that share \
             a bucket.",
        )
        .check_string(name::check_path),
        Attribute::string(
            "on_destroy",
            "What becomes of the team when this resource goes: `keep` leaves it in W&B, \
             `delete` deletes it for good. What counts is the value of the last apply.",
        )
        .default(Value::string("keep"))
        .one_of(&["keep", "delete"]),
        Attribute::string("id", "The team's id in W&B's SCIM interface.").computed().keeps_state(),
        Attribute::string(
            "storage_status",
            "What the instance says the team is bound to: `bound` when it is this storage, \
             `different` when it is another one, `unknown` when it does not say.",
        )
        .computed()
        .keeps_state(),
        Attribute::new(
            "findings",
            findings_type(),
            "What does not hold: the id of the `requirement`, what should be (`expected`), what is \
             (`actual`), and why it matters (`message`).",
        )
        .computed()
        .keeps_state(),
    ])
    .single("timeouts", timeouts::block(&[("create", "10m")]))
}

fn check_team(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err("it may hold letters, digits, hyphens and underscores only".to_owned());
    }
    Ok(())
}

fn check_storage(value: &Value) -> Result<(), String> {
    let Value::Map(map) = value else {
        return Ok(());
    };
    if let Some(extra) = map.keys().find(|key| !STORAGE_KEYS.contains(&key.as_str())) {
        return Err(format!(
            "it holds {extra:?}, and may hold {}",
            STORAGE_KEYS.join(", ")
        ));
    }
    for needed in ["name", "provider"] {
        if !matches!(map.get(needed), Some(Value::String(text)) if !text.is_empty()) {
            return Err(format!("{needed} is missing in it"));
        }
    }
    match map.get("provider") {
        Some(Value::String(provider)) if !PROVIDERS.contains(&provider.as_str()) => Err(format!(
            "provider is {provider:?}, and may be one of {}",
            PROVIDERS.join(", ")
        )),
        _ => Ok(()),
    }
}

#[async_trait]
impl Resource for TeamStorageResource {
    type Model = TeamStorage;

    fn name(&self) -> &'static str {
        "wandb_team_storage"
    }

    fn schema(&self) -> Schema {
        Schema::new(block())
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<TeamStorage>) -> Diagnostics {
        let configuration = self.environment.configuration();
        let wandb = configuration
            .as_deref()
            .map_or(Field::Null, |one: &Configuration| one.wandb.clone());
        match wandb {
            Field::Null => no_key("The team cannot be planned").into(),
            Field::Unknown => plan::plan(None, plan).await,
            Field::Known(client) => {
                let client = client.for_operation(cx.stop().clone());
                plan::plan(Some(&client), plan).await
            }
        }
    }

    async fn plan_destroy(&self, _: &Context, prior: &TeamStorage) -> Diagnostics {
        plan::plan_destroy(prior)
    }

    async fn create(&self, cx: &Context, create: Create<TeamStorage>) -> Outcome<TeamStorage> {
        let cx = cx.limited(timeout(&create.planned.timeouts, "create", TEN_MINUTES));
        match self.client(&cx, "The team was not made") {
            Ok(client) => life::create(&cx, &client, create.planned).await,
            Err(diagnostic) => Outcome::gone().with([diagnostic]),
        }
    }

    async fn read(
        &self,
        cx: &Context,
        state: TeamStorage,
        private: Private,
    ) -> Outcome<TeamStorage> {
        let unknown = self
            .environment
            .configuration()
            .is_some_and(|configuration| configuration.wandb.is_unknown());
        match self.client(cx, "The team was not looked at") {
            Ok(client) => life::read(&client, state, private).await,
            Err(diagnostic) if unknown => {
                let told = Diagnostic::warning(diagnostic.summary, diagnostic.detail);
                Outcome::exists(state, private).with([told])
            }
            Err(diagnostic) => Outcome::exists(state, private).with([diagnostic]),
        }
    }

    async fn update(&self, cx: &Context, update: Update<TeamStorage>) -> Outcome<TeamStorage> {
        match self.client(cx, "The team was not changed") {
            Ok(client) => life::update(&client, update).await,
            Err(diagnostic) => Outcome::exists(update.prior, update.private).with([diagnostic]),
        }
    }

    async fn delete(
        &self,
        cx: &Context,
        state: TeamStorage,
        private: Private,
    ) -> Outcome<TeamStorage> {
        if !life::is_deleted(&state) {
            return Outcome::gone();
        }
        match self.client(cx, "The team was not deleted") {
            Ok(client) => life::delete(&client, state, private).await,
            Err(diagnostic) => Outcome::exists(state, private).with([diagnostic]),
        }
    }

    async fn import(&self, cx: &Context, id: &str) -> Outcome<TeamStorage> {
        let empty = TeamStorage::from_value(&Value::Map(Default::default()), &Path::root());
        match (self.client(cx, "The team was not imported"), empty) {
            (Ok(client), Ok(empty)) => life::import(&client, id, empty).await,
            (Err(diagnostic), _) => Outcome::gone().with([diagnostic]),
            (_, Err(misfit)) => Outcome::gone().with([misfit.into()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terraform_takes_the_schema() {
        assert_eq!(Schema::new(block()).problems(), Vec::<String>::new());
    }

    #[test]
    fn storage_is_checked() {
        let storage = |pairs: &[(&str, &str)]| {
            let map = pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Value::string(*value)));
            check_storage(&Value::Map(map.collect()))
        };
        assert_eq!(
            storage(&[("name", "b"), ("provider", "AWS"), ("path", "p")]),
            Ok(())
        );
        assert!(storage(&[("name", "b")]).is_err());
        assert!(storage(&[("name", "b"), ("provider", "aws")]).is_err());
        assert!(storage(&[("name", "b"), ("provider", "AWS"), ("bucket", "b")]).is_err());
    }
}
