//! Values of the bucket's type, and messages made of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use wandb_provider::sdk::codec;
use wandb_provider::sdk::provider::Provider as _;
use wandb_provider::sdk::value::{Type, Value};

use crate::plugin::{Provider, wire};

/// The bucket's resource.
pub const BUCKET: &str = "wandb_byob_bucket";

/// The type of the bucket's resource.
pub fn bucket_type() -> Type {
    let provider = wandb_provider::provider::Wandb::default();
    let resources = provider.resources();
    let found = resources
        .iter()
        .find(|resource| resource.name() == BUCKET)
        .expect("the resource");
    found.schema().block.ty()
}

/// The attributes of an object's type.
pub fn attributes(ty: &Type) -> &BTreeMap<String, Type> {
    let Type::Object { attributes, .. } = ty else {
        panic!("not an object");
    };
    attributes
}

/// An object of the type with these attributes; the rest is null.
pub fn object(ty: &Type, pairs: Vec<(&str, Value)>) -> Value {
    let mut map: BTreeMap<String, Value> = attributes(ty)
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

/// The same for a block of the type.
pub fn block(ty: &Type, name: &str, pairs: Vec<(&str, Value)>) -> Value {
    object(&attributes(ty)[name], pairs)
}

/// A value as it is sent.
pub fn dynamic(value: &Value, ty: &Type) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: Bytes::from(codec::to_msgpack(value, ty).expect("packs")),
        json: Bytes::new(),
    })
}

/// A value that nobody can read.
pub fn garbage() -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: Bytes::from_static(&[0x81, 0x01]),
        json: Bytes::new(),
    })
}

/// The errors among diagnostics, each with its details.
pub fn errors(diagnostics: &[wire::Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|one| one.severity() == wire::diagnostic::Severity::Error)
        .map(|one| format!("{}: {}", one.summary, one.detail))
        .collect()
}

/// What a request was answered with: whatever is asked, there is an answer.
pub fn answer<T>(result: Result<tonic::Response<T>, tonic::Status>) -> T {
    result.expect("an answer").into_inner()
}

/// The diagnostics about a configuration of a bucket.
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
    answer(provider.validate_resource_type_config(request).await).diagnostics
}
