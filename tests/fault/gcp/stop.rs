//! Ctrl-C while something is waited for.

use std::process::{Command, Stdio};

use serde_json::json;
use simulator::gcs::Fault;
use simulator::proxy::Seen;

use super::{Run, Stage, World, assert_tidy, ends_well};
use crate::harness::until;

/// Applies, and presses Ctrl-C once there were so many such requests.
fn stopped_at(
    stage: &Stage,
    proxy: &simulator::proxy::Proxy,
    count: usize,
    fits: impl Fn(&Seen) -> bool,
) -> Run {
    let child = stage
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform starts");
    let pid = child.id().to_string();
    until("the requests", || {
        proxy.requests().iter().filter(|seen| fits(seen)).count() >= count
    });
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    let run = Run(child.wait_with_output().expect("terraform ends"));
    assert!(!run.text().contains("plugin crashed"), "{}", run.text());
    assert!(!run.0.status.success(), "{}", run.text());
    run
}

/// An account that is not known yet, a policy that is changed by others for ever, and a right
/// that is not felt.
#[test]
fn ctrl_c_in_a_wait_ends_it_and_the_next_apply_goes_on() {
    let world = World::new();
    let waits = [
        (404, "PUT", "/iam"),
        (412, "PUT", "/iam"),
        (404, "POST", "/keys"),
    ];
    for (turn, (status, method, part)) in waits.into_iter().enumerate() {
        let (stage, proxy) = world.behind_proxy(&format!("gcp-stop-{turn}"));
        stage.write_bucket("", "create_access_key = true");
        let place = match part {
            "/iam" => format!("PUT /storage/v1/b/{}/iam", stage.bucket()),
            other => other.to_owned(),
        };
        stage.cloud().fault(Fault::status(&place, status, None));
        let fits = |seen: &Seen| seen.method == method && seen.target.contains(part);
        let run = stopped_at(&stage, &proxy, 2, fits);
        let text = run.text();
        assert_ne!(stage.this(), json!(null), "{text}");
        stage.cloud().clear_faults();
        proxy.clear();
        ends_well(&stage, &format!("{turn}: {text}"));
        assert_tidy(&stage, &format!("{turn}"));
        stage.destroy();
        assert!(!stage.exists());
        assert!(stage.made_accounts().is_empty());
    }
}
