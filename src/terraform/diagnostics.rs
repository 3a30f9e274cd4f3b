//! From a failed call to what the user reads: why, which call, what was left behind,
//! and what to do.

use std::fmt::Write as _;

use crate::byob::{CloudError, CloudErrorKind};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::secret::scrub;
use crate::wandb::{WandbError, WandbErrorKind};

/// Words of a server are cut after so many characters.
const LONGEST_WORDS: usize = 600;

/// A failure on its way to the user, part by part.
#[derive(Clone, Debug)]
pub struct Explanation {
    summary: String,
    why: String,
    call: Option<String>,
    left_behind: Option<String>,
    what_to_do: Option<String>,
    path: Option<Path>,
}

impl Explanation {
    /// Something that no call was needed to find out.
    pub fn new(summary: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            why: why.into(),
            call: None,
            left_behind: None,
            what_to_do: None,
            path: None,
        }
    }

    /// A cloud's refusal.
    pub fn cloud(summary: impl Into<String>, error: CloudError) -> Self {
        let mut call = format!("{} on {:?}", error.call, error.target);
        if let Some(code) = &error.code {
            let _ = write!(call, ", code {code}");
        }
        if let Some(id) = &error.request_id {
            let _ = write!(call, ", request id {id}");
        }
        Self {
            call: Some(call),
            what_to_do: error.hint.or_else(|| advice(error.kind).map(str::to_owned)),
            ..Self::new(summary, error.message)
        }
    }

    /// The W&B instance's refusal.
    pub fn wandb(summary: impl Into<String>, error: WandbError) -> Self {
        let mut call = error.call;
        if let Some(id) = &error.request_id {
            let _ = write!(call, ", request id {id}");
        }
        Self {
            call: Some(call),
            what_to_do: error.hint,
            ..Self::new(summary, excerpt(&error.message))
        }
    }

    /// What exists now.
    #[must_use]
    pub fn left_behind(mut self, text: impl Into<String>) -> Self {
        self.left_behind = Some(text.into());
        self
    }

    /// What to do, in place of the general advice.
    #[must_use]
    pub fn what_to_do(mut self, text: impl Into<String>) -> Self {
        self.what_to_do = Some(text.into());
        self
    }

    /// The place in the configuration that can mend it.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// The same, saying that the operation's time was up if that is what happened.
    #[must_use]
    pub fn timed(mut self, cx: &Context) -> Self {
        if cx.timed_out() {
            self.why = format!("the operation's timeout passed ({})", self.why);
            self.what_to_do =
                Some("Give the operation more time in the timeouts block.".to_owned());
        }
        self
    }

    fn detail(&self) -> String {
        let parts = [
            ("Why", Some(&self.why)),
            ("Call", self.call.as_ref()),
            ("Left behind", self.left_behind.as_ref()),
            ("What to do", self.what_to_do.as_ref()),
        ];
        let lines: Vec<String> = parts
            .into_iter()
            .filter_map(|(name, text)| text.map(|text| format!("{name}: {text}")))
            .collect();
        lines.join("\n")
    }

    /// As an error.
    pub fn error(self) -> Diagnostic {
        let detail = self.detail();
        place(Diagnostic::error(self.summary, detail), self.path)
    }

    /// As a warning.
    pub fn warning(self) -> Diagnostic {
        let detail = self.detail();
        place(Diagnostic::warning(self.summary, detail), self.path)
    }
}

/// Words of a server, as they may be repeated: without any secret, and no longer than people
/// read. What is cut is cut last, so that no part of a secret is left.
pub fn excerpt(words: &str) -> String {
    let words = scrub(words);
    match words.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

fn place(diagnostic: Diagnostic, path: Option<Path>) -> Diagnostic {
    match path {
        Some(path) => diagnostic.at(path),
        None => diagnostic,
    }
}

fn advice(kind: CloudErrorKind) -> Option<&'static str> {
    Some(match kind {
        CloudErrorKind::Denied => "Give the caller's key the right to make this call.",
        CloudErrorKind::Unauthenticated => "Check the caller's credentials.",
        CloudErrorKind::Throttled => {
            "Run again later, with fewer operations at once (-parallelism)."
        }
        CloudErrorKind::Transport => {
            "Check the endpoint, proxies and ca_bundle, and whether the server is up."
        }
        CloudErrorKind::Stopped => "Run terraform apply again; it goes on where this run ended.",
        CloudErrorKind::Conflict => "Wait for the other change to end, then run again.",
        CloudErrorKind::NotSupported => "Leave the setting out, or use a server that has it.",
        CloudErrorKind::NotFound
        | CloudErrorKind::AlreadyExists
        | CloudErrorKind::Invalid
        | CloudErrorKind::Unexpected => return None,
    })
}

/// Whether the run was asked to end, or its time was up.
pub fn is_stopped(error: &WandbError) -> bool {
    error.kind == WandbErrorKind::Stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_has_four_parts_in_order() {
        let mut error = CloudError::new(
            CloudErrorKind::Denied,
            "s3:PutBucketVersioning",
            "acme",
            "Access Denied.",
        );
        error.code = Some("AccessDenied".into());
        error.request_id = Some("17A".into());
        let diagnostic = Explanation::cloud("Versioning was not switched on", error)
            .left_behind("the bucket, without versioning")
            .error();
        assert_eq!(
            diagnostic.detail,
            "Why: Access Denied.\n\
             Call: s3:PutBucketVersioning on \"acme\", code AccessDenied, request id 17A\n\
             Left behind: the bucket, without versioning\n\
             What to do: Give the caller's key the right to make this call."
        );
    }
}
