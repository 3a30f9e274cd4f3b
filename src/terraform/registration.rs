//! A bucket's registration with the W&B instance: what it takes, in the three shapes that
//! Terraform, teams and W&B's API have for it, and the instance's own test of it.

use std::collections::BTreeMap;

use super::diagnostics::excerpt;
use crate::sdk::model::Field;
use crate::sdk::secret::scrub;
use crate::wandb::{Client, Severity, StorageInfo, WandbError, WandbErrorKind};

/// A bucket as a team's registration takes it: `name`, `provider`, and what else there is.
pub type Storage = BTreeMap<String, String>;

/// The storage of a model; unknown parts are left out.
pub fn storage(field: &Field<BTreeMap<String, Field<String>>>) -> Storage {
    let entries = field.known().into_iter().flatten();
    entries
        .filter_map(|(key, value)| value.known().map(|value| (key.clone(), value.clone())))
        .collect()
}

/// The storage that the instance tells of, without credentials.
pub fn told_by_instance(info: &StorageInfo) -> Storage {
    let mut storage = Storage::from([
        ("name".to_owned(), without_credentials(&info.name)),
        ("provider".to_owned(), info.provider.clone()),
    ]);
    let optional = [
        ("kms_key_id", &info.kms_key_id),
        ("aws_external_id", &info.aws_external_id),
    ];
    for (key, value) in optional {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            storage.insert(key.to_owned(), value.clone());
        }
    }
    storage
}

/// An address without its user and password.
fn without_credentials(name: &str) -> String {
    let name = match (name.split_once("://"), name.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        _ => name.to_owned(),
    };
    scrub(&name)
}

/// What came of the instance's test of its connection to a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It was tried; in the instance's own words. Both are empty when all is well.
    Tested {
        /// Why the bucket cannot be used.
        errors: Vec<String>,
        /// What may hurt later.
        warnings: Vec<String>,
    },
    /// The instance cannot try such a bucket, for this reason.
    Untested(&'static str),
}

/// Has the instance try its connection to the bucket.
///
/// # Errors
/// When the instance refuses to, or does not answer.
pub async fn test_connection(client: &Client, storage: &Storage) -> Result<Connection, WandbError> {
    let text = |key: &str| storage.get(key).cloned();
    if storage.contains_key("azure_client_id") {
        let why = "W&B's test of a connection cannot express an identity of Azure";
        return Ok(Connection::Untested(why));
    }
    let info = StorageInfo {
        name: text("name").unwrap_or_default(),
        provider: text("provider").unwrap_or_default(),
        kms_key_id: text("kms_key_id"),
        aws_external_id: text("aws_external_id"),
    };
    let problems = match client.test_bucket(&info).await {
        Ok(problems) => problems,
        Err(error) if error.kind == WandbErrorKind::NotSupported => {
            let why = "the W&B instance is too old to test a connection";
            return Ok(Connection::Untested(why));
        }
        Err(error) => return Err(error),
    };
    let (errors, warnings): (Vec<_>, Vec<_>) = problems
        .into_iter()
        .partition(|problem| problem.severity == Severity::Error);
    let words = |problems: Vec<crate::wandb::Problem>| {
        let messages = problems
            .into_iter()
            .map(|problem| excerpt(&problem.message));
        messages.collect::<Vec<String>>()
    };
    Ok(Connection::Tested {
        errors: words(errors),
        warnings: words(warnings),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_credentials() {
        for (name, expected) in [
            ("acme", "acme"),
            (
                "s3://h:9000/b?region=r&tls=true",
                "s3://h:9000/b?region=r&tls=true",
            ),
            ("s3://key:sec@ret@h/b?region=r", "s3://h/b?region=r"),
        ] {
            assert_eq!(without_credentials(name), expected);
        }
    }
}
