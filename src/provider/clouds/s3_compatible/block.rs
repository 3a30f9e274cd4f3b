//! What may be said about an S3-compatible server, and what can be said about that.

use crate::clouds::s3_compatible::AdminApi;
use crate::model;
use crate::provider::arguments::{check_endpoint, check_key, check_pem, check_region};
use crate::sdk::diagnostic::{Diagnostics, Path};
use crate::sdk::model::{Field, Secret};
use crate::sdk::schema::{Attribute, Block};
use crate::sdk::text::Text;
use crate::sdk::value::Value;
use crate::terraform::diagnostics::Explanation;

/// The names of [`AdminApi`] in a configuration.
const ADMIN_APIS: [&str; 3] = ["auto", "minio", "iam"];

model! {
    /// The block of a bucket.
    pub struct Arguments {
        pub endpoint: Field<String>,
        pub region: Field<String>,
        pub access_key: Field<String>,
        pub secret_key: Field<Secret>,
        pub path_style: Field<bool>,
        pub ca_bundle: Field<String>,
        pub kms_key_name: Field<String>,
        pub sse_algorithm: Field<String>,
        pub create_access_key: Field<bool>,
        pub admin_api: Field<String>,
        pub access_key_rotation: Field<String>,
        pub wandb_access_key: Field<String>,
        pub wandb_secret_key: Field<Secret>,
        pub wandb_secret_key_wo: Field<Secret>,
        pub wandb_secret_key_wo_version: Field<i64>,
    }
}

model! {
    /// The block of the provider.
    pub struct Defaults {
        pub endpoint: Field<String>,
        pub region: Field<String>,
        pub access_key: Field<String>,
        pub secret_key: Field<Secret>,
        pub path_style: Field<bool>,
        pub ca_bundle: Field<String>,
    }
}

/// Reads a name of [`ADMIN_APIS`].
pub(super) fn admin_api(name: &str) -> AdminApi {
    match name {
        "minio" => AdminApi::MinIo,
        "iam" => AdminApi::Iam,
        _ => AdminApi::Auto,
    }
}

/// The path of an argument of the block.
pub(super) fn argument(name: &str) -> Path {
    Path::of("s3_compatible").attribute(name)
}

/// The block of a bucket.
pub(super) fn bucket() -> Block {
    Block::new(
        "A server that speaks Amazon's S3 protocol, such as MinIO or SeaweedFS. Arguments that \
         are absent come from the block of the same name in the provider.",
    )
    .with([
        Attribute::string("endpoint", "Scheme, host and port of the server, for example `https://minio.example.com:9000`. At another host or port the bucket is looked for, by its tag; nothing is moved there. Default: the provider's.")
            .optional_computed()
            .keeps_state()
            .check_string(check_endpoint),
        Attribute::string("region", "The region of the bucket. A change makes a new bucket. Default: `us-east-1`.")
            .optional_computed()
            .keeps_state()
            .check_string(check_region),
        Attribute::string("access_key", "The caller's key. It is kept in the state; the provider's block is the better place.")
            .check_string(check_key),
        Attribute::string("secret_key", "The secret of `access_key`. It is kept in the state; the provider's block is the better place.")
            .sensitive(),
        Attribute::bool("path_style", "The bucket stands in the path of addresses, not in the host's name. Default: `true`."),
        Attribute::string("ca_bundle", "Certificates to trust besides the system's: their text in PEM, not a file's name.")
            .text(Text::Lines)
            .check_string(check_pem),
        Attribute::string("kms_key_name", "Encrypt new objects with this key of the server's key service."),
        Attribute::string("sse_algorithm", "Encrypt new objects: `AES256`, or `aws:kms` with `kms_key_name`.")
            .one_of(&["AES256", "aws:kms"]),
        Attribute::bool(
            "create_access_key",
            "Make a user with just W&B's rights on this bucket, and its key.",
        )
        .default(Value::Bool(false)),
        Attribute::string(
            "admin_api",
            "Which interface makes W&B's user: `minio`, `iam`, or `auto` to find out.",
        )
        .default(Value::string("auto"))
        .one_of(&ADMIN_APIS),
        Attribute::string(
            "access_key_rotation",
            "Any text. A change makes a new key, then removes the old one; where the W&B instance may \
             still use it, that is after an apply with `register = false`.",
        )
        .text(Text::Free),
        Attribute::string("wandb_access_key", "The key that W&B has already, in place of `create_access_key`.")
            .check_string(check_key),
        Attribute::string("wandb_secret_key", "The secret of `wandb_access_key`. It is kept in the state.").sensitive(),
        Attribute::string(
            "wandb_secret_key_wo",
            "The secret of `wandb_access_key`, never kept; `supported_file_store` is null then.",
        )
        .write_only(),
        Attribute::number("wandb_secret_key_wo_version", "Change it whenever `wandb_secret_key_wo` changes."),
    ])
}

