//! What Azure refuses in words, and what is made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::azure::{Config, Fault};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::Cloud;
use wandb_provider::byob::{CloudError, CloudErrorKind};
use wandb_provider::clouds::azure::{Place, open};

use crate::azure::{Microsoft, SUBSCRIPTION, account, place};
use crate::harness::wait;
use crate::server::{Server, owned, unused_name};

/// The group of all accounts here.
const GROUP_ID: &str =
    "/subscriptions/22222222-2222-4222-a222-222222222222/resourceGroups/simulated-group";

/// A server of a test's own.
fn alone() -> Microsoft {
    Microsoft::start(Config::default())
}

/// A place, opened by a principal; by the owner without one.
fn at(server: &Microsoft, who: &Value, place: Place) -> Arc<dyn Cloud> {
    open(&server.clients_of(who), place, CancellationToken::new())
}

fn owners(server: &Microsoft, bucket: &str) -> Arc<dyn Cloud> {
    at(server, &Value::Null, place(bucket))
}

fn create(cloud: &Arc<dyn Cloud>, bucket: &str) -> CloudError {
    let tags = BTreeMap::from([(
        "terraform-provider-wandb".to_owned(),
        "creating-00c0ffee".to_owned(),
    )]);
    wait(cloud.create(bucket, &tags, &[])).expect_err("refused")
}

/// Kind, code and words.
fn told(error: &CloudError) -> (CloudErrorKind, &str, &str) {
    let code = error.code.as_deref().unwrap_or_default();
    (error.kind, code, &error.message)
}

fn hint(error: &CloudError) -> &str {
    error.hint.as_deref().unwrap_or_default()
}

/// What came of the requests whose path ends like this, in their order.
fn statuses(server: &Microsoft, method: &str, end: &str) -> Vec<Option<u16>> {
    let requests = server.instance.requests();
    let of = requests.iter().filter(|one| one.method == method);
    let of = of.filter(|one| one.path.ends_with(end));
    of.map(|one| one.status).collect()
}

#[test]
fn a_missing_action_is_named_with_its_place() {
    let server = &alone();
    let bucket = unused_name("action");
    server.make(&bucket);
    let somebody = server.somebody();
    let cloud = at(server, &somebody, place(&bucket));
    let error = wait(cloud.look(&bucket)).expect_err("refused");
    assert_eq!(error.kind, CloudErrorKind::Denied);
    assert_eq!(error.code.as_deref(), Some("AuthorizationFailed"));
    let scope = format!(
        "{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default/containers/{bucket}",
        account(&bucket)
    );
    assert_eq!(
        hint(&error),
        format!(
            "Give the caller a role with the action \
             Microsoft.Storage/storageAccounts/blobServices/containers/read on {scope:?} or above \
             it; a role that was given a moment ago takes minutes to have an effect."
        )
    );
    // A reader sees, and lacks another action for each thing that it does.
    let grant = json!({"principal": somebody["object_id"], "role": "Reader",
        "scope": format!("/subscriptions/{SUBSCRIPTION}")});
    server.control("POST", "/grants", grant);
    let cloud = at(server, &somebody, place(&bucket));
    assert!(wait(cloud.look(&bucket)).expect("an answer").is_some());
    let versioning = wait(cloud.change(&bucket, &Change::Versioning(true)));
    let versioning = versioning.expect_err("refused");
    let keys = wait(cloud.contents(&bucket, 1)).expect_err("refused");
    let other = unused_name("action-new");
    let account = create(&at(server, &somebody, place(&other)), &other);
    for (error, action) in [
        (
            versioning,
            "Microsoft.Storage/storageAccounts/blobServices/write",
        ),
        (keys, "Microsoft.Storage/storageAccounts/listKeys/action"),
        (account, "Microsoft.Storage/storageAccounts/write"),
    ] {
        assert_eq!(error.kind, CloudErrorKind::Denied, "{error}");
        assert_eq!(error.code.as_deref(), Some("AuthorizationFailed"));
        let words = format!("Give the caller a role with the action {action} on ");
        assert!(hint(&error).starts_with(&words), "{}", hint(&error));
    }
    assert!(!server.seen(&bucket).expect("there").versioning);
    assert_eq!(server.seen(&other), None);
}

#[test]
fn a_namespace_that_is_not_registered_is_told_with_the_command() {
    let server = &alone();
    let bucket = unused_name("register");
    let registered = json!({"registered": false});
    server.control("PUT", "/providers/Microsoft.Storage", registered);
    let error = create(&owners(server, &bucket), &bucket);
    assert_eq!(
        told(&error),
        (
            CloudErrorKind::Invalid,
            "MissingSubscriptionRegistration",
            "The subscription is not registered to use namespace 'Microsoft.Storage'. See \
             https://aka.ms/rps-not-found for how to register subscriptions."
        )
    );
    assert_eq!(
        hint(&error),
        "Register the subscription for it, which takes a minute or two: az provider register \
         --namespace Microsoft.Storage"
    );
    assert_eq!(server.seen(&bucket), None);
    let registered = json!({"registered": true});
    server.control("PUT", "/providers/Microsoft.Storage", registered);
    wait(owners(server, &bucket).create(&bucket, &BTreeMap::new(), &[])).expect("made");
}

