//! What a provider has to offer.

use async_trait::async_trait;

use super::context::Context;
use super::data_source::{AnyDataSource, Ephemeral, Function};
use super::diagnostic::{Diagnostic, Diagnostics, Path};
use super::model::{FromValue, Model};
use super::resource::AnyResource;
use super::schema::Schema;
use super::value::Value;

/// A provider: its own configuration and the things that it offers.
///
/// One process may be configured several times when it is run by a debugger.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// A struct with the fields of the provider block.
    type Model: Model;

    /// The prefix of all names, and the last part of the address, for example `tiny`.
    fn name(&self) -> &'static str;

    /// The address in the registry, for example `registry.terraform.io/acme/tiny`.
    fn address(&self) -> &'static str;

    /// The provider's own version.
    fn version(&self) -> &'static str;

    /// What the provider block may say.
    fn schema(&self) -> Schema;

    /// What a module may say in `provider_meta`.
    fn meta_schema(&self) -> Option<Schema> {
        None
    }

    /// Checks that no single attribute can make. Anything may be unknown.
    fn validate(&self, config: &Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Takes the configuration. Anything may be unknown while planning. Sends nothing.
    async fn configure(&self, cx: &Context, config: Self::Model, terraform: &str) -> Diagnostics;

    /// Everything that can be managed.
    fn resources(&self) -> Vec<Box<dyn AnyResource>>;

    /// Everything that can be looked up.
    fn data_sources(&self) -> Vec<Box<dyn AnyDataSource>> {
        Vec::new()
    }

    /// Everything that is never stored.
    fn ephemeral_resources(&self) -> Vec<Box<dyn Ephemeral>> {
        Vec::new()
    }

    /// Functions for configurations.
    fn functions(&self) -> Vec<Box<dyn Function>> {
        Vec::new()
    }
}

/// A [`Provider`] of any model.
#[async_trait]
pub trait AnyProvider: Send + Sync {
    /// As in [`Provider::name`].
    fn name(&self) -> &'static str;
    /// As in [`Provider::address`].
    fn address(&self) -> &'static str;
    /// As in [`Provider::version`].
    fn version(&self) -> &'static str;
    /// As in [`Provider::schema`].
    fn schema(&self) -> Schema;
    /// As in [`Provider::meta_schema`].
    fn meta_schema(&self) -> Option<Schema>;
    /// All checks but those of single attributes.
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Takes the configuration.
    async fn configure(&self, cx: &Context, config: Value, terraform: &str) -> Diagnostics;
    /// As in [`Provider::resources`].
    fn resources(&self) -> Vec<Box<dyn AnyResource>>;
    /// As in [`Provider::data_sources`].
    fn data_sources(&self) -> Vec<Box<dyn AnyDataSource>>;
    /// As in [`Provider::ephemeral_resources`].
    fn ephemeral_resources(&self) -> Vec<Box<dyn Ephemeral>>;
    /// As in [`Provider::functions`].
    fn functions(&self) -> Vec<Box<dyn Function>>;
}

#[async_trait]
impl<P: Provider> AnyProvider for P {
    fn name(&self) -> &'static str {
        Provider::name(self)
    }

    fn address(&self) -> &'static str {
        Provider::address(self)
    }

    fn version(&self) -> &'static str {
        Provider::version(self)
    }

    fn schema(&self) -> Schema {
        Provider::schema(self)
    }

    fn meta_schema(&self) -> Option<Schema> {
        Provider::meta_schema(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match P::Model::from_value(config, &Path::root()) {
            Ok(config) => Provider::validate(self, &config),
            Err(misfit) => Diagnostic::from(misfit).into(),
        }
    }

    async fn configure(&self, cx: &Context, config: Value, terraform: &str) -> Diagnostics {
        match P::Model::from_value(&config, &Path::root()) {
            Ok(config) => Provider::configure(self, cx, config, terraform).await,
            Err(misfit) => Diagnostic::from(misfit).into(),
        }
    }

    fn resources(&self) -> Vec<Box<dyn AnyResource>> {
        Provider::resources(self)
    }

    fn data_sources(&self) -> Vec<Box<dyn AnyDataSource>> {
        Provider::data_sources(self)
    }

    fn ephemeral_resources(&self) -> Vec<Box<dyn Ephemeral>> {
        Provider::ephemeral_resources(self)
    }

    fn functions(&self) -> Vec<Box<dyn Function>> {
        Provider::functions(self)
    }
}
