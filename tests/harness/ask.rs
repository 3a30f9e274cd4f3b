//! Independent clients, to ask a server what is really there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};
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
struct Asker {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _child: Child,
}

fn asker() -> MutexGuard<'static, Asker> {
    static ASKER: OnceLock<Mutex<Asker>> = OnceLock::new();
    let asker = ASKER.get_or_init(|| {
        let cache = std::env::var("WANDB_TEST_CACHE").unwrap_or_else(|_| {
            format!(
                "{}/.cache/terraform-provider-wandb",
                std::env::var("HOME").expect("HOME")
            )
        });
        let mut child = Command::new(format!("{cache}/venv/bin/python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/ask.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python environment is there; run tests/setup.sh");
        Mutex::new(Asker {
            input: child.stdin.take().expect("piped"),
            output: BufReader::new(child.stdout.take().expect("piped")),
            _child: child,
        })
    });
    asker.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    let mut asker = asker();
    writeln!(asker.input, "{request}").expect("the asker listens");
    let mut line = String::new();
    asker
        .output
        .read_line(&mut line)
        .expect("the asker answers");
    serde_json::from_str(&line).expect("JSON")
}
