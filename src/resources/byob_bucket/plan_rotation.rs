//! What a plan says of W&B's access keys that a rotation replaces, or has replaced.

use super::access_keys::is_rotated;
use super::retirement::{SWITCH, insists, is_in_use, is_told, not_again, still_works, waiting};
use super::schema::Bucket;
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::Field;
use crate::sdk::resource::Plan;
use crate::terraform::account::{KEY_ROTATION, chooses_key, makes_key};
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// What a plan says of keys that wait, and of one that will not.
pub fn planned(plan: &Plan<Bucket>, configuration: &Configuration) -> Option<Diagnostic> {
    let prior = plan.prior.as_ref()?;
    let (kind, block) = plan.planned.block()?;
    let has_none = makes_key(block) == Field::Known(false) || chooses_key(block);
    if has_none || !plan.replace.is_empty() {
        return None;
    }
    let old = waiting(&plan.private);
    let rotates = is_rotated(prior, &plan.planned);
    if !old.is_empty() && !is_told(&plan.planned) {
        return Some(if rotates {
            let place = Path::of(kind.block()).attribute(KEY_ROTATION);
            not_again(&old).at(place).error()
        } else {
            still_works(&old, prior.access_key_id.known()).warning()
        });
    }
    let planned = &plan.planned;
    let is_untestable = planned.path.known().is_some() && !insists(planned);
    let goes = is_told(planned)
        || (!is_in_use(&plan.private) && (configuration.wandb.is_null() || is_untestable));
    (rotates && goes).then(|| {
        Explanation::new(
            "W&B's old access key goes with this apply",
            "access_key_rotation has changed, and no instance is asked whether it uses the old key, \
             or none could tell",
        )
        .what_to_do(format!(
            "{SWITCH} right after the apply; until then W&B does not reach the bucket. To keep \
             the old key until that is done, set register = true, with an api_key in the provider \
             block."
        ))
        .warning()
    })
}