/// The block of the provider.
pub(super) fn provider() -> Block {
    Block::new("Defaults for buckets on servers that speak Amazon's S3 protocol.").with([
        Attribute::string(
            "endpoint",
            "Scheme, host and port of the server. Default: the variable `AWS_ENDPOINT_URL_S3`.",
        )
        .check_string(check_endpoint),
        Attribute::string(
            "region",
            "The region of buckets. Default: the variable `AWS_REGION`, else `us-east-1`.",
        )
        .check_string(check_region),
        Attribute::string(
            "access_key",
            "The caller's key. Default: the variable `AWS_ACCESS_KEY_ID`; then `AWS_SESSION_TOKEN`, \
             where it is set, goes with it.",
        )
        .check_string(check_key),
        Attribute::string(
            "secret_key",
            "Its secret. Default: the variable `AWS_SECRET_ACCESS_KEY`.",
        )
        .sensitive(),
        Attribute::bool(
            "path_style",
            "Buckets stand in the path of addresses, not in the host's name. Default: `true`.",
        ),
        Attribute::string(
            "ca_bundle",
            "Certificates to trust besides the system's: their text in PEM, not a file's name.",
        )
        .text(Text::Lines)
        .check_string(check_pem),
    ])
}

/// What does not fit together in a block.
pub(super) fn validate(block: &Arguments) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut wrong = |name: &str, why: &str| {
        diagnostics.push(
            Explanation::new(format!("{name} does not fit the other arguments"), why)
                .at(argument(name))
                .error(),
        );
    };
    check_wandb_key(block, &mut wrong);
    // What is not known yet may still turn out to be null, so it is no contradiction.
    let (own, secret) = (&block.access_key, &block.secret_key);
    if (own.known().is_some() && secret.is_null()) || (own.is_null() && secret.known().is_some()) {
        wrong("secret_key", "access_key and secret_key go together");
    }
    if block.create_access_key == Field::Known(false) && block.access_key_rotation.known().is_some()
    {
        wrong(
            "access_key_rotation",
            "it changes a key that create_access_key makes, and that is off",
        );
    }
    match (
        block.sse_algorithm.known().map(String::as_str),
        &block.kms_key_name,
    ) {
        (Some("AES256"), Field::Known(_)) => wrong(
            "kms_key_name",
            "AES256 uses the server's own key; a named key needs \"aws:kms\"",
        ),
        (Some("aws:kms"), Field::Null) => wrong(
            "kms_key_name",
            "it is missing, and sse_algorithm is \"aws:kms\"",
        ),
        _ => {}
    }
    diagnostics
}

/// W&B's key is made, or given with its secret, or not known here.
fn check_wandb_key(block: &Arguments, wrong: &mut impl FnMut(&str, &str)) {
    let made = block.create_access_key == Field::Known(true);
    let key = &block.wandb_access_key;
    let (kept, unkept) = (&block.wandb_secret_key, &block.wandb_secret_key_wo);
    let is_set = kept.known().is_some() || unkept.known().is_some();
    let is_absent = kept.is_null() && unkept.is_null();
    if made && key.known().is_some() {
        wrong(
            "wandb_access_key",
            "create_access_key makes a key for W&B, so none can be given",
        );
    }
    if key.is_null() && is_set {
        wrong("wandb_access_key", "it is missing, and its secret is set");
    }
    if key.known().is_some() && is_absent {
        wrong(
            "wandb_secret_key",
            "it is missing, and wandb_access_key is set",
        );
    }
    if kept.known().is_some() && unkept.known().is_some() {
        wrong(
            "wandb_secret_key_wo",
            "wandb_secret_key is set as well; use one of the two",
        );
    }
    if unkept.known().is_some() && block.wandb_secret_key_wo_version.is_null() {
        wrong(
            "wandb_secret_key_wo_version",
            "it is needed with wandb_secret_key_wo, to tell when that has changed",
        );
    }
}
