//! The identity whose key W&B holds.

use std::collections::BTreeSet;

use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::cloud::LookAt;
use wandb_provider::byob::identity::{AccessKey, Identity};
use wandb_provider::byob::observed::{IdentityState, Rule};
use wandb_provider::byob::rights::Rights;

use crate::harness::wait;
use crate::server::{Deed, Server, generation, identities, lets_soon, open, unused_name, wandb};

fn only(server: &dyn Server, name: &str) -> Option<BTreeSet<String>> {
    Some(server.own_rights(name))
}

fn state(server: &dyn Server, bucket: &str, identity: &Identity) -> Option<IdentityState> {
    let look_at = LookAt {
        identity: Some(identity.clone()),
        ..LookAt::default()
    };
    let observed = wait(open(server).observe(bucket, &look_at));
    let observed = observed.expect("an answer").expect("there");
    observed.identity.known().expect("told").clone()
}

pub fn it_gets_its_rights_and_no_more(server: &dyn Server) {
    let (bucket, other) = (unused_name("rights"), unused_name("other"));
    server.make(&bucket);
    server.make(&other);
    server.put(&other, "theirs");
    let (identity, key) = wandb(server, &bucket, None);
    assert_eq!(
        server.identity(&identity.name),
        only(server, &identity.name)
    );
    let bucket = bucket.as_str();
    let object = "run/1";
    assert!(lets_soon(server, &key, Deed::Write { bucket, object }));
    assert!(server.lets(&key, Deed::Read { bucket, object }));
    assert!(server.lets(&key, Deed::List { bucket }));
    assert!(!server.lets(&key, Deed::DeleteBucket { bucket }));
    let bucket = other.as_str();
    assert!(!server.lets(&key, Deed::List { bucket }));
    assert!(!server.lets(
        &key,
        Deed::Read {
            bucket,
            object: "theirs"
        }
    ));
    assert!(!server.lets(&key, Deed::Write { bucket, object }));
}

pub fn a_path_limits_it_to_objects_below(server: &dyn Server) {
    let bucket = unused_name("path");
    server.make(&bucket);
    server.put(&bucket, "elsewhere");
    let (_, key) = wandb(server, &bucket, Some("teams/omega"));
    let bucket = bucket.as_str();
    let object = "teams/omega/run";
    assert!(lets_soon(server, &key, Deed::Write { bucket, object }));
    assert!(server.lets(&key, Deed::Read { bucket, object }));
    for object in ["elsewhere", "teams/omega2/run", "teams/run"] {
        assert!(
            !server.lets(&key, Deed::Write { bucket, object }),
            "{object}"
        );
    }
    assert!(!server.lets(
        &key,
        Deed::Read {
            bucket,
            object: "elsewhere"
        }
    ));
    assert_eq!(server.get(bucket, "elsewhere").as_deref(), Some("data"));
}

pub fn putting_it_again_restores_it(server: &dyn Server) {
    let bucket = unused_name("restore");
    server.make(&bucket);
    let (identity, key) = wandb(server, &bucket, None);
    wait(identities(&open(server)).put_identity(&identity, false)).expect("twice is once");
    assert_eq!(
        server.keys(&identity.name),
        BTreeSet::from([key.id.clone()])
    );
    // More rights are found and taken away, the key stays.
    server.widen(&identity.name);
    let wide = state(server, &bucket, &identity).expect("there");
    assert_eq!(wide.other_rights.len(), 1, "{wide:?}");
    wait(identities(&open(server)).put_identity(&identity, false)).expect("restored");
    assert_eq!(
        server.identity(&identity.name),
        only(server, &identity.name)
    );
    assert_eq!(
        server.keys(&identity.name),
        BTreeSet::from([key.id.clone()])
    );
    // Other rights of the same name as well: here those of another path.
    let narrow = Identity {
        rights: Rights::on(&bucket, Some("teams")),
        ..identity.clone()
    };
    wait(identities(&open(server)).put_identity(&narrow, false)).expect("changed");
    let rights = state(server, &bucket, &narrow).expect("there").rights;
    assert_eq!(rights, Rule::AsWanted);
    let before = state(server, &bucket, &identity).expect("there").rights;
    assert!(matches!(before, Rule::Different(_)), "{before:?}");
    let bucket = bucket.as_str();
    assert!(lets_soon(
        server,
        &key,
        Deed::Write {
            bucket,
            object: "teams/a"
        }
    ));
    assert!(!server.lets(
        &key,
        Deed::Write {
            bucket,
            object: "b"
        }
    ));
}

