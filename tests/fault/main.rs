//! Faults: the provider killed and interrupted, and servers and W&B instances that
//! misbehave. After each the next apply comes to the same end, and nothing is lost or
//! made twice.

#[allow(dead_code, unused_imports, reason = "shared with the other rings")]
#[path = "../harness/mod.rs"]
mod harness;

mod gone;
mod kill;
mod passing;

mod aws;
mod azure;
mod gcp;
mod minio;
mod team;
