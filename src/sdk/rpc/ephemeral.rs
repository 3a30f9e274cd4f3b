//! Requests for ephemeral resources.

use std::time::SystemTime;

use bytes::Bytes;

use super::super::data_source::{Ephemeral, Opened};
use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::private::Private;
use super::super::schema::Schema;
use super::super::validate::Moment;
use super::super::value::{Type, Value};
use super::super::wire::{self as convert, tfplugin5 as wire};
use super::{Service, by_schema, find, one};

fn ephemeral<'a>(
    service: &'a Service,
    name: &str,
) -> Result<(&'a dyn Ephemeral, &'a Schema, &'a Type), Diagnostic> {
    find(&service.ephemeral, "ephemeral resource", name, |thing| {
        thing.schema()
    })
}

pub(super) async fn validate(
    service: &Service,
    request: wire::validate_ephemeral_resource_config::Request,
) -> wire::validate_ephemeral_resource_config::Response {
    let check = || -> Result<Diagnostics, Diagnostic> {
        let (resource, schema, ty) = ephemeral(service, &request.type_name)?;
        let config = convert::read(request.config.as_ref(), ty, "configuration")?;
        let mut all = by_schema(schema, &config, Moment::Use);
        all.extend(resource.validate(&config));
        Ok(all)
    };
    wire::validate_ephemeral_resource_config::Response {
        diagnostics: convert::diagnostics(check().unwrap_or_else(Diagnostics::from)),
    }
}

pub(super) async fn open(
    service: &Service,
    request: wire::open_ephemeral_resource::Request,
) -> wire::open_ephemeral_resource::Response {
    let failed = |error| wire::open_ephemeral_resource::Response {
        diagnostics: one(error),
        ..Default::default()
    };
    let (resource, ty) = match ephemeral(service, &request.type_name) {
        Ok((resource, _, ty)) => (resource, ty),
        Err(error) => return failed(error),
    };
    let config = match convert::read(request.config.as_ref(), ty, "configuration") {
        Ok(config) => config,
        Err(error) => return failed(error),
    };
    let cx = service.context(request.client_capabilities.as_ref());
    let Opened {
        result,
        renew_at,
        private,
        mut diagnostics,
    } = resource.open(&cx, config).await;
    let result = result.unwrap_or(Value::Null);
    wire::open_ephemeral_resource::Response {
        result: convert::write_or_null(&result, ty, &mut diagnostics),
        diagnostics: convert::diagnostics(diagnostics),
        renew_at: renew_at.and_then(timestamp),
        private: kept(&private),
        deferred: None,
    }
}

fn timestamp(time: SystemTime) -> Option<prost_types::Timestamp> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(prost_types::Timestamp {
        seconds: i64::try_from(since.as_secs()).ok()?,
        nanos: i32::try_from(since.subsec_nanos()).ok()?,
    })
}

fn kept(private: &Private) -> Option<Bytes> {
    Some(convert::private(private)).filter(|bytes| !bytes.is_empty())
}

pub(super) async fn renew(
    service: &Service,
    request: wire::renew_ephemeral_resource::Request,
) -> wire::renew_ephemeral_resource::Response {
    let found = ephemeral(service, &request.type_name).and_then(|(resource, _, _)| {
        Private::from_bytes(&request.private.unwrap_or_default()).map(|kept| (resource, kept))
    });
    match found {
        Ok((resource, private)) => {
            let opened = resource.renew(&service.context(None), private).await;
            wire::renew_ephemeral_resource::Response {
                diagnostics: convert::diagnostics(opened.diagnostics),
                renew_at: opened.renew_at.and_then(timestamp),
                private: kept(&opened.private),
            }
        }
        Err(error) => wire::renew_ephemeral_resource::Response {
            diagnostics: one(error),
            ..Default::default()
        },
    }
}

pub(super) async fn close(
    service: &Service,
    request: wire::close_ephemeral_resource::Request,
) -> wire::close_ephemeral_resource::Response {
    let found = ephemeral(service, &request.type_name).and_then(|(resource, _, _)| {
        Private::from_bytes(&request.private.unwrap_or_default()).map(|kept| (resource, kept))
    });
    let diagnostics = match found {
        Ok((resource, private)) => resource.close(&service.context(None), private).await,
        Err(error) => error.into(),
    };
    wire::close_ephemeral_resource::Response {
        diagnostics: convert::diagnostics(diagnostics),
    }
}
