//! Sends the steps of a probe. One that fails is tried once more before it counts: a single
//! refusal or broken connection says little about a bucket.

use std::sync::atomic::Ordering;

use super::{Answer, BODY, Outcome, Run};
use crate::byob::identity::AccessKey;
use crate::byob::probe::{ProbeStep, Signed};
use crate::byob::{CloudError, CloudErrorKind};

impl Run<'_> {
    /// Does a step as W&B would.
    pub(super) async fn step(&self, step: &ProbeStep, body: &[u8]) -> Result<Outcome, CloudError> {
        self.twice(self.key, step, body, |status| !(200..300).contains(&status))
            .await
    }

    /// Does a step with the caller's own rights, where some refusals are answers.
    pub(super) async fn own_step(&self, step: &ProbeStep) -> Result<Outcome, CloudError> {
        self.twice(None, step, &[], |status| status >= 500).await
    }

    /// A key that was made a moment ago may need another one to be known everywhere.
    pub(super) async fn first_put(&self, put: &ProbeStep) -> Result<Outcome, CloudError> {
        let mut outcome = self.step(put, BODY).await?;
        let mut attempt = 1;
        loop {
            let is_refused =
                matches!(&outcome, Outcome::Answer(answer) if answer.response.status == 403);
            if self.key.is_none() || !is_refused || !self.cloud.wait_again(attempt).await? {
                return Ok(outcome);
            }
            outcome = self.step_as(self.key, put, BODY).await?;
            attempt += 1;
        }
    }

    /// Whether a step was sent again.
    pub(super) fn is_repeated(&self) -> bool {
        self.is_repeated.load(Ordering::Relaxed)
    }

    async fn twice(
        &self,
        key: Option<&AccessKey>,
        step: &ProbeStep,
        body: &[u8],
        may_pass: impl Fn(u16) -> bool,
    ) -> Result<Outcome, CloudError> {
        let first = self.step_as(key, step, body).await;
        let is_worth_it = match &first {
            Ok(Outcome::Answer(answer)) => may_pass(answer.response.status),
            Ok(Outcome::NotNeeded | Outcome::Unable(_)) => false,
            Err(error) => error.kind == CloudErrorKind::Transport,
        };
        if !is_worth_it || !self.cloud.wait_again(0).await? {
            return first;
        }
        self.is_repeated.store(true, Ordering::Relaxed);
        self.step_as(key, step, body).await
    }

    async fn step_as(
        &self,
        key: Option<&AccessKey>,
        step: &ProbeStep,
        body: &[u8],
    ) -> Result<Outcome, CloudError> {
        let mut request = match self.cloud.sign(self.bucket, step, key).await? {
            Signed::Request(request) => request,
            Signed::NotNeeded => return Ok(Outcome::NotNeeded),
            Signed::Unable(why) => return Ok(Outcome::Unable(why)),
        };
        let origin = ("origin".to_owned(), self.origin.to_owned());
        request.headers.push(origin);
        request.body = body.to_vec();
        let response = self.cloud.send(self.bucket, &request).await?;
        let reply = self.cloud.read_reply(step, &response);
        Ok(Outcome::Answer(Answer { response, reply }))
    }
}
