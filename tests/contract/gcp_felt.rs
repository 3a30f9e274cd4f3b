//! What is not known everywhere yet on Google Cloud, and what somebody else takes over in the
//! middle: waited for, and left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::gcs::{Config, Fault};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::{Cloud, LookAt};
use wandb_provider::byob::identity::{AccessKey, Identity, IdentityService};
use wandb_provider::byob::marker::KEY as MARKER;
use wandb_provider::byob::observed::Reading;
use wandb_provider::byob::rights::Rights;
use wandb_provider::byob::{CloudError, CloudErrorKind};
use wandb_provider::clouds::gcp::{Clients, CredentialSource};

use crate::gcp::{Google, KEY, connection, file, open_with};
use crate::gcp_own::{account, alone, grants};
use crate::harness::{DEPLOY, PROJECT, wait};
use crate::server::{Server, generation, unused_name};

const ADMIN: &str = "roles/storage.admin";
const OURS: &str = "ready-00000001";
const THEIRS: &str = "ready-00000002";

fn ours() -> BTreeMap<String, String> {
    BTreeMap::from([(MARKER.to_owned(), OURS.to_owned())])
}

/// W&B's identity on a bucket.
fn on(bucket: &str) -> Identity {
    let rights = Rights {
        roles: [ADMIN.to_owned()].into(),
        ..Rights::on(bucket, None)
    };
    Identity::for_bucket(bucket, rights, &generation())
}

fn identities(cloud: &dyn Cloud) -> &dyn IdentityService {
    cloud.identity_service().expect("there is one")
}

/// Who may use the key from a moment on that is still to come.
fn let_in(server: &Google) {
    let path = format!("/storage/v1/projects/{PROJECT}/serviceAccount");
    let (_, told) = server.raw("GET", &path, &Value::Null);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let agent = told["email_address"].as_str().expect("an account");
    let policy = json!({"policy": {"bindings": [{
        "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "members": [account(agent)],
    }]}});
    let (status, body) = server.raw("POST", &format!("/v1/{KEY}:setIamPolicy"), &policy);
    assert_eq!(status, 200, "{body}");
}

#[test]
fn a_key_is_waited_for_whoever_let_cloud_storage_in() {
    let server = alone(Config {
        key_propagation: Duration::from_secs(12),
        ..Config::default()
    });
    // One who cannot see the key's policy.
    let blind = format!("blind@{PROJECT}.iam.gserviceaccount.com");
    server.instance.add_account(&blind);
    server
        .instance
        .grant_project(PROJECT, ADMIN, &account(&blind));
    let blind = file(&server.instance.key_file(&blind).expect("a key"));
    let url = server.instance.url();
    let blind = open_with(connection(&url, blind), &CancellationToken::new());
    let seeing = server.cloud();
    let (one, other) = (unused_name("felt"), unused_name("felt"));
    let encrypted = [Change::Encryption(server.encryption())];
    let tags = ours();
    let_in(server);
    let (blind, seeing) = wait(async {
        tokio::join!(
            blind.create(&one, &tags, &encrypted),
            seeing.create(&other, &tags, &encrypted),
        )
    });
    blind.expect("made by one who cannot see the key's policy");
    seeing.expect("made by one who finds it as it should be");
    for bucket in [one, other] {
        let resource = server.instance.bucket(&bucket).expect("there");
        assert_eq!(resource["encryption"]["defaultKmsKeyName"], KEY);
    }
}

#[test]
fn a_bucket_whose_policy_is_not_known_yet_gets_its_account() {
    let server = alone(Config::default());
    let bucket = unused_name("policy");
    let cloud = server.cloud();
    wait(cloud.create(&bucket, &ours(), &[])).expect("made");
    let late = format!("GET /storage/v1/b/{bucket}/iam");
    server.instance.fault(Fault::status(&late, 404, Some(3)));
    wait(identities(cloud.as_ref()).put_identity(&on(&bucket), true)).expect("made");
    let members = server.instance.bucket_policy(&bucket).expect("a policy");
    assert!(members.to_string().contains("wandb-byob-"), "{members}");
}

