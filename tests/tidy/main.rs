//! What a reviewer would otherwise have to look after: documentation, examples and
//! architecture.

mod architecture;
mod circles;
mod docs;
mod layers;
mod proto;
mod sources;
