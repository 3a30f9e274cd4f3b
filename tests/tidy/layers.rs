//! The layers of the source, and what has its place in one of them only.

/// The layers of `src` and, for each, the other layers that it may name.
pub const LAYERS: &[(&str, &[&str])] = &[
    ("sdk", &[]),
    ("byob", &[]),
    // What HTTP says, to whoever speaks it.
    ("retry_after", &[]),
    ("wandb", &["retry_after"]),
    ("probe", &["byob"]),
    ("clouds", &["byob", "retry_after"]),
    ("terraform", &["byob", "sdk", "wandb"]),
    ("resources", &["byob", "probe", "sdk", "terraform", "wandb"]),
    (
        "provider",
        &["byob", "clouds", "resources", "sdk", "terraform", "wandb"],
    ),
];

/// The folders of `src/clouds` that are clouds; everything else there is shared.
pub const CLOUDS: [&str; 5] = ["aws", "gcp", "azure", "s3_compatible", "coreweave"];

/// Where S3 is spoken with the SDK of AWS.
pub const S3: [&str; 4] = [
    "src/clouds/s3/",
    "src/clouds/s3_compatible/",
    "src/clouds/aws/",
    "src/clouds/coreweave/",
];

/// What may be named in some places of `src` only, with these places. A name counts
/// where it begins, so `aws_sdk_` stands for every crate whose name begins so.
pub const HOMES: &[(&str, &[&str])] = &[
    // SDKs of clouds
    ("aws_config::", &S3),
    ("aws_credential_types::", &S3),
    ("aws_sdk_", &S3),
    ("aws_sigv4::", &S3),
    (
        "aws_smithy_",
        &[S3[0], S3[1], S3[2], S3[3], "src/clouds/web.rs"],
    ),
    ("azure_core::", &["src/clouds/azure/"]),
    ("azure_identity::", &["src/clouds/azure/"]),
    ("azure_storage_blob::", &["src/clouds/azure/"]),
    ("google_cloud_auth::", &["src/clouds/gcp/"]),
    // Terraform's wire
    ("prost", &["src/sdk/"]),
    ("rmp::", &["src/sdk/codec"]),
    ("rmpv::", &["src/sdk/codec"]),
    (
        "tfplugin5",
        &["src/sdk/wire.rs", "src/sdk/rpc/", "src/sdk/server.rs"],
    ),
    ("tokio_rustls::", &["src/sdk/listener.rs"]),
    ("tonic", &["src/sdk/"]),
    // W&B's wire
    ("graphql_client::", &["src/wandb/"]),
    // HTTP clients are made in two places, and each of them waits in one place.
    ("backon::", &["src/clouds/retry.rs", "src/wandb/client.rs"]),
    ("reqwest::", &["src/clouds/", "src/wandb/"]),
    (
        "reqwest::Client::",
        &["src/clouds/web.rs", "src/wandb/client.rs"],
    ),
    (
        "time::sleep",
        &["src/clouds/retry.rs", "src/wandb/client.rs"],
    ),
    // The environment is the provider's to read, and the handshake's.
    ("env::var", &["src/provider/", "src/sdk/server.rs"]),
    // Standard output carries the handshake line and nothing else, ever.
    ("stdout(", &["src/sdk/handshake.rs"]),
    ("println!", &[]),
    ("print!", &[]),
    // The simulator is the oracle of the tests.
    ("simulator::", &[]),
];
