//! Blobs: blocks, versions, snapshots and what soft delete keeps.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Cloud;

async fn with_container() -> (Cloud, Value) {
    let cloud = Cloud::start().await;
    let key = cloud.account("mine1").await;
    let who = json!({"account": "mine1", "key": key});
    cloud
        .call_as(&who, "create_container", json!(["box"]), json!({}))
        .await;
    (cloud, who)
}

/// The names in a list, with what soft delete, snapshots and versions say of each.
async fn names(cloud: &Cloud, who: &Value, include: Value) -> Vec<String> {
    let found = cloud
        .call_as(who, "blobs", json!(["box"]), json!({"include": include}))
        .await;
    let word = |one: &Value, name: &str, word: &str| {
        if one[name].is_null() {
            String::new()
        } else {
            word.to_owned()
        }
    };
    let all = found.as_array().unwrap().iter();
    all.map(|one| {
        let name = one["name"].as_str().unwrap();
        format!(
            "{name}{}{}{}",
            word(one, "deleted", " deleted"),
            word(one, "snapshot", " snapshot"),
            word(one, "is_current_version", " current")
        )
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_written_and_read() {
    let (cloud, who) = with_container().await;
    let ask =
        async |call: &str, args: Value, more: Value| cloud.call_as(&who, call, args, more).await;
    let name = "path/with space+plus%25 é.txt";
    ask(
        "put",
        json!(["box", name, "hello"]),
        json!({"metadata": {"a": "b"}}),
    )
    .await;
    assert_eq!(ask("get", json!(["box", name]), json!({})).await, "hello");
    assert_eq!(
        ask(
            "get",
            json!(["box", name]),
            json!({"offset": 1, "length": 3})
        )
        .await,
        "ell"
    );
    let found = ask("properties", json!(["box", name]), json!({})).await;
    assert_eq!(
        (&found["size"], &found["metadata"]),
        (&json!(5), &json!({"a": "b"}))
    );
    ask("put", json!(["box", "empty", ""]), json!({})).await;
    assert_eq!(ask("get", json!(["box", "empty"]), json!({})).await, "");
    assert_eq!(
        ask("walk", json!(["box"]), json!({})).await,
        json!(["path/", "empty"])
    );
    let twice = cloud
        .refused_as(&who, "put", json!(["box", "empty", "x"]), json!({}))
        .await;
    assert_eq!(twice, (409, "BlobAlreadyExists".to_owned()));
    let none = cloud
        .refused_as(&who, "get", json!(["box", "none"]), json!({}))
        .await;
    assert_eq!(none, (404, "BlobNotFound".to_owned()));
    let none = cloud
        .refused_as(&who, "get", json!(["none", "none"]), json!({}))
        .await;
    assert_eq!(none, (404, "ContainerNotFound".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_wait_until_they_are_a_blob() {
    let (cloud, who) = with_container().await;
    let ask = async |call: &str, args: Value| cloud.call_as(&who, call, args, json!({})).await;
    ask("stage", json!(["box", "big", "YQ==", "one "])).await;
    ask("stage", json!(["box", "big", "Yg==", "two"])).await;
    assert_eq!(names(&cloud, &who, json!([])).await, Vec::<String>::new());
    assert_eq!(
        names(&cloud, &who, json!(["uncommittedblobs"])).await,
        ["big"]
    );
    assert_eq!(
        ask("block_list", json!(["box", "big"])).await,
        json!([[], ["YQ==", "Yg=="]])
    );
    let wrong = cloud
        .refused_as(&who, "commit", json!(["box", "big", ["Yw=="]]), json!({}))
        .await;
    assert_eq!(wrong, (400, "InvalidBlockList".to_owned()));
    ask("commit", json!(["box", "big", ["YQ==", "Yg=="]])).await;
    assert_eq!(ask("get", json!(["box", "big"])).await, "one two");
    assert_eq!(
        ask("block_list", json!(["box", "big"])).await,
        json!([["YQ==", "Yg=="], []])
    );
    let parts = json!({"account": "mine1", "key": who["key"], "single": 4, "block": 4});
    cloud
        .call_as(
            &parts,
            "put",
            json!(["box", "parts", "0123456789"]),
            json!({}),
        )
        .await;
    assert_eq!(ask("get", json!(["box", "parts"])).await, "0123456789");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_stay_until_each_is_deleted() {
    let (cloud, who) = with_container().await;
    let ask =
        async |call: &str, args: Value, more: Value| cloud.call_as(&who, call, args, more).await;
    let over = json!({"overwrite": true});
    ask("put", json!(["box", "a", "before versions"]), json!({})).await;
    cloud
        .blob_service("mine1", json!({"isVersioningEnabled": true}))
        .await;
    ask("put", json!(["box", "a", "two"]), over.clone()).await;
    ask("put", json!(["box", "a", "three"]), over).await;
    assert_eq!(
        names(&cloud, &who, json!(["versions"])).await,
        ["a", "a", "a current"]
    );
    let current = ask("properties", json!(["box", "a"]), json!({})).await;
    let refused = cloud
        .refused_as(
            &who,
            "delete",
            json!(["box", "a"]),
            json!({"version_id": current["version"]}),
        )
        .await;
    assert_eq!(refused, (403, "OperationNotAllowedOnRootBlob".to_owned()));
    ask("delete", json!(["box", "a"]), json!({})).await;
    assert_eq!(names(&cloud, &who, json!([])).await, Vec::<String>::new());
    let versions = ask("blobs", json!(["box"]), json!({"include": ["versions"]})).await;
    let versions = versions.as_array().unwrap();
    assert_eq!(versions.len(), 3);
    let first = &versions[0]["version_id"];
    assert_eq!(
        ask("get", json!(["box", "a"]), json!({"version_id": first})).await,
        "before versions"
    );
    for one in versions {
        ask(
            "delete",
            json!(["box", "a"]),
            json!({"version_id": one["version_id"]}),
        )
        .await;
    }
    assert!(cloud.instance.blobs("mine1", "box").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn soft_delete_keeps_what_is_deleted_and_written_over() {
    let (cloud, who) = with_container().await;
    let ask =
        async |call: &str, args: Value, more: Value| cloud.call_as(&who, call, args, more).await;
    cloud
        .blob_service(
            "mine1",
            json!({"deleteRetentionPolicy": {"enabled": true, "days": 7}}),
        )
        .await;
    ask("put", json!(["box", "a", "one"]), json!({})).await;
    ask(
        "put",
        json!(["box", "a", "two"]),
        json!({"overwrite": true}),
    )
    .await;
    assert_eq!(
        names(&cloud, &who, json!(["deleted"])).await,
        ["a deleted snapshot", "a"]
    );
    ask("delete", json!(["box", "a"]), json!({})).await;
    assert_eq!(names(&cloud, &who, json!([])).await, Vec::<String>::new());
    ask("undelete", json!(["box", "a"]), json!({})).await;
    assert_eq!(ask("get", json!(["box", "a"]), json!({})).await, "two");
    ask(
        "delete",
        json!(["box", "a"]),
        json!({"delete_snapshots": "include"}),
    )
    .await;
    cloud.instance.advance(Duration::from_secs(8 * 86_400));
    cloud.control("GET", "/accounts", json!({}));
    assert!(cloud.instance.blobs("mine1", "box").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_keep_a_blob_from_being_deleted_alone() {
    let (cloud, who) = with_container().await;
    let ask =
        async |call: &str, args: Value, more: Value| cloud.call_as(&who, call, args, more).await;
    ask("put", json!(["box", "a", "one"]), json!({})).await;
    let snapshot = ask("snapshot", json!(["box", "a"]), json!({})).await;
    assert!(snapshot.is_string());
    let refused = cloud
        .refused_as(&who, "delete", json!(["box", "a"]), json!({}))
        .await;
    assert_eq!(refused, (409, "SnapshotsPresent".to_owned()));
    ask(
        "delete",
        json!(["box", "a"]),
        json!({"delete_snapshots": "include"}),
    )
    .await;
    assert!(cloud.instance.blobs("mine1", "box").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_containers_come_back_with_what_was_in_them() {
    let (cloud, who) = with_container().await;
    let ask =
        async |call: &str, args: Value, more: Value| cloud.call_as(&who, call, args, more).await;
    cloud
        .blob_service(
            "mine1",
            json!({"containerDeleteRetentionPolicy": {"enabled": true, "days": 7}}),
        )
        .await;
    ask("put", json!(["box", "a", "one"]), json!({})).await;
    ask("delete_container", json!(["box"]), json!({})).await;
    let kept = ask("containers", json!([]), json!({"include_deleted": true})).await;
    assert_eq!(kept[0]["deleted"], true);
    ask(
        "undelete_container",
        json!(["box", kept[0]["version"]]),
        json!({}),
    )
    .await;
    assert_eq!(ask("get", json!(["box", "a"]), json!({})).await, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_have_the_same_settings() {
    let (cloud, who) = with_container().await;
    let ask = async |call: &str, args: Value| cloud.call_as(&who, call, args, json!({})).await;
    cloud
        .blob_service(
            "mine1",
            json!({"deleteRetentionPolicy": {"enabled": true, "days": 7}}),
        )
        .await;
    assert_eq!(ask("service_properties", json!([])).await["days"], 7);
    ask("set_service_properties", json!([3, ["https://a.example"]])).await;
    let found = cloud.control("GET", "/accounts/mine1", json!({}));
    let service = &found["services"]["blobservices"];
    assert_eq!(service["deleteRetentionPolicy"]["days"], 3);
    assert_eq!(
        service["cors"]["corsRules"][0]["allowedOrigins"],
        json!(["https://a.example"])
    );
}
