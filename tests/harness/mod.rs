//! What the rings against real servers share: the servers, stages for Terraform, and
//! independent clients to ask what is really there.

mod ask;
mod run;
mod servers;
mod stage;

use std::time::{Duration, Instant};

pub use ask::{Login, ask};
pub use run::Run;
pub use servers::{minio, moto, seaweedfs, wait};
pub use stage::{API_KEY, Stage};

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
