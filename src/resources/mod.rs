//! The managed resources: how Terraform meets the domain.
//!
//! A resource decides nothing about buckets and opens nothing: what a bucket must be
//! is said in `byob`, and [`crate::terraform::account`] opens clouds. Its own business is
//! Terraform: plans, drift, half-done creates, and what the user is told.

pub mod byob_bucket;
pub mod team_storage;
