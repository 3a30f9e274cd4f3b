//! What may be said about Azure.

use super::address;
use crate::clouds::azure::{Environment, MOST_CREDENTIALS, names};
use crate::model;
use crate::provider::arguments::check_key;
use crate::sdk::diagnostic::Path;
use crate::sdk::model::{Field, Secret, SetOf};
use crate::sdk::schema::{Attribute, Block};
use crate::sdk::value::Value;
use crate::terraform::account::{BY_IDENTITY, BY_KEY};

/// How an account keeps its copies when nobody says so: in three zones.
pub(super) const DEFAULT_REPLICATION: &str = "ZRS";
const REPLICATIONS: [&str; 6] = [DEFAULT_REPLICATION, "LRS", "GRS", "RAGRS", "GZRS", "RAGZRS"];
/// The oldest TLS that an account takes then.
pub(super) const DEFAULT_TLS: &str = "TLS1_2";
const TLS: [&str; 2] = [DEFAULT_TLS, "TLS1_3"];
/// W&B is a principal of its own.
pub(super) const BY_PRINCIPAL: &str = "principal";
const ACCESS: [&str; 3] = [BY_KEY, BY_IDENTITY, BY_PRINCIPAL];
/// The account's key that W&B gets when nobody says so.
pub(super) const DEFAULT_KEY: &str = "key1";
const KEYS: [&str; 2] = [DEFAULT_KEY, "key2"];
/// Where the instance runs in its cluster then.
pub(super) const DEFAULT_NAMESPACE: &str = "default";
/// The service accounts of the instance that reach the bucket.
///
/// Source: W&B's own Terraform module for Azure.
pub(super) const SERVICE_ACCOUNTS: [&str; 13] = [
    "bufstream-service-account",
    "wandb-api",
    "wandb-app",
    "wandb-bucket-access",
    "wandb-console",
    "wandb-executor",
    "wandb-filemeta",
    "wandb-filestream",
    "wandb-glue",
    "wandb-parquet",
    "wandb-settings-migration-job",
    "wandb-weave",
    "wandb-weave-trace",
];

model! {
    /// The block of a bucket.
    pub struct Arguments {
        pub resource_group_name: Field<String>,
        pub storage_account_name: Field<String>,
        pub location: Field<String>,
        pub create_storage_account: Field<bool>,
        pub replication: Field<String>,
        pub min_tls_version: Field<String>,
        pub shared_key_enabled: Field<bool>,
        pub access: Field<String>,
        pub account_key: Field<String>,
        pub oidc_issuer_url: Field<String>,
        pub identity_name: Field<String>,
        pub kubernetes_namespace: Field<String>,
        pub kubernetes_service_accounts: Field<SetOf>,
        pub wandb_principal_id: Field<String>,
        pub wandb_roles: Field<SetOf>,
        pub managed_identity_client_id: Field<String>,
        pub tenant_id: Field<String>,
    }
}

model! {
    /// The block of the provider.
    pub struct Defaults {
        pub subscription_id: Field<String>,
        pub tenant_id: Field<String>,
        pub client_id: Field<String>,
        pub client_secret: Field<Secret>,
        pub oidc_token: Field<Secret>,
        pub oidc_token_file_path: Field<String>,
        pub use_cli: Field<bool>,
        pub use_msi: Field<bool>,
        pub use_oidc: Field<bool>,
        pub environment: Field<String>,
        pub max_retries: Field<i64>,
        pub endpoints: Field<Addresses>,
    }
}

model! {
    /// Addresses of services.
    pub struct Addresses {
        pub resource_manager: Field<String>,
        pub authority: Field<String>,
        pub blob: Field<String>,
    }
}

/// The path of an argument of the block.
pub(super) fn argument(name: &str) -> Path {
    Path::of("azure").attribute(name)
}

/// The block of a bucket.
pub(super) fn bucket() -> Block {
    Block::new(
        "Azure Blob Storage: `name` is a container, in a storage account that is made with it, or \
         in one that is there. CORS, versioning and soft delete belong to the account; in one that \
         is somebody else's they are merged with what is there, and never taken away.",
    )
    .with(place())
    .with(access())
    .with(identity())
    .with(told())
}

