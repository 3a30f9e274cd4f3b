//! Settings: written one by one, read back, taken back, refused.

use std::collections::BTreeMap;

use simulator::proxy::{Cut, Options, Proxy};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::change::Change;
use wandb_provider::byob::cloud::LookAt;
use wandb_provider::byob::observed::{
    CorsRule, EncryptionState, LifecycleRule, Observed, Reading, Versioning,
};
use wandb_provider::byob::spec::Setting;

use crate::harness::wait;
use crate::server::{Seen, Server, open, unused_name};

fn cors(server: &dyn Server) -> CorsRule {
    let [headers, exposed] = server.cors_headers();
    CorsRule {
        id: Some("wandb-byob".to_owned()),
        origins: vec!["https://acme.example".to_owned()],
        methods: ["GET", "HEAD", "PUT"].map(str::to_owned).to_vec(),
        headers,
        exposed,
        max_age_seconds: Some(1234),
    }
}

/// The same as it is read again.
fn cors_as_read(server: &dyn Server) -> CorsRule {
    CorsRule {
        id: cors(server).id.filter(|_| server.keeps_ids()),
        ..cors(server)
    }
}

fn lifecycle(id: &str) -> LifecycleRule {
    LifecycleRule {
        id: format!("wandb-byob-{id}"),
        enabled: true,
        prefix: "teams/omega/".to_owned(),
        ..LifecycleRule::default()
    }
}

fn old_versions() -> LifecycleRule {
    LifecycleRule {
        noncurrent_days: Some(7),
        ..lifecycle("noncurrent-versions")
    }
}

fn uploads() -> LifecycleRule {
    LifecycleRule {
        abort_upload_days: Some(3),
        ..lifecycle("unfinished-uploads")
    }
}

/// Each setting with a value that no server has by itself.
fn all(server: &dyn Server) -> Vec<Change> {
    vec![
        Change::Tags(server.tags()),
        Change::Versioning(true),
        Change::Encryption(server.encryption()),
        Change::Cors(vec![cors(server)]),
        Change::Lifecycle(vec![old_versions()]),
    ]
}

fn kept(server: &dyn Server) -> Vec<Change> {
    let mut changes = all(server);
    changes.retain(|change| server.keeps(change.setting()));
    changes
}

/// What a server shows after [`all`] that it keeps.
fn expected(server: &dyn Server) -> Seen {
    let mut seen = Seen {
        tags: server.tags(),
        versioning: true,
        lifecycle: vec![old_versions()],
        ..Seen::default()
    };
    if server.keeps(Setting::Encryption) {
        seen.encryption = EncryptionState {
            algorithm: Some(server.encryption().algorithm),
            key: server.encryption().key_name().map(str::to_owned),
            bucket_key: false,
        };
    }
    if server.keeps(Setting::Cors) {
        seen.cors = vec![cors_as_read(server)];
    }
    seen
}

fn observe(server: &dyn Server, bucket: &str) -> Observed {
    let look_at = LookAt {
        encryption: Some(server.encryption()),
        lifecycle: vec![old_versions(), uploads()],
        ..LookAt::default()
    };
    let observed = wait(open(server).observe(bucket, &look_at));
    observed.expect("an answer").expect("there")
}

/// Writes one setting, after a look where only that tells which rules are ours.
fn write(server: &dyn Server, bucket: &str, change: &Change) {
    let cloud = open(server);
    if !server.keeps_ids() {
        let nine = LifecycleRule {
            noncurrent_days: Some(9),
            ..old_versions()
        };
        let look_at = LookAt {
            lifecycle: vec![old_versions(), uploads(), nine],
            ..LookAt::default()
        };
        wait(cloud.observe(bucket, &look_at)).expect("an answer");
    }
    wait(cloud.change(bucket, change)).unwrap_or_else(|error| panic!("{change:?}: {error}"));
}

pub fn each_setting_reads_back_as_it_was_written(server: &dyn Server) {
    let bucket = unused_name("settings");
    server.make(&bucket);
    for change in kept(server) {
        write(server, &bucket, &change);
    }
    assert_eq!(server.seen(&bucket), Some(expected(server)));
    let observed = observe(server, &bucket);
    assert_eq!(observed.tags, Reading::Known(server.tags()));
    assert_eq!(observed.versioning, Reading::Known(Versioning::Enabled));
    assert_eq!(observed.lifecycle, Reading::Known(vec![old_versions()]));
    if server.keeps(Setting::Cors) {
        assert_eq!(observed.cors, Reading::Known(vec![cors_as_read(server)]));
    }
    if server.keeps(Setting::Encryption) {
        let state = observed.encryption.known().expect("encrypted");
        assert_eq!(state.algorithm, Some(server.encryption().algorithm));
        let key = state.key.as_deref().unwrap_or_default();
        let wanted = server.encryption();
        assert!(key.ends_with(wanted.key_name().expect("a key")), "{key}");
    }
    if server.aborts_uploads() {
        let both = vec![old_versions(), uploads()];
        write(server, &bucket, &Change::Lifecycle(both.clone()));
        assert_eq!(server.seen(&bucket).expect("there").lifecycle, both);
    }
}