#[test]
fn the_longest_name_of_a_bucket_gets_its_account() {
    let server = alone(Config::default());
    let part = "a".repeat(54);
    let bucket = format!("{part}.{part}.{part}.{part}.ab");
    assert_eq!(bucket.len(), 222);
    let (cloud, identity) = (server.cloud(), on(&bucket));
    let service = identities(cloud.as_ref());
    // Such names are domains, which nobody owns here: there is no bucket to give roles on.
    let put = wait(service.put_identity(&identity, true)).map_err(|error| error.kind);
    assert_eq!(put, Err(CloudErrorKind::NotFound));
    // The account is there, is known again, and goes.
    assert!(wait(service.survives(&identity)).expect("told"));
    wait(service.delete_identity(&identity)).expect("deleted");
    assert!(!wait(service.survives(&identity)).expect("told"));
}

/// Somebody else takes a bucket over after it was looked at, and the write that follows finds
/// that something was changed meanwhile.
fn refused_when_taken<T: std::fmt::Debug>(
    server: &Google,
    write: impl FnOnce(&dyn Cloud, &str) -> Result<T, CloudError>,
) {
    let bucket = unused_name("taken");
    wait(server.cloud().create(&bucket, &ours(), &[])).expect("made");
    let cloud = server.cloud();
    wait(cloud.look(&bucket)).expect("an answer");
    let theirs = json!({"labels": {MARKER: THEIRS}, "cors": [{"origin": ["https://theirs"]}]});
    server
        .instance
        .patch_bucket(&bucket, &theirs)
        .expect("patched");
    let before = server.instance.bucket(&bucket);
    let policy = server.instance.bucket_policy(&bucket);
    let place = format!("PUT /storage/v1/b/{bucket}/iam");
    server.instance.fault(Fault::status(&place, 412, Some(1)));
    let error = write(cloud.as_ref(), &bucket).expect_err("refused");
    server.instance.clear_faults();
    assert_eq!(error.kind, CloudErrorKind::Conflict, "{error}");
    assert!(error.message.contains("somebody else"), "{error}");
    assert_eq!(server.instance.bucket(&bucket), before);
    assert_eq!(server.instance.bucket_policy(&bucket), policy);
}

#[test]
fn nothing_is_written_onto_a_bucket_that_is_somebody_elses_by_now() {
    let server = alone(Config::default());
    for change in [
        Change::Versioning(true),
        Change::SoftDelete(30),
        Change::Lifecycle(Vec::new()),
        Change::Ownership,
        Change::Tags(ours()),
        Change::Grants(grants(&[DEPLOY], &[])),
    ] {
        refused_when_taken(server, |cloud, bucket| wait(cloud.change(bucket, &change)));
    }
    refused_when_taken(server, |cloud, bucket| {
        wait(identities(cloud).put_identity(&on(bucket), true))
    });
}

#[test]
fn a_key_that_a_list_lacks_is_asked_for_by_its_id() {
    let server = alone(Config::default());
    let bucket = unused_name("listed");
    let (cloud, identity) = (server.cloud(), on(&bucket));
    wait(cloud.create(&bucket, &ours(), &[])).expect("made");
    let service = identities(cloud.as_ref());
    wait(service.put_identity(&identity, true)).expect("made");
    let key = wait(service.create_access_key(&identity)).expect("made");
    let look_at = |id: &str| LookAt {
        identity: Some(identity.clone()),
        access_key: Some(AccessKey::new(id.to_owned(), "unused")),
        ..LookAt::default()
    };
    let state = |id: &str| {
        let seen = wait(server.cloud().observe(&bucket, &look_at(id))).expect("an answer");
        match seen.expect("there").identity {
            Reading::Known(Some(state)) => state,
            other => panic!("{other:?}"),
        }
    };
    let made = state(&key.id);
    assert!(made.keys.contains_key(&key.id), "{made:?}");
    assert!(made.keys_made[&key.id] > 1_500_000_000, "{made:?}");
    // One that was never there is gone.
    assert!(state("0123").keys.contains_key(&key.id));
}

#[test]
fn the_question_for_the_project_ends_with_the_run() {
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let clients = Clients::new(connection(&url, CredentialSource::Default), |_| ());
    let clients = clients.expect("clients");
    let stop = CancellationToken::new();
    let stopping = async {
        tokio::task::yield_now().await;
        stop.cancel();
    };
    let (told, ()) = wait(async { tokio::join!(clients.own_project(&stop), stopping) });
    let kind = told.map_err(|error| error.kind);
    assert_eq!(kind, Err(CloudErrorKind::Stopped));
}
