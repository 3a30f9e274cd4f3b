//! The life of a managed resource.

use super::super::codec;
use super::super::context::Context;
use super::super::diagnostic::{Diagnostic, Diagnostics};
use super::super::made_up::{is_made_up, value_at};
use super::super::private::Private;
use super::super::resource::{AnyResource, ApplyRequest, PlanRequest, RawOutcome, RawPlan};
use super::super::schema::Schema;
use super::super::validate::Moment;
use super::super::value::{Type, Value};
use super::super::wire::{self as convert, tfplugin5 as wire};
use super::{Service, by_schema, guarded, one};

type Found<'a> = (&'a dyn AnyResource, &'a Schema, &'a Type);

fn find<'a>(service: &'a Service, name: &str) -> Result<Found<'a>, Diagnostic> {
    super::find(&service.resources, "resource type", name, |thing| {
        thing.schema()
    })
}

pub(super) async fn validate(
    service: &Service,
    request: wire::validate_resource_type_config::Request,
) -> wire::validate_resource_type_config::Response {
    let check = || -> Result<Diagnostics, Diagnostic> {
        let (resource, schema, ty) = find(service, &request.type_name)?;
        let config = convert::read(request.config.as_ref(), ty, "configuration")?;
        let moment = Moment::Validation {
            write_only_allowed: request
                .client_capabilities
                .is_some_and(|one| one.write_only_attributes_allowed),
        };
        let mut all = by_schema(schema, &config, moment);
        if !config.is_null() {
            let problems = resource.validate(&config).into_iter();
            all.extend(problems.filter(|one| !is_about_something_made_up(one, &config)));
        }
        Ok(all)
    };
    wire::validate_resource_type_config::Response {
        diagnostics: convert::diagnostics(check().unwrap_or_else(Diagnostics::from)),
    }
}

/// Whether it refuses a value that a mocked provider may have given.
fn is_about_something_made_up(diagnostic: &Diagnostic, config: &Value) -> bool {
    let path = diagnostic.path.as_ref();
    diagnostic.is_error() && path.is_some_and(|path| is_made_up(value_at(config, path)))
}

pub(super) async fn upgrade(
    service: &Service,
    request: wire::upgrade_resource_state::Request,
) -> wire::upgrade_resource_state::Response {
    let upgraded = || -> Result<wire::DynamicValue, Diagnostic> {
        let (resource, schema, ty) = find(service, &request.type_name)?;
        let raw = request
            .raw_state
            .as_ref()
            .map(|raw| (raw.json.as_ref(), &raw.flatmap));
        let json = match raw {
            Some((json, _)) if !json.is_empty() => json,
            Some((_, flatmap)) if !flatmap.is_empty() => return Err(too_old(&request.type_name)),
            _ => return convert::write(&Value::Null, ty),
        };
        if request.version == schema.version {
            return convert::write(&stored(json, ty)?, ty);
        }
        let state = serde_json::from_slice(json).map_err(|_| unreadable())?;
        let state = resource
            .upgrade(request.version, state)
            .map_err(|why| Diagnostic::error("The stored state cannot be upgraded", why))?;
        convert::write(&stored(state.to_string().as_bytes(), ty)?, ty)
    };
    match upgraded() {
        Ok(state) => wire::upgrade_resource_state::Response {
            upgraded_state: Some(state),
            diagnostics: Vec::new(),
        },
        Err(error) => wire::upgrade_resource_state::Response {
            upgraded_state: None,
            diagnostics: one(error),
        },
    }
}

fn stored(json: &[u8], ty: &Type) -> Result<Value, Diagnostic> {
    codec::from_older_json(json, ty)
        .map_err(|error| Diagnostic::error("The stored state cannot be read", format!("{error}.")))
}

fn unreadable() -> Diagnostic {
    Diagnostic::error("The stored state cannot be read", "It is not JSON.")
}

fn too_old(name: &str) -> Diagnostic {
    Diagnostic::error(
        "The stored state is of a Terraform before 0.12",
        format!(
            "No version of this provider wrote the state of this {name} in that form. Remove it \
             from the state and import it again."
        ),
    )
}

pub(super) async fn read(
    service: &Service,
    request: wire::read_resource::Request,
) -> wire::read_resource::Response {
    let prepared = || -> Result<_, Diagnostic> {
        let (resource, _, ty) = find(service, &request.type_name)?;
        let state = convert::read(request.current_state.as_ref(), ty, "state")?;
        Ok((resource, ty, state, Private::from_bytes(&request.private)?))
    };
    let (resource, ty, state, private) = match prepared() {
        Ok(prepared) => prepared,
        Err(error) => {
            return wire::read_resource::Response {
                new_state: request.current_state,
                diagnostics: one(error),
                private: request.private,
                deferred: None,
            };
        }
    };
    let cx = service.context(request.client_capabilities.as_ref());
    let before = RawOutcome::unchanged(state.clone(), private.clone(), Diagnostics::new());
    let mut outcome = guarded("ReadResource", resource.read(&cx, state, private), |why| {
        RawOutcome {
            diagnostics: why.into(),
            ..before
        }
    })
    .await;
    wire::read_resource::Response {
        new_state: convert::write_or_null(&outcome.state, ty, &mut outcome.diagnostics),
        private: convert::private(&outcome.private),
        diagnostics: convert::diagnostics(outcome.diagnostics),
        deferred: None,
    }
}

