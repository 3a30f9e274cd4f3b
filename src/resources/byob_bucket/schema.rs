//! What a configuration can say about a bucket, and the models that hold it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::byob::CloudKind;
use crate::byob::deployment::Scope;
use crate::byob::{address, name};
use crate::model;
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::schema::{Attribute, Block};
use crate::sdk::text::Text;
use crate::sdk::timeouts;
use crate::sdk::value::{Type, Value};
use crate::terraform::account::CloudSchema;

/// What becomes of the bucket when the resource goes.
pub const ON_DESTROY: [&str; 3] = ["delete_if_empty", "keep", "delete_everything"];
/// How thoroughly a bucket is looked at after a change.
pub const VERIFY: [&str; 3] = ["off", "settings", "probe"];

model! {
    /// A bucket as Terraform sees it.
    pub struct Bucket {
        pub name: Field<String>,
        pub path: Field<String>,
        pub scope: Field<String>,
        pub versioning: Field<bool>,
        pub soft_delete_days: Field<i64>,
        pub noncurrent_version_days: Field<i64>,
        pub abort_multipart_days: Field<i64>,
        pub cors_allowed_origins: Field<SetOf>,
        pub cors_max_age_seconds: Field<i64>,
        pub on_destroy: Field<String>,
        pub adopt: Field<bool>,
        pub verify: Field<String>,
        pub register: Field<bool>,
        pub registration_name: Field<String>,
        pub tags: Field<BTreeMap<String, Field<String>>>,
        pub timeouts: Field<Value>,
        pub id: Field<String>,
        pub generation: Field<String>,
        pub arn: Field<String>,
        pub region: Field<String>,
        pub tags_all: Field<BTreeMap<String, Field<String>>>,
        pub storage: Field<BTreeMap<String, Field<String>>>,
        pub storage_address: Field<String>,
        pub supported_file_store: Field<Secret>,
        pub instance_bucket: Field<BTreeMap<String, Field<String>>>,
        pub access_key_owner: Field<String>,
        pub access_key_id: Field<String>,
        pub secret_access_key: Field<Secret>,
        pub verified: Field<bool>,
        pub findings: Field<Vec<Finding>>;
        /// The blocks of the clouds, of which one is set.
        pub clouds: Rest,
    }
}

impl Bucket {
    /// The cloud and its block, as far as exactly one is set.
    pub fn block(&self) -> Option<(CloudKind, &Value)> {
        let mut set = CloudKind::ALL.into_iter().filter_map(|kind| {
            let block = self.clouds.0.get(kind.block())?;
            matches!(block, Value::Map(_)).then_some((kind, block))
        });
        set.next().filter(|_| set.next().is_none())
    }

    /// The block alone.
    pub fn known_block(&self) -> Option<&Value> {
        self.block().map(|(_, block)| block)
    }

    /// Puts another block in the place of the one that is set.
    pub fn set_block(&mut self, kind: CloudKind, block: Value) {
        self.clouds.0.insert(kind.block().to_owned(), block);
    }
}

model! {
    /// One thing that a user should know about a bucket.
    pub struct Finding {
        pub requirement: Field<String>,
        pub status: Field<String>,
        pub expected: Field<String>,
        pub actual: Field<String>,
        pub message: Field<String>,
    }
}

/// The type of `findings`.
pub fn findings_type() -> Type {
    Type::list(Type::object(
        ["requirement", "status", "expected", "actual", "message"].map(|name| (name, Type::String)),
    ))
}

/// The whole block of a bucket on one of these clouds.
pub fn block(description: &str, clouds: &[Arc<dyn CloudSchema>]) -> Block {
    let whole = Block::new(description).with(arguments()).with(outputs());
    clouds
        .iter()
        .fold(whole, |whole, cloud| {
            whole.single(cloud.kind().block(), cloud.schema())
        })
        .single(
            "timeouts",
            timeouts::block(&[
                ("create", "20m"),
                ("read", "5m"),
                ("update", "20m"),
                ("delete", "60m"),
            ]),
        )
}

