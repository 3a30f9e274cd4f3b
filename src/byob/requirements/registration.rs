//! What the W&B instance itself says about the bucket.

use super::BYOB_PAGE;
use crate::byob::requirement::{Check, Requirement, argument, everywhere};

/// The id of [`WANDB_CONNECTION`].
pub const CONNECTION: &str = "wandb.connection";

/// `wandb.connection`.
pub const WANDB_CONNECTION: Requirement = Requirement {
    id: CONNECTION,
    title: "The W&B instance reaches the bucket",
    why: "W&B binds a team to its bucket for good, so the instance is asked before.",
    on: everywhere(argument("register")),
    mended_by: &[],
    source: BYOB_PAGE,
    check: Check::Trial,
};
