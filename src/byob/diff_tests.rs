//! Tables for [`super::changes`] and [`super::tags`].

use std::collections::BTreeSet;

use super::*;
use crate::byob::deployment::{Deployment, Scope};
use crate::byob::identity::Identity;
use crate::byob::kind::CloudKind;
use crate::byob::marker::Generation;
use crate::byob::observed::{EncryptionState, IdentityState, KeyState, Preflight};
use crate::byob::rights::Rights;
use crate::byob::spec::{self, Encryption, KeySpec, cors_rule};

pub(in crate::byob) fn wanted() -> BucketSpec {
    BucketSpec {
        cloud: CloudKind::S3Compatible,
        name: "acme".into(),
        path: None,
        scope: Scope::Team,
        deployment: Some(Deployment::SelfManaged),
        origin: "https://wandb.acme.example".into(),
        versioning: true,
        noncurrent_version_days: None,
        abort_upload_days: None,
        cors: spec::cors_rule(vec!["*".into()], 3600),
        written_cors: None,
        written_lifecycle: Vec::new(),
        encryption: None,
        key: None,
        grants: None,
        blocks_public: None,
        owns_objects: false,
        soft_delete_days: None,
        storage_class: None,
        shares_settings: false,
        access: Access::GivenKey,
        tags: BTreeMap::from([("team".into(), "omega".into())]),
        ignored_tags: BTreeSet::new(),
        access_key_id: None,
        chosen: BTreeSet::new(),
    }
}

/// A bucket with which `wanted` has no quarrel.
pub(in crate::byob) fn good() -> Observed {
    let mut observed = Observed::unread(CloudKind::S3Compatible, "arn:aws:s3:::acme");
    observed.tags = Reading::Known(BTreeMap::from([("team".into(), "omega".into())]));
    observed.versioning = Reading::Known(Versioning::Enabled);
    observed.cors = Reading::Known(vec![spec::cors_rule(vec!["*".into()], 3600)]);
    observed.lifecycle = Reading::Known(Vec::new());
    observed
}

fn settings(spec: &BucketSpec, observed: &Observed) -> Vec<Setting> {
    let changes = changes(spec, observed);
    let written = changes.settings.iter().map(Change::setting);
    let around = [
        (changes.key, Setting::Key),
        (changes.identity, Setting::Identity),
    ];
    let due = around
        .into_iter()
        .filter_map(|(due, setting)| due.then_some(setting));
    due.chain(written).collect()
}

#[test]
fn nothing_is_written_to_a_good_bucket() {
    assert_eq!(changes(&wanted(), &good()), Changes::default());
    assert_eq!(tags(&wanted(), &good(), None), None);
}

#[test]
fn each_deviation_is_one_change() {
    type Break = fn(&mut Observed);
    let table: [(Break, Setting); 6] = [
        (
            |o| o.versioning = Reading::Known(Versioning::Suspended),
            Setting::Versioning,
        ),
        (
            |o| o.versioning = Reading::Known(Versioning::Off),
            Setting::Versioning,
        ),
        (|o| o.cors = Reading::Known(vec![]), Setting::Cors),
        (
            |o| o.cors = Reading::Known(vec![spec::cors_rule(vec!["*".into()], 60)]),
            Setting::Cors,
        ),
        (
            |o| {
                let mut rule = spec::cors_rule(vec!["*".into()], 3600);
                rule.exposed.clear();
                o.cors = Reading::Known(vec![rule]);
            },
            Setting::Cors,
        ),
        (
            |o| {
                o.lifecycle = Reading::Known(vec![LifecycleRule {
                    id: "wandb-byob-noncurrent-versions".into(),
                    enabled: true,
                    noncurrent_days: Some(1),
                    ..LifecycleRule::default()
                }]);
            },
            Setting::Lifecycle,
        ),
    ];
    for (index, (damage, expected)) in table.into_iter().enumerate() {
        let mut observed = good();
        damage(&mut observed);
        assert_eq!(settings(&wanted(), &observed), [expected], "row {index}");
    }
}

