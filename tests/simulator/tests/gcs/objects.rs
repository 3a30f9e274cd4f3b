//! Objects, their generations, and what keeps them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Cloud, message};

#[tokio::test]
async fn what_is_put_can_be_read() {
    let cloud = Cloud::start().await;
    cloud.bucket("object-bucket", json!({})).await;
    let args = json!({"name": "object-bucket", "key": "a/ü b+c.txt", "text": "hello",
        "metadata": {"k": "v"}, "cache_control": "no-store"});
    let made = cloud.google("put", args).await;
    assert_eq!(made["size"], "5");
    assert_eq!(made["md5Hash"], "XUFAKrxLKna5cZ2REBfFkg==");
    assert_eq!(made["crc32c"], "mnG7TA==");
    assert_eq!(made["metadata"], json!({"k": "v"}));
    assert_eq!(made["contentType"], "text/plain");
    let args = json!({"name": "object-bucket", "key": "a/ü b+c.txt"});
    assert_eq!(cloud.google("fetch", args.clone()).await, "hello");
    let mut renamed = args.clone();
    renamed["content_type"] = json!("text/markdown");
    let changed = cloud.google("change", renamed).await;
    assert_eq!(
        (&changed["contentType"], &changed["metageneration"]),
        (&json!("text/markdown"), &json!("2"))
    );
    cloud.google("remove", args.clone()).await;
    let (status, words) = cloud.refused("fetch", args).await;
    assert_eq!(status, 404);
    assert!(
        words.contains("No such object: object-bucket/a/ü b+c.txt"),
        "{words}"
    );
}

#[tokio::test]
async fn lists_have_folders_and_pages() {
    let cloud = Cloud::start().await;
    cloud.bucket("list-bucket", json!({})).await;
    for key in ["a", "b%2F1", "b%2F2", "c%2F1", "d"] {
        cloud.put("list-bucket", key, "x").await;
    }
    let list = async |wanted: Value| {
        let mut args = wanted;
        args["name"] = json!("list-bucket");
        let list = cloud.google("objects", args).await;
        let items = list["items"].as_array().unwrap().iter();
        let names: Vec<&str> = items.map(|one| one["name"].as_str().unwrap()).collect();
        json!([names, list["prefixes"]])
    };
    assert_eq!(
        list(json!({"page_size": 2})).await,
        json!([["a", "b/1", "b/2", "c/1", "d"], []])
    );
    let folders = json!([["a", "d"], ["b/", "c/"]]);
    assert_eq!(list(json!({"delimiter": "/"})).await, folders);
    assert_eq!(
        list(json!({"delimiter": "/", "page_size": 1})).await,
        folders
    );
    assert_eq!(
        list(json!({"prefix": "b/"})).await,
        json!([["b/1", "b/2"], []])
    );
    let path = "/storage/v1/b/list-bucket/o?maxResults=3";
    let (_, page) = cloud.api(Method::GET, path, Value::Null).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(3));
    assert!(page["nextPageToken"].is_string());
}

#[tokio::test]
async fn versions_pile_up_and_soft_deleted_ones_come_back() {
    let cloud = Cloud::start().await;
    cloud
        .bucket("version-bucket", json!({"versioning": {"enabled": true}}))
        .await;
    for text in ["one", "two"] {
        cloud.put("version-bucket", "a", text).await;
    }
    let args = |more: Value| {
        let mut args = more;
        args["name"] = json!("version-bucket");
        args
    };
    let count = async |more: Value| {
        let list = cloud.google("objects", args(more)).await;
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({})).await, 1);
    assert_eq!(count(json!({"versions": true})).await, 2);
    let first = cloud.instance.objects("version-bucket")[0].generation;
    let one = args(json!({"key": "a", "generation": first}));
    assert_eq!(cloud.google("fetch", one.clone()).await, "one");
    cloud.google("remove", args(json!({"key": "a"}))).await;
    assert_eq!(count(json!({})).await, 0);
    assert_eq!(count(json!({"versions": true})).await, 2);
    cloud.google("remove", one.clone()).await;
    assert_eq!(cloud.refused("remove", one.clone()).await.0, 404);
    assert_eq!(count(json!({"soft_deleted": true})).await, 1);
    let restored = cloud.google("restore", one).await;
    assert_eq!(
        cloud.google("fetch", args(json!({"key": "a"}))).await,
        "one"
    );
    assert_ne!(restored["generation"], first.to_string());
    assert_eq!(count(json!({"soft_deleted": true})).await, 1);
    cloud.instance.advance(Duration::from_secs(8 * 86_400));
    let states = cloud.instance.objects("version-bucket");
    assert_eq!(states.last().unwrap().state, "live");
    let token = cloud.instance.token(&cloud.instance.owner());
    let path = "/storage/v1/b/version-bucket/o?softDeleted=true";
    let (_, list) = cloud.api_as(&token, Method::GET, path, Value::Null).await;
    assert_eq!(list, json!({"kind": "storage#objects"}));
}

