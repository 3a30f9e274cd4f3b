//! Terraform's requests, one function each, and the edge where panics end.

mod data_source;
mod ephemeral;
mod function;
mod offer;
mod resource;

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::context::Context;
use super::data_source::{AnyDataSource, Ephemeral, Function};
use super::diagnostic::{Diagnostic, Diagnostics, Path};
use super::panics;
use super::provider::AnyProvider;
use super::resource::AnyResource;
use super::schema::Schema;
use super::validate::Moment;
use super::value::{Type, Value};
use super::wire::tfplugin5 as wire;

/// A thing of the provider, with its schema once somebody needs it.
pub(super) struct Offered<T: ?Sized> {
    pub(super) thing: Box<T>,
    schema: OnceLock<(Schema, Type)>,
}

impl<T: ?Sized> Offered<T> {
    fn new(thing: Box<T>) -> Self {
        Self {
            thing,
            schema: OnceLock::new(),
        }
    }

    fn typed(&self, schema: impl FnOnce(&T) -> Schema) -> &(Schema, Type) {
        self.schema.get_or_init(|| {
            let schema = schema(&self.thing);
            let ty = schema.block.ty();
            (schema, ty)
        })
    }
}

/// The thing of this name, with its schema and the type of its values.
fn find<'a, T: ?Sized>(
    offered: &'a BTreeMap<&'static str, Offered<T>>,
    kind: &str,
    name: &str,
    schema: impl FnOnce(&T) -> Schema,
) -> Result<(&'a T, &'a Schema, &'a Type), Diagnostic> {
    let offered = offered.get(name).ok_or_else(|| unknown_name(kind, name))?;
    let (schema, ty) = offered.typed(schema);
    Ok((offered.thing.as_ref(), schema, ty))
}

/// What the schema says about a configuration, before the thing itself is asked.
fn by_schema(schema: &Schema, config: &Value, moment: Moment) -> Diagnostics {
    let problems = schema.block.validate(config, &Path::root(), moment);
    problems.into_iter().collect()
}

/// The provider as Terraform talks to it.
pub(super) struct Service {
    provider: Box<dyn AnyProvider>,
    provider_schema: OnceLock<(Schema, Type)>,
    resources: BTreeMap<&'static str, Offered<dyn AnyResource>>,
    data_sources: BTreeMap<&'static str, Offered<dyn AnyDataSource>>,
    ephemeral: BTreeMap<&'static str, Offered<dyn Ephemeral>>,
    functions: BTreeMap<&'static str, Box<dyn Function>>,
    stop: Mutex<CancellationToken>,
    // One more reference for each operation under way.
    busy: Arc<()>,
}

impl Service {
    pub(super) fn new(provider: Box<dyn AnyProvider>) -> Self {
        let resources = provider.resources().into_iter();
        let data_sources = provider.data_sources().into_iter();
        let ephemeral = provider.ephemeral_resources().into_iter();
        let functions = provider.functions().into_iter();
        Self {
            resources: resources
                .map(|one| (one.name(), Offered::new(one)))
                .collect(),
            data_sources: data_sources
                .map(|one| (one.name(), Offered::new(one)))
                .collect(),
            ephemeral: ephemeral
                .map(|one| (one.name(), Offered::new(one)))
                .collect(),
            functions: functions.map(|one| (one.name(), one)).collect(),
            provider,
            provider_schema: OnceLock::new(),
            stop: Mutex::default(),
            busy: Arc::default(),
        }
    }

    fn provider_schema(&self) -> &(Schema, Type) {
        self.provider_schema.get_or_init(|| {
            let schema = self.provider.schema();
            let ty = schema.block.ty();
            (schema, ty)
        })
    }

    fn context(&self, capabilities: Option<&wire::ClientCapabilities>) -> Context {
        let stop = match self.stop.lock() {
            Ok(stop) => stop.child_token(),
            Err(_) => CancellationToken::new(),
        };
        Context::new(
            stop,
            capabilities.is_some_and(|one| one.write_only_attributes_allowed),
        )
    }

    /// Ends everything that is under way. What begins later is another run of a
    /// process that a debugger holds.
    pub(super) fn stop_all(&self) {
        if let Ok(mut stop) = self.stop.lock() {
            std::mem::take(&mut *stop).cancel();
        }
    }

    /// Returns when no operation is under way.
    pub(super) async fn idle(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        while Arc::strong_count(&self.busy) > 1 {
            look.tick().await;
        }
    }
}

/// Runs an operation; a panic in it becomes an error that `on_panic` wraps.
async fn guarded<T>(
    name: &str,
    operation: impl Future<Output = T>,
    on_panic: impl FnOnce(Diagnostic) -> T,
) -> T {
    tracing::debug!(tf_rpc = name, "request");
    match AssertUnwindSafe(operation).catch_unwind().await {
        Ok(result) => result,
        Err(_) => on_panic(panics::error(name)),
    }
}

fn unknown_name(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Unknown {kind}"),
        format!("This version of the provider has no {kind} {name:?}."),
    )
}

fn one(diagnostic: Diagnostic) -> Vec<wire::Diagnostic> {
    super::wire::diagnostics(Diagnostics::from(diagnostic))
}

type Reply<T> = Result<Response<T>, Status>;

/// The service on the wire.
#[derive(Clone)]
pub(super) struct Server(pub(super) Arc<Service>);