fn place() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "resource_group_name",
            "The resource group of the account, which has to exist. A change makes a new bucket.",
        )
        .required()
        .check_string(names::check_group),
        Attribute::string(
            "storage_account_name",
            "The storage account: 3 to 24 lower-case letters and digits, a name that is the whole \
             world's. A change makes a new bucket.",
        )
        .required()
        .check_string(names::check_account),
        Attribute::string(
            "location",
            "Where the account is made, such as `westeurope`. A change makes a new bucket. Default: \
             where the resource group is.",
        )
        .optional_computed()
        .keeps_state()
        .check_string(names::check_location),
        Attribute::bool(
            "create_storage_account",
            "Make the account for this bucket alone; it goes with the bucket, unless it holds \
             something else by then. `false`: use an account that is there.",
        )
        .default(Value::Bool(true)),
        Attribute::string(
            "replication",
            "How an account that is made keeps its copies. Of one that is there, only Azure can \
             change it.",
        )
        .default(Value::string(DEFAULT_REPLICATION))
        .one_of(&REPLICATIONS),
        Attribute::string(
            "min_tls_version",
            "The oldest TLS that an account that is made takes.",
        )
        .default(Value::string(DEFAULT_TLS))
        .one_of(&TLS),
        Attribute::bool(
            "shared_key_enabled",
            "Whether an account that is made takes keys. Default: with `access = \"access_key\"` \
             only.",
        )
        .optional_computed(),
    ]
}

fn access() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "access",
            "How W&B gets in: by the account's `access_key`, as a managed identity that trusts the \
             instance's own tokens (`workload_identity`), or as a `principal` of its own. Default: \
             `access_key` for the scope `instance`, `workload_identity` for `team`.",
        )
        .optional_computed()
        .one_of(&ACCESS),
        Attribute::string(
            "account_key",
            "Which key of the account W&B gets. It is read, and neither made nor removed.",
        )
        .default(Value::string(DEFAULT_KEY))
        .one_of(&KEYS),
        Attribute::string(
            "wandb_principal_id",
            "The object id of the principal that W&B is, with `access = \"principal\"`.",
        )
        .check_string(names::check_guid),
        Attribute::string_set(
            "wandb_roles",
            "The roles that W&B gets on the account, by name or full id. Default: `Storage Account \
             Contributor` and `Storage Blob Data Owner` for an identity that is made, `Reader` and \
             `Storage Blob Data Contributor` for a principal of W&B's.",
        )
        .optional_computed()
        .check(check_roles),
    ]
}

fn identity() -> Vec<Attribute> {
    let accounts = SERVICE_ACCOUNTS.map(Value::string);
    vec![
        Attribute::string(
            "oidc_issuer_url",
            "The issuer of the tokens of the instance's cluster, byte for byte: on AKS it ends in \
             `/`, on EKS and GKE it does not. Required with `access = \"workload_identity\"`.",
        )
        .check_string(address::check_issuer),
        Attribute::string(
            "identity_name",
            "The managed identity that is made for W&B. Default: the account's name and `-wandb`.",
        )
        .optional_computed()
        .check_string(names::check_identity),
        Attribute::string(
            "kubernetes_namespace",
            "The namespace that the instance runs in.",
        )
        .default(Value::string(DEFAULT_NAMESPACE))
        .check_string(names::check_kubernetes),
        Attribute::string_set(
            "kubernetes_service_accounts",
            "The service accounts of the instance that can become W&B's identity, 20 at most.",
        )
        .default(Value::set(accounts))
        .check(check_service_accounts),
    ]
}

fn told() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "managed_identity_client_id",
            "The client id of W&B's identity, with `access = \"workload_identity\"`.",
        )
        .computed(),
        Attribute::string("tenant_id", "The tenant of W&B's identity, likewise.").computed(),
    ]
}

/// The block of the provider.
pub(super) fn provider() -> Block {
    Block::new(
        "Credentials and defaults for Azure. The first of these that is there is used: a client \
         secret, a token of elsewhere (OIDC), a workload identity of Kubernetes, the machine's \
         managed identity, `az login`. Each argument's variable `ARM_…` comes before `AZURE_…`.",
    )
    .with(caller())
    .with(ways())
    .with([
        Attribute::string(
            "environment",
            "Which of Azure's clouds. Default: `ARM_ENVIRONMENT`, else `public`.",
        )
        .one_of(&Environment::NAMES),
        Attribute::number(
            "max_retries",
            "How often a failed request is tried again. Absent: as for the whole provider.",
        )
        .between(0, 20),
    ])
    .single("endpoints", endpoints())
}

