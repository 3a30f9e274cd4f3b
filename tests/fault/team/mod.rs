//! Teams, and a W&B instance that misbehaves.

mod every_request;
mod instance;
mod kill;
mod plain;
mod taken;
mod unheard;

/// A stage for teams, whose buckets are on MinIO.
type Stage = crate::harness::Stage<crate::harness::Minio>;
