//! What the provider offers, and its own configuration.

use super::super::diagnostic::Diagnostic;
use super::super::validate::Moment;
use super::super::wire::{self as convert, tfplugin5 as wire};
use super::{Service, by_schema};

const CAPABILITIES: wire::ServerCapabilities = wire::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
};

pub(super) async fn metadata(
    service: &Service,
    _: wire::get_metadata::Request,
) -> wire::get_metadata::Response {
    use wire::get_metadata::{
        DataSourceMetadata, EphemeralMetadata, FunctionMetadata, ResourceMetadata,
    };
    let own = |name: &&'static str| (*name).to_owned();
    wire::get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        diagnostics: Vec::new(),
        data_sources: service
            .data_sources
            .keys()
            .map(|name| DataSourceMetadata {
                type_name: own(name),
            })
            .collect(),
        resources: service
            .resources
            .keys()
            .map(|name| ResourceMetadata {
                type_name: own(name),
            })
            .collect(),
        functions: service
            .functions
            .keys()
            .map(|name| FunctionMetadata { name: own(name) })
            .collect(),
        ephemeral_resources: service
            .ephemeral
            .keys()
            .map(|name| EphemeralMetadata {
                type_name: own(name),
            })
            .collect(),
    }
}

pub(super) async fn schemas(
    service: &Service,
    _: wire::get_provider_schema::Request,
) -> wire::get_provider_schema::Response {
    let resources = service.resources.iter().map(|(name, offered)| {
        let schema = &offered.typed(|thing| thing.schema()).0;
        ((*name).to_owned(), convert::schema(schema))
    });
    let data_sources = service.data_sources.iter().map(|(name, offered)| {
        let schema = &offered.typed(|thing| thing.schema()).0;
        ((*name).to_owned(), convert::schema(schema))
    });
    let ephemeral = service.ephemeral.iter().map(|(name, offered)| {
        let schema = &offered.typed(|thing| thing.schema()).0;
        ((*name).to_owned(), convert::schema(schema))
    });
    wire::get_provider_schema::Response {
        provider: Some(convert::schema(&service.provider_schema().0)),
        resource_schemas: resources.collect(),
        data_source_schemas: data_sources.collect(),
        diagnostics: Vec::new(),
        provider_meta: service.provider.meta_schema().as_ref().map(convert::schema),
        server_capabilities: Some(CAPABILITIES),
        functions: signatures(service),
        ephemeral_resource_schemas: ephemeral.collect(),
    }
}

fn signatures(service: &Service) -> std::collections::HashMap<String, wire::Function> {
    service
        .functions
        .iter()
        .map(|(name, function)| {
            (
                (*name).to_owned(),
                convert::signature(&function.signature()),
            )
        })
        .collect()
}

pub(super) async fn functions(
    service: &Service,
    _: wire::get_functions::Request,
) -> wire::get_functions::Response {
    wire::get_functions::Response {
        functions: signatures(service),
        diagnostics: Vec::new(),
    }
}

pub(super) async fn validate_provider(
    service: &Service,
    request: wire::prepare_provider_config::Request,
) -> wire::prepare_provider_config::Response {
    let (schema, ty) = service.provider_schema();
    let diagnostics = match convert::read(request.config.as_ref(), ty, "provider configuration") {
        Ok(config) => {
            let mut all = by_schema(schema, &config, Moment::Use);
            if !config.is_null() {
                all.extend(service.provider.validate(&config));
            }
            all
        }
        Err(error) => error.into(),
    };
    wire::prepare_provider_config::Response {
        prepared_config: request.config,
        diagnostics: convert::diagnostics(diagnostics),
    }
}

pub(super) async fn configure(
    service: &Service,
    request: wire::configure::Request,
) -> wire::configure::Response {
    let cx = service.context(request.client_capabilities.as_ref());
    let ty = &service.provider_schema().1;
    let diagnostics = match convert::read(request.config.as_ref(), ty, "provider configuration") {
        Ok(config) => {
            service
                .provider
                .configure(&cx, config, &request.terraform_version)
                .await
        }
        Err(error) => Diagnostic::into(error),
    };
    wire::configure::Response {
        diagnostics: convert::diagnostics(diagnostics),
    }
}
