//! A proxy on loopback that counts the requests of an HTTP/1.1 client, delays them, and
//! breaks the one that a test names.
//!
//! Requests pass unchanged, `Host` included, so that signatures stay valid. No TLS, no
//! upgrades, no `CONNECT`.

mod message;
mod reply;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, sink};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use message::{Body, Head};
use reply::Planned;

pub use reply::Reply;

/// How the proxy treats every request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How long each request waits before it is passed on.
    pub delay: Duration,
}

/// On which side of the upstream's work a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The upstream never sees the request.
    Before,
    /// The upstream has answered, the client never sees the answer.
    After,
}

/// A request that passed, or was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PUT`, ….
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    /// What is asked for, where that stands in no address: Amazon's services but S3 name
    /// it in a header or in the form that is sent. Empty elsewhere.
    pub action: String,
    /// The upstream's status; `None` while there is none.
    pub status: Option<u16>,
}

impl Seen {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        let verbs = ["Get", "List", "Describe", "Simulate"];
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
            || verbs.iter().any(|verb| self.action.starts_with(verb))
    }
}

enum Hook {
    Cut(Cut),
    Kill(u32),
    Run(Box<dyn FnOnce() + Send>),
}

struct Shared {
    upstream: SocketAddr,
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    /// Grows with [`Proxy::clear`], so that late answers do not land in a new list.
    era: u32,
    hooks: BTreeMap<usize, Vec<Hook>>,
    replies: Vec<Planned>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_status(&self, noted: Noted, status: u16) {
        let mut state = self.state();
        if state.era == noted.era
            && let Some(seen) = state.seen.get_mut(noted.number - 1)
        {
            seen.status = Some(status);
        }
    }
}

/// Where a request stands in the list.
#[derive(Clone, Copy)]
struct Noted {
    number: usize,
    era: u32,
}

/// What was planned for a request.
struct Plan {
    hooks: Vec<Hook>,
    reply: Option<Reply>,
}

/// A running proxy; dropping it stops it.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Aborts what it holds when it is dropped.
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: SocketAddr, options: Options) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            options,
            state: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Ok(Self {
            shared,
            address,
            _tasks: tasks,
        })
    }

    /// Where the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The proxy as an endpoint, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.state().seen.clone()
    }

    /// Forgets the requests so far and what was planned; counting begins with 1 again.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        state.seen.clear();
        state.hooks.clear();
        state.replies.clear();
        state.era += 1;
    }

    /// Kills a process (SIGKILL) when its request number `n`, counted from 1, has
    /// arrived as a whole, right before it is passed on. It is still carried out.
    pub fn kill_at(&self, n: usize, pid: u32) {
        self.hook(n, Hook::Kill(pid));
    }

    /// Ends the connection at request number `n`, counted from 1.
    pub fn cut_at(&self, n: usize, when: Cut) {
        self.hook(n, Hook::Cut(when));
    }

    /// Runs something right before request number `n`, counted from 1, is passed on.
    pub fn run_at(&self, n: usize, action: impl FnOnce() + Send + 'static) {
        self.hook(n, Hook::Run(Box::new(action)));
    }

    /// Answers the next `times` requests that fit in place of the upstream, which never
    /// sees them.
    pub fn reply(&self, times: usize, reply: Reply, fits: impl Fn(&Seen) -> bool + Send + 'static) {
        self.shared.state().replies.push(Planned {
            fits: Box::new(fits),
            times,
            reply,
        });
    }

    fn hook(&self, n: usize, hook: Hook) {
        self.shared.state().hooks.entry(n).or_default().push(hook);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.spawn(serve(client, shared.clone()));
                }
                // Out of file descriptors, most likely: others may give some back.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection, with one connection to the upstream, until either ends.
async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let Ok(upstream) = TcpStream::connect(shared.upstream).await else {
        return;
    };
    client.set_nodelay(true).ok();
    upstream.set_nodelay(true).ok();
    let (client_read, client_write) = client.into_split();
    let (upstream_read, upstream_write) = upstream.into_split();
    let mut line = Line {
        client_read: BufReader::new(client_read),
        client_write,
        upstream_read: BufReader::new(upstream_read),
        upstream_write,
        shared,
    };
    while let Ok(true) = line.exchange().await {}
}

