//! The files of Terraform's protocol are the ones that somebody has checked.

use aws_lc_rs::digest::{SHA256, digest};

use crate::sources::read;

/// A changed protocol file needs a look at where it says it comes from.
#[test]
fn protocol_files_are_the_ones_that_were_checked() {
    let origin = read("proto/ORIGIN.md");
    for file in ["tfplugin5.proto", "plugin.proto", "health.proto"] {
        let sum = digest(&SHA256, read(&format!("proto/{file}")).as_bytes());
        let sum: String = sum
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let row = format!("| `{file}` | `{sum}` |");
        assert!(
            origin.contains(&row),
            "proto/{file} has changed: check it against its origin, then write to proto/ORIGIN.md\n{row}"
        );
    }
}
