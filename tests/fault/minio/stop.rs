//! Ctrl-C while the provider works.

use std::process::{Command, Stdio};

use serde_json::json;
use simulator::proxy::{Proxy, Seen};

use super::{Stage, assert_tidy, behind_proxy};
use crate::harness::{Run, until};

/// Applies, and presses Ctrl-C once there was such a request.
fn apply_stopped_at(stage: &Stage, proxy: &Proxy, what: &str, fits: fn(&Seen) -> bool) -> Run {
    let child = stage
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform starts");
    let pid = child.id().to_string();
    until(what, || proxy.requests().iter().any(fits));
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    let run = Run(child.wait_with_output().expect("terraform ends"));
    assert!(!run.text().contains("plugin crashed"), "{}", run.text());
    run
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
