//! Ctrl-C while the provider works.

use serde_json::json;
use simulator::proxy::{Proxy, Seen};

use super::{Stage, assert_tidy, behind_proxy};
use crate::harness::Run;
use crate::kill::stopped_once;

/// Applies, and presses Ctrl-C once there was such a request.
fn apply_stopped_at(stage: &Stage, proxy: &Proxy, what: &str, fits: fn(&Seen) -> bool) -> Run {
    stopped_once(stage, what, || proxy.requests().iter().any(fits))
}

#[test]
fn ctrl_c_in_the_middle_keeps_what_exists_and_the_next_apply_goes_on() {
    let (stage, proxy) = behind_proxy("ctrl-c");
    stage.write_bucket("", "create_access_key = true");
    // The plan looks once, the create looks again; then the bucket is made.
    let run = apply_stopped_at(&stage, &proxy, "the bucket", |seen| {
        seen.method == "PUT" && !seen.target.contains('?')
    });
    // Whether it came in time or not, nothing is lost and the next apply ends well.
    assert_ne!(stage.this(), json!(null), "{}", run.text());
    stage.apply();
    stage.assert_empty_plan();
    assert!(stage.is_ready());
    stage.destroy();
    assert!(!stage.exists());
}

/// Terraform taints what a stopped create leaves; the bucket is gone on with, not replaced.
#[test]
fn ctrl_c_during_the_probe_does_not_stand_in_the_way() {
    let (stage, proxy) = behind_proxy("ctrl-c-probe");
    stage.write_bucket("", "create_access_key = true");
    apply_stopped_at(&stage, &proxy, "the upload of the probe", |seen| {
        seen.method == "PUT" && seen.target.contains("/.wandb-byob-probe?")
    });
    stage.apply();
    stage.assert_empty_plan();
    assert_tidy(&stage, 0);
    stage.destroy();
    assert!(!stage.exists());
}
