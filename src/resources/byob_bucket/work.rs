//! One bucket on its way to what the configuration wants: what every step of the work needs,
//! and how far it has come.

use std::sync::Arc;

use super::findings::is_probed;
use super::ownership::Takeover;
use super::schema::Bucket;
use super::{made, outputs, spec};
use crate::byob::change::lifecycle_rules;
use crate::byob::cloud::LookAt;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::marker::{self, Generation, Marker};
use crate::byob::observed::LifecycleRule;
use crate::byob::spec::{BucketSpec, Setting};
use crate::byob::{Cloud, CloudError, Observed};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::private::Private;
use crate::terraform::account::ResolvedBlock;
use crate::terraform::configuration::Configuration;
use crate::terraform::diagnostics::Explanation;

/// How the bucket came to be where it is.
#[derive(Debug)]
pub enum Origin {
    /// Made in this run; with what it is like, where that is certain without a look.
    Made(Option<Box<Observed>>),
    /// Half made by an earlier run.
    Continued,
    /// It was there; this resource takes it over.
    Adopted(Takeover),
    /// It is under this resource.
    Managed {
        /// The last apply did not come to its end.
        goes_on: bool,
        /// The last apply was killed, and what it has remembered is lost.
        interrupted: bool,
        /// A new access key is wanted although the old one works.
        rotates: bool,
        /// The identities that the state has and the plan does not want any more.
        unwanted: Vec<Identity>,
    },
}

/// The work on one bucket: the operation, and what it goes by.
pub struct Work<'a> {
    /// The operation.
    pub cx: &'a Context,
    /// The provider block.
    pub configuration: &'a Configuration,
    /// The cloud, opened for this operation.
    pub cloud: Arc<dyn Cloud>,
    /// What the user wrote.
    pub config: &'a Bucket,
    /// Which making of the bucket this is.
    pub generation: Generation,
    /// How the bucket came to be where it is.
    pub origin: Origin,
}

/// How far the work has come.
pub struct Progress {
    /// The bucket as it is now.
    pub bucket: Bucket,
    /// Its block as it is now.
    pub block: Arc<dyn ResolvedBlock>,
    /// What to keep for the next run.
    pub private: Private,
    /// What to tell.
    pub diagnostics: Diagnostics,
}