#[test]
fn an_account_of_somebody_else_is_taken_and_never_ours() {
    let server = &alone();
    let bucket = unused_name("taken");
    let others = "33333333-3333-4333-a333-333333333333";
    let subscription = json!({"id": others, "tenant": "44444444-4444-4444-a444-444444444444"});
    server.control("POST", "/subscriptions", subscription);
    let path = format!("/accounts/{}", account(&bucket));
    let theirs = json!({"subscription": others, "tags": {"team": "theirs"}});
    server.control("POST", &path, theirs);
    let error = create(&owners(server, &bucket), &bucket);
    let words = format!(
        "The storage account named {} is already taken.",
        account(&bucket)
    );
    // It is about the account, and no container of ours is there.
    assert_eq!(
        told(&error),
        (
            CloudErrorKind::Invalid,
            "StorageAccountAlreadyTaken",
            &*words
        )
    );
    assert_eq!(
        hint(&error),
        "The names of storage accounts are shared by everybody on Azure. Choose another \
         storage_account_name."
    );
    // A plan is told before anything is made; nobody else is stopped by it.
    let cloud = owners(server, &bucket);
    assert_eq!(wait(cloud.look(&bucket)).expect("an answer"), None);
    let told = wait(cloud.confirm_room(&bucket)).expect_err("refused");
    assert_eq!(told.kind, CloudErrorKind::Invalid, "{told}");
    let after = server.control("GET", &path, Value::Null);
    assert_eq!(after["tags"], json!({"team": "theirs"}));
}

#[test]
fn a_group_that_is_not_there_is_told_with_the_command() {
    let server = &alone();
    let bucket = unused_name("group");
    let elsewhere = Place {
        group: "nowhere".to_owned(),
        ..place(&bucket)
    };
    let error = create(&at(server, &Value::Null, elsewhere.clone()), &bucket);
    assert_eq!(
        told(&error),
        (
            CloudErrorKind::NotFound,
            "ResourceGroupNotFound",
            "Resource group 'nowhere' could not be found."
        )
    );
    assert_eq!(
        hint(&error),
        "Create the resource group first (az group create), or name another one in \
         resource_group_name."
    );
    // Where there is no group, there is no container.
    let cloud = at(server, &Value::Null, elsewhere);
    assert_eq!(wait(cloud.look(&bucket)).expect("an answer"), None);
}

#[test]
fn a_name_on_its_way_out_is_waited_for() {
    let server = &alone();
    let bucket = unused_name("leaving");
    server.make(&bucket);
    server.control("PATCH", "/settings", json!({"container_deletion": 2}));
    let path = format!("/accounts/{}/containers/{bucket}", account(&bucket));
    server.control("DELETE", &path, Value::Null);
    assert_eq!(
        wait(owners(server, &bucket).look(&bucket)).expect("an answer"),
        None
    );
    server.instance.clear_requests();
    wait(owners(server, &bucket).create(&bucket, &BTreeMap::new(), &[])).expect("made");
    let puts = statuses(server, "PUT", &format!("/containers/{bucket}"));
    let (last, before) = puts.split_last().expect("it was made");
    assert_eq!(*last, Some(201));
    assert!(!before.is_empty(), "nobody was refused");
    assert!(before.iter().all(|one| *one == Some(409)), "{before:?}");
}

#[test]
fn what_is_in_a_container_on_its_way_out_is_not_told() {
    let server = &alone();
    let bucket = unused_name("leaving");
    server.make(&bucket);
    server.put(&bucket, "data");
    server.instance.fault(Fault::status("blob GET", 409, None));
    // The service for blobs has a code of its own for it, and no container is empty by it.
    for outcome in [
        wait(owners(server, &bucket).contents(&bucket, 1)),
        wait(owners(server, &bucket).empty(&owned(&bucket))),
    ] {
        let error = outcome.expect_err("refused");
        assert_eq!(error.kind, CloudErrorKind::Conflict, "{error}");
        assert_eq!(error.code.as_deref(), Some("ContainerBeingDeleted"));
    }
    server.instance.clear_faults();
    assert_eq!(server.get(&bucket, "data").as_deref(), Some("data"));
}

