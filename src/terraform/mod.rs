//! What resources and data sources share: a cloud as Terraform meets it, what the provider
//! block says, failed calls in words, and the registration of buckets with W&B.
//!
//! Nothing in here knows which clouds there are; the provider gives one of each kind.

pub mod account;
pub mod configuration;
pub mod diagnostics;
pub mod effect;
pub mod registration;
pub mod way_in;
