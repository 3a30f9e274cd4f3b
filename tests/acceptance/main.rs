//! Real Terraform, real storage servers, a simulated W&B instance: the user's story.
//!
//! Every case ends at the server, not in the state: independent clients say what is
//! really there.

#[allow(dead_code, unused_imports, reason = "shared with the other rings")]
#[path = "../harness/mod.rs"]
mod harness;

mod aws_authority;
mod aws_basic;
mod aws_callers;
mod aws_credentials;
mod aws_drift;
mod aws_examples;
mod aws_existing;
mod aws_life;
mod aws_names;
mod aws_replace;
mod aws_requirements;
mod aws_stage;
mod aws_team;
mod bucket_basic;
mod bucket_destroy;
mod bucket_drift;
mod bucket_existing;
mod bucket_keys;
mod bucket_odd;
mod bucket_replace;
mod bucket_shared;
mod bucket_tls;
mod bucket_trouble;
mod bucket_unknown;
mod examples;
mod input;
mod input_odd;
mod permissions;
mod secrets;
mod session_token;
mod team;
mod team_absent;
mod team_bucket;
mod team_bucket_bound;
mod team_bucket_lost;
mod team_faults;
mod team_trouble;
