//! What may be said about Google Cloud.

use super::address::{check_api, check_storage};
use super::credentials;
use crate::clouds::gcp::names;
use crate::model;
use crate::provider::arguments::check_key;
use crate::sdk::diagnostic::Path;
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::schema::{Attribute, Block};
use crate::sdk::text::Text;
use crate::sdk::value::Value;

/// Where a bucket is when nobody says so.
pub(super) const DEFAULT_LOCATION: &str = "US";
/// How its objects are kept then.
pub(super) const DEFAULT_CLASS: &str = "STANDARD";
/// What W&B gets then: it looks at CORS and versioning, which no smaller role allows.
pub(super) const DEFAULT_ROLE: &str = "roles/storage.admin";
/// No rule of the bucket can let everybody in.
pub(super) const ENFORCED: &str = "enforced";
/// The rules of project and organization say whether one can.
pub(super) const INHERITED: &str = "inherited";
/// Kinds of storage for objects that name none.
const CLASSES: [&str; 4] = [DEFAULT_CLASS, "NEARLINE", "COLDLINE", "ARCHIVE"];

model! {
    /// The block of a bucket.
    pub struct Arguments {
        pub project: Field<String>,
        pub location: Field<String>,
        pub storage_class: Field<String>,
        pub wandb_service_account: Field<String>,
        pub wandb_roles: Field<SetOf>,
        pub kms_key_name: Field<String>,
        pub public_access_prevention: Field<String>,
        pub create_access_key: Field<bool>,
        pub access_key_rotation: Field<String>,
    }
}

model! {
    /// The block of the provider.
    pub struct Defaults {
        pub project: Field<String>,
        pub credentials: Field<Secret>,
        pub access_token: Field<Secret>,
        pub impersonate_service_account: Field<String>,
        pub user_project_override: Field<bool>,
        pub max_retries: Field<i64>,
        pub endpoints: Field<Addresses>,
    }
}

model! {
    /// Addresses of services.
    pub struct Addresses {
        pub storage: Field<String>,
        pub iam: Field<String>,
        pub iam_credentials: Field<String>,
        pub kms: Field<String>,
        pub resource_manager: Field<String>,
        pub sts: Field<String>,
    }
}

/// The path of an argument of the block.
pub(super) fn argument(name: &str) -> Path {
    Path::of("gcp").attribute(name)
}

/// The block of a bucket.
pub(super) fn bucket() -> Block {
    Block::new(
        "Google Cloud Storage. Access is uniform (no object has rules of its own) and closed to \
         the public, what is deleted can be taken back for `soft_delete_days`, and W&B's service \
         account gets its roles on this one bucket.",
    )
    .with(place())
    .with(access())
}

fn place() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "project",
            "The id of the project that the bucket is in. A change makes a new bucket. Absent: the \
             project of the provider's block, of the environment, or of the credentials.",
        )
        .optional_computed()
        .keeps_state()
        .check_string(names::check_project),
        Attribute::string(
            "location",
            "A region, such as `europe-west4`, a pair, such as `NAM4`, or `US`, `EU` and `ASIA`, in \
             either case. A change makes a new bucket. Default: `US`.",
        )
        .optional_computed()
        .keeps_state()
        .check_string(names::check_location),
        Attribute::string("storage_class", "How objects are kept that do not say it themselves.")
            .default(Value::string(DEFAULT_CLASS))
            .one_of(&CLASSES),
        Attribute::string(
            "kms_key_name",
            "The full name of a key of Cloud KMS, in the bucket's location (`us` for `US`, `europe` \
             for `EU`), that encrypts new objects. Cloud Storage's own account in the project is \
             let use it, and stays so when the bucket goes. Absent: Google's own keys.",
        )
        .check_string(names::check_kms_key_name),
    ]
}

