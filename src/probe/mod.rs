//! Tries a bucket as W&B's browser application and its SDK do, on any cloud.
//!
//! The cloud signs each step and reads its own answers; what is tried and what an outcome
//! means is here. A refusal is a finding, not an error: the errors of this module are about
//! requests that got no answer at all, or an operation that was stopped.

mod clean_up;
mod steps;

use std::ops::Deref;
use std::sync::atomic::AtomicBool;

use crate::byob::http::{HttpRequest, HttpResponse};
use crate::byob::identity::AccessKey;
use crate::byob::preflight;
use crate::byob::probe::{
    Attempt, OBJECT, PARTS_SUFFIX, ProbeReply, ProbeResult, ProbeStep, Signed,
};
use crate::byob::requirements::access::WITHOUT_KEY;
use crate::byob::{Cloud, CloudError, CloudErrorKind, Reading};

const BODY: &[u8] = b"This object is a probe of terraform-provider-wandb and may be deleted.\n";

/// What to probe, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The cloud, opened for this operation.
    pub cloud: &'a dyn Cloud,
    /// The bucket's name.
    pub bucket: &'a str,
    /// The part of it that is W&B's.
    pub path: Option<&'a str>,
    /// The origin of W&B's web application.
    pub origin: &'a str,
    /// W&B's key, where it is known.
    pub key: Option<&'a AccessKey>,
    /// The bucket was made in this run, so no earlier probe has left anything in it.
    pub is_new: bool,
}

/// The answer to a step, with what it says.
struct Answer {
    response: HttpResponse,
    reply: ProbeReply,
}

/// What became of a step.
enum Outcome {
    Answer(Answer),
    /// The cloud does without it.
    NotNeeded,
    /// It cannot be tried with these credentials, for this reason.
    Unable(String),
}

/// One run of a probe.
struct Run<'a> {
    probe: &'a Probe<'a>,
    /// A step was sent again, so that there may be more to remove than the answers tell.
    is_repeated: AtomicBool,
}

impl<'a> Deref for Run<'a> {
    type Target = Probe<'a>;

    fn deref(&self) -> &Self::Target {
        self.probe
    }
}

impl Probe<'_> {
    /// Tries everything, and removes what it has made; unless the bucket is new, also what
    /// an earlier probe has left that was killed.
    ///
    /// # Errors
    /// When the server cannot be reached, or the operation is stopped.
    pub async fn run(&self) -> Result<ProbeResult, CloudError> {
        let run = Run {
            probe: self,
            is_repeated: AtomicBool::new(false),
        };
        run.whole().await
    }
}

