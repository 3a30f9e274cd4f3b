//! Requests for data sources.

use super::super::data_source::AnyDataSource;
use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::schema::Schema;
use super::super::validate::Moment;
use super::super::value::Type;
use super::super::wire::{self as convert, tfplugin5 as wire};
use super::{Service, by_schema, find, one};

fn data_source<'a>(
    service: &'a Service,
    name: &str,
) -> Result<(&'a dyn AnyDataSource, &'a Schema, &'a Type), Diagnostic> {
    find(&service.data_sources, "data source", name, |thing| {
        thing.schema()
    })
}

pub(super) async fn validate(
    service: &Service,
    request: wire::validate_data_source_config::Request,
) -> wire::validate_data_source_config::Response {
    let check = || -> Result<Diagnostics, Diagnostic> {
        let (source, schema, ty) = data_source(service, &request.type_name)?;
        let config = convert::read(request.config.as_ref(), ty, "configuration")?;
        let mut all = by_schema(schema, &config, Moment::Use);
        all.extend(source.validate(&config));
        Ok(all)
    };
    wire::validate_data_source_config::Response {
        diagnostics: convert::diagnostics(check().unwrap_or_else(Diagnostics::from)),
    }
}

pub(super) async fn read(
    service: &Service,
    request: wire::read_data_source::Request,
) -> wire::read_data_source::Response {
    let failed = |error| wire::read_data_source::Response {
        diagnostics: one(error),
        ..Default::default()
    };
    let (source, ty) = match data_source(service, &request.type_name) {
        Ok((source, _, ty)) => (source, ty),
        Err(error) => return failed(error),
    };
    let config = match convert::read(request.config.as_ref(), ty, "configuration") {
        Ok(config) => config,
        Err(error) => return failed(error),
    };
    let cx = service.context(request.client_capabilities.as_ref());
    let (state, mut diagnostics) = source.read(&cx, config).await;
    wire::read_data_source::Response {
        state: convert::write_or_null(&state, ty, &mut diagnostics),
        diagnostics: convert::diagnostics(diagnostics),
        deferred: None,
    }
}
