//! What W&B's key must not be able to do.

use crate::harness::wait;
use crate::server::{Deed, Server, lets_soon, open, unused_name, wandb};

pub fn wandbs_key_can_do_no_more(server: &dyn Server) {
    let (bucket, other) = (unused_name("reach"), unused_name("reach-other"));
    server.make(&bucket);
    server.make(&other);
    let (_, key) = wandb(server, &bucket, None);
    let ready = Deed::List { bucket: &bucket };
    assert!(lets_soon(server, &key, ready));
    let found = wait(open(server).overreach(&bucket, &key)).expect("tried");
    assert_eq!(found, Vec::<String>::new());
}

pub fn a_key_that_can_do_more_is_found_and_changes_nothing(server: &dyn Server) {
    let (bucket, other) = (unused_name("over"), unused_name("over-other"));
    server.make(&bucket);
    server.make(&other);
    server.put(&bucket, "data");
    let before = server.seen(&bucket);
    let found = wait(open(server).overreach(&bucket, &server.admin_key())).expect("tried");
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], "change who has access to the bucket");
    assert!(
        found[1].starts_with("list the objects of the bucket"),
        "{found:?}"
    );
    assert_eq!(server.seen(&bucket), before);
    assert_eq!(server.get(&bucket, "data").as_deref(), Some("data"));
    // More rights than W&B's, but only on other buckets.
    let (identity, key) = wandb(server, &bucket, None);
    server.widen(&identity.name);
    let elsewhere = Deed::List { bucket: &other };
    assert!(lets_soon(server, &key, elsewhere));
    let found = wait(open(server).overreach(&bucket, &key)).expect("tried");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("list the objects of the bucket"),
        "{found:?}"
    );
}