struct Line {
    client_read: BufReader<OwnedReadHalf>,
    client_write: OwnedWriteHalf,
    upstream_read: BufReader<OwnedReadHalf>,
    upstream_write: OwnedWriteHalf,
    shared: Arc<Shared>,
}

impl Line {
    /// Passes one request and its answer; `false` when the connection is over.
    async fn exchange(&mut self) -> std::io::Result<bool> {
        tokio::select! {
            biased;
            ready = self.client_read.fill_buf() => { ready?; }
            // An idle upstream that says anything has closed: the client has to learn it
            // now and not from its next request.
            _ = self.upstream_read.fill_buf() => return Ok(false),
        }
        let Some(head) = Head::read(&mut self.client_read).await? else {
            return Ok(false);
        };
        let mut body = head.request_body();
        let mut whole = Vec::new();
        if head.has_form() {
            body.copy(&mut self.client_read, &mut whole).await?;
            body = Body::None;
        }
        let (noted, plan) = self.note(&head, &whole);
        if !plan.hooks.is_empty() || plan.reply.is_some() {
            // Whoever sent it may be dead in a moment: the request has to be complete.
            body.copy(&mut self.client_read, &mut whole).await?;
            body = Body::None;
        }
        if !self.shared.options.delay.is_zero() {
            tokio::time::sleep(self.shared.options.delay).await;
        }
        let mut loses_answer = false;
        for hook in plan.hooks {
            match hook {
                Hook::Cut(Cut::Before) => return Ok(false),
                Hook::Cut(Cut::After) => loses_answer = true,
                Hook::Kill(pid) => kill(pid).await,
                Hook::Run(action) => action(),
            }
        }
        let shared = self.shared.clone();
        let note_status = |status| shared.note_status(noted, status);
        let method = head.method();
        if let Some(reply) = plan.reply {
            note_status(reply.status);
            reply.write(&mut self.client_write, &method).await?;
            return Ok(!head.closes());
        }
        self.upstream_write.write_all(&head.bytes).await?;
        self.upstream_write.write_all(&whole).await?;
        let goes_on = if loses_answer {
            body.copy(&mut self.client_read, &mut self.upstream_write)
                .await?;
            message::pass_answer(&mut self.upstream_read, &mut sink(), &method, note_status)
                .await?;
            false
        } else {
            self.answer(body, &method, note_status).await?
        };
        Ok(goes_on && !head.closes())
    }

    /// Passes the rest of the request and the answer at the same time: an upstream may
    /// answer (100 Continue, or a refusal) before it has read everything.
    async fn answer(
        &mut self,
        body: Body,
        method: &str,
        note_status: impl FnMut(u16),
    ) -> std::io::Result<bool> {
        let mut sending =
            std::pin::pin!(body.copy(&mut self.client_read, &mut self.upstream_write));
        let mut answering = std::pin::pin!(message::pass_answer(
            &mut self.upstream_read,
            &mut self.client_write,
            method,
            note_status
        ));
        let mut sent = false;
        loop {
            tokio::select! {
                biased;
                outcome = &mut sending, if !sent => {
                    // A failure to send is no failure to answer.
                    sent = true;
                    if outcome.is_err() {
                        answering.await?;
                        return Ok(false);
                    }
                }
                outcome = &mut answering => return outcome.map(|keeps| keeps && sent),
            }
        }
    }

    /// Notes a request and takes what was planned for it.
    fn note(&self, head: &Head, form: &[u8]) -> (Noted, Plan) {
        let seen = Seen {
            method: head.method(),
            target: head.target(),
            action: head.action(form),
            status: None,
        };
        let mut state = self.shared.state();
        let reply = reply::take(&mut state.replies, &seen);
        state.seen.push(seen);
        let number = state.seen.len();
        let hooks = state.hooks.remove(&number).unwrap_or_default();
        let era = state.era;
        (Noted { number, era }, Plan { hooks, reply })
    }
}

/// Ends the process for good; one that is gone already is as good.
async fn kill(pid: u32) {
    // The shell has it built in; a program of that name is not on every machine.
    tokio::process::Command::new("sh")
        .args(["-c", "kill -s KILL \"$0\"", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .ok();
}
