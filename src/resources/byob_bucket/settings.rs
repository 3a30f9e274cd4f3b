//! Writes a bucket's settings one after another.

use super::work::{Progress, Work, argument_of};
use crate::byob::CloudErrorKind;
use crate::byob::change::Change;
use crate::byob::spec::{BucketSpec, Setting};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::Field;

/// Writes the settings; returns those that the server does not know.
pub async fn write(
    work: &Work<'_>,
    changes: &[Change],
    wanted: &BucketSpec,
    progress: &mut Progress,
) -> Result<Vec<Setting>, Diagnostic> {
    let mut unwritable = Vec::new();
    for change in changes {
        let setting = change.setting();
        let Err(error) = work.cloud.change(&wanted.name, change).await else {
            continue;
        };
        let at = argument_of(setting, progress.block.as_ref());
        if error.kind != CloudErrorKind::NotSupported {
            let summary = format!("{} {} not set", title(setting), was(setting));
            return Err(work.explain(summary, error).at(at).error());
        }
        unwritable.push(setting);
        if wanted.chosen.contains(&setting) {
            let summary = format!("{} cannot be set on this server", title(setting));
            progress
                .diagnostics
                .push(work.explain(summary, error).at(at).error());
        }
    }
    if progress.diagnostics.has_errors() {
        // The rest of the work would only hide what the user has to change.
        progress.bucket.verified = Field::Known(false);
    }
    Ok(unwritable)
}

/// The setting as the subject of a sentence.
fn title(setting: Setting) -> &'static str {
    match setting {
        Setting::Tags => "Tags",
        Setting::Versioning => "Versioning",
        Setting::SoftDelete => "Soft delete",
        Setting::StorageClass => "The storage class",
        Setting::Key => "The key",
        Setting::PublicAccess => "The block on public access",
        Setting::Ownership => "The ownership of objects",
        Setting::Encryption => "Encryption",
        Setting::Cors => "The CORS rule",
        Setting::Lifecycle => "The lifecycle rule",
        Setting::Grants => "The bucket's access rules",
        Setting::Identity => "W&B's access",
    }
}

/// The verb that goes with [`title`].
fn was(setting: Setting) -> &'static str {
    match setting {
        Setting::Tags | Setting::Grants => "were",
        _ => "was",
    }
}
