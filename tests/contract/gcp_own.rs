//! What only Google Cloud promises: one call that makes a bucket, policies and labels that
//! others change at the same time, and customers' keys.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use simulator::gcs::Config;
use simulator::proxy::{Cut, Options, Proxy};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::LookAt;
use wandb_provider::byob::marker::{KEY as MARKER, Marker};
use wandb_provider::byob::observed::{LifecycleRule, Observed, Reading, Rule};
use wandb_provider::byob::rights::Rights;
use wandb_provider::byob::spec::{Grants, KeySpec, cors_rule_on};
use wandb_provider::byob::{CloudErrorKind, CloudKind};

use crate::gcp::{Google, KEY};
use crate::harness::{DEPLOY, PROJECT, wait};
use crate::server::{Server, generation, owned, unused_name};

const ADMIN: &str = "roles/storage.admin";

/// A server of a test's own.
pub fn alone(config: Config) -> &'static Google {
    // It lives as long as the process, and ends with it.
    Box::leak(Box::new(Google::start(config)))
}

pub fn grants(principals: &[&str], former: &[&str]) -> Grants {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Grants {
        principals: principals.iter().map(|name| (*name).to_owned()).collect(),
        former: set(former),
        rights: Rights {
            roles: BTreeSet::from([ADMIN.to_owned()]),
            ..Rights::on("any", None)
        },
        https_only: false,
        exclusive: false,
    }
}

fn observe(server: &Google, bucket: &str, grants: Option<Grants>) -> Observed {
    let look_at = LookAt {
        grants,
        ..LookAt::default()
    };
    let observed = wait(server.cloud().observe(bucket, &look_at));
    observed.expect("an answer").expect("there")
}

/// The members of a role, one for each binding of it, with the binding's condition.
fn members(server: &Google, bucket: &str, role: &str) -> Vec<(Vec<String>, Value)> {
    let policy = server.instance.bucket_policy(bucket).expect("a policy");
    let bindings = policy["bindings"].as_array().cloned().unwrap_or_default();
    bindings
        .iter()
        .filter(|one| one["role"] == role)
        .map(|one| {
            let members = one["members"].as_array().expect("members").iter();
            let members = members.map(|one| one.as_str().expect("a text").to_owned());
            (members.collect(), one["condition"].clone())
        })
        .collect()
}

pub fn account(email: &str) -> String {
    format!("serviceAccount:{email}")
}

#[test]
fn one_call_makes_a_bucket_with_everything() {
    let server = alone(Config::default());
    let bucket = unused_name("whole");
    let marker = Marker::creating(generation()).to_string();
    let tags = BTreeMap::from([
        ("team".to_owned(), "ml".to_owned()),
        (MARKER.to_owned(), marker.clone()),
    ]);
    let rule = LifecycleRule {
        id: "wandb-byob-noncurrent-versions".to_owned(),
        enabled: true,
        prefix: "teams/a/".to_owned(),
        noncurrent_days: Some(30),
        ..LifecycleRule::default()
    };
    let settings = [
        Change::PublicAccess(true),
        Change::Ownership,
        Change::Versioning(true),
        Change::SoftDelete(9),
        Change::Cors(vec![cors_rule_on(CloudKind::Gcp, vec!["*".to_owned()], 60)]),
        Change::Lifecycle(vec![rule.clone()]),
    ];
    server.instance.clear_requests();
    let cloud = server.cloud();
    wait(cloud.create(&bucket, &tags, &settings)).expect("made");
    let sent: Vec<String> = server
        .instance
        .requests()
        .iter()
        .map(|one| format!("{} {}", one.method, one.path))
        .collect();
    assert_eq!(sent, ["POST /storage/v1/b"]);
    let resource = server.instance.bucket(&bucket).expect("there");
    assert_eq!(resource["labels"], json!({"team": "ml", MARKER: marker}));
    assert_eq!(resource["versioning"], json!({"enabled": true}));
    assert_eq!(
        resource["softDeletePolicy"]["retentionDurationSeconds"],
        "777600"
    );
    let access = &resource["iamConfiguration"];
    assert_eq!(access["publicAccessPrevention"], "enforced");
    assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true);
    assert_eq!(
        resource["cors"],
        json!([{"origin": ["*"], "method": ["GET", "HEAD", "PUT"],
            "responseHeader": ["Content-Type", "ETag"], "maxAgeSeconds": 60}])
    );
    assert_eq!(
        resource["lifecycle"]["rule"],
        json!([{"action": {"type": "Delete"},
            "condition": {"daysSinceNoncurrentTime": 30, "matchesPrefix": ["teams/a/"]}}])
    );
    // What was promised of it is what it is.
    let fresh = cloud.fresh(&bucket, &tags, &settings).expect("known");
    let look_at = LookAt {
        lifecycle: vec![rule],
        ..LookAt::default()
    };
    let seen = wait(cloud.observe(&bucket, &look_at));
    let seen = seen.expect("an answer").expect("there");
    assert_eq!(seen.versioning, fresh.versioning);
    assert_eq!(seen.soft_delete, fresh.soft_delete);
    assert_eq!(seen.public_access, fresh.public_access);
    assert_eq!(seen.other_owner, fresh.other_owner);
    assert_eq!(seen.lifecycle, fresh.lifecycle);
    assert_eq!(seen.encryption, fresh.encryption);
    assert_eq!(seen.storage_class, fresh.storage_class);
    assert_eq!((seen.location, seen.marker), (fresh.location, fresh.marker));
}

