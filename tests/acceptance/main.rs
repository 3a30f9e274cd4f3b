//! Real Terraform, real storage servers, a simulated W&B instance: the user's story.
//!
//! Every case ends at the server, not in the state: independent clients say what is
//! really there. A folder is a cloud, a file in it what Terraform is asked to do.

#[allow(dead_code, unused_imports, reason = "shared with the other rings")]
#[path = "../harness/mod.rs"]
mod harness;

mod foreign_settings;
mod input;
mod input_odd;
mod made_anew;
mod object_lock;
mod odd_keys;
mod other_cloud;
mod permissions;
mod secrets;
mod session_token;
mod strangers;
mod unknown;

mod aws;
mod azure;
mod drift;
mod examples;
mod gcp;
mod minio;
mod seaweedfs;
mod team;
