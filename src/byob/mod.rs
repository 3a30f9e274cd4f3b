//! The domain: what a bucket for W&B is, and how to tell whether one is.
//!
//! Pure. Nothing in here opens a connection, reads a clock, or knows Terraform or
//! a cloud's SDK. [`cloud::Cloud`] is the one door to the outside, and it is only a
//! trait: the folders of `clouds` implement it, `resources` drive it.

pub mod cloud;
pub mod deployment;
pub mod diff;
pub mod identity;
pub mod marker;
pub mod observed;
pub mod policy;
pub mod probe;
pub mod spec;

pub use cloud::{Cloud, CloudError, CloudErrorKind, CloudKind};
pub use marker::{Generation, Marker};
pub use observed::{Observed, Reading};
pub use spec::BucketSpec;
