//! What the caller may do, as far as `testIamPermissions` tells.

use serde_json::json;

use super::Gcp;
use super::endpoints::Service;
use super::request::{Request, encoded};
use crate::byob::CloudError;
use crate::byob::cloud::{CallerPermission, Intent};
use crate::clouds::retry::Work;

/// Which calls a bucket takes, asked for on the project: the bucket is not there yet.
const ON_PROJECT: [&str; 6] = [
    "storage.buckets.create",
    "storage.buckets.get",
    "storage.buckets.update",
    "storage.buckets.delete",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
];

/// What trying it takes.
const TO_PROBE: [&str; 3] = [
    "storage.objects.create",
    "storage.objects.list",
    "storage.objects.delete",
];

/// What W&B's own account and its key take.
const FOR_IDENTITY: [&str; 6] = [
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.delete",
    "iam.serviceAccountKeys.create",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccountKeys.delete",
];

/// What letting Cloud Storage use a customer's key takes.
const ON_KEY: [&str; 2] = [
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeys.setIamPolicy",
];

/// Whether the caller may make a bucket, and do what is intended.
pub(super) async fn permissions(cloud: &Gcp, intent: Intent<'_>) -> Vec<CallerPermission> {
    let project = format!("projects/{}", encoded(&cloud.place.project));
    let mut on_project = ON_PROJECT.to_vec();
    if intent.probes {
        on_project.extend(TO_PROBE);
    }
    if intent.makes_identity {
        on_project.extend(FOR_IDENTITY);
    }
    let key = intent.key.and_then(|key| key.name.as_deref());
    let on_key = async {
        match key {
            Some(key) => tested(cloud, Service::Kms, key, &ON_KEY).await,
            None => Vec::new(),
        }
    };
    let (mut all, on_key) = tokio::join!(
        tested(cloud, Service::ResourceManager, &project, &on_project),
        on_key,
    );
    all.extend(on_key);
    all
}

async fn tested(
    cloud: &Gcp,
    service: Service,
    resource: &str,
    calls: &[&'static str],
) -> Vec<CallerPermission> {
    let told = ask(cloud, service, resource, calls).await;
    calls
        .iter()
        .map(|call| CallerPermission {
            call,
            allowed: told
                .as_ref()
                .ok()
                .map(|granted| granted.iter().any(|one| one == call)),
        })
        .collect()
}

async fn ask(
    cloud: &Gcp,
    service: Service,
    resource: &str,
    calls: &[&'static str],
) -> Result<Vec<String>, CloudError> {
    let request = Request::v1(service, "POST", resource)
        .part(":testIamPermissions")
        .body(json!({ "permissions": calls }));
    let call = "testIamPermissions";
    let told = cloud.json(Work::Read, call, resource, &request).await?;
    let granted = told["permissions"].as_array().into_iter().flatten();
    Ok(granted
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect())
}
