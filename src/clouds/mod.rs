//! The clouds: one folder each, all with the same file names.
//!
//! A cloud translates between [`crate::byob`] and a server, and never decides what a
//! bucket must look like. What they share is here: the only builder of HTTP clients
//! ([`web`]), the only place that waits and asks again ([`retry`]), what the outcome of a
//! read means ([`reading`]), and Amazon's protocol ([`s3`]), which several of them speak.

pub mod aws;
pub mod azure;
pub mod gcp;
pub mod s3_compatible;

pub(crate) mod s3;

pub(crate) mod absence;
pub(crate) mod random;
pub(crate) mod reading;
pub(crate) mod retry;
pub(crate) mod survey;
pub(crate) mod web;
pub(crate) mod xml;
