//! A Terraform provider that makes buckets which are proven to work with W&B.
//!
//! Data flows one way: [`provider`] gives [`resources`] what the provider block says;
//! a resource drives the pure domain [`byob`] and, through a trait of it, a cloud of
//! [`clouds`], which [`probe`] tries as W&B does; [`wandb`] talks to the W&B instance.
//! What resources share is in [`terraform`]. [`sdk`] is Terraform's side and knows none of
//! them. `docs/dev/architecture.md` is the map.

#![warn(
    missing_debug_implementations,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

pub mod byob;
pub mod clouds;
pub mod probe;
pub mod provider;
pub mod resources;
pub(crate) mod retry_after;
pub mod sdk;
pub mod terraform;
pub mod wandb;
