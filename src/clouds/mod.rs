//! The clouds: one folder each, all with the same file names.
//!
//! A cloud translates between [`crate::byob`] and a server, and never decides what a
//! bucket must look like. What they share is here: the only builder of HTTP clients
//! ([`http`]), the only place that waits and asks again ([`retry`]), and the trial of
//! a bucket as a browser and the SDK meet it ([`probe`]).

pub mod aws;
pub mod s3;
pub mod s3_compatible;

pub mod http;
pub mod preflight;
pub mod probe;
pub mod retry;
