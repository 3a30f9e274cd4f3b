//! SCIM's `/Users`, as far as finding people goes: W&B's shape has one `emails` object
//! with capitalised keys. Nobody is made, changed or removed here.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::replies::{Refusal, answer};
use super::world::User;
use super::{Shared, auth, filter, replies};

const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// `GET /scim/Users`
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Refusal> {
    if !auth::scim(&shared.config, &headers) {
        return Err(Refusal::unauthorized());
    }
    let listing = filter::listing(&query, &["username", "emails.value"])?;
    let world = shared.world();
    let found: Vec<Value> = world
        .users
        .iter()
        .filter(|user| !user.service_account)
        .filter(|user| match &listing.filter {
            Some((name, wanted)) if name == "username" => user.user_name == *wanted,
            Some((_, wanted)) => user.email.eq_ignore_ascii_case(wanted),
            None => true,
        })
        .map(resource)
        .collect();
    Ok(replies::list(found, &listing, &world))
}

/// `GET /scim/Users/{id}`
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    if !auth::scim(&shared.config, &headers) {
        return Err(Refusal::unauthorized());
    }
    let world = shared.world();
    let user = world
        .users
        .iter()
        .find(|user| user.id == id && !user.service_account)
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("user {id} not found")))?;
    Ok(answer(StatusCode::OK, resource(user)))
}

fn resource(user: &User) -> Value {
    json!({
        "active": true,
        "displayName": user.user_name,
        "emails": {"Value": user.email, "Display": "", "Type": "", "Primary": true},
        "id": user.id,
        "meta": {
            "resourceType": "User",
            "created": user.created,
            "lastModified": user.created,
            "location": format!("Users/{}", user.id),
        },
        "schemas": [USER_SCHEMA],
        "userName": user.user_name,
        "organizationRole": if user.admin { "admin" } else { "member" },
    })
}
