//! The plugin binary. Terraform starts it.

use std::process::ExitCode;

use wandb_provider::provider::Wandb;
use wandb_provider::sdk::serve;

fn main() -> ExitCode {
    serve(Wandb::default())
}
