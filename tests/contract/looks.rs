//! Looking, and making a bucket.

use std::collections::BTreeMap;
use std::net::TcpListener;

use simulator::proxy::{Options, Proxy};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::cloud::LookAt;
use wandb_provider::byob::marker::{KEY, Marker};
use wandb_provider::byob::observed::Reading;

use crate::harness::wait;
use crate::server::{Caller, Server, encrypted, generation, open, unused_name};

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

pub fn what_is_not_there_is_none(server: &dyn Server) {
    let cloud = open(server);
    let bucket = unused_name("none");
    assert_eq!(wait(cloud.look(&bucket)).expect("an answer"), None);
    let look_at = LookAt {
        origin: "https://acme.example".to_owned(),
        encryption: Some(encrypted()),
        ..LookAt::default()
    };
    let observed = wait(cloud.observe(&bucket, &look_at));
    assert_eq!(observed.expect("an answer"), None);
    let counted = wait(cloud.contents(&bucket, 10)).map_err(|error| error.kind);
    assert_eq!(counted, Err(CloudErrorKind::NotFound));
}

pub fn what_is_there_is_told_with_tags_and_marker(server: &dyn Server) {
    let cloud = open(server);
    let bucket = unused_name("there");
    let marker = Marker::creating(generation());
    let wanted = tags(&[("owner", "ml"), (KEY, &marker.to_string())]);
    wait(cloud.create(&bucket, &wanted, &[])).expect("made");
    let seen = wait(open(server).look(&bucket))
        .expect("an answer")
        .expect("there");
    assert_eq!(seen.marker, Some(marker.clone()));
    assert_eq!(seen.tags, wanted);
    let observed = wait(cloud.observe(&bucket, &LookAt::default()));
    let observed = observed.expect("an answer").expect("there");
    assert_eq!(observed.marker, Some(marker));
    // The marker is no tag of the user's.
    assert_eq!(observed.tags, Reading::Known(tags(&[("owner", "ml")])));
    let versioning = Reading::Known(server.kept_no_versions());
    assert_eq!(observed.versioning, versioning);
}

pub fn a_refusal_is_denied_and_never_none(server: &dyn Server) {
    let bucket = unused_name("denied");
    server.make(&bucket);
    let cloud = server.open_as(Caller::Nobody, &CancellationToken::new());
    let looked = wait(cloud.look(&bucket)).map_err(|error| error.kind);
    assert_eq!(looked, Err(CloudErrorKind::Denied));
    let observed = wait(cloud.observe(&bucket, &LookAt::default()));
    let observed = observed.map(drop).map_err(|error| error.kind);
    assert_eq!(observed, Err(CloudErrorKind::Denied));
    let counted = wait(cloud.contents(&bucket, 10)).map_err(|error| error.kind);
    assert_eq!(counted, Err(CloudErrorKind::Denied));
}

pub fn a_wrong_secret_is_unauthenticated(server: &dyn Server) {
    let bucket = unused_name("impostor");
    server.make(&bucket);
    let cloud = server.open_as(Caller::Impostor, &CancellationToken::new());
    let error = wait(cloud.look(&bucket)).expect_err("a refusal");
    assert_eq!(error.kind, CloudErrorKind::Unauthenticated);
    assert!(!format!("{error:?} {error} {cloud:?}").contains("not-the-secret"));
    let observed = wait(cloud.observe(&bucket, &LookAt::default()));
    assert_eq!(
        observed.map(|_| ()).map_err(|error| error.kind),
        Err(CloudErrorKind::Unauthenticated)
    );
}

pub fn a_server_that_is_not_there_is_transport(server: &dyn Server) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let cloud = server.open_at(address, &CancellationToken::new());
    let looked = wait(cloud.look("nowhere")).map_err(|error| error.kind);
    assert_eq!(looked, Err(CloudErrorKind::Transport));
}

pub fn observing_writes_nothing(server: &dyn Server) {
    let bucket = unused_name("observe");
    server.make(&bucket);
    let before = server.seen(&bucket);
    let look_at = LookAt {
        origin: "https://acme.example".to_owned(),
        encryption: Some(encrypted()),
        ..LookAt::default()
    };
    let observed = wait(open(server).observe(&bucket, &look_at));
    assert!(observed.expect("an answer").is_some());
    assert_eq!(server.seen(&bucket), before);
    assert_eq!(server.holds(&bucket), Default::default());
}

pub fn a_setting_that_nobody_asks_for_is_skipped(server: &dyn Server) {
    let bucket = unused_name("skipped");
    server.make(&bucket);
    let observed = wait(open(server).observe(&bucket, &LookAt::default()));
    let observed = observed.expect("an answer").expect("there");
    assert_eq!(observed.encryption, Reading::Skipped);
    assert_eq!(observed.identity, Reading::Skipped);
}

pub fn a_bucket_is_made_with_its_tags(server: &dyn Server) {
    let bucket = unused_name("made");
    let marker = Marker::creating(generation()).to_string();
    let mut wanted = server.tags();
    wanted.insert(KEY.to_owned(), marker);
    wait(open(server).create(&bucket, &wanted, &[])).expect("made");
    assert_eq!(server.seen(&bucket).expect("there").tags, wanted);
}

pub fn a_bucket_that_is_there_is_not_made_again(server: &dyn Server) {
    let bucket = unused_name("twice");
    let first = tags(&[("who", "first")]);
    wait(open(server).create(&bucket, &first, &[])).expect("made");
    server.put(&bucket, "data");
    let second = wait(open(server).create(&bucket, &tags(&[("who", "second")]), &[]));
    assert_eq!(
        second.map_err(|error| error.kind),
        Err(CloudErrorKind::AlreadyExists)
    );
    assert_eq!(server.seen(&bucket).expect("there").tags, first);
    assert_eq!(server.get(&bucket, "data").as_deref(), Some("data"));
}

/// Stopped at each request in turn: the bucket is not there, or it is marked.
pub fn a_stop_never_leaves_a_bucket_without_its_tags(server: &dyn Server) {
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    let mut request = 1;
    loop {
        let bucket = unused_name("half");
        let wanted = tags(&[(KEY, &Marker::creating(generation()).to_string())]);
        let stop = CancellationToken::new();
        let cloud = server.open_at(proxy.address(), &stop);
        proxy.clear();
        proxy.run_at(request, move || stop.cancel());
        let made = wait(cloud.create(&bucket, &wanted, &[]));
        match server.seen(&bucket) {
            Some(seen) => assert_eq!(seen.tags, wanted, "stopped at {request}"),
            None => assert!(made.is_err(), "stopped at {request}"),
        }
        if proxy.requests().len() < request {
            return;
        }
        request += 1;
    }
}