impl Run<'_> {
    async fn whole(&self) -> Result<ProbeResult, CloudError> {
        let object = self.object();
        let retention = self.retention().await?;
        if let Some(why) = unwritable(&retention) {
            let put = ProbeStep::Put { object };
            let preflight = self.preflight(&put).await?;
            let result = self.without_upload(preflight, Attempt::NotTried(why));
            return Ok(ProbeResult {
                retention,
                ..result
            });
        }
        let mut uploaded = None;
        let outcome = self.attempt(&object, &mut uploaded).await;
        let left_behind = self.clean_up(&object, uploaded).await;
        outcome.map(|result| ProbeResult {
            // What could not be tried has left nothing.
            left_behind: match result.put {
                Attempt::NotTried(_) => Vec::new(),
                _ => left_behind,
            },
            ..result
        })
    }

    /// Whether what is written can be removed again. A bucket that was made in this run keeps
    /// nothing by itself.
    async fn retention(&self) -> Result<Attempt, CloudError> {
        if self.is_new {
            return Ok(Attempt::Passed);
        }
        Ok(match self.cloud.default_retention(self.bucket).await? {
            Reading::Known(retention) if !retention.is_empty() => Attempt::Failed {
                expected: "no default retention".to_owned(),
                actual: retention,
                message: "W&B cannot delete a file before its retention ends".to_owned(),
            },
            Reading::Known(_) | Reading::Unsupported(_) | Reading::Skipped => Attempt::Passed,
            Reading::Denied(why) => Attempt::NotTried(format!("not allowed to look: {why}")),
        })
    }

    /// Always the same, so that a probe also removes what one before it has left that was
    /// killed.
    fn object(&self) -> String {
        self.path
            .map_or_else(|| OBJECT.to_owned(), |path| format!("{path}/{OBJECT}"))
    }

    /// `uploaded` learns the version that the upload has made, where it has an id.
    async fn attempt(
        &self,
        object: &str,
        uploaded: &mut Option<String>,
    ) -> Result<ProbeResult, CloudError> {
        let put = ProbeStep::Put {
            object: object.to_owned(),
        };
        let preflight = self.preflight(&put).await?;
        let answer = match self.first_put(&put).await? {
            Outcome::Answer(answer) => answer,
            Outcome::NotNeeded => return Ok(self.without_upload(preflight, no_such_step("put"))),
            Outcome::Unable(why) => {
                return Ok(self.without_upload(preflight, Attempt::NotTried(why)));
            }
        };
        let put = judged(&answer, "an upload", "the SDK could not upload files");
        if put != Attempt::Passed {
            return Ok(self.without_upload(preflight, put));
        }
        let version = answer.reply.version.as_ref();
        *uploaded = version
            .filter(|version| !version.is_only)
            .map(|version| version.id.clone());
        let etag = self.etag(&answer.response);
        let (get, multipart) = tokio::join!(self.get(object), self.multipart(object));
        let (get, multipart) = (get?, multipart?);
        let access = self.access(&get, &multipart).await?;
        Ok(ProbeResult {
            preflight,
            put,
            get,
            multipart,
            etag,
            access,
            retention: Attempt::Passed,
            left_behind: Vec::new(),
        })
    }

    /// The result where nothing could be uploaded.
    fn without_upload(&self, preflight: Attempt, put: Attempt) -> ProbeResult {
        let why = || match &put {
            Attempt::NotTried(why) => Attempt::NotTried(why.clone()),
            _ => Attempt::NotTried("the upload before it failed".to_owned()),
        };
        ProbeResult {
            preflight,
            get: why(),
            multipart: why(),
            etag: why(),
            access: match self.key {
                Some(_) => put.clone(),
                None => self.no_key(),
            },
            put,
            retention: Attempt::Passed,
            left_behind: Vec::new(),
        }
    }

    async fn preflight(&self, put: &ProbeStep) -> Result<Attempt, CloudError> {
        let first = self.preflight_once(put).await;
        let may_pass = match &first {
            Ok(attempt) => matches!(attempt, Attempt::Failed { .. }),
            Err(error) => error.kind == CloudErrorKind::Transport,
        };
        if !may_pass || !self.cloud.wait_again(0).await? {
            return first;
        }
        self.preflight_once(put).await
    }

    async fn preflight_once(&self, put: &ProbeStep) -> Result<Attempt, CloudError> {
        let url = match self.cloud.sign(self.bucket, put, self.key).await? {
            Signed::Request(request) => request.url,
            Signed::NotNeeded => return Ok(no_such_step("put")),
            Signed::Unable(why) => return Ok(Attempt::NotTried(why)),
        };
        let request = HttpRequest {
            headers: preflight::question(self.cloud.kind(), self.origin),
            ..HttpRequest::new("OPTIONS", url)
        };
        let response = self.cloud.send(self.bucket, &request).await?;
        let answer = preflight::read(
            self.cloud.kind(),
            self.origin,
            response.status,
            &response.headers,
        );
        let refused = if !answer.origin_allowed {
            "the origin is not let in"
        } else if !answer.methods.iter().any(|method| method == "PUT") {
            "PUT is not let in"
        } else if !answer.headers_allowed {
            "other request headers are not let in"
        } else {
            return Ok(Attempt::Passed);
        };
        Ok(Attempt::Failed {
            expected: format!("{} may PUT with any header", self.origin),
            actual: format!("status {}, {refused}", answer.status),
            message: "W&B's web application cannot upload from the browser".to_owned(),
        })
    }

    fn etag(&self, response: &HttpResponse) -> Attempt {
        let headers = &response.headers;
        let has_etag = headers.contains_key("etag");
        if has_etag && preflight::lets_in(headers, self.origin) && preflight::exposes_etag(headers)
        {
            return Attempt::Passed;
        }
        let actual = if !has_etag {
            "no ETag in the answer"
        } else if !preflight::lets_in(headers, self.origin) {
            "the answer is not for pages of that origin"
        } else {
            "ETag is not exposed"
        };
        Attempt::Failed {
            expected: format!("ETag readable by pages of {}", self.origin),
            actual: actual.to_owned(),
            message: "uploads in parts from the browser cannot be finished".to_owned(),
        }
    }

    async fn get(&self, object: &str) -> Result<Attempt, CloudError> {
        let message = "files could be written and not read";
        let get = ProbeStep::Get {
            object: object.to_owned(),
        };
        let answer = match self.step(&get, &[]).await? {
            Outcome::Answer(answer) => answer,
            Outcome::NotNeeded => return Ok(no_such_step("get")),
            Outcome::Unable(why) => return Ok(Attempt::NotTried(why)),
        };
        let outcome = judged(&answer, "a download", message);
        if outcome != Attempt::Passed {
            return Ok(outcome);
        }
        if answer.response.body != BODY {
            return Ok(Attempt::Failed {
                expected: "the bytes that were uploaded".to_owned(),
                actual: "other bytes".to_owned(),
                message: message.to_owned(),
            });
        }
        let head = ProbeStep::Head {
            object: object.to_owned(),
        };
        Ok(match self.step(&head, &[]).await? {
            Outcome::Answer(answer) => judged(&answer, "a request for headers", message),
            Outcome::NotNeeded => no_such_step("head"),
            Outcome::Unable(why) => Attempt::NotTried(why),
        })
    }

    async fn multipart(&self, object: &str) -> Result<Attempt, CloudError> {
        let object = in_parts(object);
        let message = "large artifacts could not be uploaded";
        let begin = ProbeStep::BeginUpload {
            object: object.clone(),
        };
        let upload = match self.step(&begin, &[]).await? {
            Outcome::Answer(begun) => {
                let outcome = judged(&begun, "an upload in parts", message);
                if outcome != Attempt::Passed {
                    return Ok(outcome);
                }
                let Some(upload) = begun.reply.uploads.into_iter().next() else {
                    return Ok(Attempt::Failed {
                        expected: "an upload id".to_owned(),
                        actual: "none".to_owned(),
                        message: message.to_owned(),
                    });
                };
                upload
            }
            // Parts are sent there without a beginning.
            Outcome::NotNeeded => String::new(),
            Outcome::Unable(why) => return Ok(Attempt::NotTried(why)),
        };
        let part = ProbeStep::UploadPart {
            object: object.clone(),
            upload: upload.clone(),
            part: 1,
        };
        let sent = match self.step(&part, BODY).await? {
            Outcome::Answer(sent) => judged(&sent, "a part of an upload", message),
            Outcome::NotNeeded => no_such_step("upload part"),
            Outcome::Unable(why) => Attempt::NotTried(why),
        };
        // Given up whatever became of the part, so that nothing is left to be billed.
        let abort = ProbeStep::AbortUpload { object, upload };
        let aborted = self.step(&abort, &[]).await?;
        if sent != Attempt::Passed {
            return Ok(sent);
        }
        Ok(match aborted {
            // The answer to the first one was lost.
            Outcome::Answer(answer) if answer.response.status == 404 && self.is_repeated() => {
                Attempt::Passed
            }
            Outcome::Answer(answer) => judged(
                &answer,
                "giving an upload up",
                "unfinished uploads would pile up",
            ),
            Outcome::NotNeeded => Attempt::Passed,
            Outcome::Unable(why) => Attempt::NotTried(why),
        })
    }

    /// W&B's key can do all that W&B does, and no more.
    async fn access(&self, get: &Attempt, multipart: &Attempt) -> Result<Attempt, CloudError> {
        let Some(key) = self.key else {
            return Ok(self.no_key());
        };
        for attempt in [get, multipart] {
            if *attempt != Attempt::Passed {
                return Ok(attempt.clone());
            }
        }
        let more = self.cloud.overreach(self.bucket, key).await?;
        if more.is_empty() {
            return Ok(Attempt::Passed);
        }
        Ok(Attempt::Exceeded(more.join(" and ")))
    }

    fn no_key(&self) -> Attempt {
        Attempt::NotTried((*WITHOUT_KEY.of(self.cloud.kind())).to_owned())
    }
}

