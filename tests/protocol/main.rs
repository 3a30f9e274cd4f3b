//! The binary over gRPC, without Terraform: handshake, mutual TLS, limits, every
//! request, and the end of the process.

mod message;
mod plugin;

mod codec;
mod end;
mod handshake;
mod requests;
