//! Single answers that are wrong, strange or not there.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::{Cut, Seen};

use super::{assert_tidy, behind_proxy};

/// A request about a probe's object.
fn is_probe(method: &'static str) -> impl Fn(&Seen) -> bool + Send + 'static {
    move |seen| seen.method == method && seen.target.contains(".wandb-byob-probe")
}

/// One refusal, one answer too many and one broken connection count for nothing.
#[test]
fn a_step_of_the_probe_is_tried_once_more() {
    for method in ["OPTIONS", "PUT", "GET", "HEAD", "POST", "DELETE"] {
        for (status, code) in [(503, "SlowDown"), (403, "AccessDenied")] {
            if (method, status) == ("DELETE", 403) {
                // Cleaning up has another way.
                continue;
            }
            let (stage, proxy) = behind_proxy(&format!("probe-{}-{status}", method.to_lowercase()));
            stage.write_bucket("", "create_access_key = true");
            proxy.reply(1, amazon::s3(status, code, "once", ""), is_probe(method));
            stage.apply();
            assert_tidy(&stage, status.into());
            stage.destroy();
        }
    }
}

#[test]
fn a_lost_answer_to_a_step_of_the_probe_leaves_nothing_behind() {
    let (stage, proxy) = behind_proxy("probe-lost");
    stage.write_bucket("", "create_access_key = true");
    stage.plan_to_file();
    proxy.clear();
    stage.apply_plan().succeeds();
    let requests = proxy.requests();
    let steps: Vec<String> = requests
        .iter()
        .filter(|seen| seen.target.contains(".wandb-byob-probe"))
        .map(|seen| seen.method.clone())
        .collect();
    let first = requests.iter().position(is_probe("PUT")).expect("a probe");
    stage.destroy();
    for offset in 0..4 {
        let (stage, proxy) = behind_proxy(&format!("probe-lost-{offset}"));
        stage.write_bucket("", "create_access_key = true");
        stage.plan_to_file();
        proxy.clear();
        proxy.cut_at(first + 1 + offset, Cut::After);
        let run = stage.apply_plan();
        assert!(
            run.0.status.success(),
            "{offset} of {steps:?}: {}",
            run.text()
        );
        assert_tidy(&stage, offset);
        stage.destroy();
    }
}

/// Servers have codes of their own for what is not set.
#[test]
fn an_unknown_code_for_what_is_not_set_is_no_dead_end() {
    let (stage, proxy) = behind_proxy("own-codes");
    stage.s3_ok("create_bucket", json!({}));
    stage.write_bucket("adopt = true\nnoncurrent_version_days = 7", "");
    for part in ["tagging", "lifecycle", "policy", "cors", "object-lock"] {
        let reply = amazon::s3(404, "NoSuchConfigurationHere", "It is not set.", "");
        proxy.reply(2, reply, move |seen| {
            seen.method == "GET" && seen.target.contains(&format!("?{part}"))
        });
    }
    stage.apply();
    proxy.clear();
    stage.assert_empty_plan();
    assert!(stage.is_ready());
    stage.destroy();
}

#[test]
fn a_clock_that_is_wrong_is_told_in_seconds() {
    let (stage, proxy) = behind_proxy("skew");
    stage.write_bucket("", "");
    let words = "The difference between the request time and the server's time is too large.";
    let mut reply = amazon::s3(403, "RequestTimeTooSkewed", words, "");
    reply
        .headers
        .push(("date", "Sat, 03 Feb 2001 04:05:06 GMT".to_owned()));
    proxy.reply(usize::MAX, reply, |_| true);
    let text = stage.apply_fails();
    assert!(text.contains("clock is "), "{text}");
    assert!(text.contains(" seconds ahead of the server's"), "{text}");
    assert!(text.contains("set this machine's clock"), "{text}");
    assert!(!text.contains("Check the caller's keys"), "{text}");
}

#[test]
fn a_server_that_repeats_a_secret_gets_it_into_no_state() {
    let (stage, proxy) = behind_proxy("echo");
    stage.write_bucket("", "create_access_key = true");
    let secret = stage.login.secret_key.clone();
    let words = format!("you signed with {secret}, did you");
    proxy.reply(
        usize::MAX,
        amazon::s3(403, "AccessDenied", &words, ""),
        |seen| seen.method == "GET" && seen.target.ends_with("?lifecycle"),
    );
    stage.apply();
    let findings = stage.this()["findings"].to_string();
    assert!(findings.contains("you signed with"), "{findings}");
    assert!(!findings.contains(&secret), "{findings}");
    proxy.clear();
    stage.destroy();
}
