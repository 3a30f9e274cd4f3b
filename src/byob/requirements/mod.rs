//! The requirements, grouped by what they are about. The list that counts is
//! [`super::requirement::CATALOGUE`].

pub mod access;
pub mod cors;
pub mod data;
pub mod encryption;
pub mod kms;
pub mod probes;
pub mod registration;

/// Where most requirements come from.
pub(crate) const BYOB_PAGE: &str =
    "https://docs.wandb.ai/platform/hosting/data-security/secure-storage-connector";
