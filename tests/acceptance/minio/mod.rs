//! Buckets on MinIO.

mod adopt;
mod connect;
mod create;
mod delete;
mod import;
mod keys;
mod moved;
pub mod names;
mod permissions;
mod plan;
mod read;
mod refuse;
mod register;
mod replace;
mod rotate;
mod share;
mod tags;
mod unknown;
mod update;

/// A stage on MinIO.
pub type Stage = crate::harness::Stage<crate::harness::Minio>;
