//! Faults: the provider killed and interrupted, and a W&B instance that misbehaves.
//! After each the next apply comes to the same end, and nothing is lost or made twice.

#[allow(dead_code, unused_imports, reason = "shared with the other rings")]
#[path = "../harness/mod.rs"]
mod harness;

#[allow(dead_code, reason = "shared with the acceptance tests")]
#[path = "../acceptance/aws_stage.rs"]
mod aws_stage;

mod aws_answers;
mod aws_interrupted;
mod aws_rights;
mod instance;
mod interrupted;
mod kill;
mod team;
mod team_unheard;
