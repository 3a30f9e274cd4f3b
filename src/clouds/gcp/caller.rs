//! What the caller may do, as far as `testIamPermissions` tells.

use serde_json::json;

use super::Gcp;
use super::endpoints::Service;
use super::request::{Request, encoded};
use crate::byob::CloudError;
use crate::byob::cloud::CallerPermission;
use crate::byob::spec::KeySpec;
use crate::clouds::retry::Work;

/// Which calls a bucket takes, asked for on the project: the bucket is not there yet.
const ON_PROJECT: [&str; 9] = [
    "storage.buckets.create",
    "storage.buckets.get",
    "storage.buckets.update",
    "storage.buckets.delete",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.objects.create",
    "storage.objects.list",
    "storage.objects.delete",
];

/// What letting Cloud Storage use a customer's key takes.
const ON_KEY: [&str; 2] = [
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeys.setIamPolicy",
];

/// Whether the caller may make a bucket, and let its key be used.
pub(super) async fn permissions(cloud: &Gcp, key: Option<&KeySpec>) -> Vec<CallerPermission> {
    let project = format!("projects/{}", encoded(&cloud.place.project));
    let key = key.and_then(|key| key.name.as_deref());
    let on_key = async {
        match key {
            Some(key) => tested(cloud, Service::Kms, key, &ON_KEY).await,
            None => Vec::new(),
        }
    };
    let (mut all, on_key) = tokio::join!(
        tested(cloud, Service::ResourceManager, &project, &ON_PROJECT),
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
