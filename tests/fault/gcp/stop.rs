//! Ctrl-C while something is waited for.

use serde_json::json;
use simulator::gcs::Fault;
use simulator::proxy::Seen;

use super::{World, assert_tidy, ends_well};
use crate::kill::stopped_once;

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
        let run = stopped_once(&stage, "the requests", || {
            proxy.requests().iter().filter(|seen| fits(seen)).count() >= 2
        });
        let text = run.text();
        assert!(!run.0.status.success(), "{text}");
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
