//! Making a bucket, going on with a half-made one, or taking over one that is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access_keys::{self, rotation};
use super::half_made::AWAITS_TEAM;
use super::ownership::{
    Takeover, adopt, continued, first_tags, give_back, is_bare, mark, random_generation, taken,
};
use super::reconcile::reconcile;
use super::schema::Bucket;
use super::work::{Origin, Progress, Work};
use super::{location, made, outputs, spec};
use crate::byob::change::Change;
use crate::byob::diff;
use crate::byob::marker::{Generation, Marker};
use crate::byob::{Cloud, CloudError, CloudErrorKind};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::{Field, Secret};
use crate::sdk::private::Private;
use crate::sdk::resource::{Create, Outcome};
use crate::terraform::account::ResolvedBlock;
use crate::terraform::configuration::{Configuration, Environment};
use crate::terraform::diagnostics::Explanation;

const SUMMARY: &str = "The bucket was not made";

/// Makes the bucket of a plan.
pub async fn create(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    create: Create<Bucket>,
) -> Outcome<Bucket> {
    let Create {
        planned,
        config,
        private: given,
    } = create;
    let opened = location::open(cx, &planned, Some(&config), configuration, SUMMARY).await;
    let (cloud, block) = match opened {
        Ok(opened) => opened,
        Err(problems) => return Outcome::gone().with(problems),
    };
    let mut bucket = planned;
    bucket.set_block(block.kind(), block.block());
    outputs::fill(&mut bucket, &config, block.as_ref());
    let beginning = Beginning {
        cx,
        configuration,
        cloud: &cloud,
        config: &config,
        block: block.as_ref(),
    };
    let mut diagnostics = Diagnostics::new();
    let begun = beginning
        .begin(environment, &mut bucket, &mut diagnostics)
        .await;
    let (generation, origin) = match begun {
        Ok(begun) => begun,
        Err(diagnostic) => return Outcome::gone().with(diagnostics).with([diagnostic]),
    };
    bucket.generation = Field::Known(generation.to_string());
    let work = Work {
        cx,
        configuration,
        cloud: Arc::clone(&cloud),
        config: &config,
        generation,
        origin,
    };
    if work.is_new() {
        cx.exists(&bucket, &Private::default());
    }
    let mut private = Private::default();
    if let Some(awaited) = given.get(AWAITS_TEAM) {
        private.set(AWAITS_TEAM, awaited.clone());
    }
    location::note_open(&mut private, &config, configuration);
    let mut progress = Progress {
        bucket,
        block,
        private,
        diagnostics,
    };
    reconcile(&work, &mut progress).await;
    if progress.diagnostics.has_errors()
        && let Origin::Adopted(takeover) = &work.origin
    {
        // An adoption that failed leaves nothing in the state: Terraform would taint
        // it, and replace somebody's bucket next time.
        let rest = withdraw(&work, &progress, takeover).await;
        return Outcome::gone().with(progress.diagnostics).with(rest);
    }
    Outcome::exists(progress.bucket, progress.private).with(progress.diagnostics)
}

/// Takes back what an adoption has made that failed, and gives the bucket back.
async fn withdraw(work: &Work<'_>, progress: &Progress, takeover: &Takeover) -> Vec<Diagnostic> {
    let mut rest: Vec<Diagnostic> = access_keys::withdraw(work, progress)
        .await
        .into_iter()
        .collect();
    // It may encrypt objects by now, so nobody can take it back.
    if let Some(key) = made::key(&progress.private) {
        let why = "it may encrypt objects by now, and the next adoption goes on with it";
        let stays = Explanation::new("The key of the adoption that failed stays", why);
        rest.push(stays.left_behind(format!("the key {key}")).warning());
    }
    let name = progress.bucket.name.known().map_or("", String::as_str);
    if let Err(error) = give_back(&work.cloud, name, takeover).await {
        rest.push(
            Explanation::cloud("The bucket was not given back to its owner so far", error)
                .left_behind("the bucket, with the marker of the adoption that failed")
                .what_to_do("Apply again, which takes it over anew.")
                .warning(),
        );
    }
    rest
}

/// What it takes to find out how a bucket begins, and to begin it.
struct Beginning<'a> {
    cx: &'a Context,
    configuration: &'a Configuration,
    cloud: &'a Arc<dyn Cloud>,
    config: &'a Bucket,
    block: &'a dyn ResolvedBlock,
}

