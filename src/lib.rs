//! A Terraform provider that makes buckets which are proven to work with W&B.

pub mod byob;
pub mod clouds;
pub mod sdk;
pub mod wandb;