#[test]
fn a_stop_ends_the_wait_for_a_name() {
    let server = &alone();
    let bucket = unused_name("stopped");
    server.make(&bucket);
    server.control("PATCH", "/settings", json!({"container_deletion": 600}));
    let path = format!("/accounts/{}/containers/{bucket}", account(&bucket));
    server.control("DELETE", &path, Value::Null);
    let stop = CancellationToken::new();
    let cloud = open(
        &server.clients_of(&Value::Null),
        place(&bucket),
        stop.clone(),
    );
    let error = wait(async {
        let no_tags = BTreeMap::new();
        let stopping = async {
            while statuses(server, "PUT", &format!("/containers/{bucket}")).is_empty() {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        let (made, ()) = tokio::join!(cloud.create(&bucket, &no_tags, &[]), stopping);
        made.expect_err("stopped")
    });
    assert_eq!(error.kind, CloudErrorKind::Stopped, "{error}");
    assert_eq!(server.seen(&bucket), None);
}

#[test]
fn a_lock_is_named_and_nothing_is_deleted() {
    let server = &alone();
    let bucket = unused_name("lock");
    server.make(&bucket);
    server.put(&bucket, "data");
    let lock = json!({"name": "keep", "scope": GROUP_ID, "level": "CanNotDelete"});
    server.control("POST", "/locks", lock);
    let why = format!(
        "the lock \"keep\" is in the way: \
         {GROUP_ID}/providers/Microsoft.Authorization/locks/keep"
    );
    let emptied = wait(owners(server, &bucket).empty(&owned(&bucket))).expect_err("locked");
    assert_eq!(told(&emptied), (CloudErrorKind::Conflict, "", &*why));
    assert_eq!(
        hint(&emptied),
        "Remove the lock (az lock delete --ids), then try again."
    );
    assert_eq!(server.get(&bucket, "data").as_deref(), Some("data"));
    // One that is for everything: a write is refused by Azure itself.
    server.control("DELETE", "/locks", Value::Null);
    let lock = json!({"name": "freeze", "scope": GROUP_ID, "level": "ReadOnly"});
    server.control("POST", "/locks", lock);
    let cloud = owners(server, &bucket);
    let written = wait(cloud.change(&bucket, &Change::Versioning(true))).expect_err("locked");
    assert_eq!(written.kind, CloudErrorKind::Conflict, "{written}");
    assert_eq!(written.code.as_deref(), Some("ScopeLocked"));
    let words = format!(
        "cannot perform write operation because following scope(s) are locked: '{GROUP_ID}'"
    );
    assert!(written.message.contains(&words), "{written}");
    assert_eq!(
        hint(&written),
        "A lock is in the way. Remove it (az lock delete), then try again."
    );
    assert!(!server.seen(&bucket).expect("there").versioning);
    server.control("DELETE", "/locks", Value::Null);
    wait(cloud.change(&bucket, &Change::Versioning(true))).expect("written");
}

#[test]
fn a_hold_on_the_container_is_refused_before_anything_goes() {
    let server = &alone();
    let bucket = unused_name("hold");
    server.make(&bucket);
    server.put(&bucket, "data");
    let container = format!("/blobServices/default/containers/{bucket}");
    let tags = json!({"tags": ["audit"]});
    let set = format!("{container}/setLegalHold");
    server.manage(Method::POST, &bucket, &set, &tags);
    let emptied = wait(owners(server, &bucket).empty(&owned(&bucket))).expect_err("held");
    assert_eq!(
        told(&emptied),
        (
            CloudErrorKind::Conflict,
            "",
            "the container is under a legal hold"
        )
    );
    assert_eq!(server.get(&bucket, "data").as_deref(), Some("data"));
    let clear = format!("{container}/clearLegalHold");
    server.manage(Method::POST, &bucket, &clear, &tags);
    wait(owners(server, &bucket).empty(&owned(&bucket))).expect("emptied");
    assert_eq!(server.get(&bucket, "data"), None);
}

/// Throttled, or in each other's way: a write is sent again after the time that Azure asks for.
#[test]
fn who_is_too_fast_is_let_in_later() {
    let server = &alone();
    for (code, retry_after) in [(429, Some(1)), (409, None)] {
        let bucket = unused_name("fast");
        server.make(&bucket);
        let line = format!(
            "arm PUT {GROUP_ID}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default?",
            account(&bucket)
        );
        server.instance.fault(Fault::Status {
            path_contains: line,
            code,
            message: None,
            times: Some(1),
            retry_after,
        });
        server.instance.clear_requests();
        let cloud = owners(server, &bucket);
        wait(cloud.change(&bucket, &Change::Versioning(true))).expect("written");
        let puts = statuses(server, "PUT", "/blobServices/default");
        assert_eq!(puts, [Some(code), Some(200)]);
        assert!(server.seen(&bucket).expect("there").versioning);
    }
}

/// What does not pass in time is told as what it is, and has changed nothing.
#[test]
fn what_never_lets_in_is_told() {
    let server = &alone();
    for (code, kind, name, words) in [
        (
            429,
            CloudErrorKind::Throttled,
            "TooManyRequests",
            "The request is being throttled.",
        ),
        (
            409,
            CloudErrorKind::Conflict,
            "AnotherOperationInProgress",
            "Another operation on this or dependent resource is in progress.",
        ),
    ] {
        let bucket = unused_name("never");
        server.make(&bucket);
        server.instance.clear_requests();
        let fault = Fault::status("arm PUT /subscriptions", code, None);
        server.instance.fault(fault);
        let cloud = owners(server, &bucket);
        let error = wait(cloud.change(&bucket, &Change::Versioning(true))).expect_err("refused");
        assert_eq!(told(&error), (kind, name, words));
        // The first attempt, and as many more as the connection says.
        let puts = statuses(server, "PUT", "/blobServices/default");
        assert_eq!(puts, [Some(code), Some(code), Some(code)]);
        assert!(!server.seen(&bucket).expect("there").versioning);
        server.instance.clear_faults();
    }
}
