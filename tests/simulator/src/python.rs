//! The Python environment of the set-up, where the independent clients are.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

use crate::servers::cache;

/// A program of the environment, for example `python` itself.
pub fn tool(name: &str) -> PathBuf {
    cache().join("venv/bin").join(name)
}

/// A script that answers each line of JSON with one.
#[derive(Debug)]
pub struct Script {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _child: Child,
}

impl Script {
    /// Starts the script of this path.
    ///
    /// # Errors
    /// When the environment is not there.
    pub fn start(path: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(tool("python"))
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("there is no Python environment: run tests/setup.sh")?;
        Ok(Self {
            input: child.stdin.take().context("no standard input")?,
            output: BufReader::new(child.stdout.take().context("no standard output")?),
            _child: child,
        })
    }

    /// Its answer to one request.
    ///
    /// # Errors
    /// When it has ended, or answers something else.
    pub fn ask(&mut self, request: &Value) -> anyhow::Result<Value> {
        writeln!(self.input, "{request}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("{request}: {line:?}"))
    }
}
