//! Servers that take no tags with the creation of a bucket, and callers who may not send any.

use simulator::amazon;
use simulator::proxy::{Reply, Seen};

use super::{QUIET, is_creation, is_put, stage};

fn denial(action: &str) -> Reply {
    let words = format!(
        "User: arn:aws:iam::123456789012:user/jane is not authorized to perform: {action} on \
         resource: arn:aws:s3:::b because no identity-based policy allows the {action} action"
    );
    amazon::s3(403, "AccessDenied", &words, "")
}

/// The first creation is refused, the second one goes without tags, which come right after.
fn falls_back(name: &str, refusal: Reply) {
    let (stage, proxy) = stage(name);
    stage.write_bucket(&format!("{QUIET}\ntags = {{ a = \"b\" }}"), "");
    stage.plan_to_file();
    proxy.clear();
    proxy.reply(1, refusal, is_creation);
    stage.apply_plan().succeeds();
    let writes: Vec<Seen> = proxy.requests();
    let writes: Vec<String> = writes
        .into_iter()
        .filter(|seen| seen.method == "PUT")
        .map(|seen| seen.target)
        .collect();
    let bucket = format!("/{}", stage.bucket());
    let first: Vec<&str> = writes.iter().take(3).map(String::as_str).collect();
    assert!(
        first[0].trim_end_matches('/') == bucket
            && first[1].trim_end_matches('/') == bucket
            && first[2].ends_with("?tagging"),
        "{writes:?}"
    );
    proxy.clear();
    assert!(stage.is_ready());
    assert_eq!(stage.tags()["a"], "b");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_server_that_takes_no_tags_with_a_creation_gets_them_later() {
    let refusal = amazon::s3(400, "UnsupportedArgument", "Tags are not supported", "");
    falls_back("ctags-unsupported", refusal);
}

#[test]
fn a_caller_who_may_not_tag_a_creation_tags_later() {
    falls_back("ctags-denied", denial("s3:TagResource"));
}

#[test]
fn the_missing_action_is_named_and_not_the_call() {
    let (stage, proxy) = stage("ctags-advice");
    stage.write_bucket(QUIET, "");
    proxy.reply(usize::MAX, denial("s3:TagResource"), is_creation);
    let text = stage.apply_fails();
    proxy.clear();
    assert!(text.contains("Allow s3:TagResource to "), "{text}");
    assert!(!stage.exists());
    proxy.reply(usize::MAX, denial("s3:PutBucketPolicy"), is_put("?policy"));
    let text = stage.apply_fails();
    assert!(text.contains("Allow s3:PutBucketPolicy to "), "{text}");
    proxy.clear();
    stage.apply();
    stage.destroy();
}