fn access() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "wandb_service_account",
            "Who W&B is: the service account that gets `wandb_roles` on the bucket. Absent: W&B's \
             own for `multi_tenant` and `dedicated`; required on `self_managed`, unless \
             `create_access_key` makes one.",
        )
        .optional_computed()
        .check_string(names::check_service_account),
        Attribute::string_set(
            "wandb_roles",
            "The roles that W&B gets on the bucket. W&B looks at CORS and versioning, so less than \
             `roles/storage.admin` has to be a role of your own.",
        )
        .default(Value::set([Value::string(DEFAULT_ROLE)]))
        .check(check_roles),
        Attribute::string(
            "public_access_prevention",
            "`enforced`: no rule can let everybody in. `inherited`: the organization's rules decide, \
             which is a warning in `findings`.",
        )
        .default(Value::string(ENFORCED))
        .one_of(&[ENFORCED, INHERITED]),
        Attribute::bool(
            "create_access_key",
            "Make a service account with just `wandb_roles` on this bucket, and its key: for an \
             instance of W&B on another cloud.",
        )
        .default(Value::Bool(false)),
        Attribute::string(
            "access_key_rotation",
            "Any text. A change makes a new access key, then removes the old one; where the W&B instance \
             may still use it, that is after an apply with `register = false`.",
        )
        .text(Text::Free),
    ]
}

/// The block of the provider.
pub(super) fn provider() -> Block {
    Block::new(
        "Credentials and defaults for Google Cloud. Without it, Google's usual chain is used: \
         environment, `gcloud auth application-default login`, and the machine's service account.",
    )
    .with(credentials())
    .with([
        Attribute::bool(
            "user_project_override",
            "Requests are billed to, and count for the quota of, the bucket's project in place of \
             the credentials' own. Default: `false`.",
        ),
        Attribute::number(
            "max_retries",
            "How often a failed request is tried again. Absent: as for the whole provider.",
        )
        .between(0, 20),
    ])
    .single("endpoints", endpoints())
}

fn credentials() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "project",
            "The id of the project of buckets that name none. Default: `GOOGLE_PROJECT`, \
             `GOOGLE_CLOUD_PROJECT`, `GCLOUD_PROJECT`, `CLOUDSDK_CORE_PROJECT`, else the \
             credentials' own.",
        )
        .check_string(names::check_project),
        Attribute::string(
            "credentials",
            "A file of credentials, by its path or as the JSON in it: of a service account, of a \
             user, or of an identity of elsewhere (workload identity federation). Default: \
             `GOOGLE_CREDENTIALS`, else the file that `GOOGLE_APPLICATION_CREDENTIALS` names.",
        )
        .sensitive()
        .text(Text::Lines)
        .check_string(credentials::check),
        Attribute::string(
            "access_token",
            "A token to send as it is, before any `credentials`; nobody renews it. Default: \
             `GOOGLE_OAUTH_ACCESS_TOKEN`, unless `credentials` is set here.",
        )
        .sensitive()
        .check_string(check_key),
        Attribute::string(
            "impersonate_service_account",
            "A service account to act as, with the credentials that were found. Default: \
             `GOOGLE_IMPERSONATE_SERVICE_ACCOUNT`.",
        )
        .check_string(names::check_service_account),
    ]
}

fn endpoints() -> Block {
    let api = |name: &str, variable: &str| {
        Attribute::string(name, &format!("Default: `{variable}`.")).check_string(check_api)
    };
    Block::new(
        "Addresses of services, for private endpoints and local servers, with or without the path \
         of their interface (`/storage/v1/`, `/v1/`). Tokens go over plain HTTP to loopback \
         addresses only.",
    )
    .with([
        Attribute::string(
            "storage",
            "Default: `GOOGLE_STORAGE_CUSTOM_ENDPOINT`, `STORAGE_EMULATOR_HOST`.",
        )
        .check_string(check_storage),
        api("iam", "GOOGLE_IAM_CUSTOM_ENDPOINT"),
        api("iam_credentials", "GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT"),
        api("kms", "GOOGLE_KMS_CUSTOM_ENDPOINT"),
        api(
            "resource_manager",
            "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
        ),
        Attribute::string(
            "sts",
            "Where tokens of elsewhere are exchanged. Default: what the credentials name.",
        )
        .check_string(check_api),
    ])
}

fn check_roles(value: &Value) -> Result<(), String> {
    let Value::List(list) = value else {
        return Ok(());
    };
    if list.is_empty() {
        return Err("it is empty, and W&B needs a role on the bucket".to_owned());
    }
    for role in list {
        match role {
            Value::String(role) => names::check_role(role)?,
            _ => return Err("it holds null".to_owned()),
        }
    }
    Ok(())
}
