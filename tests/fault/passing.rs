//! What may go wrong once with a request to a simulated cloud, and passes by itself.

use simulator::gcs::Fault;

/// Breaks requests whose line holds a text, so often.
pub type Broken = fn(&str, Option<u32>) -> Fault;

/// Each by a name for the test that it is tried in.
pub const PASSING: [(&str, Broken); 5] = [
    ("lost", |place, times| Fault::lose_reply(place, times)),
    ("cut", |place, times| Fault::reset(place, times)),
    ("503", |place, times| Fault::status(place, 503, times)),
    ("429", |place, times| Fault::status(place, 429, times)),
    ("500", |place, times| Fault::status(place, 500, times)),
];
