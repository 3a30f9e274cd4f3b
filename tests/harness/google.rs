//! Google's own library, which shares nothing with the provider, in a process that all tests
//! share.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

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
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/simulator/tests/gcs/library.py"
        );
        let mut child = Command::new(format!("{cache}/venv/bin/python"))
            .arg(script)
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

/// Has the library make a call, as the account of a key file; the answer has `ok` or `error`
/// and `message`.
pub fn google(endpoint: &str, key_file: &str, call: &str, args: &Value) -> Value {
    let key: Value = serde_json::from_str(key_file).expect("JSON");
    let request = json!({"to": {"endpoint": endpoint, "key": key}, "call": call, "args": args});
    let mut library = library();
    writeln!(library.input, "{request}").expect("the library listens");
    let mut line = String::new();
    library
        .output
        .read_line(&mut line)
        .expect("the library answers");
    serde_json::from_str(&line).expect("JSON")
}
