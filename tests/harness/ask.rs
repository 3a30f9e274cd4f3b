//! Independent clients, to ask a server what is really there.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use simulator::python::Script;
use simulator::servers::Server;

/// Where a storage server is and how to get in.
#[derive(Clone, Debug)]
pub struct Login {
    pub endpoint: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Login {
    pub fn of(server: &Server) -> Self {
        Self {
            endpoint: server.endpoint(),
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
        }
    }

    /// The same server with the key that a bucket's state tells.
    pub fn with_key_of(self, bucket: &Value) -> Self {
        let text = |name: &str| bucket[name].as_str().expect("a text").to_owned();
        Self {
            access_key: text("access_key_id"),
            secret_key: text("secret_access_key"),
            ..self
        }
    }
}

/// The process that holds the independent clients.
static ASKER: LazyLock<Mutex<Script>> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/ask.py");
    Mutex::new(Script::start(script).expect("the independent clients"))
});

/// Asks by an independent client; the answer has `ok` or `error`.
pub fn ask(login: &Login, client: &str, call: &str, args: Value) -> Value {
    let request = json!({
        "to": {
            "endpoint": login.endpoint,
            "access_key": login.access_key,
            "secret_key": login.secret_key,
        },
        "client": client,
        "call": call,
        "args": args,
    });
    let mut asker = ASKER.lock().unwrap_or_else(PoisonError::into_inner);
    asker.ask(&request).expect("the clients answer")
}
