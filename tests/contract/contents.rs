//! What a bucket holds, emptying it, deleting it.

use std::time::{Duration, SystemTime};

use simulator::proxy::{Options, Proxy};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::contents::Contents;

use crate::harness::{until, wait};
use crate::server::{Holds, Server, open, owned, unused_name};

/// How many markers one deletion leaves.
fn markers(server: &dyn Server) -> u64 {
    u64::from(server.makes_markers())
}

/// Two objects, one of them with an older version, a marker over a third one, and an
/// upload.
fn fill(server: &dyn Server, bucket: &str) {
    server.keep_versions(bucket);
    for object in ["a", "b", "b", "c"] {
        server.put(bucket, object);
    }
    server.delete(bucket, "c");
    server.begin_upload(bucket, "big");
    let held = Holds {
        objects: 2,
        versions: 2,
        delete_markers: markers(server),
        uploads: 1,
    };
    assert_eq!(server.holds(bucket), held);
}

fn filled(server: &dyn Server, what: &str) -> String {
    let bucket = unused_name(what);
    server.make(&bucket);
    fill(server, &bucket);
    bucket
}

pub fn everything_is_counted(server: &dyn Server) {
    let bucket = unused_name("count");
    server.make(&bucket);
    let empty = wait(open(server).contents(&bucket, 10)).expect("counted");
    assert_eq!(empty, Contents::default());
    fill(server, &bucket);
    let expected = Contents {
        objects: 2,
        versions: 2,
        delete_markers: markers(server),
        uploads: 1,
        bytes: 16,
        at_least: false,
    };
    // The limit itself is no "more than that".
    for limit in [6, 7, 10_000] {
        let counted = wait(open(server).contents(&bucket, limit)).expect("counted");
        assert_eq!(counted, expected, "{limit}");
    }
}

pub fn counting_stops_at_the_limit(server: &dyn Server) {
    let bucket = filled(server, "limit");
    for limit in 0..5 + markers(server) {
        let counted = wait(open(server).contents(&bucket, limit)).expect("counted");
        let sum = counted.objects + counted.versions + counted.delete_markers + counted.uploads;
        assert!(counted.at_least, "{limit}: {counted:?}");
        assert_eq!(sum, limit, "{counted:?}");
    }
}

pub fn emptying_takes_everything(server: &dyn Server) {
    let bucket = filled(server, "empty");
    let gone = wait(open(server).empty(&owned(&bucket))).expect("emptied");
    let expected = Contents {
        objects: 2,
        versions: 2,
        delete_markers: markers(server),
        uploads: 1,
        bytes: 16,
        at_least: false,
    };
    assert_eq!(gone, expected);
    assert_eq!(server.holds(&bucket), Holds::default());
    let nothing = wait(open(server).empty(&owned(&bucket))).expect("nothing to do");
    assert_eq!(nothing, Contents::default());
    let nowhere = wait(open(server).empty(&owned(&unused_name("nowhere"))));
    assert_eq!(nowhere.expect("gone is empty"), Contents::default());
}

pub fn emptying_takes_more_than_one_batch(server: &dyn Server) {
    let bucket = unused_name("batches");
    server.make(&bucket);
    server.keep_versions(&bucket);
    server.put_many(&bucket, 1_100);
    let gone = wait(open(server).empty(&owned(&bucket))).expect("emptied");
    assert_eq!(gone.objects + gone.versions, 1_100);
    assert_eq!(server.holds(&bucket), Holds::default());
}

