//! Whether a plan asks anything of the cloud or of the instance.

use super::findings::{is_looked_at, is_mendable};
use super::half_made::AWAITS_TEAM;
use super::private::{GONE, MARKER_LOST, UNFINISHED, was_interrupted};
use super::schema::Bucket;
use crate::byob::requirements::registration::CONNECTION;
use crate::sdk::model::Field;
use crate::sdk::private::Private;
use crate::terraform::configuration::Configuration;

/// Whether an update has anything to do at the cloud or at W&B: an input changed, or
/// something does not hold that this configuration mends.
pub fn touches_cloud(
    prior: &Bucket,
    planned: &Bucket,
    private: &Private,
    configuration: &Configuration,
) -> bool {
    // A failed test of the connection is asked for again until it passes.
    let is_open = |id: &str| id == CONNECTION || is_mendable(id, private);
    let mends = is_looked_at(prior)
        && prior.findings.known().is_some_and(|findings| {
            findings.iter().any(|finding| {
                finding.status == Field::Known("fail".to_owned())
                    && finding.requirement.known().is_some_and(|id| is_open(id))
            })
        });
    mends
        || private.get(MARKER_LOST).is_some()
        || private.get(UNFINISHED).is_some()
        || was_interrupted(private)
        || private.get(AWAITS_TEAM).is_some()
        || private.get(GONE).is_some()
        || inputs(prior, configuration) != inputs(planned, configuration)
}

/// The bucket without what no cloud and no instance ever hears of.
fn inputs(bucket: &Bucket, configuration: &Configuration) -> Bucket {
    let mut inputs = bucket.clone();
    inputs.on_destroy = Field::Null;
    inputs.adopt = Field::Null;
    inputs.timeouts = Field::Null;
    inputs.findings = Field::Null;
    inputs.verified = Field::Null;
    inputs.generation = Field::Null;
    if let Some((kind, block)) = bucket.block()
        && let Some(account) = configuration.account(kind)
    {
        inputs.set_block(kind, account.without_credentials(block));
    }
    inputs
}
