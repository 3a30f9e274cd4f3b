//! What becomes of a bucket when its resource goes.

use std::sync::Arc;

use super::access_keys::rotation;
use super::on_destroy::{data_in, on_destroy};
use super::outlived::{Outlived, Users};
use super::ownership::{Owned, Owner, owner, take_to_delete};
use super::private::{
    CREATE, CREATE_ANEW, CREATE_AT, GONE, IMPORTED, INTERRUPTED, was_interrupted,
};
use super::schema::Bucket;
use super::{absence, location, made, spec};
use crate::byob::absence::AbsentBucket;
use crate::byob::cloud::Sighting;
use crate::byob::contents::Contents;
use crate::byob::identity::{AccessKey, Identity};
use crate::byob::marker::{Generation, Marker, OwnedBucket};
use crate::byob::{Cloud, CloudError};
use crate::sdk::context::Context;
use crate::sdk::diagnostic::{Diagnostic, Diagnostics, Path};
use crate::sdk::private::Private;
use crate::sdk::resource::Outcome;
use crate::terraform::configuration::{Configuration, Environment, Handover};
use crate::terraform::diagnostics::Explanation;

/// Deletes, keeps or leaves the bucket of a state.
pub async fn delete(
    cx: &Context,
    environment: &Environment,
    configuration: &Configuration,
    mut state: Bucket,
    mut private: Private,
) -> Outcome<Bucket> {
    let deletion = Deletion {
        cx,
        environment,
        configuration,
    };
    let mut told = Diagnostics::new();
    let outcome = deletion.steps(&mut state, &mut private, &mut told).await;
    let Err(problems) = outcome else {
        return Outcome::gone().with(told);
    };
    if private.get(CREATE).is_some() {
        // This is the private data of the plan of a replacement, which is over; the state's
        // own is lost.
        [CREATE, CREATE_AT, CREATE_ANEW]
            .iter()
            .for_each(|of_plan| private.remove(of_plan));
        private.set(INTERRUPTED, true);
    }
    Outcome::exists(state, private).with(told).with(problems)
}

/// The deletion of one bucket.
struct Deletion<'a> {
    cx: &'a Context,
    environment: &'a Environment,
    configuration: &'a Configuration,
}

impl Deletion<'_> {
    /// `told` is what there is to say whatever the end.
    async fn steps(
        &self,
        state: &mut Bucket,
        private: &mut Private,
        told: &mut Diagnostics,
    ) -> Result<(), Diagnostics> {
        let (cx, configuration) = (self.cx, self.configuration);
        let name = state.name.known().cloned().unwrap_or_default();
        let summary = format!("Bucket {name:?} was not deleted");
        let keeps = on_destroy(state) == "keep";
        let stays = keeps && !is_at(private, CREATE_ANEW, state);
        if stays && private.get(GONE).is_none() {
            told.push(kept(state, &name));
            return Ok(());
        }
        let opened = location::open_state(cx, state, private, configuration, &summary).await;
        let (cloud, block) = opened?;
        let generation = spec::generation(state);
        let generation = generation.as_ref();
        let spec = spec::spec(state, None, block.as_ref(), generation, configuration);
        let opened = Opened {
            cx,
            environment: self.environment,
            identities: made::identities(state, private, spec.clone()),
            cloud,
            name,
            summary,
            keeps,
            stays,
        };
        let unknown_user = absence::has_unknown_user(private);
        let unknown_key = unknown_user || private.get(IMPORTED).is_some();
        if was_interrupted(private) {
            let recalled = made::recall_key(&opened.cloud, &opened.name, private).await;
            recalled.map_err(|error| opened.failed(error))?;
        }
        let Some(absent) = opened.make_absent(state, private, told).await? else {
            return Ok(());
        };
        // From here on the bucket is gone, and the next run goes on with the rest.
        told.extend(absence::stays(&absent));
        let generations = made::generations(state, private);
        made::note_gone(private, &generations);
        let outlived = Outlived {
            cx,
            cloud: &opened.cloud,
            absent,
            unknown_user,
            unknown_key,
        };
        let key = made::key(private).map(str::to_owned);
        let given_up = outlived.give_up(&opened.identities, spec, key, &generations);
        told.extend(given_up.await?);
        Ok(())
    }
}

