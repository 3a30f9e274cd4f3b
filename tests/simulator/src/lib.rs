//! Servers to test the provider against: a simulated W&B instance, a simulated Google
//! Cloud, a simulated Azure, and a proxy that counts, delays and breaks requests.
//!
//! Written from W&B's, Google's and Microsoft's documentation alone and without any code of the
//! provider, so that a misreading in one of them shows as a failing test.

pub mod amazon;
pub mod azure;
mod connection;
mod faults;
pub mod gcs;
pub mod proxy;
pub mod python;
pub mod servers;
mod serving;
pub mod wandb;