#[tokio::test]
async fn without_soft_delete_gone_is_gone() {
    let cloud = Cloud::start().await;
    let none = json!({"softDeletePolicy": {"retentionDurationSeconds": "0"}});
    cloud.bucket("hard-bucket", none).await;
    cloud.put("hard-bucket", "a", "one").await;
    cloud.put("hard-bucket", "a", "two").await;
    assert_eq!(cloud.instance.objects("hard-bucket").len(), 1);
    let args = json!({"name": "hard-bucket", "soft_deleted": true});
    assert_eq!(cloud.refused("objects", args).await.0, 400);
    let both = "/storage/v1/b/hard-bucket/o?versions=true&softDeleted=true";
    assert_eq!(cloud.api(Method::GET, both, Value::Null).await.0, 400);
}

#[tokio::test]
async fn holds_refuse() {
    let cloud = Cloud::start().await;
    cloud
        .bucket(
            "held-bucket",
            json!({"versioning": {"enabled": true},
        "defaultEventBasedHold": true}),
        )
        .await;
    let args = json!({"name": "held-bucket", "key": "a"});
    cloud.put("held-bucket", "a", "x").await;
    let (status, words) = cloud.refused("remove", args.clone()).await;
    assert_eq!(status, 403);
    assert!(
        words.contains(
            "Object 'held-bucket/a' is under active Event-Based hold and cannot be \
        deleted, overwritten or archived until hold is removed."
        ),
        "{words}"
    );
    let change = json!({"name": "held-bucket", "key": "a", "event_based_hold": false,
        "temporary_hold": true});
    cloud.google("change", change).await;
    let (_, words) = cloud.refused("remove", args.clone()).await;
    assert!(words.contains("under active Temporary hold"), "{words}");
    let (_, refusal) = cloud
        .api(Method::DELETE, "/storage/v1/b/held-bucket/o/a", Value::Null)
        .await;
    assert_eq!(refusal["error"]["errors"][0]["reason"], "forbidden");
    let again = json!({"name": "held-bucket", "key": "a", "text": "y"});
    assert_eq!(cloud.refused("put", again).await.0, 403);
    let change = json!({"name": "held-bucket", "key": "a", "temporary_hold": false});
    cloud.google("change", change).await;
    cloud.google("remove", args).await;
}

#[tokio::test]
async fn retention_refuses_until_its_end() {
    let cloud = Cloud::start().await;
    let more = json!({"retentionPolicy": {"retentionPeriod": "3600"}});
    cloud.bucket("kept-bucket", more).await;
    let made = cloud.put("kept-bucket", "a", "x").await;
    assert!(made["retentionExpirationTime"].is_string());
    let path = "/storage/v1/b/kept-bucket/o/a";
    let (status, refusal) = cloud.api(Method::DELETE, path, Value::Null).await;
    assert_eq!(status, 403);
    assert_eq!(
        refusal["error"]["errors"][0]["reason"],
        "retentionPolicyNotMet"
    );
    let start = "Object 'kept-bucket/a' is subject to bucket's retention policy or object \
                 retention and cannot be deleted or overwritten until ";
    assert!(message(&refusal).starts_with(start), "{refusal}");
    // What is asked for comes first.
    let stale = format!("{path}?ifGenerationMatch=1");
    assert_eq!(cloud.api(Method::DELETE, &stale, Value::Null).await.0, 412);
    cloud.instance.advance(Duration::from_secs(3601));
    let token = cloud.instance.token(&cloud.instance.owner());
    assert_eq!(
        cloud
            .api_as(&token, Method::DELETE, path, Value::Null)
            .await
            .0,
        204
    );
}

