//! What changes behind Terraform's back shows on the attribute that it belongs to, and the
//! next apply mends it: a table of requirements and clouds, with one test for each row.

mod access;
mod azure;
mod data;
mod gcp;
mod key;
mod user;

use serde_json::Value;

use crate::harness::{Cloud, Stage, THIS};

/// One row of the table.
struct Drift<C: Cloud> {
    /// The requirement that is broken, or the attribute. Where no attribute shows it, the
    /// findings name it.
    what: &'static str,
    /// Where the bucket is made.
    stage: fn(&str) -> Stage<C>,
    /// The bucket's arguments.
    arguments: &'static str,
    /// The arguments in the block of its cloud.
    block: &'static str,
    /// How it is broken at the server.
    broken: fn(&Stage<C>),
    /// The attribute that has to show it.
    shows: &'static str,
    /// Words that the plan has to say.
    says: &'static [&'static str],
    /// Whether the bucket is proven to work afterwards.
    verified: bool,
    /// What the server has to say afterwards; the state before is there as well.
    mended: fn(&Stage<C>, &Value),
}

impl<C: Cloud> Default for Drift<C> {
    fn default() -> Self {
        Self {
            what: "",
            stage: Stage::new,
            arguments: "",
            block: "",
            broken: |_| {},
            shows: "findings",
            says: &[],
            verified: true,
            mended: |_, _| {},
        }
    }
}

/// Applies, breaks something, sees it in the plan, has it mended, looks at the server.
fn drift<C: Cloud>(row: Drift<C>) {
    let name = row.what.replace(['.', '_'], "-");
    let stage = (row.stage)(&format!("drift-{name}"));
    // What nobody is let into is not verified: a server that knows no principals needs a key.
    let needs_key = C::BLOCK == "s3_compatible" && !row.block.contains("access_key");
    let key = if needs_key {
        "create_access_key = true"
    } else {
        ""
    };
    stage.write_bucket(row.arguments, &format!("{}\n{key}", row.block));
    stage.apply();
    stage.assert_empty_plan();
    let before = stage.this();
    assert_eq!(before["verified"], true, "{}", before["findings"]);
    (row.broken)(&stage);
    shows(&stage, &row);
    stage.apply();
    stage.assert_empty_plan();
    let after = stage.this();
    assert_eq!(after["verified"], row.verified, "{}", after["findings"]);
    (row.mended)(&stage, &before);
    C::clean_up(&stage, stage.bucket());
    stage.destroy();
    assert!(!C::is_there(&stage, stage.bucket()));
}

/// The plan shows what is broken.
fn shows<C: Cloud>(stage: &Stage<C>, row: &Drift<C>) {
    let plan = stage.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    let changed = plan.changed(THIS);
    assert!(
        changed.iter().any(|name| name == row.shows),
        "{} is not among {changed:?}",
        row.shows
    );
    for words in row.says {
        assert!(plan.text.contains(words), "{}", plan.text);
    }
    if row.shows == "findings" {
        let found = plan.change(THIS)["before"]["findings"].clone();
        let mut failed = found.as_array().expect("findings").iter();
        assert!(
            failed.any(|one| one["requirement"] == row.what && one["status"] == "fail"),
            "no {} in {found}",
            row.what
        );
    }
}
