//! Google's own library, in a process that all tests share.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use simulator::python::Script;

use crate::Cloud;

static LIBRARY: LazyLock<Mutex<Script>> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gcs/library.py");
    Mutex::new(Script::start(script).expect("Google's library"))
});

impl Cloud {
    /// Has the library make a call; the answer has `ok` or `error` and `message`.
    pub async fn try_google(&self, call: &str, args: Value) -> Value {
        self.try_google_with(&self.key, call, args).await
    }

    /// The same with another key file.
    pub async fn try_google_with(&self, key: &Value, call: &str, args: Value) -> Value {
        let to = json!({"endpoint": self.instance.url(), "key": key});
        let request = json!({"to": to, "call": call, "args": args});
        // The instance answers on this thread.
        let asked = tokio::task::spawn_blocking(move || {
            let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
            library.ask(&request).expect("the library answers")
        });
        asked.await.expect("no panic")
    }

    /// A call that succeeds.
    pub async fn google(&self, call: &str, args: Value) -> Value {
        let mut answer = self.try_google(call, args).await;
        assert!(answer.get("error").is_none(), "{call}: {answer}");
        answer["ok"].take()
    }

    /// The status and the words of a call that is refused.
    pub async fn refused(&self, call: &str, args: Value) -> (Value, String) {
        let mut answer = self.try_google(call, args).await;
        assert!(answer.get("error").is_some(), "{call}: {answer}");
        let message = answer["message"].as_str().unwrap_or_default().to_owned();
        (answer["error"].take(), message)
    }
}
