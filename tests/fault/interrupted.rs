//! Ctrl-C, kill -9, and many buckets at once.

use std::process::{Command, Stdio};

use serde_json::json;
use simulator::proxy::{Options, Proxy};

use crate::harness::{Login, Stage, minio, until, wait};

const THIS: &str = "wandb_byob_bucket.this";

/// A stage whose storage server is behind a proxy.
fn behind_proxy(name: &str) -> (Stage, Proxy) {
    let proxy =
        wait(Proxy::start(minio().address(), Options::default())).expect("the proxy starts");
    let login = Login {
        endpoint: proxy.url(),
        ..Login::of(minio())
    };
    (Stage::on(name, login), proxy)
}

#[test]
fn ctrl_c_in_the_middle_keeps_what_exists_and_the_next_apply_goes_on() {
    let (stage, proxy) = behind_proxy("ctrl-c");
    stage.write_bucket("", "create_access_key = true");
    let child = stage
        .command(&["apply", "-auto-approve", "-no-color"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform starts");
    let pid = child.id().to_string();
    // The plan looks once, the create looks again; then the bucket is made.
    until("the bucket", || {
        proxy
            .requests()
            .iter()
            .any(|seen| seen.method == "PUT" && !seen.target.contains('?'))
    });
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    let run = crate::harness::Run(child.wait_with_output().expect("terraform ends"));
    assert!(!run.text().contains("plugin crashed"), "{}", run.text());
    // Whether it came in time or not, nothing is lost and the next apply ends well.
    assert_ne!(stage.this(), json!(null), "{}", run.text());
    stage.apply();
    stage.assert_empty_plan();
    assert!(
        stage.tags()["terraform-provider-wandb"]
            .as_str()
            .is_some_and(|text| text.starts_with("ready-"))
    );
    stage.destroy();
    assert!(!stage.exists());
}

/// Kills the provider before each request of a create in turn; after each kill the next
/// apply must come to the same end.
#[test]
fn a_kill_at_any_request_of_a_create_is_survived() {
    let mut number = 1;
    loop {
        let (stage, proxy) = behind_proxy(&format!("kill-{number}"));
        stage.write_bucket("tags = { a = \"b\" }", "create_access_key = true");
        stage
            .terraform(&["plan", "-out=plan.bin", "-no-color"])
            .succeeds();
        proxy.clear();
        let directory = stage.path().display().to_string();
        proxy.run_at(number, move || kill_provider_in(&directory));
        let run = stage.terraform(&["apply", "-no-color", "plan.bin"]);
        if run.0.status.success() {
            // The create has fewer requests than that.
            assert!(number > 10, "only {number} requests were killed");
            stage.destroy();
            return;
        }
        // The run is over, so nothing is left that could hit the next one.
        proxy.clear();
        stage.apply();
        stage.assert_empty_plan();
        let state = stage.this();
        assert_eq!(
            state["verified"], true,
            "killed at {number}: {}",
            state["findings"]
        );
        assert_eq!(stage.tags()["a"], "b");
        stage.destroy();
        assert!(!stage.exists(), "killed at {number}");
        number += 3;
    }
}

/// Kills the provider process that Terraform runs in this directory.
fn kill_provider_in(directory: &str) {
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let path = entry.path();
        let is_ours = std::fs::read_link(path.join("cwd"))
            .is_ok_and(|cwd| cwd.display().to_string() == directory)
            && std::fs::read_to_string(path.join("comm"))
                .is_ok_and(|name| name.starts_with("terraform-provi"));
        if is_ours && let Some(pid) = entry.file_name().to_str() {
            Command::new("kill")
                .args(["-KILL", pid])
                .status()
                .expect("kill");
        }
    }
}

#[test]
fn twenty_buckets_in_one_apply() {
    let stage = Stage::new("twenty");
    let body = stage
        .bucket_block("count = 20", "create_access_key = true")
        .replace(
            &format!("\"{}\"", stage.bucket()),
            &format!("\"{}-${{count.index}}\"", stage.bucket()),
        );
    stage.write(&body);
    stage.apply_with(&["-parallelism=20"]);
    let plan = stage.plan_with(&["-parallelism=20"]);
    assert!(plan.is_empty(), "{}", plan.text);
    for index in 0..20 {
        let name = format!("{}-{index}", stage.bucket());
        let answer = crate::harness::ask(
            &stage.login,
            "s3",
            "get_bucket_versioning",
            json!({"Bucket": name}),
        );
        assert_eq!(answer["ok"]["Status"], "Enabled", "{name}");
    }
    stage
        .terraform(&["destroy", "-auto-approve", "-no-color", "-parallelism=20"])
        .succeeds();
    assert_eq!(stage.state(&format!("{THIS}[0]")), json!(null));
}
