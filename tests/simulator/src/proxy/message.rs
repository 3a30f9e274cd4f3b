//! HTTP/1.1 messages as far as a proxy has to know them: where the head ends, and how
//! long the body is. Bytes are passed on as they came.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
};

/// Heads longer than this are an error.
const LONGEST_HEAD: usize = 1 << 18;

/// The first line and the headers, with the empty line.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    first_line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head; `None` when the connection ends before one begins.
    pub(super) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut lines = Vec::new();
        loop {
            let start = bytes.len();
            if from.read_until(b'\n', &mut bytes).await? == 0 {
                if bytes.is_empty() {
                    return Ok(None);
                }
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let line = String::from_utf8_lossy(&bytes[start..]).trim().to_owned();
            if line.is_empty() && !lines.is_empty() {
                break;
            }
            if bytes.len() > LONGEST_HEAD {
                return Err(Error::new(ErrorKind::InvalidData, "the head is too long"));
            }
            if !line.is_empty() {
                lines.push(line);
            }
        }
        let first_line = lines.remove(0);
        let headers = lines
            .iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Some(Self {
            bytes,
            first_line,
            headers,
        }))
    }

    pub(super) fn method(&self) -> String {
        self.word(0)
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        self.word(1)
    }

    /// Whether the body is a form, which may name an action.
    pub(super) fn has_form(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }

    /// What is asked for, by `x-amz-target: Service.Action` or by `Action=…` in the form.
    pub(super) fn action(&self, form: &[u8]) -> String {
        if let Some(target) = self.header("x-amz-target") {
            return target.rsplit('.').next().unwrap_or_default().to_owned();
        }
        let form = String::from_utf8_lossy(form);
        let mut fields = form.split('&');
        let action = fields.find_map(|field| field.strip_prefix("Action="));
        action.unwrap_or_default().to_owned()
    }

    fn status(&self) -> Result<u16> {
        self.word(1)
            .parse()
            .map_err(|_| Error::new(ErrorKind::InvalidData, "the answer has no status"))
    }

    fn word(&self, index: usize) -> String {
        let mut words = self.first_line.split_whitespace();
        words.nth(index).unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name)?;
        Some(&found.1)
    }

    /// Whether the sender means to end the connection after this message.
    pub(super) fn closes(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
            || self.first_line.contains("HTTP/1.0")
    }

    /// What follows this head of a request.
    pub(super) fn request_body(&self) -> Body {
        self.framing().unwrap_or(Body::None)
    }

    fn answer_body(&self, method: &str, status: u16) -> Body {
        if method == "HEAD" || status == 204 || status == 304 {
            return Body::None;
        }
        self.framing().unwrap_or(Body::UntilEnd)
    }

    fn framing(&self) -> Option<Body> {
        let is_chunked = self
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"));
        if is_chunked {
            return Some(Body::Chunked);
        }
        let length = self.header("content-length")?.parse().ok()?;
        Some(Body::Length(length))
    }
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked,
    UntilEnd,
}

impl Body {
    /// Copies the body, byte for byte.
    pub(super) async fn copy(
        self,
        from: &mut (impl AsyncBufRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<()> {
        match self {
            Self::None => {}
            Self::Length(length) => copy_exactly(from, to, length).await?,
            Self::Chunked => copy_chunks(from, to).await?,
            Self::UntilEnd => {
                tokio::io::copy_buf(from, to).await?;
            }
        }
        to.flush().await
    }
}

/// Passes answers on until the final one is through; tells its status. `false` when
/// the connection ends with it.
pub(super) async fn pass_answer(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    method: &str,
    mut note_status: impl FnMut(u16),
) -> Result<bool> {
    loop {
        let head = Head::read(from).await?;
        let head = head.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
        let status = head.status()?;
        let is_final = status >= 200;
        if is_final {
            // Noted first: who has the answer may look at once.
            note_status(status);
        }
        to.write_all(&head.bytes).await?;
        if !is_final {
            to.flush().await?;
            continue;
        }
        let body = head.answer_body(method, status);
        body.copy(from, to).await?;
        return Ok(body != Body::UntilEnd && !head.closes());
    }
}

async fn copy_exactly(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    length: u64,
) -> Result<()> {
    let copied = tokio::io::copy_buf(&mut from.take(length), to).await?;
    if copied == length {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

async fn copy_chunks(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<()> {
    loop {
        let line = copy_line(from, to).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| Error::new(ErrorKind::InvalidData, "a chunk has no size"))?;
        if size == 0 {
            break;
        }
        copy_exactly(from, to, size).await?;
        copy_line(from, to).await?;
        to.flush().await?;
    }
    // Trailers, up to the empty line.
    while !copy_line(from, to).await?.is_empty() {}
    Ok(())
}

async fn copy_line(
    from: &mut (impl AsyncBufRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<String> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line).await? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    to.write_all(&line).await?;
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}
