//! What the rings against real servers share: the servers, stages for Terraform, and
//! independent clients to ask what is really there.

mod ask;
mod clouds;
mod google;
mod hcl;
mod microsoft;
mod run;
mod s3;
mod servers;
mod stage;

use std::time::{Duration, Instant};

pub use ask::{Login, ask};
pub use clouds::{
    ACCOUNT, ADMIN, Aws, Azure, AzureLogin, Cloud, DEPLOY, GROUP, Gcp, GoogleLogin, Minio, PROJECT,
    S3Compatible, SeaweedFs, WANDB,
};
pub use google::google;
pub use hcl::fill;
pub(crate) use hcl::hcl;
pub use microsoft::microsoft;
pub use run::Run;
pub use servers::{minio, minio_with, moto, proxy_to, seaweedfs, wait};
pub use stage::{API_KEY, Stage, THIS};

/// Waits for a condition, ten seconds at most.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "{what} did not come true in time"
        );
        // Others need the processor more.
        std::thread::sleep(Duration::from_millis(10));
    }
}