impl Work<'_> {
    /// Until the last step the marker says that the bucket is being made.
    pub fn is_new(&self) -> bool {
        matches!(self.origin, Origin::Made(_) | Origin::Continued)
    }

    /// Made in this run, and known to be what new buckets are like.
    pub fn fresh(&self) -> Option<&Observed> {
        match &self.origin {
            Origin::Made(Some(fresh)) => Some(fresh),
            Origin::Made(None)
            | Origin::Continued
            | Origin::Adopted(_)
            | Origin::Managed { .. } => None,
        }
    }

    /// The last apply did not come to its end.
    pub fn goes_on(&self) -> bool {
        matches!(self.origin, Origin::Managed { goes_on: true, .. })
    }

    /// The last apply was killed, and what it has remembered is lost.
    pub fn was_interrupted(&self) -> bool {
        matches!(
            self.origin,
            Origin::Managed {
                interrupted: true,
                ..
            }
        )
    }

    /// The identities that the state has and the plan does not want any more.
    pub fn unwanted(&self) -> &[Identity] {
        match &self.origin {
            Origin::Managed { unwanted, .. } => unwanted,
            Origin::Made(_) | Origin::Continued | Origin::Adopted(_) => &[],
        }
    }

    /// A new access key is wanted although the old one works.
    pub fn rotates(&self) -> bool {
        matches!(self.origin, Origin::Managed { rotates: true, .. })
    }

    /// The marker of the bucket once all is done.
    pub fn ready(&self, wanted: &BucketSpec) -> Marker {
        let identity = wanted.access.identity().and_then(Identity::generation);
        Marker {
            identity: identity.filter(|made_with| *made_with != self.generation),
            ..Marker::ready(self.generation.clone())
        }
    }

    /// What the bucket of `progress` shall be.
    pub fn spec(&self, progress: &Progress) -> Result<BucketSpec, Diagnostic> {
        spec::spec(
            &progress.bucket,
            Some(self.config),
            progress.block.as_ref(),
            Some(&self.generation),
            self.configuration,
        )
        .map(|spec| made::with_remembered(spec, &progress.bucket, &progress.private))
        .ok_or_else(|| {
            Explanation::new(
                "The bucket's settings are not known",
                "a value that should be known by now is not",
            )
            .error()
        })
    }

    /// Reads the bucket, which has to be there.
    pub async fn observe(
        &self,
        wanted: &BucketSpec,
        progress: &Progress,
    ) -> Result<Observed, Diagnostic> {
        let summary = "The bucket's settings were not read";
        let key = outputs::wandb_key(&progress.bucket, progress.block.as_ref());
        let mut look_at = look_at(wanted, key.into_known());
        // A key that was made a moment ago, alone on its identity, is proven by the probe.
        let names_keys = self
            .cloud
            .identity_service()
            .is_some_and(|service| service.chooses_access_key_ids());
        if self.fresh().is_some() && names_keys && is_probed(&progress.bucket) {
            look_at.identity = None;
        }
        if self.was_interrupted() {
            // All keys are asked for, not only whether this one works.
            look_at.access_key = None;
        }
        let observed = self
            .cloud
            .observe(&wanted.name, &look_at)
            .await
            .map_err(|error| self.explain(summary, error).error())?
            .ok_or_else(|| {
                Explanation::new(summary, "the bucket was deleted while it was worked on")
                    .what_to_do("Run terraform apply again.")
                    .error()
            })?;
        self.check_owner(observed.marker.as_ref())?;
        Ok(observed)
    }

    /// Two runs may make one bucket at the same time, and only one of them has made it; and
    /// another state may have taken it over since.
    pub fn check_owner(&self, seen: Option<&Marker>) -> Result<(), Diagnostic> {
        let Some(found) = seen.map(|marker| &marker.generation) else {
            return Ok(());
        };
        if *found == self.generation {
            return Ok(());
        }
        let holder = if self.is_new() { "run" } else { "state" };
        let why = format!(
            "its tag {} names generation {found}, and this {holder} has {}",
            marker::KEY,
            self.generation
        );
        if self.is_new() {
            return Err(Explanation::new(
                "The bucket was made by another run at the same time",
                why,
            )
            .left_behind("the bucket, which the other run goes on with")
            .error());
        }
        Err(
            Explanation::new("Another configuration has taken the bucket over", why)
                .left_behind("the bucket as it was")
                .what_to_do(
                    "Keep the bucket in one state only: remove it from this one (terraform state \
                     rm), or set adopt = true here after that to take it back. Where an apply of \
                     this state was killed at the first change after an import, remove it here \
                     and import it again.",
                )
                .error(),
        )
    }

    /// Reads the marker back, last of all: tags know no compare-and-swap, and whoever's stands
    /// there in the end has the bucket.
    pub async fn read_back(&self, wanted: &BucketSpec) -> Result<(), Diagnostic> {
        let summary = "The bucket was not taken over";
        let seen = self.cloud.look(&wanted.name).await;
        let seen = seen.map_err(|error| self.explain(summary, error).error())?;
        match seen.and_then(|sighting| sighting.marker) {
            Some(marker) if marker.generation != self.generation => Err(Explanation::new(
                summary,
                format!(
                    "another run has taken it over at the same time: its tag {} names generation \
                     {}, and this run has {}",
                    marker::KEY,
                    marker.generation,
                    self.generation
                ),
            )
            .left_behind("the bucket, which is the other run's")
            .error()),
            // A server without tags cannot tell whose it is.
            Some(_) | None => Ok(()),
        }
    }

    /// A cloud's refusal, with what there is by now.
    pub fn explain(&self, summary: impl Into<String>, error: CloudError) -> Explanation {
        let left = if self.is_new() {
            "the bucket, half made; the next apply goes on with it"
        } else {
            "the bucket with the settings that were written before"
        };
        Explanation::cloud(summary, error)
            .left_behind(left)
            .timed(self.cx)
    }
}

/// The argument that asks for a setting: one of every cloud, or of this one's block.
pub fn argument_of(setting: Setting, block: &dyn ResolvedBlock) -> Path {
    match setting {
        Setting::Tags => Path::of("tags"),
        Setting::Versioning => Path::of("versioning"),
        Setting::SoftDelete => Path::of("soft_delete_days"),
        Setting::Cors => Path::of("cors_allowed_origins"),
        Setting::Lifecycle => Path::of("noncurrent_version_days"),
        Setting::Key
        | Setting::PublicAccess
        | Setting::StorageClass
        | Setting::Ownership
        | Setting::Encryption
        | Setting::Grants
        | Setting::Identity => block.argument_of(setting),
    }
}

/// Our lifecycle rules, those that are wanted and those that were.
fn own_lifecycle(wanted: &BucketSpec) -> Vec<LifecycleRule> {
    let mut rules = lifecycle_rules(
        wanted.path.as_deref(),
        wanted.noncurrent_version_days,
        wanted.abort_upload_days,
    );
    rules.extend(wanted.written_lifecycle.iter().cloned());
    rules
}

/// What has to be read to judge a bucket by this spec.
pub fn look_at(wanted: &BucketSpec, access_key: Option<AccessKey>) -> LookAt {
    LookAt {
        origin: wanted.origin.clone(),
        encryption: wanted.encryption.clone(),
        key: wanted.key.clone(),
        grants: wanted.grants.clone(),
        lifecycle: own_lifecycle(wanted),
        identity: wanted.access.identity().cloned(),
        access_key,
    }
}
