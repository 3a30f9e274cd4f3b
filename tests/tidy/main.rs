//! What a reviewer would otherwise have to look after: documentation, examples and
//! architecture.

mod architecture;
mod docs;
mod sources;
