//! Answers that the proxy gives itself, in place of the upstream.

use std::io::Result;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::Seen;

/// An answer with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For example 503.
    pub status: u16,
    /// Besides the length, which is added.
    pub headers: Vec<(&'static str, String)>,
    /// Left out where it answers a `HEAD`.
    pub body: String,
}

impl Reply {
    pub(super) async fn write(
        &self,
        to: &mut (impl AsyncWrite + Unpin),
        method: &str,
    ) -> Result<()> {
        let mut head = format!("HTTP/1.1 {} \r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        to.write_all(head.as_bytes()).await?;
        if method != "HEAD" {
            to.write_all(self.body.as_bytes()).await?;
        }
        to.flush().await
    }
}

/// A reply that waits for its requests.
pub(super) struct Planned {
    pub(super) fits: Box<dyn Fn(&Seen) -> bool + Send>,
    pub(super) times: usize,
    pub(super) reply: Reply,
}

/// Takes the first reply that is meant for this request.
pub(super) fn take(planned: &mut [Planned], seen: &Seen) -> Option<Reply> {
    let one = planned
        .iter_mut()
        .find(|one| one.times > 0 && (one.fits)(seen))?;
    one.times -= 1;
    Some(one.reply.clone())
}