pub fn a_strangers_identity_is_not_touched(server: &dyn Server) {
    let bucket = unused_name("stranger");
    server.make(&bucket);
    let identity = Identity::for_bucket(&bucket, server.rights(&bucket, None), &generation());
    server.make_foreign_identity(&identity.name);
    let (rights, keys) = (server.identity(&identity.name), server.keys(&identity.name));
    let outcome =
        wait(identities(&open(server)).put_identity(&identity, false)).map_err(|error| error.kind);
    assert_eq!(outcome, Err(CloudErrorKind::AlreadyExists));
    wait(identities(&open(server)).delete_identity(&identity)).expect("it stays without a word");
    assert_eq!(server.identity(&identity.name), rights);
    assert_eq!(server.keys(&identity.name), keys);
}

pub fn keys_come_and_go_one_by_one(server: &dyn Server) {
    let bucket = unused_name("keys");
    server.make(&bucket);
    let (identity, first) = wandb(server, &bucket, None);
    let second =
        wait(identities(&open(server)).create_access_key(&identity)).expect("a second key");
    assert_ne!(first.id, second.id);
    assert_ne!(first.expose_secret(), second.expose_secret());
    let both = BTreeSet::from([first.id.clone(), second.id.clone()]);
    assert_eq!(server.keys(&identity.name), both);
    let bucket = bucket.as_str();
    for key in [&first, &second] {
        assert!(lets_soon(server, key, Deed::List { bucket }));
    }
    let keep = BTreeSet::from([second.id.clone()]);
    for _ in 0..2 {
        wait(identities(&open(server)).delete_access_keys(&identity, &keep)).expect("removed");
        assert_eq!(server.keys(&identity.name), keep);
    }
    assert!(server.lets(&second, Deed::List { bucket }));
    assert!(!server.lets(&first, Deed::List { bucket }));
}

pub fn what_is_observed_is_what_is_there(server: &dyn Server) {
    let bucket = unused_name("observed");
    server.make(&bucket);
    let absent = Identity::for_bucket(&bucket, server.rights(&bucket, None), &generation());
    assert_eq!(state(server, &bucket, &absent), None);
    let (identity, key) = wandb(server, &bucket, Some("p"));
    let found = state(server, &bucket, &identity).expect("there");
    assert!(found.enabled);
    assert_eq!(found.other_rights, Vec::<String>::new());
    assert_eq!(found.keys, [(key.id, true)].into());
    assert_eq!(found.rights, Rule::AsWanted);
}

pub fn a_key_that_is_tried_is_told_apart(server: &dyn Server) {
    let bucket = unused_name("tried");
    server.make(&bucket);
    let (identity, key) = wandb(server, &bucket, None);
    assert!(lets_soon(server, &key, Deed::List { bucket: &bucket }));
    let told = |tried: AccessKey| {
        let id = tried.id.clone();
        let look_at = LookAt {
            identity: Some(identity.clone()),
            access_key: Some(tried),
            ..LookAt::default()
        };
        let observed = wait(open(server).observe(&bucket, &look_at));
        let observed = observed.expect("an answer").expect("there");
        let state = observed.identity.known().expect("told").clone();
        state.expect("a user").keys.get(&id).copied()
    };
    assert_eq!(told(key.clone()), Some(true));
    // One that nobody has made.
    let unknown = AccessKey::new("AKIAUNKNOWN000000000", key.expose_secret());
    assert_eq!(told(unknown), None);
    let none = BTreeSet::new();
    wait(identities(&open(server)).delete_access_keys(&identity, &none)).expect("removed");
    assert_eq!(told(key), None);
}

pub fn removing_it_removes_all_of_it(server: &dyn Server) {
    let bucket = unused_name("remove");
    server.make(&bucket);
    let (identity, key) = wandb(server, &bucket, None);
    wait(identities(&open(server)).create_access_key(&identity)).expect("a second key");
    server.widen(&identity.name);
    for _ in 0..2 {
        wait(identities(&open(server)).delete_identity(&identity)).expect("gone is success");
        assert_eq!(server.identity(&identity.name), None);
    }
    assert!(!server.lets(&key, Deed::List { bucket: &bucket }));
    // Nothing of it is in the way of the next one of that name.
    wait(identities(&open(server)).put_identity(&identity, false)).expect("made again");
    assert_eq!(
        server.identity(&identity.name),
        only(server, &identity.name)
    );
    assert_eq!(server.keys(&identity.name), BTreeSet::new());
}