#[test]
fn a_lost_answer_to_the_making_makes_one_bucket() {
    let server = alone(Config::default());
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    let tags =
        |generation: &str| BTreeMap::from([(MARKER.to_owned(), format!("creating-{generation}"))]);
    proxy.cut_at(1, Cut::After);
    let cloud = server.open_at(proxy.address(), &CancellationToken::new());
    wait(cloud.create("lost-answer", &tags("00000001"), &[])).expect("made");
    let seen = server.seen("lost-answer").expect("there");
    assert_eq!(seen.tags, tags("00000001"));
    // Somebody else's is never ours, whatever became of the first request.
    proxy.clear();
    proxy.cut_at(1, Cut::Before);
    let cloud = server.open_at(proxy.address(), &CancellationToken::new());
    let taken = wait(cloud.create("lost-answer", &tags("00000002"), &[]));
    assert_eq!(
        taken.map_err(|error| error.kind),
        Err(CloudErrorKind::AlreadyExists)
    );
    let seen = server.seen("lost-answer").expect("there");
    assert_eq!(seen.tags, tags("00000001"));
}

#[test]
fn bindings_of_others_survive_ours_and_a_race() {
    let server = alone(Config::default());
    let bucket = unused_name("race");
    server.make(&bucket);
    let mut policy = server.instance.bucket_policy(&bucket).expect("a policy");
    let gone = format!("deleted:{}?uid=123456789012345678901", account(DEPLOY));
    let condition =
        json!({"title": "until", "expression": "request.time < timestamp('2099-01-01T00:00:00Z')"});
    let bindings = policy["bindings"].as_array_mut().expect("bindings");
    bindings.push(json!({"role": ADMIN, "members": [gone, "user:jane@example.com"]}));
    bindings.push(json!({"role": ADMIN, "members": [account(DEPLOY)], "condition": condition}));
    policy["version"] = json!(3);
    server
        .instance
        .set_bucket_policy(&bucket, &policy)
        .expect("set");
    let before = observe(server, &bucket, Some(grants(&[DEPLOY], &[])));
    assert_eq!(before.grants.known().expect("told").wandb, Rule::Missing);

    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    let name = bucket.clone();
    proxy.run_at(2, move || {
        // Between our read and our write.
        let mut policy = server.instance.bucket_policy(&name).expect("a policy");
        let more =
            json!({"role": "roles/storage.objectViewer", "members": ["user:joe@example.com"]});
        policy["bindings"]
            .as_array_mut()
            .expect("bindings")
            .push(more);
        server
            .instance
            .set_bucket_policy(&name, &policy)
            .expect("set");
    });
    let cloud = server.open_at(proxy.address(), &CancellationToken::new());
    let wanted = Change::Grants(grants(&[DEPLOY], &[]));
    wait(cloud.change(&bucket, &wanted)).expect("written");
    let sent: Vec<Option<u16>> = proxy.requests().iter().map(|one| one.status).collect();
    assert_eq!(sent, [Some(200), Some(412), Some(200), Some(200)]);
    let jane = "user:jane@example.com".to_owned();
    assert_eq!(
        members(server, &bucket, ADMIN),
        [
            (vec![gone, jane, account(DEPLOY)], Value::Null),
            (vec![account(DEPLOY)], condition.clone()),
        ]
    );
    let joe = vec!["user:joe@example.com".to_owned()];
    let viewers = members(server, &bucket, "roles/storage.objectViewer");
    assert_eq!(viewers, [(joe.clone(), Value::Null)]);

    // W&B's account changes: the one before is let out, and nobody else.
    let integration = "wandb-integration@wandb-production.iam.gserviceaccount.com";
    let moved = grants(&[integration], &[DEPLOY]);
    let state = observe(server, &bucket, Some(moved.clone())).grants;
    let rule = &state.known().expect("told").wandb;
    assert!(matches!(rule, Rule::Different(_)), "{rule:?}");
    wait(
        server
            .cloud()
            .change(&bucket, &Change::Grants(moved.clone())),
    )
    .expect("written");
    let state = observe(server, &bucket, Some(moved)).grants;
    assert_eq!(state.known().expect("told").wandb, Rule::AsWanted);
    let left = members(server, &bucket, ADMIN);
    assert!(!left[0].0.contains(&account(DEPLOY)), "{left:?}");
    assert!(left[0].0.contains(&account(integration)), "{left:?}");
    assert_eq!(left[1], (vec![account(DEPLOY)], condition));
}

