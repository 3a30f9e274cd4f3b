//! Storage accounts, their services and their policies.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::azure::Config;

use crate::{Cloud, GROUP, STORAGE, SUBSCRIPTION, account_id, code, message};

fn body() -> Value {
    json!({"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_ZRS"}})
}

fn at(name: &str) -> String {
    format!("{}?api-version={STORAGE}", account_id(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_and_dies() {
    let cloud = Cloud::start().await;
    let call = |name: &str| format!("storage.storage_accounts.{name}");
    let free = cloud
        .microsoft(
            &call("check_name_availability"),
            json!([{"name": "mine1", "type": "Microsoft.Storage/storageAccounts"}]),
        )
        .await;
    assert_eq!(free["nameAvailable"], true);
    let mut wanted = body();
    wanted["tags"] = json!({"team": "omega"});
    wanted["properties"] = json!({"minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": false,
        "somethingNew": {"kept": 1}});
    let made = cloud
        .microsoft(&call("begin_create"), json!([GROUP, "mine1", wanted]))
        .await;
    assert_eq!(made["id"], account_id("mine1"));
    assert_eq!(
        made["sku"],
        json!({"name": "Standard_ZRS", "tier": "Standard"})
    );
    assert_eq!(made["properties"]["somethingNew"]["kept"], 1);
    assert_eq!(made["properties"]["supportsHttpsTrafficOnly"], true);
    let blob = format!("{}/mine1/", cloud.instance.addresses().blob);
    assert_eq!(made["properties"]["primaryEndpoints"]["blob"], blob);
    let change = json!({"properties": {"allowSharedKeyAccess": false}});
    let changed = cloud
        .microsoft(&call("update"), json!([GROUP, "mine1", change]))
        .await;
    assert_eq!(changed["properties"]["allowSharedKeyAccess"], false);
    assert_eq!(changed["properties"]["minimumTlsVersion"], "TLS1_2");
    assert_eq!(changed["tags"], json!({"team": "omega"}));
    let old = cloud.key("mine1").await;
    let keys = cloud
        .microsoft(
            &call("regenerate_key"),
            json!([GROUP, "mine1", {"keyName": "key1"}]),
        )
        .await;
    assert_ne!(keys["keys"][0]["value"], old);
    for list in ["list", "list_by_resource_group"] {
        let args = if list == "list" {
            json!([])
        } else {
            json!([GROUP])
        };
        assert_eq!(
            cloud
                .microsoft(&call(list), args)
                .await
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
    cloud
        .microsoft(&call("delete"), json!([GROUP, "mine1"]))
        .await;
    cloud
        .microsoft(&call("delete"), json!([GROUP, "mine1"]))
        .await;
    let gone = cloud
        .refused(&call("get_properties"), json!([GROUP, "mine1"]))
        .await;
    assert_eq!(gone, (404, "ResourceNotFound".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_operation_is_asked_for_until_it_is_over() {
    let config = Config {
        polls: 3,
        retry_after: 17,
        ..Config::default()
    };
    let cloud = Cloud::with(config).await;
    let request = cloud
        .request(Method::PUT, &at("slow1"))
        .bearer_auth(&cloud.token);
    let response = request.json(&body()).send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (202, &"17".parse().unwrap())
    );
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let (_, now) = cloud.arm(Method::GET, &at("slow1"), Value::Null).await;
    assert_eq!(now["properties"]["provisioningState"], "ResolvingDNS");
    let poll = async || {
        cloud
            .http
            .get(&location)
            .bearer_auth(&cloud.token)
            .send()
            .await
            .unwrap()
    };
    assert_eq!(poll().await.status(), 202);
    let done = poll().await;
    assert_eq!(done.status(), 200);
    let account: Value = done.json().await.unwrap();
    assert_eq!(account["properties"]["provisioningState"], "Succeeded");
    assert_eq!(cloud.arm(Method::PUT, &at("slow1"), body()).await.0, 200);
}

/// What is asked for by which name, and the status and the code that it is refused with.
/// An account `taken1` is there.
fn impossible() -> Vec<(&'static str, Value, u16, &'static str)> {
    let with = |name: &str, value: Value| {
        let mut wanted = body();
        wanted[name] = value;
        wanted
    };
    let many: serde_json::Map<String, Value> =
        (0..51).map(|at| (format!("t{at}"), json!("v"))).collect();
    vec![
        ("Upper1", body(), 400, "AccountNameInvalid"),
        ("ab", body(), 400, "AccountNameInvalid"),
        (
            "abc1",
            with("kind", Value::Null),
            400,
            "InvalidValuesForRequestParameters",
        ),
        (
            "abc1",
            with("sku", json!({"name": "Standard_XYZ"})),
            400,
            "InvalidValuesForRequestParameters",
        ),
        ("abc1", with("location", json!("")), 400, "LocationRequired"),
        (
            "abc1",
            with("location", json!("atlantis")),
            400,
            "LocationNotAvailableForResourceType",
        ),
        (
            "abc1",
            with("properties", json!({"minimumTlsVersion": "TLS9"})),
            400,
            "InvalidRequestPropertyValue",
        ),
        (
            "abc1",
            with("properties", json!({"allowSharedKeyAccess": "yes"})),
            400,
            "InvalidRequestContent",
        ),
        (
            "abc1",
            with("tags", json!({"a/b": "c"})),
            400,
            "InvalidTagNameCharacters",
        ),
        (
            "abc1",
            with("tags", json!({"a": "x".repeat(257)})),
            400,
            "InvalidTagValueLength",
        ),
        (
            "abc1",
            with("tags", Value::Object(many)),
            400,
            "ResourceTagsExceedLimit",
        ),
        (
            "taken1",
            with("location", json!("northeurope")),
            409,
            "InvalidResourceLocation",
        ),
        (
            "taken1",
            with("sku", json!({"name": "Standard_LRS"})),
            400,
            "StorageAccountTypeConversionNotAllowed",
        ),
        (
            "taken1",
            with("properties", json!({"isHnsEnabled": true})),
            409,
            "AccountPropertyCannotBeUpdated",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_account_can_be_is_refused() {
    let cloud = Cloud::start().await;
    cloud.account("taken1").await;
    for (name, wanted, status, expected) in impossible() {
        let (got, answer) = cloud.arm(Method::PUT, &at(name), wanted).await;
        assert_eq!((got, code(&answer)), (status, expected), "{name} {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_belong_to_everybody_and_namespaces_are_registered() {
    let cloud = Cloud::start().await;
    cloud.control(
        "POST",
        "/accounts/theirs1",
        json!({"subscription": "44444444-4444-4444-a444-444444444444"}),
    );
    let (_, answer) = cloud.arm(Method::PUT, &at("theirs1"), body()).await;
    assert_eq!(
        message(&answer),
        "The storage account named theirs1 is already taken."
    );
    let call = "storage.storage_accounts.check_name_availability";
    let taken = cloud
        .microsoft(
            call,
            json!([{"name": "theirs1", "type": "Microsoft.Storage/storageAccounts"}]),
        )
        .await;
    assert_eq!(
        (&taken["nameAvailable"], &taken["reason"]),
        (&json!(false), &json!("AlreadyExists"))
    );
    cloud.control("POST", "/accounts/other1", json!({"group": "elsewhere"}));
    let (status, answer) = cloud.arm(Method::PUT, &at("other1"), body()).await;
    assert_eq!(
        (status, code(&answer)),
        (409, "StorageAccountInAnotherResourceGroup")
    );
    cloud.control(
        "PUT",
        "/providers/Microsoft.Storage",
        json!({"registered": false}),
    );
    let (status, answer) = cloud.arm(Method::PUT, &at("abc1"), body()).await;
    assert_eq!(
        (status, code(&answer)),
        (409, "MissingSubscriptionRegistration")
    );
    let provider = format!("{SUBSCRIPTION}/providers/Microsoft.Storage?api-version=2022-12-01");
    assert_eq!(
        cloud.arm(Method::GET, &provider, Value::Null).await.1["registrationState"],
        "NotRegistered"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_versions_are_looked_at() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let id = account_id("mine1");
    let lower = at("mine1")
        .replace("resourceGroups", "RESOURCEGROUPS")
        .replace("storageAccounts", "storageaccounts");
    assert_eq!(cloud.arm(Method::GET, &lower, Value::Null).await.0, 200);
    for (path, status, expected) in [
        (id.clone(), 400, "MissingApiVersionParameter"),
        (
            format!("{id}?api-version=2099-01-01"),
            400,
            "InvalidResourceType",
        ),
        (
            format!("{id}/nonsense?api-version={STORAGE}"),
            404,
            "InvalidResourceType",
        ),
        (
            at("mine1").replace(GROUP, "nowhere"),
            404,
            "ResourceGroupNotFound",
        ),
        (
            at("mine1").replace("22222222-2222", "55555555-2222"),
            404,
            "SubscriptionNotFound",
        ),
        (
            at("mine1").replace("22222222-2222-4222-a222-222222222222", "mine"),
            400,
            "InvalidSubscriptionId",
        ),
        (at("nobody1"), 404, "ResourceNotFound"),
    ] {
        let (got, answer) = cloud.arm(Method::GET, &path, Value::Null).await;
        assert_eq!((got, code(&answer)), (status, expected), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_made_and_listed() {
    let cloud = Cloud::start().await;
    let group = format!("{SUBSCRIPTION}/resourcegroups/new?api-version=2022-12-01");
    assert_eq!(cloud.arm(Method::HEAD, &group, Value::Null).await.0, 404);
    let wanted = json!({"location": "North Europe", "tags": {"a": "b"}});
    let (status, made) = cloud.arm(Method::PUT, &group, wanted).await;
    assert_eq!((status, &made["location"]), (201, &json!("northeurope")));
    assert_eq!(cloud.arm(Method::HEAD, &group, Value::Null).await.0, 204);
    let moved = cloud
        .arm(Method::PUT, &group, json!({"location": "eastus"}))
        .await;
    assert_eq!(
        (moved.0, code(&moved.1)),
        (409, "InvalidResourceGroupLocation")
    );
    cloud.account("mine1").await;
    let inside = format!("{SUBSCRIPTION}/resourceGroups/{GROUP}/resources?api-version=2022-12-01");
    let (_, inside) = cloud.arm(Method::GET, &inside, Value::Null).await;
    assert_eq!(inside["value"][0]["id"], account_id("mine1"));
    assert_eq!(cloud.arm(Method::DELETE, &group, Value::Null).await.0, 200);
    assert_eq!(cloud.arm(Method::GET, &group, Value::Null).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_put_of_a_service_leaves_out_stays() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let rule = json!({"allowedOrigins": ["*"], "allowedMethods": ["GET", "PUT"],
        "allowedHeaders": ["*"], "exposedHeaders": ["*"], "maxAgeInSeconds": 3600});
    cloud
        .blob_service("mine1", json!({"cors": {"corsRules": [rule]}}))
        .await;
    cloud.blob_service("mine1", json!({"isVersioningEnabled": true, "deleteRetentionPolicy": {"enabled": true, "days": 7}})).await;
    let call = "storage.blob_services.get_service_properties";
    let found = cloud.microsoft(call, json!([GROUP, "mine1"])).await;
    assert_eq!(found["properties"]["cors"]["corsRules"], json!([rule]));
    assert_eq!(found["properties"]["isVersioningEnabled"], true);
    let path = format!(
        "{}/blobServices/default?api-version={STORAGE}",
        account_id("mine1")
    );
    let mut half = rule.clone();
    half.as_object_mut().unwrap().remove("exposedHeaders");
    for properties in [
        json!({"cors": {"corsRules": vec![rule.clone(); 6]}}),
        json!({"cors": {"corsRules": [half]}}),
        json!({"deleteRetentionPolicy": {"enabled": true, "days": 366}}),
        json!({"deleteRetentionPolicy": {"enabled": true}}),
        json!({"containerDeleteRetentionPolicy": {"enabled": true, "days": 0}}),
    ] {
        let (status, answer) = cloud
            .arm(Method::PUT, &path, json!({"properties": properties}))
            .await;
        assert_eq!(
            (status, code(&answer)),
            (400, "InvalidValuesForRequestParameters")
        );
    }
    let mut folders = body();
    folders["properties"] = json!({"isHnsEnabled": true});
    cloud
        .microsoft(
            "storage.storage_accounts.begin_create",
            json!([GROUP, "folders1", folders]),
        )
        .await;
    let versions = json!([GROUP, "folders1", {"properties": {"isVersioningEnabled": true}}]);
    let refused = cloud
        .refused("storage.blob_services.set_service_properties", versions)
        .await;
    assert_eq!(refused.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_management_policy_is_whole_or_refused() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    let call = |name: &str| format!("storage.management_policies.{name}");
    let none = cloud
        .refused(&call("get"), json!([GROUP, "mine1", "default"]))
        .await;
    assert_eq!(none, (404, "ManagementPolicyNotFound".to_owned()));
    let rule = json!({"name": "old-versions", "enabled": true, "type": "Lifecycle", "definition": {
        "filters": {"blobTypes": ["blockBlob"]},
        "actions": {"version": {"delete": {"daysAfterCreationGreaterThan": 30}}}}});
    let policy = |rules: Value| json!([GROUP, "mine1", "default", {"properties": {"policy": {"rules": rules}}}]);
    cloud
        .microsoft(&call("create_or_update"), policy(json!([rule])))
        .await;
    let found = cloud
        .microsoft(&call("get"), json!([GROUP, "mine1", "default"]))
        .await;
    assert_eq!(found["properties"]["policy"]["rules"], json!([rule]));
    let mut actionless = rule.clone();
    actionless["definition"]["actions"] = json!({});
    for rules in [json!([]), json!([actionless]), json!([rule, rule])] {
        assert_eq!(
            cloud
                .refused(&call("create_or_update"), policy(rules))
                .await
                .0,
            400
        );
    }
    cloud
        .microsoft(&call("delete"), json!([GROUP, "mine1", "default"]))
        .await;
    cloud
        .refused(&call("get"), json!([GROUP, "mine1", "default"]))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_queues_and_tables_are_listed() {
    let cloud = Cloud::start().await;
    cloud.account("mine1").await;
    for kind in ["shares", "queues", "tables"] {
        cloud.control("POST", &format!("/accounts/mine1/{kind}/one"), json!({}));
    }
    for call in [
        "storage.file_shares.list",
        "storage.queue.list",
        "storage.table.list",
    ] {
        let found = cloud.microsoft(call, json!([GROUP, "mine1"])).await;
        assert_eq!(found[0]["name"], "one", "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_listed_to_those_who_see_them() {
    let cloud = Cloud::start().await;
    let path = "/subscriptions?api-version=2022-12-01";
    let (_, owned) = cloud.arm(Method::GET, path, Value::Null).await;
    assert_eq!(owned["value"][0]["id"], SUBSCRIPTION);
    let nobody = cloud.token_of(&cloud.somebody("", ""), crate::MANAGEMENT);
    let (status, none) = cloud.arm_as(&nobody, Method::GET, path, Value::Null).await;
    assert_eq!((status, &none["value"]), (200, &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_the_making_lets_nothing_else_happen() {
    let config = Config {
        polls: 3,
        ..Config::default()
    };
    let cloud = Cloud::with(config).await;
    assert_eq!(cloud.arm(Method::PUT, &at("slow1"), body()).await.0, 202);
    for (method, sent) in [(Method::PUT, body()), (Method::DELETE, Value::Null)] {
        let (status, answer) = cloud.arm(method, &at("slow1"), sent).await;
        let expected = (409, "StorageAccountOperationInProgress");
        assert_eq!((status, code(&answer)), expected);
    }
    let mut states = Vec::new();
    for _ in 0..3 {
        let (_, now) = cloud.arm(Method::GET, &at("slow1"), Value::Null).await;
        let state = &now["properties"]["provisioningState"];
        states.push(state.as_str().unwrap().to_owned());
    }
    assert_eq!(states, ["ResolvingDNS", "ResolvingDNS", "Succeeded"]);
    assert_eq!(cloud.arm(Method::PUT, &at("slow1"), body()).await.0, 200);
}
