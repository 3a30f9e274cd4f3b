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
    fits: fn(&Seen) -> bool,
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
    let waits: [(&str, u16, fn(&Seen) -> bool); 3] = [
        ("PUT /storage/v1/b/", 404, |seen| {
            seen.method == "PUT" && seen.target.contains("/iam")
        }),
        ("PUT /storage/v1/b/", 412, |seen| {
            seen.method == "PUT" && seen.target.contains("/iam")
        }),
        ("POST /v1/projects/", 404, |seen| {
            seen.method == "POST" && seen.target.contains("/keys")
        }),
    ];
    for (turn, (place, status, fits)) in waits.into_iter().enumerate() {
        let (stage, proxy) = world.behind_proxy(&format!("gcp-stop-{turn}"));
        stage.write_bucket("", "create_access_key = true");
        let place = if turn == 2 {
            "/keys".to_owned()
        } else {
            format!("{place}{}/iam", stage.bucket())
        };
        stage.cloud().fault(Fault::status(&place, status, None));
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
