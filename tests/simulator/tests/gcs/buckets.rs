//! Buckets and their settings, by Google's own library.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Cloud, PROJECT, message};

const DAY: u64 = 86_400;

#[tokio::test]
async fn a_bucket_is_made_as_it_was_asked_for() {
    let cloud = Cloud::start().await;
    let cors = json!([{"origin": ["*"], "method": ["GET", "HEAD", "PUT"],
        "responseHeader": ["Content-Type", "ETag"], "maxAgeSeconds": 3600}]);
    let made = cloud
        .google(
            "create",
            json!({"name": "first-bucket", "location": "europe-west4", "labels": {"team": "ml"},
                "cors": cors, "versioning_enabled": true, "soft_delete": 10 * DAY,
                "uniform": true, "prevention": "enforced", "storage_class": "NEARLINE",
                "lifecycle": [{"kind": "delete", "age": 3, "matches_prefix": ["a/"],
                    "is_live": false}, {"kind": "abort", "age": 1}]}),
        )
        .await;
    let expected = json!({
        "kind": "storage#bucket",
        "id": "first-bucket",
        "location": "EUROPE-WEST4",
        "locationType": "region",
        "storageClass": "NEARLINE",
        "metageneration": "1",
        "etag": "CAE=",
        "labels": {"team": "ml"},
        "cors": cors,
        "versioning": {"enabled": true},
        "lifecycle": {"rule": [
            {"action": {"type": "Delete"},
                "condition": {"age": 3, "matchesPrefix": ["a/"], "isLive": false}},
            {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
        ]},
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    assert_eq!(
        made["softDeletePolicy"]["retentionDurationSeconds"],
        "864000"
    );
    let access = &made["iamConfiguration"];
    assert_eq!(access["publicAccessPrevention"], "enforced");
    assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true);
    assert!(access["uniformBucketLevelAccess"]["lockedTime"].is_string());
    assert_eq!(
        cloud.google("get", json!({"name": "first-bucket"})).await,
        made
    );
    assert_eq!(
        cloud.google("names", json!({"prefix": "first"})).await,
        json!(["first-bucket"])
    );
}

#[tokio::test]
async fn a_plain_bucket_has_what_google_decides() {
    let cloud = Cloud::start().await;
    let made = cloud
        .google("create", json!({"name": "plain-bucket"}))
        .await;
    assert_eq!(made["location"], "US");
    assert_eq!(made["locationType"], "multi-region");
    assert_eq!(made["storageClass"], "STANDARD");
    assert_eq!(
        made["softDeletePolicy"]["retentionDurationSeconds"],
        "604800"
    );
    assert_eq!(
        made["iamConfiguration"]["publicAccessPrevention"],
        "inherited"
    );
    assert_eq!(
        made["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"],
        false
    );
    for absent in [
        "cors",
        "labels",
        "lifecycle",
        "versioning",
        "encryption",
        "retentionPolicy",
    ] {
        assert_eq!(made.get(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn settings_change_one_by_one() {
    let cloud = Cloud::start().await;
    cloud
        .bucket("changed-bucket", json!({"labels": {"a": "1", "b": "2"}}))
        .await;
    let patch = async |change: Value| {
        let mut args = change;
        args["name"] = json!("changed-bucket");
        cloud.google("patch", args).await
    };
    assert_eq!(
        patch(json!({"labels": {"a": "3"}})).await["labels"],
        json!({"a": "3"})
    );
    let cors = json!([{"origin": ["https://a.test"], "method": ["GET"]}]);
    assert_eq!(patch(json!({"cors": cors})).await["cors"], cors);
    let changed = patch(json!({"versioning_enabled": true})).await;
    assert_eq!(changed["versioning"]["enabled"], true);
    assert_eq!(changed["cors"], cors);
    let changed = patch(json!({"soft_delete": 30 * DAY})).await;
    assert_eq!(
        changed["softDeletePolicy"]["retentionDurationSeconds"],
        "2592000"
    );
    let changed = patch(json!({"soft_delete": 0})).await;
    assert_eq!(changed["softDeletePolicy"]["retentionDurationSeconds"], "0");
    let changed = patch(json!({"prevention": "enforced"})).await;
    assert_eq!(
        changed["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"],
        true
    );
    assert_eq!(patch(json!({"cors": []})).await.get("cors"), None);
    assert_eq!(patch(json!({"lifecycle": []})).await["metageneration"], "9");
    let late = json!({"name": "changed-bucket", "if_metageneration_match": 3, "labels": {}});
    let (status, words) = cloud.refused("patch", late).await;
    assert_eq!(status, 412);
    assert!(
        words.contains("At least one of the pre-conditions you specified did not hold."),
        "{words}"
    );
}

#[tokio::test]
async fn null_takes_away_and_an_empty_object_does_not_always() {
    let cloud = Cloud::start().await;
    let more = json!({"labels": {"a": "1"}, "softDeletePolicy": {"retentionDurationSeconds": 0},
        "retentionPolicy": {"retentionPeriod": "60"},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 1}}]}});
    cloud.bucket("null-bucket", more).await;
    let patch = async |change: Value| {
        let (status, changed) = cloud
            .api(Method::PATCH, "/storage/v1/b/null-bucket", change)
            .await;
        assert_eq!(status, 200, "{changed}");
        changed
    };
    let changed = patch(json!({"labels": {"a": null, "b": "2"}})).await;
    assert_eq!(changed["labels"], json!({"b": "2"}));
    assert_eq!(patch(json!({"labels": {}})).await.get("labels"), None);
    assert_eq!(
        patch(json!({"retentionPolicy": {}})).await["retentionPolicy"]["retentionPeriod"],
        "60"
    );
    assert_eq!(
        patch(json!({"retentionPolicy": null}))
            .await
            .get("retentionPolicy"),
        None
    );
    let changed = patch(json!({"softDeletePolicy": null})).await;
    assert_eq!(
        changed["softDeletePolicy"]["retentionDurationSeconds"],
        "604800"
    );
    assert_eq!(
        patch(json!({"lifecycle": {"rule": []}}))
            .await
            .get("lifecycle"),
        None
    );
}

#[tokio::test]
async fn names_are_taken_once() {
    let cloud = Cloud::start().await;
    cloud
        .google("create", json!({"name": "taken-bucket"}))
        .await;
    let (status, words) = cloud
        .refused("create", json!({"name": "taken-bucket"}))
        .await;
    assert_eq!(status, 409);
    let own = "Your previous request to create the named bucket succeeded and you already own it.";
    assert!(words.contains(own), "{words}");
    cloud
        .instance
        .add_account("owner@other-project.iam.gserviceaccount.com");
    let owner = format!("serviceAccount:{}", cloud.instance.owner());
    cloud
        .instance
        .grant_project("other-project", "roles/owner", &owner);
    let elsewhere = json!({"name": "taken-bucket", "project": "other-project"});
    let (status, words) = cloud.refused("create", elsewhere).await;
    assert_eq!(status, 409);
    assert!(
        words.contains("The requested bucket name is not available."),
        "{words}"
    );
}

#[tokio::test]
async fn what_google_would_refuse_is_refused() {
    let cloud = Cloud::start().await;
    let path = format!("/storage/v1/b?project={PROJECT}");
    let labels: serde_json::Map<String, Value> = (0..65)
        .map(|number| (format!("l{number}"), json!("")))
        .collect();
    let key = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
    for (change, said) in [
        (
            json!({"name": "Bad_Upper"}),
            "Invalid bucket name: 'Bad_Upper'",
        ),
        (
            json!({"location": "nowhere"}),
            "The specified location constraint is not valid.",
        ),
        (json!({"storageClass": "COLD"}), "Invalid storage class"),
        (json!({"labels": {"Team": "x"}}), "Invalid label"),
        (json!({"labels": {"1a": "x"}}), "Invalid label"),
        (json!({"labels": labels}), "at most 64 labels"),
        (
            json!({"softDeletePolicy": {"retentionDurationSeconds": "86400"}}),
            "soft delete",
        ),
        (
            json!({"softDeletePolicy": {"retentionDurationSeconds": "7776001"}}),
            "soft delete",
        ),
        (
            json!({"softDeletePolicy": {"seconds": "604800"}}),
            "Unknown name \"seconds\"",
        ),
        (
            json!({"iamConfiguration": {"publicAccessPrevention": "on"}}),
            "publicAccessPrevention",
        ),
        (
            json!({"cors": [{"origins": ["*"]}]}),
            "Unknown name \"origins\"",
        ),
        (
            json!({"cors": [{"method": ["FETCH"]}]}),
            "Invalid CORS method",
        ),
        (
            json!({"cors": [{"maxAgeSeconds": "soon"}]}),
            "maxAgeSeconds",
        ),
        (
            json!({"lifecycle": {"rule": [{"action": {"type": "Delete"}}]}}),
            "at least one condition",
        ),
        (
            json!({"lifecycle": {"rule": [{"action": {"type": "Shred"}, "condition": {"age": 1}}]}}),
            "Invalid lifecycle action type",
        ),
        (
            json!({"lifecycle": {"rule": [{"action": {"type": "AbortIncompleteMultipartUpload"},
            "condition": {"isLive": true}}]}}),
            "AbortIncompleteMultipartUpload",
        ),
        (
            json!({"lifecycle": {"rule": [{"action": {"type": "Delete"},
            "condition": {"createdBefore": "2026-02-30"}}]}}),
            "createdBefore",
        ),
        (
            json!({"encryption": {"defaultKmsKeyName": format!("{key}/cryptoKeyVersions/1")}}),
            "Invalid Cloud KMS key name",
        ),
        (
            json!({"retentionPolicy": {"retentionPeriod": "0"}}),
            "Invalid retention period",
        ),
        (
            json!({"versionning": {"enabled": true}}),
            "Unknown name \"versionning\"",
        ),
    ] {
        let mut body = json!({"name": "refused-bucket"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, refusal) = cloud.api(Method::POST, &path, body).await;
        assert_eq!(status, 400, "{change}: {refusal}");
        assert!(message(&refusal).contains(said), "{change}: {refusal}");
        assert_eq!(
            refusal["error"]["errors"][0]["reason"], "invalid",
            "{change}"
        );
    }
    assert!(cloud.instance.buckets().is_empty());
}

#[tokio::test]
async fn a_bucket_goes_when_nothing_live_or_noncurrent_is_in_it() {
    let cloud = Cloud::start().await;
    cloud
        .bucket("full-bucket", json!({"versioning": {"enabled": true}}))
        .await;
    let first = cloud.put("full-bucket", "a", "1").await;
    let args = json!({"name": "full-bucket"});
    let (status, words) = cloud.refused("drop", args.clone()).await;
    assert_eq!(status, 409);
    assert!(
        words.contains("The bucket you tried to delete is not empty."),
        "{words}"
    );
    cloud
        .google("remove", json!({"name": "full-bucket", "key": "a"}))
        .await;
    assert_eq!(cloud.refused("drop", args.clone()).await.0, 409);
    let generation: i64 = first["generation"].as_str().unwrap().parse().unwrap();
    let gone = json!({"name": "full-bucket", "key": "a", "generation": generation});
    cloud.google("remove", gone).await;
    assert_eq!(
        cloud.instance.objects("full-bucket")[0].state,
        "soft_deleted"
    );
    cloud.google("drop", args.clone()).await;
    let (status, words) = cloud.refused("get", args).await;
    assert_eq!(status, 404);
    assert!(
        words.contains("The specified bucket does not exist."),
        "{words}"
    );
}

#[tokio::test]
async fn a_deleted_bucket_can_be_had_back() {
    let cloud = Cloud::start().await;
    cloud
        .bucket("back-bucket", json!({"labels": {"a": "1"}}))
        .await;
    cloud.google("drop", json!({"name": "back-bucket"})).await;
    let path = format!("/storage/v1/b?project={PROJECT}&softDeleted=true");
    let (_, list) = cloud.api(Method::GET, &path, Value::Null).await;
    assert_eq!(list["items"][0]["name"], "back-bucket");
    let generation = list["items"][0]["generation"].as_str().unwrap();
    let restore = format!("/storage/v1/b/back-bucket/restore?generation={generation}");
    assert_eq!(cloud.api(Method::POST, &restore, Value::Null).await.0, 200);
    assert_eq!(
        cloud.instance.bucket("back-bucket").unwrap()["labels"]["a"],
        "1"
    );
    cloud.google("drop", json!({"name": "back-bucket"})).await;
    cloud.instance.advance(Duration::from_secs(8 * DAY));
    let token = cloud.instance.token(&cloud.instance.owner());
    let (_, list) = cloud.api_as(&token, Method::GET, &path, Value::Null).await;
    assert_eq!(list, json!({"kind": "storage#buckets"}));
}

#[tokio::test]
async fn uniform_access_cannot_be_left_after_ninety_days() {
    let cloud = Cloud::start().await;
    cloud.bucket("uniform-bucket", json!({})).await;
    let off = json!({"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false}}});
    let on = json!({"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}});
    let path = "/storage/v1/b/uniform-bucket";
    assert_eq!(cloud.api(Method::PATCH, path, off.clone()).await.0, 200);
    assert_eq!(cloud.api(Method::PATCH, path, on).await.0, 200);
    cloud.instance.advance(Duration::from_secs(91 * DAY));
    let token = cloud.instance.token(&cloud.instance.owner());
    let (status, refusal) = cloud.api_as(&token, Method::PATCH, path, off).await;
    assert_eq!(status, 400, "{refusal}");
}

#[tokio::test]
async fn a_lock_is_for_ever() {
    let cloud = Cloud::start().await;
    cloud
        .bucket(
            "locked-bucket",
            json!({"retentionPolicy": {"retentionPeriod": 100}}),
        )
        .await;
    let lock = "/storage/v1/b/locked-bucket/lockRetentionPolicy?ifMetagenerationMatch=1";
    let (status, locked) = cloud.api(Method::POST, lock, Value::Null).await;
    assert_eq!(status, 200, "{locked}");
    assert_eq!(locked["retentionPolicy"]["isLocked"], true);
    let path = "/storage/v1/b/locked-bucket";
    let shorter = json!({"retentionPolicy": {"retentionPeriod": "50"}});
    assert_eq!(cloud.api(Method::PATCH, path, shorter).await.0, 403);
    let (status, refusal) = cloud
        .api(Method::PATCH, path, json!({"retentionPolicy": null}))
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        message(&refusal),
        "Bucket 'locked-bucket' has a locked Retention Policy which cannot be removed."
    );
    let longer = json!({"retentionPolicy": {"retentionPeriod": "200"}});
    let (status, changed) = cloud.api(Method::PATCH, path, longer).await;
    assert_eq!(
        (status, &changed["retentionPolicy"]["isLocked"]),
        (200, &json!(true))
    );
}
