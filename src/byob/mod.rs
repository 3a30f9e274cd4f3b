//! The domain: what a bucket for W&B is, and how to tell whether one is.
//!
//! Pure. Nothing in here opens a connection, reads a clock, or knows Terraform or
//! a cloud's SDK. [`cloud::Cloud`] is the one door to the outside, and it is only a
//! trait: the folders of `clouds` implement it, `resources` drive it.
//!
//! In reading order: what is wanted ([`spec`]), what is there ([`observed`]), what W&B
//! needs ([`requirement`]), what to change ([`diff`]), what to tell ([`report`]), and
//! the door ([`cloud`]).

#![warn(missing_docs)]

pub mod spec;

pub mod deployment;
pub mod name;

pub mod observed;

pub mod requirement;
pub mod requirements;

pub mod diff;

pub mod report;

pub mod cloud;

pub mod address;
pub mod identity;
pub mod marker;
pub mod permission;
pub mod policy;
pub mod probe;

pub use cloud::{Cloud, CloudError, CloudErrorKind, CloudKind};
pub use marker::{Generation, Marker};
pub use observed::{Observed, Reading};
pub use spec::BucketSpec;
