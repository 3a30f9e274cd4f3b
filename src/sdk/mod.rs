//! An SDK for Terraform providers: protocol 5 over gRPC, in one process per provider.
//!
//! Knows nothing about what the provider is for. An author needs five things: a
//! [`model!`](crate::model) for each schema, the [`schema`] itself, the traits
//! [`provider::Provider`] and [`resource::Resource`], and [`serve`]. This is a whole
//! provider with one resource:
//!
//! ```no_run
//! use async_trait::async_trait;
//! use wandb_provider::model;
//! use wandb_provider::sdk::prelude::*;
//!
//! model! {
//!     /// The provider block.
//!     struct Tiny { greeting: Field<String> }
//! }
//! model! {
//!     /// A line of text that is kept nowhere but in the state.
//!     struct Line { text: Field<String>, length: Field<i64> }
//! }
//!
//! struct TinyProvider;
//! struct LineResource;
//!
//! fn measured(mut line: Line) -> Line {
//!     let length = line.text.known().map_or(0, |text| text.chars().count());
//!     line.length = Field::Known(length as i64);
//!     line
//! }
//!
//! #[async_trait]
//! impl Resource for LineResource {
//!     type Model = Line;
//!     fn name(&self) -> &'static str { "tiny_line" }
//!     fn schema(&self) -> Schema {
//!         Schema::new(Block::new("A line of text.").with([
//!             Attribute::string("text", "The text.").required(),
//!             Attribute::number("length", "How many characters it has.").computed(),
//!         ]))
//!     }
//!     async fn create(&self, _: &Context, create: Create<Line>) -> Outcome<Line> {
//!         Outcome::exists(measured(create.planned), create.private)
//!     }
//!     async fn read(&self, _: &Context, state: Line, private: Private) -> Outcome<Line> {
//!         Outcome::exists(state, private)
//!     }
//!     async fn update(&self, _: &Context, update: Update<Line>) -> Outcome<Line> {
//!         Outcome::exists(measured(update.planned), update.private)
//!     }
//!     async fn delete(&self, _: &Context, _: Line, _: Private) -> Outcome<Line> {
//!         Outcome::gone()
//!     }
//! }
//!
//! #[async_trait]
//! impl Provider for TinyProvider {
//!     type Model = Tiny;
//!     fn name(&self) -> &'static str { "tiny" }
//!     fn address(&self) -> &'static str { "registry.terraform.io/acme/tiny" }
//!     fn version(&self) -> &'static str { "0.1.0" }
//!     fn schema(&self) -> Schema {
//!         Schema::new(Block::new("The tiny provider.").with([
//!             Attribute::string("greeting", "Said to nobody."),
//!         ]))
//!     }
//!     async fn configure(&self, _: &Context, _: Tiny, _: &str) -> Diagnostics {
//!         Diagnostics::new()
//!     }
//!     fn resources(&self) -> Vec<Box<dyn AnyResource>> {
//!         vec![Box::new(LineResource)]
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     serve(TinyProvider)
//! }
//! ```

#![warn(missing_docs)]

pub mod codec;
pub mod context;
pub mod data_source;
pub mod diagnostic;
pub mod docs;
pub mod model;
pub mod number;
pub mod plan;
pub mod private;
pub mod provider;
pub mod resource;
pub mod schema;
pub mod secret;
pub mod text;
pub mod timeouts;
pub mod validate;
pub mod value;

mod handshake;
mod listener;
mod log;
mod made_up;
mod panics;
mod plugin;
mod rpc;
mod server;
mod tls;
mod wire;

pub use server::serve;

/// Everything that an author of a provider names all the time.
pub mod prelude {
    pub use super::context::Context;
    pub use super::diagnostic::{Diagnostic, Diagnostics, Path};
    pub use super::model::{Field, Model, Rest, Secret, SetOf, ToValue};
    pub use super::private::Private;
    pub use super::provider::Provider;
    pub use super::resource::{AnyResource, Create, Outcome, Plan, Resource, Update};
    pub use super::schema::{Attribute, Block, Schema};
    pub use super::serve;
    pub use super::text::Text;
    pub use super::value::{Type, Value};
}
