//! The same switches as [`super::Instance`] has, over HTTP: for use by hand and by other
//! processes. Asks for no key; the instance is reachable on loopback only.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Shared;
use super::faults::{Armed, Fault, RequestLog};
use super::policy::{Policed, Policy};
use super::settings::Surroundings;
use super::world::{Constraint, CryptoKey, EVERYTHING};

/// The paths below `/_simulator`.
pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/requests", get(requests).delete(forget))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route(
            "/constraints",
            get(constraints).post(constrain).delete(lift),
        )
        .route("/clock", post(advance))
        .route("/accounts", get(accounts).post(add_account))
        .route("/tokens", post(token))
        .route("/keys", post(key_file))
        .route("/crypto-keys", post(add_crypto_key))
        .route("/grants", post(grant))
        .route("/buckets", get(buckets))
        .route("/buckets/{name}", get(bucket).patch(patch_bucket))
        .route("/buckets/{name}/objects", get(objects))
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Addressed {
    email: String,
}

#[derive(Deserialize)]
struct Grant {
    project: String,
    role: String,
    member: String,
}

#[derive(Deserialize)]
struct Step {
    seconds: u64,
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Vec<RequestLog>> {
    Json(shared.world().requests.clone())
}

async fn forget(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.world().requests.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Vec<Armed>> {
    Json(shared.world().faults.clone())
}

async fn add_fault(State(shared): State<Arc<Shared>>, Json(fault): Json<Fault>) -> StatusCode {
    shared.world().faults.push(Armed::new(fault));
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.world().faults.clear();
    StatusCode::NO_CONTENT
}

async fn constraints(State(shared): State<Arc<Shared>>) -> Json<Vec<Constraint>> {
    Json(shared.world().config.constraints.clone())
}

async fn constrain(State(shared): State<Arc<Shared>>, Json(new): Json<Constraint>) -> StatusCode {
    shared.world().config.constraints.push(new);
    StatusCode::NO_CONTENT
}

async fn lift(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.world().config.constraints.clear();
    StatusCode::NO_CONTENT
}

async fn advance(State(shared): State<Arc<Shared>>, Json(step): Json<Step>) -> StatusCode {
    shared.world().advance(Duration::from_secs(step.seconds));
    StatusCode::NO_CONTENT
}

async fn accounts(State(shared): State<Arc<Shared>>) -> Json<Vec<String>> {
    Json(shared.world().accounts.keys().cloned().collect())
}

async fn add_account(State(shared): State<Arc<Shared>>, Json(new): Json<Addressed>) -> StatusCode {
    shared.world().add_account(&new.email);
    StatusCode::NO_CONTENT
}

async fn token(State(shared): State<Arc<Shared>>, Json(asked): Json<Addressed>) -> Json<Value> {
    let mut world = shared.world();
    let principal = world.principal(&asked.email);
    let token = world.issue(principal, vec![EVERYTHING.to_owned()]);
    Json(json!({"access_token": token}))
}

async fn key_file(
    State(shared): State<Arc<Shared>>,
    Json(asked): Json<Addressed>,
) -> Result<Json<Value>, StatusCode> {
    let mut world = shared.world();
    let Ok(key) = world.new_key(false) else {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let file = world.key_file(&asked.email, &key);
    let account = world.accounts.get_mut(&asked.email);
    account.ok_or(StatusCode::NOT_FOUND)?.keys.push(key);
    Ok(Json(file))
}

async fn add_crypto_key(State(shared): State<Arc<Shared>>, Json(new): Json<Named>) -> StatusCode {
    let mut world = shared.world();
    let now = world.now();
    let key = CryptoKey {
        state: "ENABLED".to_owned(),
        policy: Policed::new(Policy::default(), now),
        created: now,
    };
    world.crypto_keys.insert(new.name, key);
    StatusCode::NO_CONTENT
}

async fn grant(State(shared): State<Arc<Shared>>, Json(new): Json<Grant>) -> StatusCode {
    let mut world = shared.world();
    world.grant_project(&new.project, &new.role, &new.member);
    StatusCode::NO_CONTENT
}

async fn buckets(State(shared): State<Arc<Shared>>) -> Json<Vec<String>> {
    Json(shared.world().buckets.keys().cloned().collect())
}

/// A bucket with its policy.
async fn bucket(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let world = shared.world();
    let bucket = world.buckets.get(&name).ok_or(StatusCode::NOT_FOUND)?;
    let policy = bucket.policy.latest().view(3, &bucket.etag());
    Ok(Json(
        json!({"bucket": bucket.view(&world.url), "policy": policy}),
    ))
}

async fn patch_bucket(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(change): Json<Map<String, Value>>,
) -> Result<StatusCode, (StatusCode, String)> {
    let mut world = shared.world();
    let now = world.now();
    let soft_delete = world.config.soft_delete_default;
    let bucket = world.buckets.get_mut(&name);
    let bucket = bucket.ok_or((StatusCode::NOT_FOUND, String::new()))?;
    let around = Surroundings {
        bucket: &name,
        now,
        soft_delete,
    };
    bucket.settings = bucket
        .settings
        .patched(&change, around)
        .map_err(|refusal| (StatusCode::BAD_REQUEST, refusal.message))?;
    bucket.touch(now);
    Ok(StatusCode::NO_CONTENT)
}

/// Every generation in a bucket, in JSON.
async fn objects(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<Vec<Value>>, StatusCode> {
    let world = shared.world();
    let bucket = world.buckets.get(&name).ok_or(StatusCode::NOT_FOUND)?;
    let objects = bucket.objects.iter();
    Ok(Json(
        objects
            .map(|one| one.view(&world.url, &name, &bucket.settings))
            .collect(),
    ))
}
