//! Values that are known only once something else of the same run is applied.

use crate::harness::{Cloud, Stage};

/// A resource whose `output` is true once it is applied, and not known before.
pub const LATER: &str = r#"
    resource "terraform_data" "later" {
      input = true
    }
"#;

/// The text as an expression that is not known before [`LATER`] is applied.
pub fn later(value: &str) -> String {
    format!("terraform_data.later.output ? {value} : null")
}

/// Applies what was written at once, and everything is as planned.
pub fn applies(stage: &Stage<impl Cloud>, case: &str) {
    let run = stage.terraform(&["apply", "-auto-approve", "-no-color"]);
    assert!(run.0.status.success(), "{case}:\n{}", run.text());
    stage.assert_empty_plan();
}
