//! From a bucket that is there to one that is as configured, proven and registered.
//! Create, adoption and update all end here.

use std::sync::Arc;

use super::place::Site;
use super::schema::Bucket;
use super::verify::is_probed;
use super::words::{title, was};
use super::{place, spec, verify};
use crate::byob::cloud::LookAt;
use crate::byob::diff::{self, Change};
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::marker::{Generation, Marker};
use crate::byob::report::Report;
use crate::byob::requirement::{Evidence, Tried};
use crate::byob::spec::{Access, BucketSpec, Key, Setting};
use crate::byob::{Cloud, CloudError, CloudErrorKind, Observed, Reading};
use crate::resources::environment::Configuration;
use crate::resources::trouble::Trouble;
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::model::Field;
use crate::sdk::private::Private;

/// One bucket on its way to what the configuration wants.
pub struct Work<'a> {
    /// The operation.
    pub cx: &'a Context,
    /// The provider block.
    pub configuration: &'a Configuration,
    /// The cloud, opened for this operation.
    pub cloud: Arc<dyn Cloud>,
    /// Where that is, and what the bucket's block says.
    pub site: Site,
    /// What the bucket is like, where that is certain without a look.
    pub fresh: Option<Observed>,
    /// What the user wrote.
    pub config: &'a Bucket,
    /// Which making of the bucket this is.
    pub generation: Generation,
    /// A new key is wanted although the old one works.
    pub rotate: bool,
    /// The old state's identity, when this one replaces it.
    pub old_identity: Option<Identity>,
    /// Until the last step the marker says that the bucket is being made.
    pub is_new: bool,
    /// The generation of the run that has begun to make the bucket.
    pub began: Option<Generation>,
    /// The bucket was not under this resource before.
    pub takes_over: bool,
}

/// What became of the bucket.
pub struct Settled {
    /// The bucket as it is now.
    pub bucket: Bucket,
    /// What to keep for the next run.
    pub private: Private,
    /// What to tell.
    pub diagnostics: Diagnostics,
}