/// The bucket of a state, at its cloud.
struct Opened<'a> {
    cx: &'a Context,
    environment: &'a Environment,
    cloud: Arc<dyn Cloud>,
    name: String,
    summary: String,
    /// What was made for W&B, also where nobody wants it any more.
    identities: Vec<Identity>,
    /// Its resource is to keep it.
    keeps: bool,
    /// It is kept, and makes no room for another one of its name.
    stays: bool,
}

impl Opened<'_> {
    fn failed(&self, error: CloudError) -> Diagnostic {
        Explanation::cloud(self.summary.clone(), error)
            .left_behind("the bucket, with whatever was not deleted yet")
            .timed(self.cx)
            .error()
    }

    /// Deletes the bucket where it is there and this state's; nothing where it stays, or is
    /// somebody else's by now.
    async fn make_absent(
        &self,
        state: &mut Bucket,
        private: &mut Private,
        told: &mut Diagnostics,
    ) -> Result<Option<AbsentBucket>, Diagnostics> {
        match self.cloud.look(&self.name).await {
            Err(error) if absence::is_anothers(&self.cloud, &error, private) => {
                absence::refuse_elsewhere(&self.cloud, private, &self.summary)?;
                told.push(absence::anothers(&self.name, error));
                self.forget_users(state, private, told).await?;
                Ok(None)
            }
            Err(error) => Err(self.failed(error).into()),
            Ok(None) => {
                let (cloud, summary) = (&self.cloud, &self.summary);
                let proven = absence::prove(self.cx, cloud, private, &self.name, summary);
                Ok(Some(proven.await?))
            }
            Ok(Some(sighting)) => self.delete_found(&sighting, state, private, told).await,
        }
    }

    /// The same for a bucket that is there.
    async fn delete_found(
        &self,
        sighting: &Sighting,
        state: &mut Bucket,
        private: &mut Private,
        told: &mut Diagnostics,
    ) -> Result<Option<AbsentBucket>, Diagnostics> {
        let (cloud, name) = (&self.cloud, &self.name);
        let found = sighting.marker.as_ref();
        if let Some(marker) = found.filter(|marker| marker.is_creating())
            && is_at(private, CREATE_AT, state)
        {
            // The other half of this replacement goes on with the half-made bucket.
            hand_over(self.environment, state, &marker.generation);
            if !is_of_ours(marker, state) {
                absence::refuse_elsewhere(cloud, private, &self.summary)?;
                if private.get(GONE).is_some() {
                    self.forget_users(state, private, told).await?;
                }
            }
            return Ok(None);
        }
        if self.keeps && !self.stays {
            return Err(no_room(&self.summary).into());
        }
        let owned = match owner(cloud, state, private, name, sighting).await? {
            Owner::Us(_) | Owner::Nearly(_) if self.stays => {
                told.push(kept(state, name));
                return Ok(None);
            }
            Owner::Us(owned) => owned,
            Owner::Nearly(_) => take(cloud, name, sighting, state, private).await?,
            Owner::Others(diagnostic) => {
                absence::refuse_elsewhere(cloud, private, &self.summary)?;
                told.push(diagnostic);
                if private.get(GONE).is_some() {
                    self.forget_users(state, private, told).await?;
                }
                return Ok(None);
            }
        };
        let absent = self.delete(&owned, state, told).await?;
        made::note_gone(private, &owned.generations);
        Ok(Some(absent))
    }

    async fn delete(
        &self,
        owned: &Owned,
        state: &Bucket,
        told: &mut Diagnostics,
    ) -> Result<AbsentBucket, Diagnostics> {
        let emptied = empty(&self.cloud, state, &owned.bucket, &self.summary).await;
        let billed = match emptied.map_err(|error| self.failed(error))? {
            Emptied::Refused(refusal) => return Err(refusal.into()),
            Emptied::Holds(contents) => stays_billed(state, &contents),
        };
        let deleted = self.cloud.delete(&owned.bucket).await;
        let is_for_good = deleted.as_ref().is_ok_and(AbsentBucket::is_for_good);
        told.extend(billed.filter(|_| !is_for_good));
        Ok(deleted.map_err(|error| self.failed(error))?)
    }

    /// Ours was gone before, and somebody else has the name by now: the users of ours go all the
    /// same, for their rights go by the name. The key may be the new bucket's.
    async fn forget_users(
        &self,
        state: &Bucket,
        private: &Private,
        told: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let users = Users {
            cx: self.cx,
            cloud: &self.cloud,
            bucket: &self.name,
            identities: &self.identities,
            generations: &made::generations(state, private),
            unknown: absence::has_unknown_user(private),
        };
        told.extend(users.remove(made::key(private)).await?);
        if self.identities.is_empty() {
            return Ok(());
        }
        if let Some(key) = made::key(private) {
            let why = "it was made for the bucket that is gone, and the new one may use it";
            let stays = Explanation::new("The bucket's key stays", why);
            told.push(stays.left_behind(format!("the key {key}")).warning());
        }
        Ok(())
    }
}

