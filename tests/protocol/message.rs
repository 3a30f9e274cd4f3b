//! Values of the bucket's type, and messages made of them.

use bytes::Bytes;
use wandb_provider::sdk::codec;
use wandb_provider::sdk::provider::Provider as _;
use wandb_provider::sdk::value::{Type, Value};

use crate::plugin::{Provider, wire};

pub const BUCKET: &str = "wandb_byob_bucket";

pub fn bucket_type() -> Type {
    let provider = wandb_provider::provider::Wandb::default();
    let resources = provider.resources();
    let found = resources
        .iter()
        .find(|resource| resource.name() == BUCKET)
        .expect("the resource");
    found.schema().block.ty()
}

/// An object of the type with these attributes; the rest is null.
pub fn object(ty: &Type, pairs: Vec<(&str, Value)>) -> Value {
    let Type::Object { attributes, .. } = ty else {
        panic!("not an object");
    };
    let mut map: std::collections::BTreeMap<String, Value> = attributes
        .keys()
        .map(|name| (name.clone(), Value::Null))
        .collect();
    map.extend(
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Value::Map(map)
}

pub fn block(ty: &Type, name: &str, pairs: Vec<(&str, Value)>) -> Value {
    let Type::Object { attributes, .. } = ty else {
        panic!("not an object");
    };
    object(&attributes[name], pairs)
}

pub fn dynamic(value: &Value, ty: &Type) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: Bytes::from(codec::to_msgpack(value, ty).expect("packs")),
        json: Bytes::new(),
    })
}

pub fn garbage() -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: Bytes::from_static(&[0x81, 0x01]),
        json: Bytes::new(),
    })
}

pub fn errors(diagnostics: &[wire::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|one| one.severity() == wire::diagnostic::Severity::Error)
        .map(|one| format!("{}: {}", one.summary, one.detail))
        .collect()
}

pub async fn validate(
    provider: &mut Provider,
    config: Option<wire::DynamicValue>,
    write_only: bool,
) -> Vec<wire::Diagnostic> {
    let request = wire::validate_resource_type_config::Request {
        type_name: BUCKET.to_owned(),
        config,
        client_capabilities: Some(wire::ClientCapabilities {
            deferral_allowed: false,
            write_only_attributes_allowed: write_only,
        }),
    };
    provider
        .validate_resource_type_config(request)
        .await
        .expect("an answer")
        .into_inner()
        .diagnostics
}
