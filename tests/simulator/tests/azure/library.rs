//! Microsoft's own libraries, in a process that all tests share.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use simulator::python::Script;

use crate::Cloud;

static LIBRARY: LazyLock<Mutex<Script>> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/azure/library.py");
    Mutex::new(Script::start(script).expect("Microsoft's libraries"))
});

impl Cloud {
    /// Has the libraries make a call; the answer has `ok` or `error`, `status` and
    /// `message`.
    pub async fn try_as(&self, who: &Value, call: &str, args: Value, more: Value) -> Value {
        let request = json!({"to": self.ready, "as": who, "call": call, "args": args,
            "more": more});
        // The instance answers on this thread.
        let asked = tokio::task::spawn_blocking(move || {
            let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
            library.ask(&request).expect("the libraries answer")
        });
        asked.await.expect("no panic")
    }

    /// The owner's call, which succeeds.
    pub async fn microsoft(&self, call: &str, args: Value) -> Value {
        self.call_as(&json!({}), call, args, json!({})).await
    }

    /// Somebody's call, which succeeds.
    pub async fn call_as(&self, who: &Value, call: &str, args: Value, more: Value) -> Value {
        let mut answer = self.try_as(who, call, args, more).await;
        assert!(answer.get("error").is_none(), "{call}: {answer}");
        answer["ok"].take()
    }

    /// The status and the code of the owner's call that is refused.
    pub async fn refused(&self, call: &str, args: Value) -> (u64, String) {
        self.refused_as(&json!({}), call, args, json!({})).await
    }

    /// The same of somebody's.
    pub async fn refused_as(
        &self,
        who: &Value,
        call: &str,
        args: Value,
        more: Value,
    ) -> (u64, String) {
        let answer = self.try_as(who, call, args, more).await;
        assert!(answer.get("error").is_some(), "{call}: {answer}");
        let code = answer["error"].as_str().unwrap_or_default().to_owned();
        (answer["status"].as_u64().unwrap_or(0), code)
    }
}
