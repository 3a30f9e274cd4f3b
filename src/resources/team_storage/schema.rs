//! What a configuration can say about a team, and the model that holds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bucket;
use crate::byob::{address, name};
use crate::model;
use crate::resources::byob_bucket::{self, Bucket, Finding, findings_type};
use crate::sdk::prelude::*;
use crate::sdk::timeouts;
use crate::terraform::account::CloudSchema;

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
        pub byob_bucket: Field<Bucket>,
        pub path: Field<String>,
        pub on_destroy: Field<String>,
        pub timeouts: Field<Value>,
        pub id: Field<String>,
        pub storage_status: Field<String>,
        pub findings: Field<Vec<Finding>>,
    }
}

/// The whole block of a team.
pub fn block(clouds: &[Arc<dyn CloudSchema>]) -> Block {
    let bucket = byob_bucket::block(
        "The bucket that the team stores in, made and looked after by this resource; as in \
         `wandb_byob_bucket`. Exactly one of this block and `storage` is needed. A team that is \
         kept keeps its bucket.",
        clouds,
    );
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
             `different` when it is another one, `unknown` when it does not say; `not_registered` \
             while the bucket of `byob_bucket` is there and the team is not made yet.",
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
    .single(bucket::BLOCK, bucket)
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
        if map.get(needed).is_none_or(Value::is_null) {
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

/// What is wrong with the parts of a storage that are known.
pub fn problems_of_storage(storage: &BTreeMap<String, Field<String>>) -> Vec<Diagnostic> {
    let problems = ["name", "path"].into_iter().filter_map(|key| {
        let text = storage.get(key)?.known()?;
        // What is no line of text is told as such.
        Text::Line.check(text).ok()?;
        let checked = match key {
            "name" => address::check_told_name(text),
            _ => name::check_path(text),
        };
        let why = checked.err()?;
        let place = Path::of("storage").key(key);
        let detail = format!("{key} of storage is not valid: {why}.");
        Some(Diagnostic::error("Invalid storage", detail).at(place))
    });
    problems.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terraform_takes_the_schema() {
        assert_eq!(Schema::new(block(&[])).problems(), Vec::<String>::new());
    }

    #[test]
    fn names_and_paths_in_a_storage_are_checked_where_they_are_known() {
        let problems = |key: &str, text: &str| {
            let map = BTreeMap::from([
                ("provider".to_owned(), Field::Unknown),
                (key.to_owned(), Field::Known(text.to_owned())),
            ]);
            problems_of_storage(&map)
        };
        assert_eq!(problems("name", "b"), []);
        assert_eq!(problems("path", "a/b"), []);
        for bad in ["/a/", "../x", "a//b"] {
            let found = problems("path", bad);
            assert_eq!(found.len(), 1, "{bad}");
            let place = found[0].path.clone().unwrap_or_default();
            assert_eq!(place.to_string(), "storage[\"path\"]");
        }
        let found = problems("name", "s3://KEY:hunter2@h/b");
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }

    #[test]
    fn null_in_a_storage_is_nothing() {
        let storage = |path: Value, provider: Value| {
            check_storage(&Value::Map(BTreeMap::from([
                ("name".to_owned(), Value::string("b")),
                ("provider".to_owned(), provider),
                ("path".to_owned(), path),
            ])))
        };
        assert_eq!(storage(Value::Null, Value::string("AWS")), Ok(()));
        assert!(storage(Value::Null, Value::Null).is_err());
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