pub fn writing_twice_is_writing_once(server: &dyn Server) {
    let bucket = unused_name("again");
    server.make(&bucket);
    for change in kept(server) {
        write(server, &bucket, &change);
        write(server, &bucket, &change);
    }
    assert_eq!(server.seen(&bucket), Some(expected(server)));
}

pub fn each_setting_can_be_taken_back(server: &dyn Server) {
    let bucket = unused_name("back");
    server.make(&bucket);
    for change in kept(server) {
        write(server, &bucket, &change);
    }
    let mut nothing = vec![
        Change::Tags(BTreeMap::new()),
        Change::Versioning(false),
        Change::Lifecycle(Vec::new()),
    ];
    if server.keeps(Setting::Cors) {
        nothing.push(Change::Cors(Vec::new()));
    }
    for change in &nothing {
        write(server, &bucket, change);
        // What is gone already can be taken back once more.
        write(server, &bucket, change);
    }
    let seen = server.seen(&bucket).expect("the bucket is still there");
    let encryption = seen.encryption.clone();
    let bare = Seen {
        encryption,
        ..Seen::default()
    };
    assert_eq!(seen, bare);
    assert_eq!(
        observe(server, &bucket).versioning,
        Reading::Known(Versioning::Suspended)
    );
}

pub fn what_the_server_does_not_know_is_refused_and_writes_nothing(server: &dyn Server) {
    let bucket = unused_name("unknown");
    server.make(&bucket);
    let before = server.seen(&bucket);
    let mut unknown = all(server);
    unknown.retain(|change| !server.keeps(change.setting()));
    if !server.aborts_uploads() {
        unknown.push(Change::Lifecycle(vec![old_versions(), uploads()]));
        unknown.push(Change::Lifecycle(vec![uploads()]));
    }
    for change in &unknown {
        let outcome = wait(open(server).change(&bucket, change));
        assert_eq!(
            outcome.map_err(|error| error.kind),
            Err(CloudErrorKind::NotSupported),
            "{change:?}"
        );
        assert_eq!(server.seen(&bucket), before, "{change:?}");
    }
    // Taking back what the server does not know must not take the bucket.
    if !server.keeps(Setting::Cors) {
        let outcome = wait(open(server).change(&bucket, &Change::Cors(Vec::new())));
        assert!(
            outcome
                .as_ref()
                .err()
                .is_none_or(|error| error.kind == CloudErrorKind::NotSupported),
            "{outcome:?}"
        );
    }
    assert_eq!(server.seen(&bucket), before);
}

pub fn rules_of_others_about_old_data_survive(server: &dyn Server) {
    let bucket = unused_name("foreign");
    server.make(&bucket);
    server.add_foreign_rule(&bucket);
    let theirs = server.seen(&bucket).expect("there").lifecycle;
    assert_eq!(theirs.len(), 1);
    write(server, &bucket, &Change::Lifecycle(vec![old_versions()]));
    let mut both = theirs.clone();
    both.push(old_versions());
    assert_eq!(server.seen(&bucket).expect("there").lifecycle, both);
    let changed = LifecycleRule {
        noncurrent_days: Some(9),
        ..old_versions()
    };
    write(server, &bucket, &Change::Lifecycle(vec![changed]));
    assert_eq!(
        server.seen(&bucket).expect("there").lifecycle[1].noncurrent_days,
        Some(9)
    );
    write(server, &bucket, &Change::Lifecycle(Vec::new()));
    assert_eq!(server.seen(&bucket).expect("there").lifecycle, theirs);
}

pub fn a_change_to_a_bucket_that_is_gone_makes_none(server: &dyn Server) {
    let bucket = unused_name("gone");
    for change in kept(server) {
        let outcome = wait(open(server).change(&bucket, &change));
        assert!(outcome.is_err(), "{change:?}");
        assert_eq!(server.seen(&bucket), None, "{change:?}");
    }
}

/// The connection ends after each request in turn has been carried out: the write is
/// repeated, and done once.
pub fn a_write_whose_answer_is_lost_is_done_once(server: &dyn Server) {
    let bucket = unused_name("lost");
    server.make(&bucket);
    let proxy = wait(Proxy::start(server.address(), Options::default())).expect("the proxy starts");
    for change in kept(server) {
        for request in 1..=3 {
            proxy.clear();
            proxy.cut_at(request, Cut::After);
            let cloud = server.open_at(proxy.address(), &CancellationToken::new());
            wait(cloud.change(&bucket, &change))
                .unwrap_or_else(|error| panic!("{change:?}, {request}: {error}"));
        }
    }
    assert_eq!(server.seen(&bucket), Some(expected(server)));
}