impl Work<'_> {
    /// Does everything that is left to do, and says how far it came.
    pub async fn settle(&self, planned: Bucket, private: Private) -> Settled {
        let mut settled = Settled {
            bucket: planned,
            private,
            diagnostics: Diagnostics::new(),
        };
        settled.bucket.generation = Field::Known(self.generation.to_string());
        if let Err(diagnostic) = self.steps(&mut settled).await {
            settled.diagnostics.push(diagnostic);
        }
        settled
    }

    async fn steps(&self, settled: &mut Settled) -> Result<(), Diagnostic> {
        let mut wanted = self.spec(&settled.bucket)?;
        let before = match &self.fresh {
            Some(fresh) => fresh.clone(),
            None => self.observe(&wanted, settled).await?,
        };
        self.check_maker(&before)?;
        self.key(&mut wanted, &before, settled).await?;
        let changes = diff::changes(&wanted, &before);
        let cannot = self.write(&changes, &wanted, settled).await?;
        verify::remember_cannot(&mut settled.private, &wanted, &before, &cannot);
        let known_key = wanted.access_key_id.clone();
        let key = self.identity(&changes, &mut wanted, settled).await?;
        let key_is_new = wanted.access_key_id != known_key;

        let written = changes.len() > cannot.len() || self.rotate || self.fresh.is_some();
        let mut after = if written {
            self.observe(&wanted, settled).await?
        } else {
            before
        };
        self.check_maker(&after)?;
        verify::remember_cannot(&mut settled.private, &wanted, &after, &cannot);
        if self.fresh.is_some() {
            after = self.write_rest(after, &wanted, &cannot, settled).await?;
        }
        let failed = |error| self.cloud_trouble("The bucket was not probed", error);
        let (tried, told) = verify::probe(
            self.cx,
            self.configuration,
            self.cloud.as_ref(),
            &settled.bucket,
            &wanted,
            key.as_ref(),
            self.fresh.is_some(),
        )
        .await
        .map_err(failed)?;
        settled.diagnostics.extend(told);
        let (tried, told) = verify::register(
            self.cx,
            self.configuration,
            &settled.bucket,
            &self.site,
            tried,
        )
        .await;
        settled.diagnostics.extend(told);

        self.judge(&wanted, &after, &tried, settled);
        let has_failed = settled.diagnostics.has_errors();
        // A key that works is kept until another one is proven. Of a bucket that is still
        // being made nobody has the older keys: their secrets went with the run.
        if !has_failed || self.is_new {
            self.retire_keys(&wanted, &after, key_is_new, settled)
                .await?;
        }
        if has_failed {
            return Ok(());
        }
        if self.takes_over
            && let Some(Key::Named(key)) = wanted.encryption.as_ref().map(|one| &one.key)
        {
            let failed = |error| self.cloud_trouble("The key was not claimed", error);
            self.cloud
                .claim_key(&wanted.name, key)
                .await
                .map_err(failed)?;
        }
        self.finish(&wanted, &after).await
    }

    /// A new bucket was taken for what new buckets are like; what the server says now may
    /// ask for more. Returns the bucket as it is then.
    async fn write_rest(
        &self,
        seen: Observed,
        wanted: &BucketSpec,
        cannot: &[Setting],
        settled: &mut Settled,
    ) -> Result<Observed, Diagnostic> {
        let rest: Vec<Change> = diff::changes(wanted, &seen)
            .into_iter()
            .filter(|change| !cannot.contains(&change.setting()))
            .collect();
        let cannot_either = self.write(&rest, wanted, settled).await?;
        let all: Vec<Setting> = cannot.iter().chain(&cannot_either).copied().collect();
        verify::remember_cannot(&mut settled.private, wanted, &seen, &all);
        if rest.len() > cannot_either.len() {
            return self.observe(wanted, settled).await;
        }
        Ok(seen)
    }

    /// Makes the bucket's own key what it should be.
    async fn key(
        &self,
        wanted: &mut BucketSpec,
        before: &Observed,
        settled: &mut Settled,
    ) -> Result<(), Diagnostic> {
        let is_due = diff::changes(wanted, before).contains(&Change::Key);
        let (true, Some(mut key)) = (is_due, wanted.key.clone()) else {
            return Ok(());
        };
        if key.name.is_none() && self.fresh.is_none() {
            key.unnamed_of = Some(self.began.as_ref().unwrap_or(&self.generation).clone());
        }
        let marker = Marker::creating(self.generation.clone());
        let name = self
            .cloud
            .put_key(&wanted.name, &key, &marker)
            .await
            .map_err(|error| self.cloud_trouble("The bucket's key was not made", error))?;
        let block = self.site.account.with_key(self.site.block(), &name);
        settled
            .bucket
            .set_block(self.site.account.kind(), block.clone());
        let mut site = self.site.clone();
        site.resolved.block = block;
        spec::fill_outputs(&mut settled.bucket, self.config, &site);
        self.cx.exists(&settled.bucket, &settled.private);
        let access_key_id = wanted.access_key_id.take();
        *wanted = self.spec(&settled.bucket)?;
        wanted.access_key_id = access_key_id;
        Ok(())
    }

    /// Two runs may make one bucket at the same time, and only one of them has made it; and
    /// another state may have taken it over since.
    fn check_maker(&self, seen: &Observed) -> Result<(), Diagnostic> {
        match &seen.marker {
            Some(marker)
                if !self.is_new && !self.takes_over && marker.generation != self.generation =>
            {
                Err(Trouble::new(
                    "Another configuration has taken the bucket over",
                    format!(
                        "its tag {} names generation {}, and this state has {}",
                        crate::byob::marker::KEY,
                        marker.generation,
                        self.generation
                    ),
                )
                .left_behind("the bucket as it was")
                .what_to_do(
                    "Keep the bucket in one state only: remove it from this one (terraform state \
                     rm), or set adopt = true here after that to take it back.",
                )
                .error())
            }
            Some(marker) if self.is_new && marker.generation != self.generation => {
                Err(Trouble::new(
                    "The bucket was made by another run at the same time",
                    format!(
                        "its tag {} names generation {}, and this run has {}",
                        crate::byob::marker::KEY,
                        marker.generation,
                        self.generation
                    ),
                )
                .left_behind("the bucket, which the other run goes on with")
                .error())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn spec(&self, bucket: &Bucket) -> Result<BucketSpec, Diagnostic> {
        let mut site = self.site.clone();
        if let Some(block) = bucket.known_block() {
            site.resolved.block = block.clone();
        }
        let (config, generation) = (Some(self.config), Some(&self.generation));
        spec::spec(bucket, config, &site, generation, self.configuration).ok_or_else(|| {
            Trouble::new(
                "The bucket's settings are not known",
                "a value that should be known by now is not",
            )
            .error()
        })
    }

    async fn observe(
        &self,
        wanted: &BucketSpec,
        settled: &Settled,
    ) -> Result<Observed, Diagnostic> {
        let summary = "The bucket's settings were not read";
        let key = spec::wandb_key(&settled.bucket, Some(self.config), &self.site);
        let mut look_at = look_at(wanted, key.into_known());
        // A key that was made a moment ago, alone on its identity, is proven by the probe.
        if self.fresh.is_some() && self.cloud.names_keys() && is_probed(&settled.bucket) {
            look_at.identity = None;
        }
        self.cloud
            .observe(&wanted.name, &look_at)
            .await
            .map_err(|error| self.cloud_trouble(summary, error))?
            .ok_or_else(|| {
                Trouble::new(summary, "the bucket was deleted while it was worked on")
                    .what_to_do("Run terraform apply again.")
                    .error()
            })
    }

    /// Writes settings one after another; returns those that the server does not know.
    async fn write(
        &self,
        changes: &[Change],
        wanted: &BucketSpec,
        settled: &mut Settled,
    ) -> Result<Vec<Setting>, Diagnostic> {
        let mut cannot = Vec::new();
        for change in changes {
            if matches!(change, Change::Identity | Change::Key) {
                continue;
            }
            let setting = change.setting();
            match self.cloud.change(&wanted.name, change).await {
                Ok(()) => {}
                Err(error) if error.kind == CloudErrorKind::NotSupported => {
                    cannot.push(setting);
                    if wanted.chosen.contains(&setting) {
                        settled.diagnostics.push(
                            self.trouble(
                                format!("{} cannot be set on this server", title(setting)),
                                error,
                            )
                            .at(self.attribute(setting))
                            .error(),
                        );
                    }
                }
                Err(error) => {
                    let summary = format!("{} {} not set", title(setting), was(setting));
                    let path = self.attribute(setting);
                    return Err(self.trouble(summary, error).at(path).error());
                }
            }
        }
        if settled.diagnostics.has_errors() {
            // The rest of the work would only hide what the user has to change.
            let bucket = &mut settled.bucket;
            bucket.verified = Field::Known(false);
        }
        Ok(cannot)
    }

    fn judge(&self, wanted: &BucketSpec, after: &Observed, tried: &Tried, settled: &mut Settled) {
        let report = Report::new(Evidence {
            spec: wanted,
            observed: after,
            tried,
        });
        let bucket = &mut settled.bucket;
        if bucket.verify == Field::Known("off".to_owned()) {
            bucket.findings = Field::Known(Vec::new());
            bucket.verified = Field::Known(false);
            return;
        }
        bucket.findings = verify::findings(&report);
        bucket.verified = verify::verified(bucket, &report);
        if !settled.diagnostics.has_errors() {
            settled
                .diagnostics
                .extend(verify::tell(&report, &settled.private));
        }
    }

    /// The last step: the user's tags, and the marker that says "ready".
    async fn finish(&self, wanted: &BucketSpec, after: &Observed) -> Result<(), Diagnostic> {
        let ready = Marker::ready(self.generation.clone());
        if let Reading::Known(Some(key)) = &after.key
            && key
                .marker
                .as_ref()
                .is_some_and(|marker| marker.generation == self.generation && marker.is_creating())
        {
            let failed = |error| self.cloud_trouble("The key was not marked as finished", error);
            self.cloud
                .finish_key(&wanted.name, &key.name, &ready)
                .await
                .map_err(failed)?;
        }
        let Some(change) = diff::tags(wanted, after, Some(&ready)) else {
            return Ok(());
        };
        match self.cloud.change(&wanted.name, &change).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let trouble = self.trouble("The bucket's tags were not set", error);
                Err(trouble.at(Path::of("tags")).error())
            }
        }
    }

    /// The argument that asks for a setting: one of every cloud, or of this one's block.
    fn attribute(&self, setting: Setting) -> Path {
        match setting {
            Setting::Tags => Path::of("tags"),
            Setting::Versioning => Path::of("versioning"),
            Setting::Cors => Path::of("cors_allowed_origins"),
            Setting::Lifecycle => Path::of("noncurrent_version_days"),
            Setting::Key
            | Setting::PublicAccess
            | Setting::Ownership
            | Setting::Encryption
            | Setting::Grants
            | Setting::Identity => {
                let account = &self.site.account;
                account
                    .argument_of(setting)
                    .unwrap_or_else(|| Path::of(account.kind().block()))
            }
        }
    }

    fn trouble(&self, summary: impl Into<String>, error: CloudError) -> Trouble {
        let left = if self.is_new {
            "the bucket, half made; the next apply goes on with it"
        } else {
            "the bucket with the settings that were written before"
        };
        Trouble::cloud(summary, error)
            .left_behind(left)
            .timed(self.cx)
    }

    pub(super) fn cloud_trouble(&self, summary: &str, error: CloudError) -> Diagnostic {
        self.trouble(summary, error).error()
    }
}

