//! The end of an operation ends its reads.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use simulator::proxy::{Options, Proxy};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::cloud::LookAt;

use crate::harness::wait;
use crate::server::{Server, owned, unused_name};

pub fn a_stopped_operation_sends_nothing(server: &dyn Server) {
    let bucket = unused_name("stop");
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    let stop = CancellationToken::new();
    stop.cancel();
    let cloud = server.open_at(proxy.address(), &stop);
    let kinds = wait(async {
        [
            cloud.look(&bucket).await.map(drop),
            cloud.observe(&bucket, &LookAt::default()).await.map(drop),
            cloud.create(&bucket, &Default::default(), &[]).await,
            cloud.contents(&bucket, 1).await.map(drop),
            cloud.empty(&owned(&bucket)).await.map(drop),
            cloud.delete(&owned(&bucket)).await.map(drop),
        ]
    });
    for outcome in kinds {
        let kind = outcome.map_err(|error| error.kind);
        assert_eq!(kind, Err(CloudErrorKind::Stopped));
    }
    assert_eq!(proxy.requests(), []);
    assert_eq!(server.seen(&bucket), None);
}

/// A server that takes connections and never says a word.
pub fn a_read_that_hangs_ends_at_once(server: &dyn Server) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let cloud = server.open_at(address, &stop);
    let (kind, took) = wait(async {
        let hanging = async {
            let looked = cloud.look("silent").await;
            (looked.map(drop).map_err(|error| error.kind), Instant::now())
        };
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stop.cancel();
            Instant::now()
        };
        let ((kind, ended), stopped) = tokio::join!(hanging, stopping);
        (kind, ended.saturating_duration_since(stopped))
    });
    assert_eq!(kind, Err(CloudErrorKind::Stopped));
    assert!(took < Duration::from_secs(1), "{took:?}");
}
