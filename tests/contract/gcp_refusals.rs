//! What Google Cloud refuses or hides, and what is made of it.

use std::collections::BTreeMap;

use serde_json::json;
use simulator::gcs::{Config, Constraint, Fault};
use simulator::proxy::{Options, Proxy, Reply};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::LookAt;
use wandb_provider::byob::observed::Reading;

use crate::gcp_own::{account, alone, grants};
use crate::harness::{DEPLOY, wait};
use crate::server::{Server, owned, unused_name};

#[test]
fn what_keeps_new_objects_is_told() {
    let server = alone(Config::default());
    let bucket = unused_name("keeps");
    server.make(&bucket);
    let told = || wait(server.cloud().default_retention(&bucket)).expect("told");
    assert_eq!(told(), Reading::Known(String::new()));
    let hold = json!({"defaultEventBasedHold": true});
    server
        .instance
        .patch_bucket(&bucket, &hold)
        .expect("patched");
    assert_eq!(
        told(),
        Reading::Known("default event-based hold".to_owned())
    );
    let period =
        json!({"defaultEventBasedHold": false, "retentionPolicy": {"retentionPeriod": "172800"}});
    server
        .instance
        .patch_bucket(&bucket, &period)
        .expect("patched");
    assert_eq!(
        told(),
        Reading::Known("retention policy, 2 days".to_owned())
    );
    // And it keeps what is there.
    server.put(&bucket, "kept");
    let refused = wait(server.cloud().empty(&owned(&bucket))).expect_err("kept");
    assert_eq!(refused.kind, CloudErrorKind::Conflict, "{refused}");
    assert_eq!(server.get(&bucket, "kept").as_deref(), Some("data"));
}

#[test]
fn one_lying_404_is_no_proof() {
    let server = alone(Config::default());
    let bucket = unused_name("lies");
    server.make(&bucket);
    let look = format!("GET /storage/v1/b/{bucket}?");
    server.instance.fault(Fault::status(&look, 404, None));
    assert_eq!(wait(server.cloud().look(&bucket)).expect("an answer"), None);
    let observed = wait(server.cloud().observe(&bucket, &LookAt::default()));
    assert_eq!(
        observed.map(drop).map_err(|error| error.kind),
        Err(CloudErrorKind::Unexpected)
    );
    let proven = wait(server.cloud().confirm_absence(&bucket)).map_err(|error| error.kind);
    assert_eq!(proven, Err(CloudErrorKind::Unexpected));
    server.instance.clear_faults();
    server.instance.remove_bucket(&bucket);
    wait(server.cloud().confirm_absence(&bucket)).expect("gone");
    // A page of a proxy says nothing about buckets.
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    let page = Reply {
        status: 404,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html>Not Found</html>".to_owned(),
    };
    proxy.reply(9, page, |_| true);
    let cloud = server.open_at(proxy.address(), &CancellationToken::new());
    let looked = wait(cloud.look(&bucket)).map_err(|error| error.kind);
    assert_eq!(looked, Err(CloudErrorKind::Unexpected));
}

#[test]
fn rules_of_organizations_are_named() {
    let server = alone(Config::default());
    let bucket = unused_name("org");
    server.make(&bucket);
    let named = |error: wandb_provider::byob::CloudError, name: &str| {
        assert_eq!(error.kind, CloudErrorKind::Invalid, "{error}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains(name), "{hint}");
    };
    server.instance.constrain(Constraint::UniformAccess);
    let made = wait(
        server
            .cloud()
            .create(&unused_name("org"), &BTreeMap::new(), &[]),
    );
    named(
        made.expect_err("refused"),
        "constraints/storage.uniformBucketLevelAccess",
    );
    server.instance.lift_constraints();
    server.instance.constrain(Constraint::Domains {
        allowed: vec!["example.com".to_owned()],
    });
    let wanted = Change::Grants(grants(&[DEPLOY], &[]));
    let written = wait(server.cloud().change(&bucket, &wanted));
    named(
        written.expect_err("refused"),
        "constraints/iam.allowedPolicyMemberDomains",
    );
}

#[test]
fn a_name_that_anybody_has_is_taken_and_never_ours() {
    let server = alone(Config::default());
    server
        .instance
        .add_account("b@other-project.iam.gserviceaccount.com");
    let owner = "b@other-project.iam.gserviceaccount.com";
    server
        .instance
        .grant_project("other-project", "roles/owner", &account(owner));
    let token = server.instance.token(owner);
    wait(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let url = format!(
            "{}/storage/v1/b?project=other-project",
            server.instance.url()
        );
        let made = client.post(url).bearer_auth(token);
        let made = made.json(&json!({"name": "acme-taken"})).send().await;
        assert_eq!(made.expect("an answer").status(), 200);
    });
    let error = wait(server.cloud().create("acme-taken", &BTreeMap::new(), &[]));
    let error = error.expect_err("taken");
    assert_eq!(error.kind, CloudErrorKind::AlreadyExists);
    let hint = error.hint.unwrap_or_default();
    assert!(hint.contains("shared by everybody"), "{hint}");
    let error = wait(server.cloud().look("acme-taken")).expect_err("no look at it");
    assert_eq!(error.kind, CloudErrorKind::Denied);
    let hint = error.hint.unwrap_or_default();
    assert!(hint.contains("another project has it"), "{hint}");
}

#[test]
fn who_is_too_fast_is_let_in_later() {
    let server = alone(Config::default());
    let bucket = unused_name("fast");
    server.make(&bucket);
    server.instance.fault(Fault::Status {
        path_contains: format!("PATCH /storage/v1/b/{bucket}"),
        code: 429,
        message: None,
        times: Some(1),
        retry_after: Some(1),
    });
    server.instance.clear_requests();
    wait(server.cloud().change(&bucket, &Change::Versioning(true))).expect("written");
    let patches = server.instance.requests();
    let patches = patches.iter().filter(|one| one.method == "PATCH");
    let statuses: Vec<Option<u16>> = patches.map(|one| one.status).collect();
    assert_eq!(statuses, [Some(429), Some(200)]);
    assert!(server.seen(&bucket).expect("there").versioning);
}