impl Beginning<'_> {
    /// Makes the bucket unless it is there; says which making of it this is.
    async fn begin(
        &self,
        environment: &Environment,
        bucket: &mut Bucket,
        diagnostics: &mut Diagnostics,
    ) -> Result<(Generation, Origin), Diagnostic> {
        let id = bucket.id.known().cloned().unwrap_or_default();
        if environment.was_absent(&id) {
            return self.make(bucket).await;
        }
        let name = bucket.name.known().cloned().unwrap_or_default();
        let failed = |error| self.failed(error, "nothing new");
        let Some(sighting) = self.cloud.look(&name).await.map_err(failed)? else {
            return self.make(bucket).await;
        };
        match &sighting.marker {
            Some(marker) if marker.is_creating() => {
                diagnostics.push(continued(&name));
                if is_handed_over(environment, bucket, &marker.generation) {
                    return Ok((marker.generation.clone(), Origin::Continued));
                }
                let generation = self.begin_anew(bucket, marker).await?;
                Ok((generation, Origin::Continued))
            }
            _ if bucket.adopt == Field::Known(true) => {
                let placed = self.cloud.confirm_place(&name).await;
                placed.map_err(|error| self.failed(error, "the bucket as it was"))?;
                let takeover = adopt(self.cloud, &name, &sighting).await;
                let takeover =
                    takeover.map_err(|error| self.failed(error, "the bucket as it was"))?;
                Ok((takeover.generation.clone(), Origin::Adopted(takeover)))
            }
            None if is_bare(self.cloud, &name, &sighting)
                .await
                .map_err(failed)? =>
            {
                diagnostics.push(continued(&name));
                let generation = mark(self.configuration, self.cloud, bucket, &name, None).await;
                Ok((generation.map_err(failed)?, Origin::Made(None)))
            }
            _ => Err(taken(&id, &name)),
        }
    }

    /// Makes a bucket that was looked for and is not there.
    async fn make(&self, bucket: &Bucket) -> Result<(Generation, Origin), Diagnostic> {
        let name = bucket.name.known().cloned().unwrap_or_default();
        let id = bucket.id.known().cloned().unwrap_or_default();
        let generation = random_generation();
        let tags = first_tags(self.configuration, bucket, &generation);
        let settings = self.first_settings(bucket, &generation, &tags);
        match self.cloud.create(&name, &tags, &settings).await {
            Ok(()) => {
                tracing::info!(id, "the bucket was made");
                let fresh = self.cloud.fresh(&name, &tags, &settings).map(Box::new);
                Ok((generation, Origin::Made(fresh)))
            }
            Err(error) if error.kind == CloudErrorKind::AlreadyExists => Err(taken(&id, &name)),
            // Making it takes several calls on some servers, and an answer may be lost.
            Err(error) if matches!(self.cloud.look(&name).await, Ok(Some(_))) => {
                let left = "the bucket, bare; the next apply goes on with it";
                Err(self.failed(error, left))
            }
            Err(error) => Err(self.failed(error, "nothing new")),
        }
    }

    /// What a bucket that is made now gets next, for clouds that make it so in one call.
    fn first_settings(
        &self,
        bucket: &Bucket,
        generation: &Generation,
        tags: &BTreeMap<String, String>,
    ) -> Vec<Change> {
        let wanted = spec::spec(
            bucket,
            Some(self.config),
            self.block,
            Some(generation),
            self.configuration,
        );
        let bare = bucket
            .name
            .known()
            .and_then(|name| self.cloud.fresh(name, tags, &[]));
        match (wanted, bare) {
            (Some(wanted), Some(bare)) => diff::changes(&wanted, &bare).settings,
            _ => Vec::new(),
        }
    }

    /// Gives a half-made bucket a generation of its own: another state, or an object that
    /// Terraform deletes after this one, may hold the old generation, and must not be able to
    /// delete what is made here.
    async fn begin_anew(&self, bucket: &Bucket, began: &Marker) -> Result<Generation, Diagnostic> {
        let name = bucket.name.known().cloned().unwrap_or_default();
        let left = "the bucket, half made; the next apply goes on with it";
        let failed = |error| self.failed(error, left);
        let config = Some(self.config);
        let generation = Some(&began.generation);
        let before = spec::spec(bucket, config, self.block, generation, self.configuration);
        if let (Some(identity), Some(service)) = (
            before.and_then(spec::made_identity),
            self.cloud.identity_service(),
        ) {
            service.delete_identity(&identity).await.map_err(failed)?;
        }
        mark(self.configuration, self.cloud, bucket, &name, Some(began))
            .await
            .map_err(failed)
    }

    fn failed(&self, error: CloudError, left: &str) -> Diagnostic {
        Explanation::cloud(SUMMARY, error)
            .left_behind(left)
            .timed(self.cx)
            .error()
    }
}

/// Goes on as the run that has begun, where the deleting half of this replacement has handed
/// its bucket over: then no other state knows of it.
fn is_handed_over(environment: &Environment, bucket: &mut Bucket, began: &Generation) -> bool {
    let id = bucket.id.known().cloned().unwrap_or_default();
    let Some(handover) = environment.take_over(&id) else {
        return false;
    };
    if handover.generation != *began {
        return false;
    }
    if let (Some(key), Field::Unknown) = (handover.key, &bucket.access_key_id)
        && handover.rotation == rotation(bucket)
    {
        bucket.secret_access_key = Field::Known(Secret::new(key.expose_secret()));
        bucket.access_key_id = Field::Known(key.id);
    }
    true
}
