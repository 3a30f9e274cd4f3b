//! `POST /graphql`: who may ask, and what is refused before the schema is asked. All
//! refusals but a wrong key have the status 200.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Shared, auth, schema};

/// What instances before the storage connector do not have, with the type it is in.
const NEWER_FIELDS: [(&str, &str); 2] = [
    ("testBucketStoreConnection", "Mutation"),
    ("storageBucketInfo", "EntitySettings"),
];
const NEWER_TYPES: [&str; 2] = ["StorageBucketInfoInput", "CloudProvider"];

/// Executes one operation.
pub(super) async fn execute(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !auth::graphql(&shared.config, &headers) {
        let body = failure("user is not logged in");
        return (StatusCode::UNAUTHORIZED, body).into_response();
    }
    let request: async_graphql::Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return failure(&format!("cannot read the request: {error}")).into_response(),
    };
    // What does not parse is left to the schema, which says why.
    let refusal = parse_query(&request.query)
        .ok()
        .and_then(|document| refused(&document, shared.config.old_schema));
    if let Some(message) = refusal {
        return failure(&message).into_response();
    }
    let schema = schema::new(shared);
    GraphQLResponse::from(schema.execute(request).await).into_response()
}

fn failure(message: &str) -> Json<Value> {
    Json(json!({"data": null, "errors": [{"message": message}]}))
}

/// Why a document is refused before it is executed.
fn refused(document: &ExecutableDocument, old_schema: bool) -> Option<String> {
    let mut fields = Vec::new();
    for (_, operation) in document.operations.iter() {
        collect(&operation.node.selection_set.node, &mut fields);
    }
    for fragment in document.fragments.values() {
        collect(&fragment.node.selection_set.node, &mut fields);
    }
    if fields
        .iter()
        .any(|field| ["__schema", "__type"].contains(&field.as_str()))
    {
        return Some("GraphQL introspection is not allowed".to_owned());
    }
    if !old_schema {
        return None;
    }
    let mut variables = document
        .operations
        .iter()
        .flat_map(|(_, operation)| &operation.node.variable_definitions)
        .map(|variable| variable.node.var_type.node.to_string());
    if let Some(name) = variables.find_map(|given| {
        let given = given.trim_matches(['!', '[', ']']);
        NEWER_TYPES.into_iter().find(|name| *name == given)
    }) {
        return Some(format!("Unknown type \"{name}\"."));
    }
    NEWER_FIELDS
        .into_iter()
        .find(|(field, _)| fields.iter().any(|asked| asked == field))
        .map(|(field, owner)| format!("Cannot query field \"{field}\" on type \"{owner}\"."))
}

fn collect(selections: &SelectionSet, fields: &mut Vec<String>) {
    for selection in &selections.items {
        match &selection.node {
            Selection::Field(field) => {
                fields.push(field.node.name.node.to_string());
                collect(&field.node.selection_set.node, fields);
            }
            Selection::InlineFragment(fragment) => {
                collect(&fragment.node.selection_set.node, fields);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}
