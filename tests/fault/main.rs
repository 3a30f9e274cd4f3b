//! Faults: the provider killed and interrupted, and a W&B instance that misbehaves.
//! After each the next apply comes to the same end, and nothing is lost or made twice.

#[allow(dead_code, reason = "a stage for the acceptance ring too")]
#[path = "../acceptance/harness.rs"]
mod harness;

mod instance;
mod interrupted;