/// Whether this entry of the private data names the bucket of the state.
fn is_at(private: &Private, entry: &str, state: &Bucket) -> bool {
    private
        .text(entry)
        .is_some_and(|id| state.id.known().is_some_and(|own| own == id))
}

/// Whether it is the bucket of this state that was begun, and not one that somebody else has
/// begun to make.
fn is_of_ours(marker: &Marker, state: &Bucket) -> bool {
    let ours = spec::generation(state);
    ours.is_some_and(|ours| marker.generations().contains(&ours))
}

/// Takes over a bucket that this state has nearly, so that a deletion which is refused leaves
/// it as this state's.
async fn take(
    cloud: &Arc<dyn Cloud>,
    name: &str,
    sighting: &Sighting,
    state: &mut Bucket,
    private: &mut Private,
) -> Result<Owned, Diagnostic> {
    let owned = take_to_delete(cloud, name, sighting).await?;
    state.generation = owned.generations.first().map(ToString::to_string).into();
    made::note_taken(private, &owned.generations);
    // What a killed run has lost besides, only an apply finds again.
    private.remove(IMPORTED);
    Ok(owned)
}

/// What became of the data in a bucket that is to be deleted.
enum Emptied {
    /// There is some, and nobody has asked to delete it.
    Refused(Diagnostic),
    /// There is none any more; what was deleted.
    Holds(Contents),
}

/// What was deleted softly can be brought back for a while, and costs as long.
fn stays_billed(state: &Bucket, deleted: &Contents) -> Option<Diagnostic> {
    let days = state.soft_delete_days.known()?;
    (deleted.objects + deleted.versions > 0).then(|| {
        Explanation::new(
            "What was deleted stays billed for a while",
            format!(
                "soft_delete_days was {days}: what the bucket held ({deleted}) can be brought back \
                 for as long, and is billed until then"
            ),
        )
        .warning()
    })
}

/// Deletes what is in the bucket, where that was asked for; else refuses while there is
/// anything.
async fn empty(
    cloud: &Arc<dyn Cloud>,
    state: &Bucket,
    owned: &OwnedBucket,
    summary: &str,
) -> Result<Emptied, CloudError> {
    if on_destroy(state) != "delete_everything" {
        let refusal = data_in(cloud, owned.name(), summary).await?;
        return Ok(refusal.map_or_else(|| Emptied::Holds(Contents::default()), Emptied::Refused));
    }
    let gone = cloud.empty(owned).await?;
    tracing::info!(bucket = owned.name(), emptied = %gone, "the bucket was emptied");
    Ok(Emptied::Holds(gone))
}