#[test]
fn meaning_decides_about_cors() {
    let mut observed = good();
    let mut rule = spec::cors_rule(vec!["*".into()], 3600);
    rule.id = None;
    rule.methods = vec!["PUT".into(), "GET".into(), "HEAD".into(), "DELETE".into()];
    rule.exposed = vec!["etag".into(), "x-request-id".into()];
    observed.cors = Reading::Known(vec![rule]);
    assert_eq!(changes(&wanted(), &observed), Changes::default());
}

#[test]
fn foreign_cors_rules_stay_behind_ours() {
    let foreign = CorsRule {
        id: Some("dashboards".into()),
        origins: vec!["https://grafana.acme.example".into()],
        methods: vec!["GET".into()],
        ..CorsRule::default()
    };
    let mut observed = good();
    observed.cors = Reading::Known(vec![foreign.clone()]);
    let ours = spec::cors_rule(vec!["*".into()], 3600);
    assert_eq!(
        changes(&wanted(), &observed).settings,
        [Change::Cors(vec![ours, foreign])]
    );
}

#[test]
fn a_server_that_lets_every_page_in_needs_no_rule() {
    let mut observed = good();
    observed.cors = Reading::Known(vec![]);
    observed.preflight = Some(Preflight {
        origin: "https://wandb.acme.example".into(),
        origin_allowed: true,
        methods: vec!["PUT".into(), "GET".into(), "HEAD".into()],
        headers_allowed: true,
        etag_exposed: None,
        max_age_seconds: None,
        status: 204,
    });
    assert_eq!(changes(&wanted(), &observed), Changes::default());
    let mut chosen = wanted();
    chosen.cors = spec::cors_rule(vec!["https://wandb.acme.example".into()], 3600);
    chosen.chosen.insert(Setting::Cors);
    assert_eq!(settings(&chosen, &observed), [Setting::Cors]);
    if let Some(preflight) = &mut observed.preflight {
        preflight.origin_allowed = false;
    }
    assert_eq!(settings(&wanted(), &observed), [Setting::Cors]);
}

#[test]
fn what_the_server_does_not_know_is_written_only_when_asked_for() {
    let mut observed = good();
    observed.versioning = Reading::Unsupported("NotImplemented".into());
    observed.lifecycle = Reading::Unsupported("NotImplemented".into());
    observed.encryption = Reading::Unsupported("NotImplemented".into());
    assert_eq!(changes(&wanted(), &observed), Changes::default());
    let mut spec = wanted();
    spec.chosen.insert(Setting::Versioning);
    spec.noncurrent_version_days = Some(30);
    spec.encryption = Some(Encryption {
        algorithm: "AES256".into(),
        key: Key::Server,
        bucket_key: None,
    });
    assert_eq!(
        settings(&spec, &observed),
        [Setting::Versioning, Setting::Encryption, Setting::Lifecycle]
    );
}

#[test]
fn what_may_not_be_read_is_not_written() {
    let mut observed = good();
    observed.versioning = Reading::Denied("AccessDenied".into());
    observed.lifecycle = Reading::Denied("AccessDenied".into());
    let mut spec = wanted();
    spec.noncurrent_version_days = Some(30);
    assert_eq!(changes(&spec, &observed), Changes::default());
}

#[test]
fn encryption_is_compared_with_the_key() {
    let mut spec = wanted();
    spec.encryption = Some(Encryption {
        algorithm: "aws:kms".into(),
        key: Key::Named("wandb-key".into()),
        bucket_key: None,
    });
    let mut observed = good();
    observed.encryption = Reading::Known(EncryptionState {
        algorithm: Some("aws:kms".into()),
        key: Some("wandb-key".into()),
        bucket_key: false,
    });
    assert_eq!(changes(&spec, &observed), Changes::default());
    observed.encryption = Reading::Known(EncryptionState {
        algorithm: Some("aws:kms".into()),
        key: Some("another-key".into()),
        bucket_key: false,
    });
    assert_eq!(settings(&spec, &observed), [Setting::Encryption]);
    observed.encryption = Reading::Known(EncryptionState::default());
    assert_eq!(settings(&spec, &observed), [Setting::Encryption]);
}

