//! What counts as verified, and which failures nobody may pass over.

use super::super::diff::tests::{good, wanted};
use super::*;
use crate::byob::Observed;
use crate::byob::observed::Unversioned;
use crate::byob::probe::{Attempt, ProbeResult};
use crate::byob::requirement::Tried;
use crate::byob::requirements::probed;
use crate::byob::spec::{Access, BucketSpec};

fn failed() -> Attempt {
    Attempt::Failed {
        expected: "e".to_owned(),
        actual: "a".to_owned(),
        message: "m".to_owned(),
    }
}

fn passed() -> ProbeResult {
    ProbeResult {
        preflight: Attempt::Passed,
        put: Attempt::Passed,
        get: Attempt::Passed,
        multipart: Attempt::Passed,
        etag: Attempt::Passed,
        access: Attempt::Passed,
        retention: Attempt::Passed,
        left_behind: Vec::new(),
    }
}

fn report(spec: &BucketSpec, observed: &Observed, tried: &Tried) -> Report {
    Report::new(Evidence {
        spec,
        observed,
        tried,
    })
}

fn of(change: impl FnOnce(&mut ProbeResult)) -> Report {
    let mut result = passed();
    change(&mut result);
    report(&wanted(), &good(), &probed(&result))
}

#[test]
fn what_was_seen_to_fail_is_a_proof() {
    type Break = fn(&mut ProbeResult);
    let table: [(Break, &str); 6] = [
        (|r| r.preflight = failed(), "probe.preflight"),
        (|r| r.put = failed(), "probe.put"),
        (|r| r.get = failed(), "probe.get"),
        (|r| r.multipart = failed(), "probe.multipart"),
        (|r| r.etag = failed(), "probe.etag"),
        (|r| r.access = failed(), "access.wandb_read_write"),
    ];
    for (breaks, id) in table {
        let report = of(breaks);
        let proven: Vec<&str> = report.proven_failures().map(|(one, _)| one.id).collect();
        assert_eq!(proven, [id]);
        assert!(!report.is_verified(), "{id}");
    }
    assert!(of(|_| {}).is_verified());
    // A setting that nobody can mend is no proof.
    let mut spec = wanted();
    spec.name = "Not.A_Name".to_owned();
    let report = report(&spec, &good(), &probed(&passed()));
    assert!(!report.is_compliant() && !report.is_verified());
    assert_eq!(report.proven_failures().count(), 0);
}

#[test]
fn nothing_is_verified_that_nobody_was_let_into() {
    let untried = |result: &mut ProbeResult| result.access = Attempt::NotTried("why".to_owned());
    assert!(!of(untried).is_verified());
    assert!(!report(&wanted(), &good(), &Tried::nothing()).is_verified());
    let mut spec = wanted();
    spec.access = Access::Unmanaged;
    assert!(!report(&spec, &good(), &probed(&passed())).is_verified());
}

#[test]
fn a_bucket_that_keeps_every_object_is_a_warning_and_not_verified() {
    let report = of(|result| {
        let why = || Attempt::NotTried("retention".to_owned());
        result.retention = failed();
        result.put = why();
        result.get = why();
        result.multipart = why();
        result.etag = why();
        result.access = why();
    });
    let of_lock =
        |(one, _): &&&(&Requirement, Verdict)| one.id == "object_lock.no_default_retention";
    let found: Vec<_> = report.findings().collect();
    let lock = found.iter().find(|one| of_lock(one)).expect("a finding");
    assert_eq!(lock.1.status, Status::Warn);
    assert!(report.is_compliant() && !report.is_verified());
}

#[test]
fn exceptions_from_versioning_count_where_wandb_writes() {
    for (prefixes, folders, path, expected) in [
        (&[][..], false, None, None),
        (&["tmp/"][..], false, None, Some("tmp/")),
        (&["tmp/"][..], false, Some("teams/a"), None),
        (&["teams/"][..], false, Some("teams/a"), Some("teams/")),
        (
            &["teams/a/x"][..],
            false,
            Some("teams/a"),
            Some("teams/a/x"),
        ),
        (
            &["*/x/", "other/"][..],
            false,
            Some("teams/a"),
            Some("*/x/"),
        ),
        (&[][..], true, Some("teams/a"), Some("folders")),
    ] {
        let mut observed = good();
        observed.unversioned = Unversioned {
            prefixes: prefixes.iter().map(|one| (*one).to_owned()).collect(),
            folders,
        };
        let mut spec = wanted();
        spec.path = path.map(str::to_owned);
        let report = report(&spec, &observed, &Tried::nothing());
        let mut found = report.findings();
        let found = found.find(|(one, _)| one.id == "versioning.no_exclusions");
        let actual = found.map(|(_, verdict)| (verdict.status, verdict.actual.as_str()));
        assert_eq!(actual, expected.map(|words| (Status::Warn, words)));
    }
}
