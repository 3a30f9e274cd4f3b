//! Buckets on SeaweedFS: what it does differently from MinIO.

mod create;
mod keys;
mod names;
mod tags;

/// A stage on SeaweedFS.
pub type Stage = crate::harness::Stage<crate::harness::SeaweedFs>;