#[test]
fn labels_that_somebody_writes_meanwhile_are_not_overwritten() {
    let server = alone(Config::default());
    let bucket = unused_name("labels");
    let own = BTreeMap::from([(MARKER.to_owned(), "ready-00000001".to_owned())]);
    wait(server.cloud().create(&bucket, &own, &[])).expect("made");
    let cloud = server.cloud();
    wait(cloud.look(&bucket)).expect("an answer");
    let theirs = json!({"labels": {MARKER: "ready-00000002"}});
    server
        .instance
        .patch_bucket(&bucket, &theirs)
        .expect("patched");
    let mut wanted = own.clone();
    wanted.insert("team".to_owned(), "ml".to_owned());
    let refused = wait(cloud.change(&bucket, &Change::Tags(wanted)));
    assert_eq!(
        refused.map_err(|error| error.kind),
        Err(CloudErrorKind::Conflict)
    );
    let tags = server.seen(&bucket).expect("there").tags;
    assert_eq!(
        tags,
        BTreeMap::from([(MARKER.to_owned(), "ready-00000002".to_owned())])
    );
    // Nor is the bucket deleted that was looked at before.
    let refused = wait(cloud.delete(&owned(&bucket))).map_err(|error| error.kind);
    assert_eq!(refused, Err(CloudErrorKind::Conflict));
    assert!(server.seen(&bucket).is_some());
}

#[test]
fn a_bucket_that_changes_hands_is_not_deleted() {
    let server = alone(Config::default());
    let bucket = unused_name("hands");
    let own = BTreeMap::from([(MARKER.to_owned(), "ready-00000001".to_owned())]);
    wait(server.cloud().create(&bucket, &own, &[])).expect("made");
    let cloud = server.cloud();
    wait(cloud.look(&bucket)).expect("an answer");
    let theirs = json!({"labels": {MARKER: "ready-00000002"}});
    server
        .instance
        .patch_bucket(&bucket, &theirs)
        .expect("patched");
    let refused = wait(cloud.delete(&owned(&bucket))).map_err(|error| error.kind);
    assert_eq!(refused, Err(CloudErrorKind::Conflict));
    assert!(server.seen(&bucket).is_some());
    // Another setting that was changed is no reason.
    let cloud = server.cloud();
    wait(cloud.look(&bucket)).expect("an answer");
    server.keep_versions(&bucket);
    wait(cloud.delete(&owned(&bucket))).expect("deleted");
    assert!(server.seen(&bucket).is_none());
}

