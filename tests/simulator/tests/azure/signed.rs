//! Every way to be let in to the data, and those that are not let in.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::azure::Config;

use crate::{Cloud, GROUP, account_id};

const MISMATCH: &str = "AuthorizationPermissionMismatch";

async fn with_blob(config: Config) -> (Cloud, Value) {
    let cloud = Cloud::with(config).await;
    let key = cloud.account("mine1").await;
    let who = json!({"account": "mine1", "key": key});
    cloud
        .call_as(&who, "create_container", json!(["box"]), json!({}))
        .await;
    cloud
        .call_as(&who, "put", json!(["box", "a", "text"]), json!({}))
        .await;
    (cloud, who)
}

fn with_sas(sas: &Value) -> Value {
    json!({"account": "mine1", "sas": sas})
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_the_accounts_own_of_now() {
    let (cloud, who) = with_blob(Config::default()).await;
    let get = json!(["box", "a"]);
    cloud
        .microsoft(
            "storage.storage_accounts.regenerate_key",
            json!([GROUP, "mine1", {"keyName": "key1"}]),
        )
        .await;
    let old = cloud.refused_as(&who, "get", get.clone(), json!({})).await;
    assert_eq!(old, (403, "AuthenticationFailed".to_owned()));
    let who = json!({"account": "mine1", "key": cloud.key("mine1").await});
    cloud.call_as(&who, "get", get.clone(), json!({})).await;
    let forbid = json!({"properties": {"allowSharedKeyAccess": false}});
    cloud
        .microsoft(
            "storage.storage_accounts.update",
            json!([GROUP, "mine1", forbid]),
        )
        .await;
    let refused = cloud.refused_as(&who, "get", get.clone(), json!({})).await;
    assert_eq!(
        refused,
        (403, "KeyBasedAuthenticationNotPermitted".to_owned())
    );
    let sas = cloud
        .call_as(&who, "blob_sas", json!(["box", "a", "r"]), json!({}))
        .await;
    let refused = cloud
        .refused_as(&with_sas(&sas), "get", get, json!({}))
        .await;
    assert_eq!(refused.1, "KeyBasedAuthenticationNotPermitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_good_for_what_they_say() {
    let (cloud, who) = with_blob(Config::default()).await;
    let sas =
        async |call: &str, args: Value| with_sas(&cloud.call_as(&who, call, args, json!({})).await);
    let blob = sas("blob_sas", json!(["box", "a", "r"])).await;
    let container = sas("container_sas", json!(["box", "rl"])).await;
    let account = sas("account_sas", json!(["sco", "rwdlac"])).await;
    let objects = sas("account_sas", json!(["o", "rl"])).await;
    let late = sas("blob_sas", json!(["box", "a", "r", -1])).await;
    for (who, call, args, expected) in [
        (&blob, "get", json!(["box", "a"]), ""),
        (&blob, "delete", json!(["box", "a"]), MISMATCH),
        (&blob, "get", json!(["box", "b"]), "AuthenticationFailed"),
        (&blob, "blobs", json!(["box"]), "AuthenticationFailed"),
        (&container, "get", json!(["box", "a"]), ""),
        (&container, "blobs", json!(["box"]), ""),
        (&container, "container", json!(["box"]), MISMATCH),
        (&account, "containers", json!([]), ""),
        (&account, "create_container", json!(["new"]), ""),
        (&objects, "get", json!(["box", "a"]), ""),
        (
            &objects,
            "blobs",
            json!(["box"]),
            "AuthorizationResourceTypeMismatch",
        ),
        (&late, "get", json!(["box", "a"]), "AuthenticationFailed"),
    ] {
        let answer = cloud.try_as(who, call, args, json!({})).await;
        assert_eq!(
            answer["error"].as_str().unwrap_or_default(),
            expected,
            "{call} {who}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_need_a_role_for_data() {
    let (cloud, _) = with_blob(Config::default()).await;
    let id = account_id("mine1");
    let get = json!(["box", "a"]);
    for (role, reads, writes) in [
        ("Owner", 403, 403),
        ("Contributor", 403, 403),
        ("Storage Blob Data Reader", 200, 403),
        ("Storage Blob Data Contributor", 200, 200),
        ("Storage Blob Data Owner", 200, 200),
    ] {
        let mut who = cloud.somebody(role, &id);
        who["account"] = json!("mine1");
        let status = |answer: Value| answer["status"].as_u64().unwrap_or(200);
        let read = cloud.try_as(&who, "get", get.clone(), json!({})).await;
        let write = cloud
            .try_as(
                &who,
                "put",
                json!(["box", "b", role]),
                json!({"overwrite": true}),
            )
            .await;
        assert_eq!((status(read), status(write)), (reads, writes), "{role}");
    }
    let somebody = cloud.somebody("Storage Blob Data Owner", &id);
    let token = cloud.token_of(&somebody, "https://management.azure.com/");
    let who = json!({"account": "mine1", "token": token});
    let refused = cloud.refused_as(&who, "get", get.clone(), json!({})).await;
    assert_eq!(refused, (401, "InvalidAuthenticationInfo".to_owned()));
    let token = cloud.token_of(&somebody, "https://storage.azure.com/");
    cloud.instance.advance(Duration::from_secs(3601));
    let who = json!({"account": "mine1", "token": token});
    assert_eq!(cloud.refused_as(&who, "get", get, json!({})).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_data_owner_deletes_versions() {
    let (cloud, key) = with_blob(Config::default()).await;
    cloud
        .blob_service("mine1", json!({"isVersioningEnabled": true}))
        .await;
    let over = json!({"overwrite": true});
    cloud
        .call_as(&key, "put", json!(["box", "a", "two"]), over.clone())
        .await;
    cloud
        .call_as(&key, "put", json!(["box", "a", "three"]), over)
        .await;
    let all = cloud
        .call_as(
            &key,
            "blobs",
            json!(["box"]),
            json!({"include": ["versions"]}),
        )
        .await;
    let version = json!({"version_id": all[0]["version_id"]});
    let mut who = cloud.somebody("Storage Blob Data Contributor", &account_id("mine1"));
    who["account"] = json!("mine1");
    let refused = cloud
        .refused_as(&who, "delete", json!(["box", "a"]), version.clone())
        .await;
    assert_eq!(refused, (403, MISMATCH.to_owned()));
    let mut who = cloud.somebody("Storage Blob Data Owner", &account_id("mine1"));
    who["account"] = json!("mine1");
    cloud
        .call_as(&who, "delete", json!(["box", "a"]), version)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_is_worth_what_its_maker_may() {
    let config = Config {
        role_delay: Duration::from_secs(60),
        ..Config::default()
    };
    let (cloud, key) = with_blob(config).await;
    let refused = cloud
        .refused_as(&key, "delegated_sas", json!(["box", "a", "r"]), json!({}))
        .await;
    assert_eq!(refused, (403, "AuthenticationFailed".to_owned()));
    let mut who = cloud.somebody("Storage Blob Data Reader", &account_id("mine1"));
    who["account"] = json!("mine1");
    let sas = cloud
        .call_as(&who, "delegated_sas", json!(["box", "a", "rd"]), json!({}))
        .await;
    cloud
        .call_as(&with_sas(&sas), "get", json!(["box", "a"]), json!({}))
        .await;
    let refused = cloud
        .refused_as(&with_sas(&sas), "delete", json!(["box", "a"]), json!({}))
        .await;
    assert_eq!(refused, (403, MISMATCH.to_owned()));
    let list = cloud
        .call_as(
            &who,
            "delegated_sas",
            json!(["box", Value::Null, "rl"]),
            json!({}),
        )
        .await;
    cloud
        .call_as(&with_sas(&list), "blobs", json!(["box"]), json!({}))
        .await;
    let forged = sas.as_str().unwrap().replace("sp=rd", "sp=rwd");
    let refused = cloud
        .refused_as(
            &with_sas(&json!(forged)),
            "get",
            json!(["box", "a"]),
            json!({}),
        )
        .await;
    assert_eq!(refused, (403, "AuthenticationFailed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_is_not_public() {
    let (cloud, _) = with_blob(Config::default()).await;
    let nobody = json!({"account": "mine1", "nobody": true});
    let get = json!(["box", "a"]);
    let refused = cloud
        .refused_as(&nobody, "get", get.clone(), json!({}))
        .await;
    assert_eq!(refused, (409, "PublicAccessNotPermitted".to_owned()));
    let open = json!({"properties": {"allowBlobPublicAccess": true}});
    cloud
        .microsoft(
            "storage.storage_accounts.update",
            json!([GROUP, "mine1", open]),
        )
        .await;
    let refused = cloud
        .refused_as(&nobody, "get", get.clone(), json!({}))
        .await;
    assert_eq!(refused.0, 401);
    let public = json!({"properties": {"publicAccess": "Blob"}});
    cloud
        .microsoft(
            "storage.blob_containers.update",
            json!([GROUP, "mine1", "box", public]),
        )
        .await;
    cloud.call_as(&nobody, "get", get, json!({})).await;
    assert_eq!(
        cloud
            .refused_as(&nobody, "blobs", json!(["box"]), json!({}))
            .await
            .0,
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_network_lets_nobody_in() {
    let (cloud, who) = with_blob(Config::default()).await;
    let close = json!({"properties": {"networkAcls": {"defaultAction": "Deny"}}});
    cloud
        .microsoft(
            "storage.storage_accounts.update",
            json!([GROUP, "mine1", close]),
        )
        .await;
    let refused = cloud
        .refused_as(&who, "get", json!(["box", "a"]), json!({}))
        .await;
    assert_eq!(refused, (403, "AuthorizationFailure".to_owned()));
}
