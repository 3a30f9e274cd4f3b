//! What may become of a bucket when its resource goes: `on_destroy`, and the refusal while
//! the bucket holds data.

use std::sync::Arc;

use super::schema::Bucket;
use crate::byob::{Cloud, CloudError};
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::terraform::diagnostics::Explanation;

/// Counting what is in a bucket stops here.
pub const COUNT_LIMIT: u64 = 10_000;

/// The value in the state: a change has to be applied before it counts.
pub fn on_destroy(state: &Bucket) -> &str {
    state
        .on_destroy
        .known()
        .map_or("delete_if_empty", String::as_str)
}

/// The refusal while there is anything in the bucket.
pub async fn data_in(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    summary: &str,
) -> Result<Option<Diagnostic>, CloudError> {
    let contents = cloud.contents(name, COUNT_LIMIT).await?;
    Ok((!contents.is_empty()).then(|| holds_data(summary, &contents.to_string())))
}

/// A bucket that is not empty is not deleted.
fn holds_data(summary: &str, contents: &str) -> Diagnostic {
    Explanation::new(summary, format!("it holds {contents}"))
        .left_behind("the bucket, with all that is in it")
        .what_to_do(
            "Set on_destroy = \"delete_everything\" and apply that first; or delete the contents; \
             or set on_destroy = \"keep\" to leave the bucket where it is.",
        )
        .at(Path::of("on_destroy"))
        .error()
}
