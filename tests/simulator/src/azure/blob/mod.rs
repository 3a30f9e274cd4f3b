//! The Blob service.

pub(crate) mod store;

use super::request::{Answer, Request};
use super::world::World;

pub(crate) fn answer(_world: &mut World, _request: &Request) -> Answer {
    Answer::empty(501)
}

pub(crate) fn injected(_world: &World, status: u16, _message: Option<&str>) -> Answer {
    Answer::empty(status)
}
