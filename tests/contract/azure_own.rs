//! What only Azure promises: identities of W&B that have no keys, and keys that are an
//! account's.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use simulator::azure::Config;
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::{Cloud, LookAt};
use wandb_provider::byob::http::HttpResponse;
use wandb_provider::byob::identity::{AccessKey, Identity};
use wandb_provider::byob::observed::{IdentityState, Rule};
use wandb_provider::byob::probe::{ProbeStep, Signed};
use wandb_provider::byob::rights::Rights;
use wandb_provider::clouds::azure::{Entry, Federation, Place, open};

use crate::azure::{Microsoft, account, place};
use crate::harness::{microsoft as ask_microsoft, wait};
use crate::server::{Server, generation, identities, unused_name, wandb};

const SUBJECT: &str = "system:serviceaccount:default:wandb-app";
const ROLE: &str = "Storage Blob Data Contributor";

/// W&B's identity on a bucket of a server.
struct Trusted<'a> {
    server: &'a Microsoft,
    bucket: String,
    identity: Identity,
}

/// The identity of this bucket, and its name at the end of it.
fn identity_of(bucket: &str) -> (Identity, String) {
    let name = format!("{bucket}-wandb");
    let id = format!(
        "/subscriptions/22222222-2222-4222-a222-222222222222/resourceGroups/simulated-group\
         /providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    );
    let rights = Rights {
        roles: BTreeSet::from([ROLE.to_owned()]),
        ..Rights::on(bucket, None)
    };
    let identity = Identity {
        name: id,
        rights,
        boundary: None,
        serves: vec![generation()],
    };
    (identity, name)
}

impl<'a> Trusted<'a> {
    fn on(server: &'a Microsoft, what: &str) -> Self {
        let bucket = unused_name(what);
        server.make(&bucket);
        let (identity, _) = identity_of(&bucket);
        Self {
            server,
            bucket,
            identity,
        }
    }

    fn cloud(&self) -> Arc<dyn Cloud> {
        let issuer = format!("{}/cluster", self.server.instance.addresses().issuer);
        let trust = Federation {
            issuer,
            namespace: "default".to_owned(),
            service_accounts: BTreeSet::from(["wandb-app".to_owned()]),
        };
        let place = Place {
            entry: Entry::Identity(trust),
            ..place(&self.bucket)
        };
        let clients = self.server.clients_of(&Value::Null);
        open(&clients, place, CancellationToken::new())
    }

    fn put(&self) {
        let cloud = self.cloud();
        wait(identities(&cloud).put_identity(&self.identity, false)).expect("put");
    }

    fn state(&self) -> Option<IdentityState> {
        let look_at = LookAt {
            identity: Some(self.identity.clone()),
            ..LookAt::default()
        };
        let observed = wait(self.cloud().observe(&self.bucket, &look_at));
        let observed = observed.expect("an answer").expect("there");
        observed.identity.known().expect("told").clone()
    }

    /// What Azure has of it.
    fn seen(&self) -> Option<Value> {
        let (_, name) = identity_of(&self.bucket);
        let all = self.server.control("GET", "/identities", Value::Null);
        let mut all = all.as_array().cloned().unwrap_or_default().into_iter();
        all.find(|one| one["name"] == name.as_str())
    }

    /// The number of roles that a principal has, wherever.
    fn roles_of(&self, principal: &Value) -> usize {
        let all = self.server.control("GET", "/assignments", Value::Null);
        let all = all.as_array().cloned().unwrap_or_default();
        all.iter()
            .filter(|one| one["principal"] == *principal)
            .count()
    }

    /// Whether Microsoft's library gets an object into a bucket with a token of the cluster.
    fn writes(&self, bucket: &str) -> bool {
        let issuer = format!("{}/cluster", self.server.instance.addresses().issuer);
        let token = json!({"issuer": issuer, "subject": SUBJECT,
            "audience": "api://AzureADTokenExchange"});
        let token = self.server.control("POST", "/cluster-tokens", token);
        let client = self.seen().expect("there")["client_id"].clone();
        let who =
            json!({"account": account(bucket), "client_id": client, "assertion": token["token"]});
        let ready = self.server.instance.ready();
        let args = json!([bucket, "run/1", "by W&B"]);
        let answer = ask_microsoft(&ready, &who, "put", &args, &json!({"overwrite": true}));
        match answer["status"].as_u64() {
            None => true,
            Some(403) => false,
            Some(_) => panic!("{answer}"),
        }
    }
}

fn start() -> Microsoft {
    Microsoft::start(Config::default())
}

#[test]
fn an_identity_gets_its_role_on_one_account_and_no_more() {
    let server = start();
    let ours = Trusted::on(&server, "trust");
    let other = unused_name("other");
    server.make(&other);
    assert_eq!(ours.state(), None);
    ours.put();
    ours.put();
    let state = ours.state().expect("there");
    assert!(state.enabled);
    assert_eq!(state.rights, Rule::AsWanted);
    assert_eq!(state.trust, Some(Rule::AsWanted));
    assert_eq!(state.other_rights, Vec::<String>::new());
    let seen = ours.seen().expect("there");
    assert_eq!(seen["credentials"].as_array().map(Vec::len), Some(1));
    assert_eq!(seen["credentials"][0]["subject"], SUBJECT);
    assert_eq!(ours.roles_of(&seen["object_id"]), 1);
    assert!(ours.writes(&ours.bucket));
    assert_eq!(server.get(&ours.bucket, "run/1").as_deref(), Some("by W&B"));
    assert!(!ours.writes(&other));
    assert_eq!(server.get(&other, "run/1"), None);
}

#[test]
fn more_roles_are_found_and_taken_away() {
    let server = start();
    let ours = Trusted::on(&server, "more");
    ours.put();
    let principal = ours.seen().expect("there")["object_id"].clone();
    let scope = format!(
        "/subscriptions/22222222-2222-4222-a222-222222222222/resourceGroups/simulated-group\
         /providers/Microsoft.Storage/storageAccounts/{}",
        account(&ours.bucket)
    );
    let grant = json!({"principal": principal, "role": "Owner", "scope": scope});
    server.control("POST", "/grants", grant);
    let wide = ours.state().expect("there");
    assert_eq!(wide.other_rights, ["Owner"]);
    assert_eq!(wide.rights, Rule::AsWanted);
    ours.put();
    assert_eq!(ours.roles_of(&principal), 1);
    assert_eq!(
        ours.state().expect("there").other_rights,
        Vec::<String>::new()
    );
}

#[test]
fn a_strangers_identity_is_not_touched() {
    let server = start();
    let ours = Trusted::on(&server, "stranger");
    ours.put();
    let before = ours.seen();
    let principal = before.as_ref().expect("there")["object_id"].clone();
    // The same name for another making of the bucket.
    let stranger = Trusted {
        server: &server,
        bucket: ours.bucket.clone(),
        identity: identity_of(&ours.bucket).0,
    };
    assert_ne!(stranger.identity.serves, ours.identity.serves);
    let cloud = stranger.cloud();
    let service = identities(&cloud);
    let put = wait(service.put_identity(&stranger.identity, false)).expect_err("refused");
    assert_eq!(put.kind, CloudErrorKind::AlreadyExists, "{put}");
    wait(service.delete_identity(&stranger.identity)).expect("it stays without a word");
    assert_eq!(stranger.state(), None);
    assert_eq!(ours.seen(), before);
    assert_eq!(ours.roles_of(&principal), 1);
}

#[test]
fn removing_an_identity_removes_its_roles_with_it() {
    let server = start();
    let ours = Trusted::on(&server, "remove");
    ours.put();
    let principal = ours.seen().expect("there")["object_id"].clone();
    for _ in 0..2 {
        let cloud = ours.cloud();
        wait(identities(&cloud).delete_identity(&ours.identity)).expect("gone is success");
        assert_eq!(ours.seen(), None);
        assert_eq!(ours.roles_of(&principal), 0);
    }
    ours.put();
    let again = ours.seen().expect("made again")["object_id"].clone();
    assert_eq!(ours.roles_of(&again), 1);
}

#[test]
fn a_key_of_another_account_is_refused_with_an_answer() {
    let server = start();
    let (bucket, other) = (unused_name("sign-no"), unused_name("sign-yes"));
    server.make(&bucket);
    server.make(&other);
    server.put(&bucket, "theirs");
    let (_, key) = wandb(&server, &other, None);
    // No key at all, which is base64 all the same.
    let forged = AccessKey::new(key.id.clone(), "bm90IGl0cyBzZWNyZXQ=");
    let object = || "theirs".to_owned();
    for (bucket, key) in [(&bucket, &key), (&other, &forged)] {
        for step in [
            ProbeStep::Put { object: object() },
            ProbeStep::Get { object: object() },
            ProbeStep::Head { object: object() },
        ] {
            let cloud = open(
                &server.clients_of(&Value::Null),
                place(bucket),
                CancellationToken::new(),
            );
            let answer: HttpResponse = wait(async {
                let signed = cloud.sign(bucket, &step, Some(key)).await.expect("signed");
                let Signed::Request(request) = signed else {
                    panic!("{step:?}: {signed:?}");
                };
                cloud.send(bucket, &request).await.expect("an answer")
            });
            assert_eq!(answer.status, 403, "{step:?}");
            let reply = cloud.read_reply(&step, &answer);
            assert_eq!(reply.code.as_deref(), Some("AuthenticationFailed"));
        }
    }
    assert_eq!(server.get(&bucket, "theirs").as_deref(), Some("data"));
    assert_eq!(server.get(&other, "theirs"), None);
}

/// What was seen goes where no rule is wanted; what came since is others'.
#[test]
fn cors_rules_that_came_since_a_look_stay() {
    let server = start();
    let bucket = unused_name("since");
    server.make(&bucket);
    let rule = |origin: &str| {
        json!({"allowedOrigins": [origin], "allowedMethods": ["GET"], "allowedHeaders": [],
            "exposedHeaders": [], "maxAgeInSeconds": 60})
    };
    let (seen, later) = (rule("https://a.example"), rule("https://b.example"));
    let path = format!("/accounts/{}", account(&bucket));
    let write = |rules: Value| {
        let cors = json!({"blob_service": {"cors": {"corsRules": rules}}});
        server.control("PATCH", &path, cors);
    };
    let origins = || {
        let rules = server.seen(&bucket).expect("there").cors;
        rules
            .into_iter()
            .flat_map(|one| one.origins)
            .collect::<Vec<_>>()
    };
    let clients = server.clients_of(&Value::Null);
    let opened = || open(&clients, place(&bucket), CancellationToken::new());
    write(json!([seen]));
    // Nobody has looked, so nothing is known to be ours.
    wait(opened().change(&bucket, &Change::Cors(Vec::new()))).expect("written");
    assert_eq!(origins(), ["https://a.example"]);
    let cloud = opened();
    let observed = wait(cloud.observe(&bucket, &LookAt::default()));
    assert!(observed.expect("an answer").is_some());
    write(json!([seen, later]));
    wait(cloud.change(&bucket, &Change::Cors(Vec::new()))).expect("written");
    assert_eq!(origins(), ["https://b.example"]);
}