#[tokio::test]
async fn an_object_has_a_retention_of_its_own() {
    let cloud = Cloud::start().await;
    let path = "/storage/v1/b?project=simulated-project&enableObjectRetention=true";
    let (status, made) = cloud
        .api(Method::POST, path, json!({"name": "own-bucket"}))
        .await;
    assert_eq!(
        (status, &made["objectRetention"]["mode"]),
        (200, &json!("Enabled"))
    );
    cloud.put("own-bucket", "a", "x").await;
    let path = "/storage/v1/b/own-bucket/o/a";
    let retention =
        |until: &str| json!({"retention": {"mode": "Unlocked", "retainUntilTime": until}});
    let (status, changed) = cloud
        .api(Method::PATCH, path, retention("2099-01-01T00:00:00Z"))
        .await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(cloud.api(Method::DELETE, path, Value::Null).await.0, 403);
    assert_eq!(
        cloud
            .api(Method::PATCH, path, json!({"retention": null}))
            .await
            .0,
        403
    );
    let freely = format!("{path}?overrideUnlockedRetention=true");
    assert_eq!(
        cloud
            .api(Method::PATCH, &freely, json!({"retention": null}))
            .await
            .0,
        200
    );
    assert_eq!(cloud.api(Method::DELETE, path, Value::Null).await.0, 204);
    cloud.bucket("without-bucket", json!({})).await;
    cloud.put("without-bucket", "a", "x").await;
    let path = "/storage/v1/b/without-bucket/o/a";
    assert_eq!(
        cloud
            .api(Method::PATCH, path, retention("2099-01-01T00:00:00Z"))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn conditions_guard_generations() {
    let cloud = Cloud::start().await;
    cloud.bucket("guarded-bucket", json!({})).await;
    let upload =
        "/upload/storage/v1/b/guarded-bucket/o?uploadType=media&name=a&ifGenerationMatch=0";
    assert_eq!(cloud.api(Method::POST, upload, json!({})).await.0, 200);
    let (status, refusal) = cloud.api(Method::POST, upload, json!({})).await;
    assert_eq!(status, 412);
    assert_eq!(refusal["error"]["errors"][0]["location"], "If-Match");
    let generation = cloud.instance.objects("guarded-bucket")[0].generation;
    let path = format!("/storage/v1/b/guarded-bucket/o/a?ifGenerationNotMatch={generation}");
    assert_eq!(cloud.api(Method::GET, &path, Value::Null).await.0, 304);
}

#[tokio::test]
async fn a_batch_deletes_many() {
    let cloud = Cloud::start().await;
    cloud.bucket("batch-bucket", json!({})).await;
    for key in ["a", "b", "c"] {
        cloud.put("batch-bucket", key, "x").await;
    }
    let args = json!({"name": "batch-bucket", "keys": ["a", "b"]});
    cloud.google("remove_many", args).await;
    let states: Vec<&str> = cloud
        .instance
        .objects("batch-bucket")
        .iter()
        .map(|one| one.state)
        .collect();
    assert_eq!(states, ["soft_deleted", "soft_deleted", "live"]);
    let log = cloud.instance.requests();
    assert!(log.iter().any(|one| one.path == "/batch/storage/v1"));
    let args = json!({"name": "batch-bucket", "keys": ["a", "c"]});
    assert_eq!(cloud.refused("remove_many", args).await.0, 404);
    assert_eq!(
        cloud.instance.objects("batch-bucket")[2].state,
        "soft_deleted"
    );
}
