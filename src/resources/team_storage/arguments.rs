//! Which argument of a team a part of its storage comes from.

use super::TeamStorage;
use super::bucket::BLOCK;
use crate::resources::byob_bucket::Bucket;
use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;

/// The argument of a configuration or plan that a part of the storage comes from.
pub fn place_of(key: &str, model: &TeamStorage) -> Path {
    let own = match &model.byob_bucket {
        _ if key == "path" && !model.path.is_null() => return Path::of("path"),
        Field::Null => return Path::of("storage"),
        Field::Known(own) => Some(own),
        Field::Unknown => None,
    };
    let cloud = own.and_then(|own| own.block());
    let argument = match (key, cloud) {
        ("path", _) => "path",
        ("name", _) if own.is_some_and(is_named) => "registration_name",
        ("name" | "provider", _) | (_, None) => "name",
        (_, Some((kind, _))) => kind.block(),
    };
    Path::of(argument).below(&Path::of(BLOCK))
}

/// The key of a bucket with a path reaches no other path.
pub fn outside(config: &TeamStorage) -> Option<Diagnostic> {
    let own = config.byob_bucket.known()?.path.known()?;
    let path = config.path.known()?;
    if path == own || path.starts_with(&format!("{own}/")) {
        return None;
    }
    Some(
        Explanation::new(
            "The team's path is outside of its bucket's",
            format!("path is {path:?}, and the bucket is made for {own:?}"),
        )
        .what_to_do("Leave one of the two out, or let path be that path or one below it.")
        .at(Path::of("path"))
        .error(),
    )
}

/// Whether the name for W&B is written out: in a configuration outputs are null.
fn is_named(own: &Bucket) -> bool {
    own.storage.is_null() && !own.registration_name.is_null()
}
