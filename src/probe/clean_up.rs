//! Removes a probe's objects, every version of them and every upload, by the caller's own
//! rights: W&B's key may not delete versions.

use super::{Answer, Outcome, Run, in_parts};
use crate::byob::probe::{ProbeStep, Version};

impl Run<'_> {
    /// Removes what the probe has made, of which `uploaded` is the version that is known to
    /// be there. Returns the names of objects that are left.
    pub(super) async fn clean_up(&self, object: &str, uploaded: Option<String>) -> Vec<String> {
        let is_all = self.is_new && !self.is_repeated();
        if let (true, Some(version)) = (is_all, uploaded)
            && self.delete(object, Some(version)).await
        {
            return Vec::new();
        }
        let parts = in_parts(object);
        let (objects, uploads) =
            tokio::join!(self.remove_versions(object), self.give_up_uploads(&parts));
        let left = [(objects, object), (uploads, parts.as_str())];
        left.into_iter()
            .filter(|(removed, _)| !removed)
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    /// Deletes the newest version until there is none; whether that came to its end.
    async fn remove_versions(&self, object: &str) -> bool {
        let mut before: Option<Option<Version>> = None;
        loop {
            let head = ProbeStep::Head {
                object: object.to_owned(),
            };
            let version = match self.own_step(&head).await {
                Ok(Outcome::Answer(answer)) if answer.response.status == 404 => {
                    return self.remove_unseen(object).await;
                }
                Ok(Outcome::Answer(answer)) => answer.reply.version,
                Ok(Outcome::NotNeeded | Outcome::Unable(_)) | Err(_) => return false,
            };
            // What is told again after it was deleted will be told for ever; so will a refusal
            // to tell.
            if before.as_ref() == Some(&version) {
                return false;
            }
            if !self.remove_version(object, version.clone()).await {
                return false;
            }
            before = Some(version);
        }
    }

    /// Deletes the versions that a run before has left, and nobody sees; whether none is left.
    async fn remove_unseen(&self, object: &str) -> bool {
        let Ok(versions) = self.cloud.unseen_versions(self.bucket, object).await else {
            return false;
        };
        let mut removed = true;
        for version in versions {
            removed &= self.delete(object, Some(version)).await;
        }
        removed
    }

    /// A deletion that names no version leaves a marker where versions are made, so it is
    /// the second choice.
    async fn remove_version(&self, object: &str, version: Option<Version>) -> bool {
        match version {
            Some(version) => {
                self.delete(object, Some(version.id)).await
                    || (version.is_only && self.delete(object, None).await)
            }
            None => self.delete(object, None).await,
        }
    }

    async fn delete(&self, object: &str, version: Option<String>) -> bool {
        let delete = ProbeStep::Delete {
            object: object.to_owned(),
            version,
        };
        is_gone(self.own_step(&delete).await.ok())
    }

    /// Gives up the uploads of an earlier probe; whether that came to its end. Servers that
    /// list no uploads keep none.
    async fn give_up_uploads(&self, object: &str) -> bool {
        let list = ProbeStep::ListUploads {
            object: object.to_owned(),
        };
        let Ok(Outcome::Answer(listed)) = self.own_step(&list).await else {
            return true;
        };
        let mut removed = true;
        for upload in listed.reply.uploads {
            let abort = ProbeStep::AbortUpload {
                object: object.to_owned(),
                upload,
            };
            removed &= is_gone(self.own_step(&abort).await.ok());
        }
        removed
    }
}

/// Whether a deletion left nothing.
fn is_gone(outcome: Option<Outcome>) -> bool {
    match outcome {
        Some(Outcome::Answer(Answer { response, .. })) => {
            response.is_success() || response.status == 404
        }
        Some(Outcome::NotNeeded) => true,
        Some(Outcome::Unable(_)) | None => false,
    }
}
