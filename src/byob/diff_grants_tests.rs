//! Tests of the changes that close a bucket and let W&B in.

use std::collections::BTreeSet;
use std::time::Duration;

use super::tests::{good, good_key, key_spec, wanted};
use super::*;
use crate::byob::kind::CloudKind;
use crate::byob::observed::{EncryptionState, GrantState, PublicAccess};
use crate::byob::rights::Rights;
use crate::byob::spec::{Encryption, Grants, KeySpec};

#[test]
fn access_rules_are_written_when_they_do_not_say_what_they_should() {
    let mut spec = wanted();
    spec.cloud = CloudKind::Aws;
    let grants = Grants {
        former: BTreeSet::new(),
        principals: vec!["wandb".into()],
        rights: Rights::on("acme", None),
        https_only: true,
        exclusive: false,
    };
    spec.grants = Some(grants.clone());
    let state = GrantState {
        wandb: Rule::AsWanted,
        https_only: Rule::AsWanted,
        public: Vec::new(),
        foreign: vec!["Theirs".into()],
        ..GrantState::default()
    };
    let mut observed = good();
    observed.grants = Reading::Known(state.clone());
    assert_eq!(changes(&spec, &observed), Changes::default());
    observed.grants = Reading::Known(GrantState {
        https_only: Rule::Missing,
        ..state.clone()
    });
    assert_eq!(
        changes(&spec, &observed).settings,
        [Change::Grants(grants.clone())]
    );
    observed.grants = Reading::Known(state);
    let exclusive = Grants {
        exclusive: true,
        ..grants
    };
    spec.grants = Some(exclusive.clone());
    assert_eq!(
        changes(&spec, &observed).settings,
        [Change::Grants(exclusive)]
    );
}

#[test]
fn soft_delete_is_written_when_it_is_another_one() {
    let day = Duration::from_secs(86_400);
    for (wanted_days, actual, expected) in [
        (None, Reading::Known(Duration::ZERO), None),
        (Some(7), Reading::Known(day * 7), None),
        (Some(7), Reading::Known(Duration::ZERO), Some(7)),
        (Some(9), Reading::Known(day * 7), Some(9)),
        (
            Some(7),
            Reading::Known(day * 7 + Duration::from_secs(1)),
            Some(7),
        ),
        (Some(7), Reading::Unsupported("no".into()), None),
        (Some(7), Reading::Denied("no".into()), None),
    ] {
        let mut spec = wanted();
        spec.soft_delete_days = wanted_days;
        let mut observed = good();
        observed.soft_delete = actual.clone();
        let expected: Vec<Change> = expected.map(Change::SoftDelete).into_iter().collect();
        assert_eq!(changes(&spec, &observed).settings, expected, "{actual:?}");
    }
}

#[test]
fn public_access_is_blocked_and_given_back() {
    let open = ["publicAccessPrevention".to_owned()];
    for (wanted_block, open, expected) in [
        (None, &open[..], None),
        (Some(true), &open[..], Some(true)),
        (Some(true), &[], None),
        (Some(false), &open[..], None),
        (Some(false), &[], Some(false)),
    ] {
        let mut spec = wanted();
        spec.blocks_public = wanted_block;
        let mut observed = good();
        observed.public_access = Reading::Known(PublicAccess {
            open: open.to_vec(),
        });
        let expected: Vec<Change> = expected.map(Change::PublicAccess).into_iter().collect();
        assert_eq!(
            changes(&spec, &observed).settings,
            expected,
            "{wanted_block:?}"
        );
    }
}

#[test]
fn who_lost_a_given_key_is_let_in_again() {
    let mut spec = wanted();
    spec.cloud = CloudKind::Gcp;
    let encryption = Encryption {
        algorithm: "AES256".into(),
        key: Key::Named("key-1".into()),
        bucket_key: None,
    };
    spec.encryption = Some(encryption.clone());
    spec.key = Some(KeySpec {
        given: true,
        generation: None,
        lets_in: true,
        ..key_spec()
    });
    let mut observed = good();
    observed.encryption = Reading::Known(EncryptionState {
        algorithm: Some("AES256".into()),
        key: Some("key-1".into()),
        bucket_key: false,
    });
    let key = |users: Rule| {
        let mut key = good_key();
        key.users = Reading::Known(users);
        Reading::Known(Some(key))
    };
    observed.key = key(Rule::AsWanted);
    assert_eq!(changes(&spec, &observed).settings, []);
    observed.key = key(Rule::Missing);
    let mended = [Change::Encryption(encryption)];
    assert_eq!(changes(&spec, &observed).settings, mended);
    assert!(spec.manages(Setting::Key, &observed));
    assert!(!changes(&spec, &observed).key);
}