pub(super) async fn plan(
    service: &Service,
    request: wire::plan_resource_change::Request,
) -> wire::plan_resource_change::Response {
    let prepared = || -> Result<_, Diagnostic> {
        let (resource, _, ty) = find(service, &request.type_name)?;
        let asked = PlanRequest {
            prior: convert::read(request.prior_state.as_ref(), ty, "state")?,
            proposed: convert::read(request.proposed_new_state.as_ref(), ty, "proposed state")?,
            config: convert::read(request.config.as_ref(), ty, "configuration")?,
            private: Private::from_bytes(&request.prior_private)?,
        };
        Ok((resource, ty, asked))
    };
    let (resource, ty, asked) = match prepared() {
        Ok(prepared) => prepared,
        Err(error) => {
            return wire::plan_resource_change::Response {
                diagnostics: one(error),
                ..Default::default()
            };
        }
    };
    let cx = service.context(request.client_capabilities.as_ref());
    let RawPlan {
        planned,
        private,
        replace,
        mut diagnostics,
    } = resource.plan(&cx, asked).await;
    wire::plan_resource_change::Response {
        planned_state: convert::write_or_null(&planned, ty, &mut diagnostics),
        requires_replace: replace.iter().map(convert::path).collect(),
        planned_private: convert::private(&private),
        diagnostics: convert::diagnostics(diagnostics),
        ..Default::default()
    }
}

pub(super) async fn apply(
    service: &Service,
    request: wire::apply_resource_change::Request,
) -> wire::apply_resource_change::Response {
    let prepared = || -> Result<_, Diagnostic> {
        let (resource, _, ty) = find(service, &request.type_name)?;
        let asked = ApplyRequest {
            prior: convert::read(request.prior_state.as_ref(), ty, "state")?,
            planned: convert::read(request.planned_state.as_ref(), ty, "plan")?,
            config: convert::read(request.config.as_ref(), ty, "configuration")?,
            private: Private::from_bytes(&request.planned_private)?,
        };
        Ok((resource, ty, asked))
    };
    let (resource, ty, asked) = match prepared() {
        Ok(prepared) => prepared,
        Err(error) => {
            return wire::apply_resource_change::Response {
                new_state: request.prior_state,
                private: request.planned_private,
                diagnostics: one(error),
                ..Default::default()
            };
        }
    };
    // Applying never gets capabilities; write-only values were let in at validation.
    let cx = service.context(None);
    let before = (asked.prior.clone(), asked.private.clone());
    let mut outcome = guarded("ApplyResourceChange", resource.apply(&cx, asked), |why| {
        after_panic(&cx, before, why)
    })
    .await;
    wire::apply_resource_change::Response {
        new_state: convert::write_or_null(&known(outcome.state), ty, &mut outcome.diagnostics),
        private: convert::private(&outcome.private),
        diagnostics: convert::diagnostics(outcome.diagnostics),
        ..Default::default()
    }
}

fn after_panic(cx: &Context, before: (Value, Private), why: Diagnostic) -> RawOutcome {
    let (state, private) = cx.best_known().unwrap_or(before);
    RawOutcome {
        state,
        private,
        diagnostics: why.into(),
    }
}

/// After an apply nothing may be unknown: what a failed one could not find out is null.
fn known(value: Value) -> Value {
    match value {
        Value::Unknown => Value::Null,
        Value::List(list) => Value::List(list.into_iter().map(known).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (key, known(value)))
                .collect(),
        ),
        Value::Dynamic(ty, value) => Value::Dynamic(ty, Box::new(known(*value))),
        value => value,
    }
}

pub(super) async fn import(
    service: &Service,
    request: wire::import_resource_state::Request,
) -> wire::import_resource_state::Response {
    let (resource, _, ty) = match find(service, &request.type_name) {
        Ok(found) => found,
        Err(error) => {
            return wire::import_resource_state::Response {
                diagnostics: one(error),
                ..Default::default()
            };
        }
    };
    let cx = service.context(request.client_capabilities.as_ref());
    let mut outcome = resource.import(&cx, &request.id).await;
    let imported =
        (!outcome.state.is_null()).then(|| wire::import_resource_state::ImportedResource {
            type_name: request.type_name,
            state: convert::write_or_null(&outcome.state, ty, &mut outcome.diagnostics),
            private: convert::private(&outcome.private),
        });
    wire::import_resource_state::Response {
        imported_resources: imported.into_iter().collect(),
        diagnostics: convert::diagnostics(outcome.diagnostics),
        deferred: None,
    }
}

pub(super) async fn move_state(
    service: &Service,
    request: wire::move_resource_state::Request,
) -> wire::move_resource_state::Response {
    let moved = || -> Result<wire::DynamicValue, Diagnostic> {
        let (resource, _, ty) = find(service, &request.target_type_name)?;
        let json = request
            .source_state
            .as_ref()
            .map(|raw| raw.json.as_ref())
            .unwrap_or_default();
        let state = serde_json::from_slice(json).map_err(|_| unreadable())?;
        let state = resource
            .move_from(&request.source_type_name, state)
            .map_err(|why| Diagnostic::error("The resource cannot be moved", format!("{why}.")))?;
        convert::write(&stored(state.to_string().as_bytes(), ty)?, ty)
    };
    match moved() {
        Ok(state) => wire::move_resource_state::Response {
            target_state: Some(state),
            target_private: request.source_private,
            diagnostics: Vec::new(),
        },
        Err(error) => wire::move_resource_state::Response {
            diagnostics: one(error),
            ..Default::default()
        },
    }
}