fn arguments() -> Vec<Attribute> {
    let origins = Value::set([Value::string("*")]);
    vec![
        Attribute::string(
            "name",
            "The bucket's name. On S3-compatible servers: 3 to 63 lower-case letters, digits, `-` \
             and `.`; on Google Cloud `_` as well, and the name is the whole world's; on Azure it is \
             a container's, without `.`.",
        )
        .required()
        .requires_replace(),
        Attribute::string(
            "path",
            "W&B stores below this path only. No slash at either end. Several teams can share a \
             bucket this way.",
        )
        .check_string(name::check_path),
        Attribute::string(
            "scope",
            "Who stores in the bucket: one `team` or the whole `instance`.",
        )
        .default(Value::string("team"))
        .one_of(&Scope::NAMES),
        Attribute::bool("versioning", "Old versions of objects are kept.")
            .default(Value::Bool(true)),
        Attribute::number(
            "soft_delete_days",
            "Deleted objects can be brought back for so many days, and are paid for: 7 to 90 on \
             Google Cloud, 1 to 365 on Azure, where it holds for whole containers as well. \
             Default: `7`; elsewhere it may not be set.",
        )
        .optional_computed(),
        Attribute::number(
            "noncurrent_version_days",
            "Old versions below `path` are deleted after so many days. W&B may not delete \
             versions, so without it they pile up. Absent: not managed.",
        )
        .between(1, 36_500),
        Attribute::number(
            "abort_multipart_days",
            "Unfinished uploads below `path` are given up after so many days. Absent: not managed. Not \
             on Azure, which gives them up after a week by itself.",
        )
        .between(1, 36_500),
        Attribute::string_set(
            "cors_allowed_origins",
            "Origins of web pages that may reach the bucket, for example `https://acme.wandb.io`. \
             Addresses are signed, so with `*` a page of another origin gains nothing.",
        )
        .default(origins)
        .check(check_origins),
        Attribute::number(
            "cors_max_age_seconds",
            "How long browsers may remember an answer to a preflight.",
        )
        .default(Value::Number(3600_i64.into()))
        .between(0, 86_400),
        Attribute::string(
            "on_destroy",
            "What becomes of the bucket when this resource goes: `delete_if_empty` \
             refuses while it holds anything, `keep` leaves it in the cloud, `delete_everything` \
             deletes all objects and versions first. What counts is the value of the last apply.",
        )
        .default(Value::string("delete_if_empty"))
        .one_of(&ON_DESTROY),
        Attribute::bool(
            "adopt",
            "Take over a bucket that exists already, with what is in it.",
        )
        .default(Value::Bool(false)),
        Attribute::string(
            "verify",
            "How the bucket is looked at after a change: with `off` not at all, `settings` reads \
             every setting back, `probe` besides acts as a browser and W&B's SDK do.",
        )
        .default(Value::string("probe"))
        .one_of(&VERIFY),
        Attribute::bool(
            "register",
            "Ask the W&B instance to test its connection to the bucket. `true`: an error of the \
             test fails the apply. Absent: asked where the provider has an `api_key`, and an error is \
             a finding. `false`: not asked, and an old access key that waits for the end of a rotation \
             goes.",
        ),
        Attribute::string(
            "registration_name",
            "What W&B is told the bucket is called. Default: the bucket's full path without \
             credentials; on Azure the storage account, and the container leads `path`.",
        )
        .optional_computed()
        .keeps_state()
        .check_string(address::check_told_name),
        Attribute::string_map(
            "tags",
            "Tags of the bucket, on top of the provider's `default_tags`.",
        )
        .text(Text::Free),
    ]
}

fn outputs() -> Vec<Attribute> {
    let text = |name, description| {
        Attribute::string(name, description)
            .computed()
            .keeps_state()
    };
    let map = |name, description| {
        Attribute::string_map(name, description)
            .computed()
            .keeps_state()
    };
    vec![
        text(
            "id",
            "The import id, for example `s3_compatible/<host[:port]>/<name>`.",
        ),
        text(
            "generation",
            "Which making of the bucket this is: eight hexadecimal digits, also in the bucket's marker tag.",
        ),
        text("arn", "The server's own full name of the bucket."),
        text("region", "The region that the bucket is in."),
        map(
            "tags_all",
            "All tags of the bucket, the provider's included.",
        ),
        map(
            "storage",
            "What `wandb_team_storage` takes: `name`, `provider`, and `path` where there is one.",
        ),
        text(
            "storage_address",
            "The bucket's full address, without any secret.",
        ),
        text(
            "supported_file_store",
            "The entry for the instance's `GORILLA_SUPPORTED_FILE_STORES`, with the key that is \
             W&B's. Null without such a key.",
        )
        .sensitive(),
        map(
            "instance_bucket",
            "The values of `global.bucket` in W&B's Helm chart, without any secret.",
        ),
        text(
            "access_key_owner",
            "The user whose key was made for W&B, by the name that this provider has given it.",
        ),
        text("access_key_id", "The id of the key that was made for W&B."),
        text(
            "secret_access_key",
            "The secret of the key that was made for W&B.",
        )
        .sensitive(),
        Attribute::bool(
            "verified",
            "The bucket was looked at and everything that W&B needs of it holds. That the W&B instance has \
             reached it is `register`'s to say.",
        )
        .computed()
        .keeps_state(),
        Attribute::new(
            "findings",
            findings_type(),
            "What does not hold (`status` is `fail`), what may hurt (`warn`), and what could not be \
             checked (`unknown`): the id of the `requirement`, what should be (`expected`), what is \
             (`actual`), and why it matters (`message`).",
        )
        .computed()
        .keeps_state(),
    ]
}

fn check_origins(value: &Value) -> Result<(), String> {
    let Value::List(origins) = value else {
        return Ok(());
    };
    if origins.is_empty() {
        return Err("it is empty, and W&B's own origin must be let in".to_owned());
    }
    for origin in origins {
        let Value::String(origin) = origin else {
            return Err("it holds null".to_owned());
        };
        let parts = origin.split_once("://");
        let good = origin == "*"
            || parts.is_some_and(|(scheme, host)| {
                (scheme == "http" || scheme == "https")
                    && !host.is_empty()
                    && !host.contains(['/', ' ', '?', '#'])
                    && host.matches('*').count() <= 1
            });
        if !good {
            return Err(format!(
                "{origin:?} is no origin: scheme, host and port such as \"https://acme.wandb.io\", or \"*\""
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdk::schema::Schema;

    #[test]
    fn terraform_takes_the_schema() {
        assert_eq!(
            Schema::new(block("A bucket.", &[])).problems(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn origins() {
        let check = |origins: &[&str]| {
            check_origins(&Value::set(origins.iter().map(|one| Value::string(*one))))
        };
        for good in [
            &["*"][..],
            &["https://acme.wandb.io"],
            &["https://*.wandb.io", "http://127.0.0.1:8080"],
        ] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        for bad in [
            &[][..],
            &["acme.wandb.io"],
            &["https://a/b"],
            &["https://*.*.io"],
            &["ftp://x"],
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
