//! Microsoft's own libraries, which share nothing with the provider, in a process that all
//! tests share.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use simulator::python::Script;

static LIBRARIES: LazyLock<Mutex<Script>> = LazyLock::new(|| {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/simulator/tests/azure/library.py"
    );
    Mutex::new(Script::start(script).expect("Microsoft's libraries"))
});

/// Has the libraries make a call at the Azure that has said it is `ready`, as `who`; the
/// answer has `ok` or `error`, `status` and `message`.
pub fn microsoft(ready: &Value, who: &Value, call: &str, args: &Value, more: &Value) -> Value {
    let request = json!({"to": ready, "as": who, "call": call, "args": args, "more": more});
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    libraries.ask(&request).expect("the libraries answer")
}