/// Hands a half-made bucket on, if it is the one of this state.
fn hand_over(environment: &Environment, state: &Bucket, found: &Generation) {
    let text = state.generation.known().map(String::as_str);
    let (true, Some(id)) = (text == Some(found.as_str()), state.id.known()) else {
        return;
    };
    let key = match (state.access_key_id.known(), state.secret_access_key.known()) {
        (Some(key), Some(secret)) => Some(AccessKey::new(key.as_str(), secret.expose())),
        _ => None,
    };
    let handover = Handover {
        generation: found.clone(),
        key,
        rotation: rotation(state),
    };
    environment.hand_over(id, handover);
}

/// Refuses when a deletion of this bucket would be refused: for what it holds, for what is
/// locked in it, or because it may be somebody else's. For resources that delete something
/// else first. Whether there is a bucket of this state's to be deleted.
pub async fn check(
    cx: &Context,
    configuration: &Configuration,
    state: &Bucket,
    private: &Private,
) -> Result<bool, Diagnostics> {
    if on_destroy(state) == "keep" {
        return Ok(true);
    }
    let name = state.name.known().cloned().unwrap_or_default();
    let summary = format!("Bucket {name:?} was not deleted");
    let failed = |error: CloudError| {
        Explanation::cloud(summary.clone(), error)
            .left_behind("the bucket, with all that is in it")
            .timed(cx)
            .error()
    };
    let opened = location::open_state(cx, state, private, configuration, &summary).await;
    let (cloud, _) = opened?;
    let looked = match cloud.look(&name).await {
        Err(error) if absence::is_anothers(&cloud, &error, private) => {
            absence::refuse_elsewhere(&cloud, private, &summary)?;
            return Ok(false);
        }
        looked => looked.map_err(failed)?,
    };
    let Some(sighting) = looked else {
        absence::prove(cx, &cloud, private, &name, &summary).await?;
        return Ok(false);
    };
    let owned = match owner(&cloud, state, private, &name, &sighting).await? {
        Owner::Us(owned) | Owner::Nearly(Some(owned)) => owned.bucket,
        Owner::Nearly(None) => take_to_delete(&cloud, &name, &sighting).await?.bucket,
        Owner::Others(_) => {
            absence::refuse_elsewhere(&cloud, private, &summary)?;
            return Ok(false);
        }
    };
    if on_destroy(state) == "delete_everything" {
        cloud.refuse_locked(&owned).await.map_err(failed)?;
        return Ok(true);
    }
    match data_in(&cloud, &name, &summary).await.map_err(failed)? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(true),
    }
}

/// The delete half of a replacement that would keep the bucket, whose place the create half
/// then does not find free: with the state gone nobody would have the secret any more.
fn no_room(summary: &str) -> Diagnostic {
    Explanation::new(
        summary,
        "on_destroy is \"keep\", so the bucket would stay, and the one that replaces it cannot have \
         its name",
    )
    .left_behind("the bucket, and the state as it was")
    .what_to_do(
        "Run terraform untaint if a failed apply has tainted it; or set adopt = true to take the \
         bucket over again; or change on_destroy and apply that first.",
    )
    .at(Path::of("on_destroy"))
    .error()
}

fn kept(state: &Bucket, name: &str) -> Diagnostic {
    let cloud = state.block().map_or("its cloud", |(kind, _)| kind.title());
    Explanation::new(
        format!("Bucket {name:?} stays"),
        format!(
            "on_destroy is \"keep\"; it stays on {cloud}, and the state forgets it"
        ),
    )
    .left_behind("the bucket with all that is in it, and whatever was made for it: W&B's user and access key, the key that encrypts it")
    .warning()
}
