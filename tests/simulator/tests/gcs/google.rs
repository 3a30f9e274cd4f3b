//! Google's own library, in a process that all tests share.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::Cloud;

struct Library {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _child: Child,
}

fn library() -> MutexGuard<'static, Library> {
    static LIBRARY: OnceLock<Mutex<Library>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let cache = std::env::var("WANDB_TEST_CACHE").unwrap_or_else(|_| {
            let home = std::env::var("HOME").expect("HOME");
            format!("{home}/.cache/terraform-provider-wandb")
        });
        let mut child = Command::new(format!("{cache}/venv/bin/python"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gcs/library.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python environment is there; run tests/setup.sh");
        Mutex::new(Library {
            input: child.stdin.take().expect("piped"),
            output: BufReader::new(child.stdout.take().expect("piped")),
            _child: child,
        })
    });
    library.lock().unwrap_or_else(PoisonError::into_inner)
}

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
            let mut library = library();
            writeln!(library.input, "{request}").expect("the library listens");
            let mut line = String::new();
            library
                .output
                .read_line(&mut line)
                .expect("the library answers");
            line
        });
        serde_json::from_str(&asked.await.expect("no panic")).expect("JSON")
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
