//! The simulated Google Cloud, and who asks it.

use simulator::gcs;

const PROJECT: &str = "simulated-project";
const PERSON: &str = "jane@example.com";

/// A simulated Google Cloud, and a person who may act as the project's owner.
pub async fn start() -> gcs::Instance {
    let cloud = gcs::Instance::start(gcs::Config::default()).await;
    let cloud = cloud.expect("Google Cloud");
    let owner = cloud.owner();
    let admin = format!("serviceAccount:{owner}");
    cloud.grant_project(PROJECT, "roles/storage.admin", &admin);
    let token = "roles/iam.serviceAccountTokenCreator";
    cloud.grant_account(&owner, token, &format!("user:{PERSON}"));
    cloud.grant_account(&owner, token, &admin);
    cloud
}

/// The block of the provider for that person.
pub fn login(cloud: &gcs::Instance, endpoint: &str) -> String {
    let services = [
        "storage",
        "iam",
        "iam_credentials",
        "kms",
        "resource_manager",
        "sts",
    ];
    let lines = services.map(|service| format!("{service} = \"{endpoint}\"\n"));
    format!(
        "gcp {{\n project = \"{PROJECT}\"\n access_token = \"{}\"\n \
         impersonate_service_account = \"{}\"\n endpoints {{\n {} }}\n }}",
        cloud.token(PERSON),
        cloud.owner(),
        lines.concat()
    )
}