/// What has to be read to judge a bucket by this spec.
pub fn look_at(wanted: &BucketSpec, access_key: Option<AccessKey>) -> LookAt {
    LookAt {
        origin: wanted.origin.clone(),
        encryption: wanted.encryption.is_some(),
        key: wanted.key.clone(),
        grants: wanted.grants.clone(),
        identity: match &wanted.access {
            Access::MadeKey(identity) => Some(identity.clone()),
            Access::GivenKey | Access::Unmanaged => None,
        },
        access_key,
    }
}

/// Whether W&B's key is on the server and works once its user does; `None` when nobody
/// could look.
pub fn key_works(observed: &Observed, id: &str) -> Option<bool> {
    match &observed.identity {
        Reading::Known(Some(state)) => match state.keys.get(id) {
            // A user that is off says nothing about its key, which works again with it.
            Some(_) if !state.enabled => None,
            key => Some(key == Some(&true)),
        },
        Reading::Known(None) => Some(false),
        Reading::Unsupported(_) | Reading::Denied(_) | Reading::Skipped => None,
    }
}

/// The identity that a bucket of the state has, if one was made for it.
pub async fn identity_of(bucket: &Bucket, configuration: &Configuration) -> Option<Identity> {
    let generation = Generation::parse(bucket.generation.known()?)?;
    let site = place::site(bucket, bucket, None, configuration)
        .await
        .ok()??;
    match spec::spec(bucket, None, &site, Some(&generation), configuration)?.access {
        Access::MadeKey(identity) => Some(identity),
        Access::GivenKey | Access::Unmanaged => None,
    }
}