/// Stopped at each request in turn; each time the next run comes to the end.
pub fn emptying_goes_on_where_it_was_stopped(server: &dyn Server) {
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    let mut request = 1;
    loop {
        let bucket = filled(server, "stopped");
        let stop = CancellationToken::new();
        let cloud = server.open_at(proxy.address(), &stop);
        proxy.clear();
        proxy.run_at(request, move || stop.cancel());
        let outcome = wait(cloud.empty(&owned(&bucket)));
        let sent = proxy.requests().len();
        let under_way = server.abreast();
        assert!(
            sent <= request + under_way,
            "{sent} requests, stopped at {request}"
        );
        let ended = match outcome {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind, CloudErrorKind::Stopped, "{error}");
                false
            }
        };
        wait(open(server).empty(&owned(&bucket))).expect("emptied");
        assert_eq!(server.holds(&bucket), Holds::default());
        if ended {
            assert!(request > 3, "only {request} requests");
            return;
        }
        request += 1;
    }
}

pub fn what_is_locked_is_refused_before_anything_goes(server: &dyn Server) {
    let bucket = unused_name("locked");
    server.make_lockable(&bucket);
    for object in ["a", "b", "c"] {
        server.put(&bucket, object);
    }
    let all = Holds {
        objects: 3,
        ..Holds::default()
    };
    server.hold(&bucket, "c", true);
    let refused = wait(open(server).empty(&owned(&bucket))).expect_err("refused");
    assert_eq!(refused.kind, CloudErrorKind::Conflict, "{refused}");
    assert!(refused.message.contains("\"c\""), "{refused}");
    assert_eq!(server.holds(&bucket), all);
    server.hold(&bucket, "c", false);
    let until = SystemTime::now() + Duration::from_secs(86_400);
    server.retain(&bucket, "b", until);
    let refused = wait(open(server).empty(&owned(&bucket))).expect_err("refused");
    assert_eq!(refused.kind, CloudErrorKind::Conflict, "{refused}");
    assert!(refused.message.contains("\"b\""), "{refused}");
    assert_eq!(server.holds(&bucket), all);
}

pub fn an_expired_lock_holds_nothing(server: &dyn Server) {
    let bucket = unused_name("expired");
    server.make_lockable(&bucket);
    server.put(&bucket, "a");
    let end = SystemTime::now() + Duration::from_secs(3);
    server.retain(&bucket, "a", end);
    until("the end of the lock", || {
        SystemTime::now() > end + Duration::from_secs(1)
    });
    wait(open(server).empty(&owned(&bucket))).expect("emptied");
    assert_eq!(server.holds(&bucket), Holds::default());
}

pub fn a_bucket_that_holds_anything_is_not_deleted(server: &dyn Server) {
    let refuses = |bucket: &str, held: Holds| {
        let outcome = wait(open(server).delete(&owned(bucket))).map_err(|error| error.kind);
        assert_eq!(outcome, Err(CloudErrorKind::Conflict), "{held:?}");
        assert_eq!(server.holds(bucket), held);
    };
    let bucket = unused_name("object");
    server.make(&bucket);
    server.put(&bucket, "a");
    refuses(
        &bucket,
        Holds {
            objects: 1,
            ..Holds::default()
        },
    );

    let bucket = unused_name("upload");
    server.make(&bucket);
    server.begin_upload(&bucket, "big");
    refuses(
        &bucket,
        Holds {
            uploads: 1,
            ..Holds::default()
        },
    );

    let bucket = unused_name("marker");
    server.make(&bucket);
    server.keep_versions(&bucket);
    server.put(&bucket, "a");
    server.delete(&bucket, "a");
    refuses(
        &bucket,
        Holds {
            versions: 1,
            delete_markers: markers(server),
            ..Holds::default()
        },
    );
    if !server.makes_markers() {
        return;
    }
    server.delete_versions(&bucket);
    refuses(
        &bucket,
        Holds {
            delete_markers: 1,
            ..Holds::default()
        },
    );
}

pub fn deleting_twice_is_deleting_once(server: &dyn Server) {
    let bucket = unused_name("delete");
    server.make(&bucket);
    for _ in 0..2 {
        wait(open(server).delete(&owned(&bucket))).expect("gone is success");
        assert_eq!(server.seen(&bucket), None);
    }
}
