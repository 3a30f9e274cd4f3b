//! Answers that say "not there" where something is: what the tests of all clouds share.

use simulator::amazon;
use simulator::proxy::{Proxy, Reply, Seen};

use crate::harness::{Cloud, Stage};

/// S3's own answer about a bucket that is not there.
pub fn no_such_bucket() -> Reply {
    amazon::s3(
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        "",
    )
}

/// What a proxy says of a page that it does not have.
pub fn page_not_found() -> Reply {
    Reply {
        status: 404,
        headers: vec![
            ("content-type", "text/html".to_owned()),
            ("server", "nginx/1.25.3".to_owned()),
        ],
        body: "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n\
               <center><h1>404 Not Found</h1></center>\r\n</body>\r\n</html>\r\n"
            .to_owned(),
    }
}

/// Refreshes the state and nothing else.
pub fn refresh(stage: &Stage<impl Cloud>) -> (bool, String) {
    let arguments = ["apply", "-refresh-only", "-auto-approve", "-no-color"];
    let run = stage.terraform(&arguments);
    (run.0.status.success(), run.text())
}

/// Destroys by what the state says, without a look before.
pub fn destroy_unseen(stage: &Stage<impl Cloud>) -> String {
    let arguments = ["destroy", "-refresh=false", "-auto-approve", "-no-color"];
    stage.terraform(&arguments).fails()
}

/// The questions about the bucket itself that a refresh asks, by their query.
pub fn questions_of_a_refresh(stage: &Stage<impl Cloud>, proxy: &Proxy) -> Vec<String> {
    proxy.clear();
    let (is_done, text) = refresh(stage);
    assert!(is_done, "{text}");
    let bucket = stage.bucket().to_owned();
    let is_question =
        |seen: &Seen| seen.method == "GET" && seen.target.starts_with(&format!("/{bucket}"));
    let mut targets: Vec<String> = proxy
        .requests()
        .into_iter()
        .filter(is_question)
        .map(|seen| seen.target)
        .collect();
    targets.sort();
    targets.dedup();
    proxy.clear();
    targets
}

/// Each question of a refresh in turn is answered that there is no such bucket.
pub fn no_single_answer_makes_a_refresh_forget(stage: &Stage<impl Cloud>, proxy: &Proxy) {
    let before = stage.this();
    let secret = before["secret_access_key"].as_str().expect("a secret");
    let targets = questions_of_a_refresh(stage, proxy);
    assert!(targets.len() > 4, "only {targets:?}");
    let mut refused = 0;
    for target in targets {
        let asked = target.clone();
        proxy.reply(usize::MAX, no_such_bucket(), move |seen| {
            seen.method == "GET" && seen.target == asked
        });
        let (is_done, text) = refresh(stage);
        proxy.clear();
        refused += usize::from(!is_done);
        let after = stage.this();
        assert_eq!(after["secret_access_key"], secret, "{target}: {text}");
        assert_eq!(after["access_key_id"], before["access_key_id"], "{target}");
        assert_eq!(after["generation"], before["generation"], "{target}");
    }
    assert!(refused > 3, "only {refused} were taken for contradictions");
    stage.assert_empty_plan();
}

/// The list of all buckets is denied, as to a caller without `s3:ListAllMyBuckets`.
fn deny_list(proxy: &Proxy) {
    proxy.reply(usize::MAX, amazon::s3_denied(), |seen| {
        seen.method == "GET" && (seen.target == "/" || seen.target.starts_with("/?"))
    });
}

/// The list was asked for, and denied.
fn assert_list_denied(proxy: &Proxy, when: &str) {
    let requests = proxy.requests();
    let denied = requests.iter().filter(|seen| {
        seen.method == "GET" && seen.target.starts_with('/') && seen.status == Some(403)
    });
    assert!(denied.count() > 0, "{when}: {requests:?}");
}

/// An answer to a `HEAD`, which has no body.
fn to_head(status: u16, header: Option<(&'static str, &str)>) -> Reply {
    let header = header.map(|(name, value)| (name, value.to_owned()));
    Reply {
        status,
        headers: header.into_iter().collect(),
        body: String::new(),
    }
}

/// A bucket that is there is said to be gone by every question about it, to somebody without
/// the right to list: whatever the answer to the `HEAD` in place of the list is, as long as it
/// is no proof, nothing goes. A destroy would empty the bucket.
pub fn a_lie_is_none_without_the_list(
    stage: &Stage<impl Cloud>,
    proxy: &Proxy,
    assert_untouched: impl Fn(&str),
) {
    let id = ("x-amz-request-id", "17F3A1B2C3D4E5F6");
    for (what, answer, said) in [
        ("found", None, "is that it is there"),
        ("refused", Some(to_head(403, Some(id))), "is a refusal"),
        (
            "a page",
            Some(to_head(404, None)),
            "is not in the server's own form",
        ),
    ] {
        deny_list(proxy);
        let bucket = format!("/{}", stage.bucket());
        proxy.reply(usize::MAX, no_such_bucket(), move |seen| {
            seen.method == "GET" && seen.target.starts_with(&bucket)
        });
        if let Some(answer) = answer {
            proxy.reply(usize::MAX, answer, |seen| seen.method == "HEAD");
        }
        let (is_done, text) = refresh(stage);
        assert!(!is_done, "{what}: {text}");
        assert!(text.contains(said), "{what}: {text}");
        let text = destroy_unseen(stage);
        assert!(text.contains(said), "{what}: {text}");
        assert_list_denied(proxy, what);
        proxy.clear();
        assert_untouched(what);
    }
    stage.assert_empty_plan();
}

/// Somebody without the right to list has lost a bucket for good: the `HEAD` is the proof, in
/// the server's own form, and nobody waits for ever.
pub fn an_absence_is_proven_without_the_list(
    stage: &Stage<impl Cloud>,
    proxy: &Proxy,
    delete: impl Fn(),
) {
    stage.apply();
    delete();
    proxy.clear();
    deny_list(proxy);
    let (is_done, text) = refresh(stage);
    assert!(is_done, "{text}");
    assert!(stage.this().is_null(), "{text}");
    assert_list_denied(proxy, "refresh");
    proxy.clear();

    stage.apply();
    delete();
    proxy.clear();
    deny_list(proxy);
    let arguments = ["destroy", "-refresh=false", "-auto-approve", "-no-color"];
    let text = stage.terraform(&arguments).succeeds().text();
    assert!(text.contains("1 destroyed"), "{text}");
    assert_list_denied(proxy, "destroy");
    proxy.clear();
    assert!(stage.this().is_null());
}
