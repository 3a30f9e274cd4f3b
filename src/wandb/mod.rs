//! A client for the two interfaces of a W&B instance: SCIM for teams and people,
//! GraphQL for everything that SCIM cannot do.
//!
//! Knows neither Terraform nor any cloud. What is in `queries` is checked against
//! `schema.graphql` when the provider is built; introspection is never asked for.

pub mod client;
pub mod error;
pub mod graphql;
pub mod organization;
mod retry_after;
pub mod scim;

pub use client::{Client, Settings};
pub use error::{WandbError, WandbErrorKind};
pub use graphql::{Instance, Problem, Severity, StorageInfo, TeamEntity};
pub use organization::Organization;
pub use scim::{Member, NewTeam, Team};