/// Why nothing may be written, if that is so.
fn unwritable(retention: &Attempt) -> Option<String> {
    let why = match retention {
        Attempt::Passed => return None,
        Attempt::Failed { actual, .. } => {
            format!("the bucket puts every new object under retention ({actual})")
        }
        Attempt::Exceeded(why) | Attempt::NotTried(why) => {
            format!("whether the bucket puts new objects under retention is unknown ({why})")
        }
    };
    Some(format!(
        "{why}, and a probe is written only where it can be removed again"
    ))
}

/// The object that is uploaded in parts.
fn in_parts(object: &str) -> String {
    format!("{object}{PARTS_SUFFIX}")
}

/// A cloud that says it does without a step that every cloud has.
fn no_such_step(step: &str) -> Attempt {
    Attempt::NotTried(format!("this cloud has no step {step:?}"))
}

fn judged(answer: &Answer, what: &str, message: &str) -> Attempt {
    if answer.response.is_success() {
        return Attempt::Passed;
    }
    let status = answer.response.status;
    Attempt::Failed {
        expected: format!("{what} succeeds"),
        actual: match &answer.reply.code {
            Some(code) => format!("status {status}, {code}"),
            None => format!("status {status}"),
        },
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_code() {
        let answer = Answer {
            response: HttpResponse {
                status: 403,
                ..HttpResponse::default()
            },
            reply: ProbeReply {
                code: Some("AccessDenied".to_owned()),
                ..ProbeReply::default()
            },
        };
        let Attempt::Failed { actual, .. } = judged(&answer, "an upload", "m") else {
            panic!("403 is no success");
        };
        assert_eq!(actual, "status 403, AccessDenied");
    }
}