#[test]
fn lifecycle_rules_follow_the_path_and_the_days() {
    let mut spec = wanted();
    spec.path = Some("teams/omega".into());
    spec.noncurrent_version_days = Some(30);
    spec.abort_upload_days = Some(7);
    let rules = vec![
        LifecycleRule {
            id: "wandb-byob-noncurrent-versions".into(),
            enabled: true,
            prefix: "teams/omega/".into(),
            noncurrent_days: Some(30),
            ..LifecycleRule::default()
        },
        LifecycleRule {
            id: "wandb-byob-unfinished-uploads".into(),
            enabled: true,
            prefix: "teams/omega/".into(),
            abort_upload_days: Some(7),
            ..LifecycleRule::default()
        },
    ];
    assert_eq!(
        changes(&spec, &good()).settings,
        [Change::Lifecycle(rules.clone())]
    );
    let mut observed = good();
    observed.lifecycle = Reading::Known(rules.into_iter().rev().collect());
    assert_eq!(changes(&spec, &observed), Changes::default());
}

#[test]
fn tags_keep_the_marker_and_what_is_ignored() {
    let mut spec = wanted();
    spec.ignored_tags.insert("billing".into());
    let mut observed = good();
    let marker = Marker::ready(Generation::from_bytes([0, 0, 0, 7]));
    observed.tags = Reading::Known(BTreeMap::from([
        ("billing".into(), "x".into()),
        ("stray".into(), "y".into()),
    ]));
    observed.marker = Some(marker.clone());
    let expected = BTreeMap::from([
        ("billing".into(), "x".into()),
        ("team".into(), "omega".into()),
        ("terraform-provider-wandb".into(), "ready-00000007".into()),
    ]);
    assert_eq!(
        tags(&spec, &observed, Some(&marker)),
        Some(Change::Tags(expected))
    );
}

#[test]
fn tags_of_the_system_are_sent_along_and_are_no_difference() {
    let mut observed = good();
    let own = || ("aws:cloudformation:stack-name".into(), "theirs".into());
    observed.system_tags = BTreeMap::from([own()]);
    assert_eq!(tags(&wanted(), &observed, None), None);
    observed.tags = Reading::Known(BTreeMap::new());
    let expected = BTreeMap::from([own(), ("team".into(), "omega".into())]);
    assert_eq!(
        tags(&wanted(), &observed, None),
        Some(Change::Tags(expected))
    );
}

#[test]
fn a_foreign_cors_rule_for_the_same_origins_stays() {
    let ours = spec::cors_rule(vec!["*".into()], 3600);
    let foreign = CorsRule {
        id: None,
        methods: vec!["DELETE".into()],
        ..ours.clone()
    };
    let mut without_id = CorsRule {
        id: None,
        ..ours.clone()
    };
    without_id.methods.reverse();
    let mut observed = good();
    observed.cors = Reading::Known(vec![foreign.clone(), without_id]);
    let mut spec = wanted();
    spec.cors.max_age_seconds = Some(60);
    let shorter = spec.cors.clone();
    let mut same = wanted();
    same.cors.origins = vec!["https://other.example".into()];
    // Not ours in either: another content without an id is somebody else's.
    let rules = |spec: &BucketSpec| match &changes(spec, &observed).settings[..] {
        [Change::Cors(rules)] => rules.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rules(&spec)[..2], [shorter, foreign.clone()]);
    assert!(rules(&same).contains(&foreign));
    observed.cors = Reading::Known(vec![foreign.clone()]);
    let written = changes(&wanted(), &observed).settings;
    assert_eq!(written, [Change::Cors(vec![ours, foreign])]);
}

#[test]
fn an_identity_is_mended_when_it_is_not_exactly_ours() {
    let generation = Generation::from_bytes([0, 0, 0, 7]);
    let identity = Identity::for_bucket("acme", Rights::on("acme", None), &generation);
    let mut spec = wanted();
    spec.access_key_id = Some("AK".into());
    let good_state = IdentityState {
        enabled: true,
        rights: Rule::AsWanted,
        keys: BTreeMap::from([("AK".into(), true)]),
        ..IdentityState::default()
    };
    spec.access = Access::MadeKey(identity);
    type Break = fn(&mut IdentityState);
    let table: [(Break, bool); 7] = [
        (|_| {}, false),
        (|state| state.enabled = false, true),
        (|state| state.rights = Rule::Missing, true),
        (
            |state| state.rights = Rule::Different("other rights".into()),
            true,
        ),
        (|state| state.other_rights = vec!["readwrite".into()], true),
        (|state| state.keys.clear(), true),
        (
            |state| state.keys = BTreeMap::from([("AK".into(), false)]),
            true,
        ),
    ];
    for (index, (damage, changed)) in table.into_iter().enumerate() {
        let mut state = good_state.clone();
        damage(&mut state);
        let mut observed = good();
        observed.identity = Reading::Known(Some(state));
        assert_eq!(
            settings(&spec, &observed).contains(&Setting::Identity),
            changed,
            "row {index}"
        );
    }
    let mut observed = good();
    observed.identity = Reading::Known(None);
    assert_eq!(settings(&spec, &observed), [Setting::Identity]);
}

