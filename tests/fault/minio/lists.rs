//! Lists and deletions of a server that is busy, or that goes in circles.

use serde_json::json;
use simulator::amazon;
use simulator::proxy::{Proxy, Reply, Seen};

use super::{Stage, behind_proxy};

fn made(name: &str) -> (Stage, Proxy) {
    let (stage, proxy) = behind_proxy(name);
    stage.write_bucket(r#"on_destroy = "delete_everything""#, "");
    stage.apply();
    stage.put("a");
    stage.put("b");
    proxy.clear();
    (stage, proxy)
}

fn document(body: String) -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type", "application/xml".to_owned())],
        body,
    }
}

fn is_list(seen: &Seen) -> bool {
    seen.method == "GET" && seen.target.contains("versions")
}

fn is_deletion(seen: &Seen) -> bool {
    seen.method == "POST" && seen.target.contains("?delete")
}

/// A page without entries that says the list goes on.
fn empty_page(marker: &str) -> Reply {
    document(format!(
        "<?xml version=\"1.0\"?><ListVersionsResult><IsTruncated>true</IsTruncated>\
         <NextKeyMarker>{marker}</NextKeyMarker></ListVersionsResult>"
    ))
}

#[test]
fn an_empty_page_is_gone_on_from() {
    let (stage, proxy) = made("empty-page");
    // The first of all names is before "a".
    proxy.reply(3, empty_page("0"), |seen| {
        is_list(seen) && !seen.target.contains("key-marker=0")
    });
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_list_that_goes_in_circles_ends_with_an_error() {
    let (stage, proxy) = made("circle");
    proxy.reply(usize::MAX, empty_page("0"), is_list);
    let text = stage.destroy_fails();
    assert!(text.contains("goes on where it has been"), "{text}");
    assert!(stage.exists());
    proxy.clear();
    stage.destroy();
}

#[test]
fn objects_that_the_server_was_too_busy_for_are_deleted_again() {
    for code in ["SlowDown", "InternalError", "ServiceUnavailable"] {
        let (stage, proxy) = made(&format!("busy-{}", code.to_lowercase()));
        let reply = document(format!(
            "<?xml version=\"1.0\"?><DeleteResult><Error><Key>a</Key><Code>{code}</Code>\
             <Message>busy</Message></Error><Error><Key>b</Key><Code>{code}</Code>\
             <Message>busy</Message></Error></DeleteResult>"
        ));
        proxy.reply(2, reply, is_deletion);
        stage.destroy();
        assert!(!stage.exists(), "{code}");
        let deletions = proxy.requests().into_iter().filter(is_deletion).count();
        assert_eq!(deletions, 3, "{code}");
    }
}

#[test]
fn an_object_that_cannot_be_deleted_is_named() {
    let (stage, proxy) = made("refused");
    let reply = document(
        "<?xml version=\"1.0\"?><DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code>\
         <Message>not yours</Message></Error></DeleteResult>"
            .to_owned(),
    );
    proxy.reply(usize::MAX, reply, is_deletion);
    let text = stage.destroy_fails();
    assert!(text.contains("the first is \"b\": not yours"), "{text}");
    let odd = "ctl\u{1}x";
    proxy.clear();
    stage.s3_ok("put_object", json!({"Key": odd, "Body": "data"}));
    let refusal = amazon::s3(403, "AccessDenied", "not yours", "");
    proxy.reply(usize::MAX, refusal, |seen| {
        seen.method == "DELETE" && seen.target.contains("ctl%01x")
    });
    let text = stage.destroy_fails();
    assert!(text.contains("\"ctl\\u{1}x\" was not deleted"), "{text}");
    proxy.clear();
    stage.destroy();
    assert!(!stage.exists());
}