#[test]
fn settings_that_only_google_has_are_kept() {
    let server = alone(Config::default());
    let bucket = unused_name("only");
    let create = json!({"name": bucket, "prevention": "inherited"});
    server.library("create", create);
    let before = observe(server, &bucket, None);
    assert_eq!(
        before.soft_delete,
        Reading::Known(Duration::from_secs(604_800))
    );
    assert_eq!(before.public_access.known().expect("told").open.len(), 1);
    assert_ne!(before.other_owner, Reading::Known(String::new()));
    for change in [
        Change::SoftDelete(90),
        Change::Ownership,
        Change::PublicAccess(true),
        Change::StorageClass("NEARLINE".to_owned()),
    ] {
        for _ in 0..2 {
            wait(server.cloud().change(&bucket, &change)).expect("written");
        }
    }
    let resource = server.instance.bucket(&bucket).expect("there");
    let access = &resource["iamConfiguration"];
    assert_eq!(access["publicAccessPrevention"], "enforced");
    assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true);
    assert_eq!(
        resource["softDeletePolicy"]["retentionDurationSeconds"],
        "7776000"
    );
    assert_eq!(resource["storageClass"], "NEARLINE");
    let after = observe(server, &bucket, None);
    assert_eq!(
        after.soft_delete,
        Reading::Known(Duration::from_secs(7_776_000))
    );
    assert_eq!(after.public_access.known().expect("told").open.len(), 0);
    assert_eq!(after.other_owner, Reading::Known(String::new()));
    wait(server.cloud().change(&bucket, &Change::PublicAccess(false))).expect("written");
    let resource = server.instance.bucket(&bucket).expect("there");
    let access = &resource["iamConfiguration"];
    assert_eq!(access["publicAccessPrevention"], "inherited");
    assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true);
}

#[test]
fn a_customers_key_is_opened_before_the_bucket_and_waited_for() {
    let server = alone(Config {
        key_propagation: Duration::from_secs(2),
        ..Config::default()
    });
    let bucket = unused_name("key");
    let settings = [Change::Encryption(server.encryption())];
    wait(server.cloud().create(&bucket, &BTreeMap::new(), &settings)).expect("made");
    let resource = server.instance.bucket(&bucket).expect("there");
    assert_eq!(resource["encryption"]["defaultKmsKeyName"], KEY);
    let agent = server.instance.service_agent(PROJECT).expect("an agent");
    let policy = server.instance.crypto_key_policy(KEY).expect("a policy");
    assert_eq!(
        policy["bindings"],
        json!([{"role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": [account(&agent)]}])
    );
    let key = KeySpec {
        name: Some(KEY.to_owned()),
        given: true,
        admins: Vec::new(),
        users: Vec::new(),
        rotation: false,
        deletion_days: 0,
        unnamed_of: Vec::new(),
        tags: BTreeMap::new(),
        ignored_tags: BTreeSet::new(),
        generation: None,
        lets_in: true,
    };
    let look_at = LookAt {
        key: Some(key),
        ..LookAt::default()
    };
    let state = || {
        let observed = wait(server.cloud().observe(&bucket, &look_at));
        let observed = observed.expect("an answer").expect("there");
        observed.key.known().expect("told").clone().expect("there")
    };
    assert!(state().enabled);
    assert_eq!(state().users, Reading::Known(Rule::AsWanted));
    server.instance.set_crypto_key_state(KEY, "DISABLED");
    assert!(!state().enabled);
    // It serves other buckets as well, so it stays open.
    wait(server.cloud().delete(&owned(&bucket))).expect("deleted");
    assert_eq!(
        server.instance.crypto_key_policy(KEY).expect("a policy"),
        policy
    );
}