fn caller() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "subscription_id",
            "The subscription of all buckets. Default: `ARM_SUBSCRIPTION_ID`, \
             `AZURE_SUBSCRIPTION_ID`.",
        )
        .check_string(names::check_guid),
        Attribute::string(
            "tenant_id",
            "The tenant to sign in to. Default: `ARM_TENANT_ID`, `AZURE_TENANT_ID`.",
        )
        .check_string(names::check_tenant),
        Attribute::string(
            "client_id",
            "The application, or managed identity, to sign in as. Default: `ARM_CLIENT_ID`, \
             `AZURE_CLIENT_ID`.",
        )
        .check_string(names::check_guid),
        Attribute::string(
            "client_secret",
            "The application's secret. Default: `ARM_CLIENT_SECRET`, `AZURE_CLIENT_SECRET`.",
        )
        .sensitive()
        .check_string(check_key),
    ]
}

fn ways() -> Vec<Attribute> {
    vec![
        Attribute::string(
            "oidc_token",
            "A token of elsewhere that the application trusts. Default: `ARM_OIDC_TOKEN`.",
        )
        .sensitive()
        .check_string(check_key),
        Attribute::string(
            "oidc_token_file_path",
            "The file with such a token. Default: `ARM_OIDC_TOKEN_FILE_PATH`.",
        ),
        Attribute::bool(
            "use_oidc",
            "Sign in by a token of elsewhere: `oidc_token`, its file, or what the runner gives at \
             `ARM_OIDC_REQUEST_URL` (`ACTIONS_ID_TOKEN_REQUEST_URL`). Default: `ARM_USE_OIDC`, else \
             whether one of the two is set.",
        ),
        Attribute::bool(
            "use_msi",
            "Sign in as the machine's managed identity. Default: `ARM_USE_MSI`, else `false`.",
        ),
        Attribute::bool(
            "use_cli",
            "Sign in as whoever has used `az login`. Default: `ARM_USE_CLI`, else `true`.",
        ),
    ]
}

fn endpoints() -> Block {
    Block::new(
        "Addresses of services, for private endpoints and local servers. Tokens go over plain HTTP \
         to loopback addresses only.",
    )
    .with([
        Attribute::string("resource_manager", "Azure Resource Manager.")
            .check_string(address::check_manager),
        Attribute::string(
            "authority",
            "Microsoft Entra, which is asked by TLS alone. Default: `AZURE_AUTHORITY_HOST`.",
        )
        .check_string(address::check_authority),
        Attribute::string(
            "blob",
            "The service for blobs: with `{account}` in it, or the account is appended to the path.",
        )
        .check_string(address::check_blob),
    ])
}

fn elements(value: &Value) -> Result<Vec<&str>, String> {
    let Value::List(list) = value else {
        return Ok(Vec::new());
    };
    list.iter()
        .filter(|one| !matches!(one, Value::Unknown))
        .map(|one| match one {
            Value::String(text) => Ok(text.as_str()),
            _ => Err("it holds null".to_owned()),
        })
        .collect()
}

fn check_roles(value: &Value) -> Result<(), String> {
    if matches!(value, Value::List(list) if list.is_empty()) {
        return Err("it is empty, and W&B needs a role on the account".to_owned());
    }
    elements(value)?.into_iter().try_for_each(names::check_role)
}

fn check_service_accounts(value: &Value) -> Result<(), String> {
    if let Value::List(list) = value {
        if list.is_empty() {
            return Err("it is empty, and nobody could become W&B's identity".to_owned());
        }
        if list.len() > MOST_CREDENTIALS {
            return Err(format!(
                "it holds {}, and an identity can trust {MOST_CREDENTIALS}",
                list.len()
            ));
        }
    }
    elements(value)?
        .into_iter()
        .try_for_each(names::check_kubernetes)
}
