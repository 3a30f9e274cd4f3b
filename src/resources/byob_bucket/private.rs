//! What the private data of a bucket's plan and state is called.

/// A plan that makes a bucket: its name.
pub const CREATE: &str = "create";
/// A plan that may turn into a replacement: what would be replaced.
pub const REPLACES: &str = "replaces";
/// A plan: nothing that goes in this run makes room for the bucket.
pub const NOTHING_GOES: &str = "nothing_goes";
/// A state: our marker is gone from the bucket's tags.
pub const MARKER_LOST: &str = "marker_lost";
/// A state: settings that the next apply could not write either.
pub const UNWRITABLE: &str = "server_cannot";
/// A state: the bucket is gone, and what was made for it is not.
pub const GONE: &str = "gone";
/// A state: where the bucket was seen last.
pub const PLACE: &str = "place";
