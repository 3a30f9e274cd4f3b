//! The domain: what a bucket for W&B is, and how to tell whether one is.
//!
//! Pure. Nothing in here opens a connection, reads a clock, or knows Terraform or
//! a cloud's language. [`cloud::Cloud`] is the one door to the outside, and it is only a
//! trait: the folders of `clouds` implement it, `resources` drive it.

#![warn(missing_docs)]

// What is wanted.
pub mod address;
pub mod deployment;
pub mod kind;
pub mod marker;
pub mod name;
pub mod rights;
pub mod soft_delete;
pub mod spec;

// What is there, and what is proven not to be.
pub mod absence;
pub mod contents;
pub mod observed;
pub mod preflight;

// What W&B needs, what to change, and what to tell.
pub mod requirement;
pub mod requirements;

pub mod change;
pub mod diff;

pub mod permission;
pub mod report;

// The door.
pub mod cloud;
pub mod error;
pub mod http;
pub mod identity;
pub mod key_service;
pub mod probe;

pub use cloud::Cloud;
pub use error::{CloudError, CloudErrorKind};
pub use kind::CloudKind;
pub use marker::{Generation, Marker};
pub use observed::{Observed, Reading};
pub use spec::BucketSpec;
