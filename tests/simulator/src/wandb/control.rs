//! The same switches as [`super::Instance`] has, over HTTP: for use by hand and by
//! other processes. Asks for no key; the instance is reachable on loopback only.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::address::Address;
use super::faults::{Armed, Fault};
use super::world::{RequestLog, TeamView, UserView};

/// The paths below `/_simulator`.
pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/teams", get(teams).post(add_team))
        .route("/teams/{name}", put(set_members).delete(remove_team))
        .route("/requests", get(requests).post(forget).delete(forget))
        .route("/stores", get(stores).post(add_store).delete(clear_stores))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/users", get(users).post(add_user))
}

#[derive(Deserialize)]
struct NewTeam {
    name: String,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    storage: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct NewMembers {
    members: Vec<String>,
}

#[derive(Deserialize)]
struct NewStore {
    entry: String,
}

#[derive(Deserialize)]
struct NewUser {
    id: String,
    user_name: String,
    email: String,
}

async fn teams(State(shared): State<Arc<Shared>>) -> Json<Vec<TeamView>> {
    Json(shared.world().team_views())
}

async fn add_team(
    State(shared): State<Arc<Shared>>,
    Json(team): Json<NewTeam>,
) -> (StatusCode, Json<Value>) {
    let id = shared
        .world()
        .add_team(&team.name, team.members, team.storage);
    (StatusCode::CREATED, Json(json!({"id": id})))
}

async fn set_members(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(new): Json<NewMembers>,
) -> StatusCode {
    found(shared.world().set_members(&name, new.members))
}

async fn remove_team(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> StatusCode {
    found(shared.world().remove_team(&name))
}

fn found(found: bool) -> StatusCode {
    if found {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Vec<RequestLog>> {
    Json(shared.world().requests())
}

async fn forget(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.world().clear_requests();
    StatusCode::NO_CONTENT
}

/// The file stores without their credentials.
async fn stores(State(shared): State<Arc<Shared>>) -> Json<Vec<String>> {
    let world = shared.world();
    let public = |text: &String| {
        Address::parse(text).map_or_else(|| "(unreadable)".to_owned(), |entry| entry.public())
    };
    Json(world.stores.iter().map(public).collect())
}

async fn add_store(State(shared): State<Arc<Shared>>, Json(new): Json<NewStore>) -> StatusCode {
    shared.world().stores.push(new.entry);
    StatusCode::NO_CONTENT
}

async fn clear_stores(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.world().stores.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): State<Arc<Shared>>) -> Json<Vec<Armed>> {
    Json(shared.world().faults.clone())
}

async fn add_fault(State(shared): State<Arc<Shared>>, Json(fault): Json<Fault>) -> StatusCode {
    shared.world().add_fault(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.world().clear_faults();
    StatusCode::NO_CONTENT
}

async fn users(State(shared): State<Arc<Shared>>) -> Json<Vec<UserView>> {
    Json(shared.world().user_views())
}

async fn add_user(State(shared): State<Arc<Shared>>, Json(user): Json<NewUser>) -> StatusCode {
    shared
        .world()
        .add_user(&user.id, &user.user_name, &user.email);
    StatusCode::NO_CONTENT
}
