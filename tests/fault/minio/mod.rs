//! MinIO behind a proxy.

mod answers;
mod gone;
mod gone_cut;
mod interrupted;
mod kill;
mod lists;
mod lose;
mod many;
mod owed;
mod stop;
mod takeover;

use serde_json::json;
use simulator::proxy::Proxy;

use crate::harness::minio;
use crate::harness::proxy_to;

/// A stage on MinIO.
type Stage = crate::harness::Stage<crate::harness::Minio>;

/// A stage whose storage server is behind a proxy.
fn behind_proxy(name: &str) -> (Stage, Proxy) {
    let (proxy, login) = proxy_to(minio());
    (Stage::on(name, login), proxy)
}

/// Nothing of the provider's own is left in the bucket, and there is one user and one key.
fn assert_tidy(stage: &Stage, number: usize) {
    let held = stage.s3_ok("holds", json!({}));
    assert_eq!(
        held,
        json!({"objects": 0, "versions": 0, "delete_markers": 0, "uploads": 0}),
        "killed at {number}"
    );
    let state = stage.this();
    let keys = stage.keys_of(&stage.only_user());
    assert_eq!(keys, [state["access_key_id"].clone()], "killed at {number}");
    // What follows an underscore is the generation in the user's name, where that is older.
    let marker = stage.marker();
    assert_eq!(
        marker.split('_').next(),
        Some(format!("ready-{}", stage.generation()).as_str()),
        "killed at {number}"
    );
    assert_eq!(
        state["verified"], true,
        "killed at {number}: {}",
        state["findings"]
    );
}