/// Answers a request whose response has a list of diagnostics.
macro_rules! answer {
    ($self:ident, $name:literal, $function:path, $request:ident, $response:path) => {{
        let service = Arc::clone(&$self.0);
        let _busy = Arc::clone(&service.busy);
        let request = $request.into_inner();
        let result = guarded($name, $function(&service, request), |why| {
            let mut response = <$response>::default();
            response.diagnostics = one(why);
            response
        })
        .await;
        Ok(Response::new(result))
    }};
}

#[tonic::async_trait]
impl wire::provider_server::Provider for Server {
    async fn get_metadata(
        &self,
        request: Request<wire::get_metadata::Request>,
    ) -> Reply<wire::get_metadata::Response> {
        answer!(
            self,
            "GetMetadata",
            offer::metadata,
            request,
            wire::get_metadata::Response
        )
    }

    async fn get_schema(
        &self,
        request: Request<wire::get_provider_schema::Request>,
    ) -> Reply<wire::get_provider_schema::Response> {
        answer!(
            self,
            "GetSchema",
            offer::schemas,
            request,
            wire::get_provider_schema::Response
        )
    }

    async fn prepare_provider_config(
        &self,
        request: Request<wire::prepare_provider_config::Request>,
    ) -> Reply<wire::prepare_provider_config::Response> {
        answer!(
            self,
            "PrepareProviderConfig",
            offer::validate_provider,
            request,
            wire::prepare_provider_config::Response
        )
    }

    async fn configure(
        &self,
        request: Request<wire::configure::Request>,
    ) -> Reply<wire::configure::Response> {
        answer!(
            self,
            "Configure",
            offer::configure,
            request,
            wire::configure::Response
        )
    }

    async fn validate_resource_type_config(
        &self,
        request: Request<wire::validate_resource_type_config::Request>,
    ) -> Reply<wire::validate_resource_type_config::Response> {
        answer!(
            self,
            "ValidateResourceTypeConfig",
            resource::validate,
            request,
            wire::validate_resource_type_config::Response
        )
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Reply<wire::upgrade_resource_state::Response> {
        answer!(
            self,
            "UpgradeResourceState",
            resource::upgrade,
            request,
            wire::upgrade_resource_state::Response
        )
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Reply<wire::read_resource::Response> {
        answer!(
            self,
            "ReadResource",
            resource::read,
            request,
            wire::read_resource::Response
        )
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Reply<wire::plan_resource_change::Response> {
        answer!(
            self,
            "PlanResourceChange",
            resource::plan,
            request,
            wire::plan_resource_change::Response
        )
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Reply<wire::apply_resource_change::Response> {
        answer!(
            self,
            "ApplyResourceChange",
            resource::apply,
            request,
            wire::apply_resource_change::Response
        )
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Reply<wire::import_resource_state::Response> {
        answer!(
            self,
            "ImportResourceState",
            resource::import,
            request,
            wire::import_resource_state::Response
        )
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Reply<wire::move_resource_state::Response> {
        answer!(
            self,
            "MoveResourceState",
            resource::move_state,
            request,
            wire::move_resource_state::Response
        )
    }

    async fn validate_data_source_config(
        &self,
        request: Request<wire::validate_data_source_config::Request>,
    ) -> Reply<wire::validate_data_source_config::Response> {
        answer!(
            self,
            "ValidateDataSourceConfig",
            data_source::validate,
            request,
            wire::validate_data_source_config::Response
        )
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Reply<wire::read_data_source::Response> {
        answer!(
            self,
            "ReadDataSource",
            data_source::read,
            request,
            wire::read_data_source::Response
        )
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<wire::validate_ephemeral_resource_config::Request>,
    ) -> Reply<wire::validate_ephemeral_resource_config::Response> {
        answer!(
            self,
            "ValidateEphemeralResourceConfig",
            ephemeral::validate,
            request,
            wire::validate_ephemeral_resource_config::Response
        )
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<wire::open_ephemeral_resource::Request>,
    ) -> Reply<wire::open_ephemeral_resource::Response> {
        answer!(
            self,
            "OpenEphemeralResource",
            ephemeral::open,
            request,
            wire::open_ephemeral_resource::Response
        )
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<wire::renew_ephemeral_resource::Request>,
    ) -> Reply<wire::renew_ephemeral_resource::Response> {
        answer!(
            self,
            "RenewEphemeralResource",
            ephemeral::renew,
            request,
            wire::renew_ephemeral_resource::Response
        )
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<wire::close_ephemeral_resource::Request>,
    ) -> Reply<wire::close_ephemeral_resource::Response> {
        answer!(
            self,
            "CloseEphemeralResource",
            ephemeral::close,
            request,
            wire::close_ephemeral_resource::Response
        )
    }

    async fn get_functions(
        &self,
        request: Request<wire::get_functions::Request>,
    ) -> Reply<wire::get_functions::Response> {
        answer!(
            self,
            "GetFunctions",
            offer::functions,
            request,
            wire::get_functions::Response
        )
    }

    async fn call_function(
        &self,
        request: Request<wire::call_function::Request>,
    ) -> Reply<wire::call_function::Response> {
        let request = request.into_inner();
        let result = guarded("CallFunction", function::call(&self.0, request), |why| {
            function::failed(format!("{}\n{}", why.summary, why.detail), None)
        });
        Ok(Response::new(result.await))
    }

    async fn stop(&self, _: Request<wire::stop::Request>) -> Reply<wire::stop::Response> {
        tracing::debug!(tf_rpc = "Stop", "request");
        self.0.stop_all();
        Ok(Response::new(wire::stop::Response::default()))
    }
}

#[cfg(test)]
#[path = "panic_tests.rs"]
mod tests;
