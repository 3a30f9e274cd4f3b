//! What may be said about AWS, and what can be said about that.

use std::collections::BTreeMap;

use super::arn;
use crate::model;
use crate::provider::arguments::{check_endpoint, check_key};
use crate::sdk::diagnostic::Path;
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::schema::{Attribute, Block};
use crate::sdk::text::Text;
use crate::sdk::value::Value;

/// Encryption with a key of KMS.
pub(super) const WITH_KEY: &str = "aws:kms";
/// Encryption with S3's own keys.
pub(super) const WITHOUT_KEY: &str = "AES256";
/// What `assume_role_with_web_identity` may hold.
pub(super) const WEB_IDENTITY: [&str; 3] = ["role_arn", "web_identity_token_file", "session_name"];

model! {
    /// The block of a bucket.
    pub struct Arguments {
        pub region: Field<String>,
        pub wandb_principal_arns: Field<SetOf>,
        pub sse_algorithm: Field<String>,
        pub kms_key_arn: Field<String>,
        pub kms_key_rotation: Field<bool>,
        pub kms_deletion_window_days: Field<i64>,
        pub kms_admin_arns: Field<SetOf>,
        pub bucket_key_enabled: Field<bool>,
        pub https_only: Field<bool>,
        pub exclusive_policy: Field<bool>,
        pub aws_external_id: Field<String>,
        pub create_access_key: Field<bool>,
        pub access_key_rotation: Field<String>,
        pub permissions_boundary_arn: Field<String>,
    }
}

model! {
    /// The block of the provider.
    pub struct Defaults {
        pub region: Field<String>,
        pub profile: Field<String>,
        pub access_key: Field<String>,
        pub secret_key: Field<Secret>,
        pub token: Field<Secret>,
        pub assume_role_arn: Field<String>,
        pub external_id: Field<String>,
        pub assume_role_with_web_identity: Field<BTreeMap<String, Field<String>>>,
        pub allowed_account_ids: Field<SetOf>,
        pub max_retries: Field<i64>,
        pub s3_use_path_style: Field<bool>,
        pub endpoints: Field<Addresses>,
    }
}

model! {
    /// Addresses of services.
    pub struct Addresses {
        pub s3: Field<String>,
        pub kms: Field<String>,
        pub iam: Field<String>,
        pub sts: Field<String>,
    }
}

/// The path of an argument of the block.
pub(super) fn argument(name: &str) -> Path {
    Path::of("aws").attribute(name)
}

/// The block of a bucket.
pub(super) fn bucket() -> Block {
    Block::new(
        "Amazon S3, with a key of KMS. The bucket is closed to the public, its owner owns every \
         object, and W&B's principals get just the rights that W&B needs.",
    )
    .with(place())
    .with(encryption())
    .with(access())
}

fn place() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "region",
            "The region of bucket and key. A change makes a new bucket. Absent: the region of the \
             provider's block, of `AWS_REGION`, or of the profile.",
        )
        .optional_computed()
        .keeps_state()
        .check_string(arn::check_region),
        Attribute::string_set(
            "wandb_principal_arns",
            "Who W&B is: ARNs that get W&B's rights on the bucket and on its key. Absent: W&B's own \
             for `multi_tenant` and `dedicated`; required on `self_managed`, unless \
             `create_access_key` makes a user.",
        )
        .optional_computed()
        .check(check_principals),
        Attribute::string(
            "aws_external_id",
            "Only handed to W&B, for role trust policies that ask for it.",
        ),
    ]
}

fn encryption() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "sse_algorithm",
            "How new objects are encrypted: `aws:kms` with a key, or `AES256` with S3's own keys.",
        )
        .default(Value::string(WITH_KEY))
        .one_of(&[WITH_KEY, WITHOUT_KEY]),
        Attribute::string(
            "kms_key_arn",
            "ARN of a key that is there already. Its policy is checked and never changed. Absent: a \
             key is made, and given up after the bucket is gone.",
        )
        .optional_computed()
        .keeps_state()
        .check_string(arn::check_key),
        Attribute::bool(
            "kms_key_rotation",
            "The material of the key that is made is renewed every year.",
        )
        .default(Value::Bool(true)),
        Attribute::number(
            "kms_deletion_window_days",
            "How many days pass between giving up the key that was made and its deletion.",
        )
        .default(Value::Number(30_i64.into()))
        .between(7, 30),
        Attribute::string_set(
            "kms_admin_arns",
            "Who administers the key that is made, beside the account itself.",
        )
        .check(check_principals),
        Attribute::bool(
            "bucket_key_enabled",
            "One data key serves many objects, which makes requests to KMS rare.",
        )
        .default(Value::Bool(true)),
    ]
}

