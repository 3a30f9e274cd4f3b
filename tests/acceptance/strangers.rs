//! Variables of tools of other clouds, which the bucket has nothing to do with.

use crate::harness::{Minio, Stage};

/// What nobody reads who has no bucket on that cloud.
const STRANGE: [(&str, &str); 28] = [
    ("ARM_SUBSCRIPTION_ID", "no subscription"),
    ("ARM_TENANT_ID", "no tenant\n"),
    ("ARM_CLIENT_ID", " "),
    ("ARM_CLIENT_SECRET", "a\nb"),
    ("ARM_ENVIRONMENT", "nowhere"),
    ("ARM_USE_OIDC", "perhaps"),
    ("ARM_USE_MSI", "perhaps"),
    ("ARM_USE_CLI", "perhaps"),
    ("ARM_OIDC_TOKEN", "a\nb"),
    ("ARM_OIDC_TOKEN_FILE_PATH", "/nowhere"),
    ("ARM_OIDC_REQUEST_URL", "no address"),
    ("ARM_MSI_ENDPOINT", "no address"),
    ("ARM_METADATA_HOSTNAME", "a b/c"),
    ("AZURE_AUTHORITY_HOST", "no address"),
    ("AZURE_CLIENT_ID", "x y"),
    ("AZURE_TENANT_ID", "x y"),
    ("AZURE_FEDERATED_TOKEN_FILE", "/nowhere"),
    ("AZURE_SUBSCRIPTION_ID", "x y"),
    ("IDENTITY_ENDPOINT", "no address"),
    ("IDENTITY_HEADER", "a\nb"),
    ("MSI_ENDPOINT", "no address"),
    ("GOOGLE_CREDENTIALS", "{bad"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere"),
    ("GOOGLE_CLOUD_PROJECT", "no project"),
    ("GOOGLE_PROJECT", "no\nproject"),
    ("STORAGE_EMULATOR_HOST", "no address"),
    ("GCE_METADATA_HOST", "a b"),
    ("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "nobody"),
];

#[test]
fn variables_of_other_clouds_are_nobodys_business() {
    let mut stage = Stage::<Minio>::new("strangers");
    stage.write_bucket("", "create_access_key = true");
    for (name, value) in STRANGE {
        stage.set(name, value);
    }
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
