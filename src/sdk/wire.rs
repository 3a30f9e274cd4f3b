//! The generated protocol types, and the way between them and the SDK's own.

use bytes::Bytes;

use super::codec;
use super::data_source::{Parameter, Signature};
use super::diagnostic::{Diagnostic, Diagnostics, Path, Severity, Step};
use super::private::Private;
use super::schema::{Attribute, Block, Given, Nesting, Schema};
use super::secret::scrub;
use super::value::{Type, Value};

/// Terraform's protocol, generated.
#[allow(dead_code, reason = "generated code")]
pub mod tfplugin5 {
    tonic::include_proto!("tfplugin5");
}

/// go-plugin's own services, generated.
#[allow(dead_code, reason = "generated code")]
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// gRPC's health service, generated.
#[allow(dead_code, reason = "generated code")]
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

/// Reads a value; an absent one is null.
pub(super) fn read(
    value: Option<&tfplugin5::DynamicValue>,
    ty: &Type,
    what: &str,
) -> Result<Value, Diagnostic> {
    let Some(value) = value else {
        return Ok(Value::Null);
    };
    let read = if value.msgpack.is_empty() && !value.json.is_empty() {
        codec::from_json(&value.json, ty)
    } else {
        codec::from_msgpack(&value.msgpack, ty)
    };
    read.map_err(|error| {
        Diagnostic::error(
            format!("The {what} cannot be read"),
            format!("Terraform sent a value that is not of this provider's schema: {error}."),
        )
    })
}

/// Writes a value.
pub(super) fn write(value: &Value, ty: &Type) -> Result<tfplugin5::DynamicValue, Diagnostic> {
    codec::to_msgpack(value, ty)
        .map(|bytes| tfplugin5::DynamicValue {
            msgpack: Bytes::from(bytes),
            json: Bytes::new(),
        })
        .map_err(|error| {
            Diagnostic::error(
                "The result cannot be written",
                format!("This is a bug in the provider: {error}."),
            )
        })
}

/// Writes a value; one that cannot be written becomes null and an error.
pub(super) fn write_or_null(
    value: &Value,
    ty: &Type,
    diagnostics: &mut Diagnostics,
) -> Option<tfplugin5::DynamicValue> {
    match write(value, ty) {
        Ok(value) => Some(value),
        Err(error) => {
            diagnostics.push(error);
            write(&Value::Null, ty).ok()
        }
    }
}

/// Private data as Terraform keeps it.
pub(super) fn private(private: &Private) -> Bytes {
    Bytes::from(private.to_bytes())
}

/// Everything that an operation has to say.
pub(super) fn diagnostics(all: Diagnostics) -> Vec<tfplugin5::Diagnostic> {
    use tfplugin5::diagnostic::Severity as Wire;
    all.into_iter()
        .map(|one| tfplugin5::Diagnostic {
            severity: match one.severity {
                Severity::Error => Wire::Error,
                Severity::Warning => Wire::Warning,
            }
            .into(),
            summary: scrub(&one.summary),
            detail: scrub(&one.detail),
            attribute: one
                .path
                .filter(|path| !path.steps().is_empty())
                .map(|at| path(&at)),
        })
        .collect()
}

/// A place in a configuration.
pub(super) fn path(path: &Path) -> tfplugin5::AttributePath {
    use tfplugin5::attribute_path::{Step as Wire, step::Selector};
    let steps = path
        .steps()
        .iter()
        .map(|step| Wire {
            selector: Some(match step {
                Step::Attribute(name) => Selector::AttributeName(name.clone()),
                Step::Key(key) => Selector::ElementKeyString(key.clone()),
                Step::Index(index) => {
                    Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX))
                }
            }),
        })
        .collect();
    tfplugin5::AttributePath { steps }
}

/// A schema.
pub(super) fn schema(schema: &Schema) -> tfplugin5::Schema {
    tfplugin5::Schema {
        version: schema.version,
        block: Some(block(&schema.block)),
    }
}

fn block(block: &Block) -> tfplugin5::schema::Block {
    use tfplugin5::schema::nested_block::NestingMode;
    let nested = |nested: &super::schema::NestedBlock| tfplugin5::schema::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(self::block(&nested.block)),
        nesting: match nested.nesting {
            Nesting::Single => NestingMode::Single,
            Nesting::List => NestingMode::List,
            Nesting::Set => NestingMode::Set,
        }
        .into(),
        min_items: 0,
        max_items: 0,
    };
    tfplugin5::schema::Block {
        version: 0,
        attributes: block.attributes.iter().map(attribute).collect(),
        block_types: block.blocks.iter().map(nested).collect(),
        description: block.description.clone(),
        description_kind: tfplugin5::StringKind::Markdown.into(),
        deprecated: false,
    }
}

fn attribute(attribute: &Attribute) -> tfplugin5::schema::Attribute {
    tfplugin5::schema::Attribute {
        name: attribute.name.clone(),
        r#type: type_bytes(&attribute.ty),
        description: attribute.documentation(),
        required: attribute.given == Given::Required,
        optional: matches!(attribute.given, Given::Optional | Given::OptionalComputed),
        computed: matches!(attribute.given, Given::Computed | Given::OptionalComputed),
        sensitive: attribute.sensitive,
        description_kind: tfplugin5::StringKind::Markdown.into(),
        deprecated: attribute.deprecated.is_some(),
        write_only: attribute.write_only,
    }
}

fn type_bytes(ty: &Type) -> Bytes {
    Bytes::from(ty.to_json().to_string())
}

/// What a function takes and gives.
pub(super) fn signature(signature: &Signature) -> tfplugin5::Function {
    let parameter = |parameter: &Parameter| tfplugin5::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: type_bytes(&parameter.ty),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.description.to_owned(),
        description_kind: tfplugin5::StringKind::Markdown.into(),
    };
    tfplugin5::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(tfplugin5::function::Return {
            r#type: type_bytes(&signature.returns),
        }),
        summary: signature.summary.to_owned(),
        description: signature.description.to_owned(),
        description_kind: tfplugin5::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}
