//! What the private data of a bucket's plan and state is called.
//!
//! A destroy is given what the last apply has kept; the delete half of a replacement is
//! given what the *plan* of its create half has.

use crate::sdk::private::Private;

/// A plan that makes a bucket: its name.
pub const CREATE: &str = "create";
/// A plan that makes a bucket: its id, where that is known.
pub const CREATE_AT: &str = "create_at";
/// A plan that makes a bucket: its id, where that is known and nobody said that a bucket
/// which is there may be taken over.
pub const CREATE_ANEW: &str = "create_anew";
/// A plan that may turn into a replacement: what would be replaced.
pub const REPLACES: &str = "replaces";
/// A plan: nothing that goes in this run makes room for the bucket.
pub const NOTHING_GOES: &str = "nothing_goes";
/// A state: arguments of the cloud's block that the configuration leaves to the provider's.
pub const OPEN: &str = "open";
/// A state: imported, and never changed since.
pub const IMPORTED: &str = "imported";
/// A state: imported by somebody who may not look for W&B's user, and never changed since.
pub const UNSEEN: &str = "unseen";
/// A state: our marker is gone from the bucket's tags.
pub const MARKER_LOST: &str = "marker_lost";
/// A state: the key that was made for the bucket, by its full name, also while the bucket
/// is encrypted with another one.
pub const MADE_KEY: &str = "made_key";
/// A state: the key that the last apply settled on, which a refresh does not change.
pub const APPLIED_KEY: &str = "applied_key";
/// A state: the rule for web pages that the last apply has written.
pub const APPLIED_CORS: &str = "applied_cors";
/// A state: our lifecycle rules as the last apply has written them.
pub const APPLIED_LIFECYCLE: &str = "applied_lifecycle";
/// A state: the principals that applies have let in and none has shut out again.
pub const LET_IN: &str = "let_in";
/// A state: identities that were made for the bucket, that nobody wants any more, and that no
/// apply has removed yet, by their names.
pub const UNWANTED: &str = "unwanted";
/// A state: the last apply did not come to its end, and the next one has to.
pub const UNFINISHED: &str = "unfinished";
/// A state: settings that the next apply could not write either.
pub const UNWRITABLE: &str = "server_cannot";
/// A state: the bucket is gone, and what was made for it is not; the generations that it may
/// carry.
pub const GONE: &str = "gone";
/// A state: a destroy that was refused has taken the bucket over; the generations that what was
/// made for it may carry, the state's own first.
pub const TAKEN: &str = "taken";
/// A state: where the bucket was seen last.
pub const SERVER: &str = "server";
/// A state: when the last apply has had the bucket, in milliseconds since 1970.
pub const SEEN: &str = "seen";
/// A state: the bucket is not the one that the last apply has left. Somebody has deleted that
/// one and made another.
pub const MADE_ANEW: &str = "made_anew";
/// A state: see [`was_interrupted`].
pub const INTERRUPTED: &str = "interrupted";

/// Whether an apply of this state was killed, so that nobody knows what it has done, and
/// whatever the private data has said before is lost. Terraform keeps the state of before
/// then, and no private data; what comes to an end, a failure too, leaves at least the place
/// where the bucket is. A tainted object's is lost with the plan that replaces it, too.
pub fn was_interrupted(private: &Private) -> bool {
    private.get(INTERRUPTED).is_some() || private.get(SERVER).is_none()
}
