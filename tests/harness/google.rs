//! Google's own library, which shares nothing with the provider, in a process that all tests
//! share.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use simulator::python::Script;

static LIBRARY: LazyLock<Mutex<Script>> = LazyLock::new(|| {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/simulator/tests/gcs/library.py"
    );
    Mutex::new(Script::start(script).expect("Google's library"))
});

/// Has the library make a call, as the account of a key file; the answer has `ok` or `error`
/// and `message`.
pub fn google(endpoint: &str, key_file: &str, call: &str, args: &Value) -> Value {
    let key: Value = serde_json::from_str(key_file).expect("JSON");
    let request = json!({"to": {"endpoint": endpoint, "key": key}, "call": call, "args": args});
    let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    library.ask(&request).expect("the library answers")
}