fn access() -> Vec<Attribute> {
    vec![
        Attribute::bool("https_only", "Requests without TLS are refused.")
            .default(Value::Bool(true)),
        Attribute::bool(
            "exclusive_policy",
            "Statements of the bucket's policy that are not this resource's are removed.",
        )
        .default(Value::Bool(false)),
        Attribute::bool(
            "create_access_key",
            "Make an IAM user with just W&B's rights on this bucket, and its access key: for an \
             instance of W&B on another cloud.",
        )
        .default(Value::Bool(false)),
        Attribute::string(
            "access_key_rotation",
            "Any text. A change makes a new access key, then removes the old one; where the W&B instance \
             may still use it, that is after an apply with `register = false`.",
        )
        .text(Text::Free),
        Attribute::string(
            "permissions_boundary_arn",
            "The permissions boundary of that user.",
        )
        .check_string(arn::check_policy),
    ]
}

/// The block of the provider.
pub(super) fn provider() -> Block {
    Block::new(
        "Credentials and defaults for AWS. Without it, AWS's usual chain is used: environment, \
         shared files and their profiles, single sign-on, web identity, and the machine's role.",
    )
    .with(credentials())
    .with([
        Attribute::string_set(
            "allowed_account_ids",
            "Accounts that may be worked in; credentials of any other are refused.",
        )
        .check(check_accounts),
        Attribute::number(
            "max_retries",
            "How often a failed request is tried again. Absent: as for the whole provider.",
        )
        .between(0, 20),
        Attribute::bool(
            "s3_use_path_style",
            "Buckets stand in the path of addresses. Absent: only with an address of your own \
             for S3.",
        ),
    ])
    .single(
        "endpoints",
        Block::new("Addresses of services, for private endpoints and local servers.").with(
            [
                ("s3", "Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`."),
                (
                    "kms",
                    "Default: `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`.",
                ),
                (
                    "iam",
                    "Default: `AWS_ENDPOINT_URL_IAM`, `AWS_ENDPOINT_URL`.",
                ),
                (
                    "sts",
                    "Default: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`.",
                ),
            ]
            .map(|(name, description)| {
                Attribute::string(name, description).check_string(check_endpoint)
            }),
        ),
    )
}

fn credentials() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "region",
            "The region of buckets and keys. Default: `AWS_REGION`, else the profile's.",
        )
        .check_string(arn::check_region),
        Attribute::string(
            "profile",
            "A profile of AWS's shared files. Default: `AWS_PROFILE`.",
        ),
        Attribute::string("access_key", "The caller's key, in place of the chain.")
            .check_string(check_key),
        Attribute::string("secret_key", "Its secret.").sensitive(),
        Attribute::string("token", "Its session token, where it has one.")
            .sensitive()
            .check_string(check_key),
        Attribute::string(
            "assume_role_arn",
            "A role to take with the credentials that were found.",
        )
        .check_string(arn::check_role),
        Attribute::string("external_id", "What the role's trust policy may ask for."),
        Attribute::string_map(
            "assume_role_with_web_identity",
            "A role that an identity token gives: `role_arn`, `web_identity_token_file` and, if \
             you like, `session_name`.",
        )
        .check(check_web_identity),
    ]
}

fn texts(value: &Value) -> impl Iterator<Item = Result<&str, String>> {
    let list = match value {
        Value::List(list) => list.as_slice(),
        _ => &[],
    };
    list.iter().map(|one| match one {
        Value::String(text) => Ok(text.as_str()),
        _ => Err("it holds null".to_owned()),
    })
}

fn check_principals(value: &Value) -> Result<(), String> {
    for text in texts(value) {
        arn::check_principal(text?)?;
    }
    Ok(())
}

fn check_accounts(value: &Value) -> Result<(), String> {
    for text in texts(value) {
        let text = text?;
        if !arn::is_account(text) {
            return Err(format!("{text:?} is no account id of twelve digits"));
        }
    }
    Ok(())
}

fn check_web_identity(value: &Value) -> Result<(), String> {
    let Value::Map(map) = value else {
        return Ok(());
    };
    if let Some(extra) = map.keys().find(|key| !WEB_IDENTITY.contains(&key.as_str())) {
        return Err(format!(
            "it holds {extra:?}, and may hold {}",
            WEB_IDENTITY.join(", ")
        ));
    }
    for needed in ["role_arn", "web_identity_token_file"] {
        if map.get(needed).is_none_or(Value::is_null) {
            return Err(format!("{needed} is missing in it"));
        }
    }
    match map.get("role_arn") {
        Some(Value::String(role)) => arn::check_role(role),
        _ => Ok(()),
    }
}