pub(in crate::byob) fn key_spec() -> KeySpec {
    KeySpec {
        name: Some("key-1".into()),
        given: false,
        admins: Vec::new(),
        users: vec!["wandb".into()],
        rotation: true,
        deletion_days: 30,
        unnamed_of: Vec::new(),
        tags: BTreeMap::new(),
        ignored_tags: BTreeSet::from(["audit".to_owned()]),
        generation: Some(Generation::from_bytes([0, 0, 0, 7])),
        lets_in: false,
    }
}

pub(in crate::byob) fn good_key() -> KeyState {
    KeyState {
        bucket: None,
        named_admins: Vec::new(),
        name: "key-1".into(),
        marker: Some(Marker::ready(Generation::from_bytes([0, 0, 0, 7]))),
        tags: BTreeMap::new(),
        other_usage: String::new(),
        enabled: true,
        days_to_deletion: None,
        rotation: Reading::Known(true),
        admins: Reading::Known(Rule::AsWanted),
        users: Reading::Known(Rule::AsWanted),
        alias: true,
        remedy: "{}".into(),
    }
}

fn tag(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), "x".to_owned())])
}

#[test]
fn a_key_of_our_own_is_mended_and_a_given_one_never_touched() {
    let mut spec = wanted();
    spec.cloud = CloudKind::Aws;
    spec.key = Some(key_spec());
    type Break = fn(&mut KeyState);
    let table: [(Break, bool); 10] = [
        (|_| {}, false),
        (|key| key.enabled = false, true),
        (|key| key.days_to_deletion = Some(29), true),
        (|key| key.rotation = Reading::Known(false), true),
        (|key| key.admins = Reading::Known(Rule::Missing), true),
        (
            |key| key.users = Reading::Known(Rule::Different("less".into())),
            true,
        ),
        (|key| key.alias = false, true),
        (|key| key.tags = tag("stray"), true),
        (|key| key.tags = tag("audit"), false),
        (
            |key| key.users = Reading::Denied("kms:GetKeyPolicy".into()),
            false,
        ),
    ];
    for (index, (damage, changed)) in table.into_iter().enumerate() {
        let mut key = good_key();
        damage(&mut key);
        let mut observed = good();
        observed.key = Reading::Known(Some(key.clone()));
        let has = |observed: &Observed| settings(&spec, observed).contains(&Setting::Key);
        assert_eq!(has(&observed), changed, "row {index}");
        key.marker = Some(Marker::ready(Generation::from_bytes([9, 9, 9, 9])));
        observed.key = Reading::Known(Some(key));
        assert!(!has(&observed), "row {index}, somebody else's key");
    }
    let mut observed = good();
    observed.key = Reading::Known(None);
    assert!(settings(&spec, &observed).contains(&Setting::Key));
    spec.key = Some(KeySpec {
        given: true,
        ..key_spec()
    });
    assert!(!settings(&spec, &observed).contains(&Setting::Key));
}

#[test]
fn a_rule_that_the_last_apply_has_written_is_ours_without_an_id() {
    let rule = |origin: &str| CorsRule {
        id: None,
        ..cors_rule(vec![origin.to_owned()], 60)
    };
    let mut spec = wanted();
    spec.written_cors = Some(rule("https://before.example"));
    let found = ["https://before.example", "https://theirs.example"].map(rule);
    let mut observed = good();
    observed.cors = Reading::Known(found.into());
    let change = Change::Cors(vec![spec.cors.clone(), rule("https://theirs.example")]);
    assert_eq!(changes(&spec, &observed).settings, [change]);
}
