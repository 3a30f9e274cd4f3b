//! W&B's identity and its access key: making, keeping and removing them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::retirement::Answer;
use super::schema::Bucket;
use super::work::{Progress, Work, argument_of};
use super::{made, outputs, retirement, spec};
use crate::byob::change::Changes;
use crate::byob::cloud::LookAt;
use crate::byob::identity::{AccessKey, Identity, IdentityService};
use crate::byob::marker::{Generation, Marker};
use crate::byob::spec::{Access, BucketSpec, Setting};
use crate::byob::{Cloud, CloudError, CloudErrorKind, Observed, Reading};
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::{Field, Secret};
use crate::sdk::value::Value;
use crate::terraform::account::{KEY_ROTATION, ResolvedBlock, key_version};
use crate::terraform::diagnostics::Explanation;
use crate::terraform::effect;

const FORMER_STAYS: &str =
    "The user that a former owner of the bucket has made for W&B was not removed";

/// Whether W&B has another access key now than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// One was made.
    New,
    /// None was.
    Nothing,
}

/// The service for identities; every cloud whose block can ask for one has it.
fn service<'a>(work: &'a Work<'_>, target: &str) -> Result<&'a dyn IdentityService, CloudError> {
    work.cloud.identity_service().ok_or_else(|| {
        let kind = CloudErrorKind::NotSupported;
        CloudError::new(
            kind,
            "CreateIdentity",
            target,
            "this cloud makes no identities",
        )
    })
}

/// A new access key. Where there is no room for it, keys go whose secrets were lost with the
/// runs that made them: every one but those that the state knows of.
async fn create(
    service: &dyn IdentityService,
    identity: &Identity,
    known: &BTreeSet<String>,
) -> Result<AccessKey, CloudError> {
    match service.create_access_key(identity).await {
        Err(error) if error.kind == CloudErrorKind::Conflict => {
            service.delete_access_keys(identity, known).await?;
            service.create_access_key(identity).await
        }
        outcome => outcome,
    }
}

/// Makes W&B's identity and access key what they should be.
pub async fn put(
    work: &Work<'_>,
    changes: &Changes,
    wanted: &mut BucketSpec,
    progress: &mut Progress,
) -> Result<Made, Diagnostic> {
    let Some(identity) = wanted.access.identity().cloned() else {
        return Ok(without_key(progress));
    };
    let failed = |error| work.explain("W&B's access key was not made", error).error();
    let service = service(work, &identity.name).map_err(failed)?;
    let owner = progress.bucket.access_key_owner.known();
    // Under another spelling it is the same one, and stays what the plan has said.
    if !owner.is_some_and(|owner| identity.is_named(owner)) {
        progress.bucket.access_key_owner = identity.name.as_str().into();
    }
    if changes.identity {
        let is_new = work.fresh().is_some();
        let put = service.put_identity(&identity, is_new).await;
        put.map_err(failed)?;
    }
    if matches!(wanted.access, Access::MadeIdentity(_)) {
        if let Some(name) = progress.bucket.registration_name.known()
            && changes.identity
        {
            effect::note_given(name);
        }
        return Ok(without_key(progress));
    }
    let mut made = Made::Nothing;
    if work.rotates() || wanted.access_key_id.is_none() {
        let old = wanted.access_key_id.clone();
        let mut known: BTreeSet<String> = old.iter().cloned().collect();
        let mut waiting = retirement::waiting(&progress.private);
        waiting.retain(|_| !retirement::is_told(&progress.bucket));
        known.extend(waiting.iter().cloned());
        let made_key = create(service, &identity, &known).await;
        let key = made_key.map_err(|error| match error.kind {
            CloudErrorKind::Conflict if !waiting.is_empty() => {
                let place = Path::of(progress.block.kind().block()).attribute(KEY_ROTATION);
                retirement::not_again(&waiting).at(place).error()
            }
            _ => failed(error),
        })?;
        // A key that is not made here is not deleted here either.
        if let Some(old) = old.filter(|_| service.makes_access_keys()) {
            retirement::note_replaced(&mut progress.private, &old);
        }
        wanted.access_key_id = Some(key.id.clone());
        progress.bucket.secret_access_key = Field::Known(Secret::new(key.expose_secret()));
        progress.bucket.access_key_id = Field::Known(key.id);
        work.cx.exists(&progress.bucket, &progress.private);
        made = Made::New;
    }
    fill_file_store(progress);
    Ok(made)
}

/// W&B needs no key.
fn without_key(progress: &mut Progress) -> Made {
    progress.bucket.access_key_id = Field::Null;
    progress.bucket.secret_access_key = Field::Null;
    fill_file_store(progress);
    Made::Nothing
}

fn fill_file_store(progress: &mut Progress) {
    let entry = outputs::file_store(&progress.bucket, progress.block.as_ref());
    progress.bucket.supported_file_store = entry;
}

/// After an apply that was killed nobody knows which of the other keys W&B may still use: all
/// of them are asked about, but those that the killed run itself has made. One that is older
/// than the state's own was kept when that was made.
pub fn recall(before: &Observed, wanted: &BucketSpec, progress: &mut Progress) {
    let Reading::Known(Some(state)) = &before.identity else {
        return;
    };
    let known = retirement::waiting(&progress.private);
    let own = wanted.access_key_id.as_ref();
    let own_made = own.and_then(|id| state.keys_made.get(id));
    let others = state
        .keys
        .keys()
        .filter(|id| own != Some(*id) && !known.contains(*id));
    for id in others {
        match (state.keys_made.get(id), own_made) {
            (Some(made), Some(own)) if made > own => continue,
            (Some(_), Some(_)) => retirement::note_kept(&mut progress.private),
            _ => {}
        }
        retirement::note_replaced(&mut progress.private, id);
    }
}

/// Deletes access keys that are not W&B's any more, and an identity that lost its use. What
/// the last apply could not delete is deleted by this one; a key that the instance may still
/// use stays.
pub async fn retire(
    work: &Work<'_>,
    wanted: &BucketSpec,
    (after, answer): (&Observed, Answer),
    made: Made,
    progress: &mut Progress,
) -> Result<(), Diagnostic> {
    let failed = |error| {
        work.explain("An old access key was not removed", error)
            .error()
    };
    let old = retirement::waiting(&progress.private);
    let is_made = matches!(wanted.access, Access::MadeKey(_));
    let may_be_used = retirement::stay(&progress.private, &progress.bucket, answer);
    let stay = is_made && may_be_used && !old.is_empty();
    if let (Access::MadeKey(identity), Some(id), true) = (
        &wanted.access,
        &wanted.access_key_id,
        made == Made::New || work.goes_on() || !(old.is_empty() || stay),
    ) {
        let service = service(work, &identity.name).map_err(failed)?;
        let is_alone = if service.chooses_access_key_ids() {
            work.fresh().is_some()
        } else {
            is_only_key(after, id)
        };
        if !is_alone {
            let mut keep = BTreeSet::from([id.clone()]);
            keep.extend(old.iter().filter(|_| stay).cloned());
            let deleted = service.delete_access_keys(identity, &keep).await;
            deleted.map_err(failed)?;
        }
    }
    if stay {
        retirement::note_kept(&mut progress.private);
        let warning = retirement::still_works(&old, wanted.access_key_id.as_ref());
        progress.diagnostics.push(warning.warning());
    } else if !old.is_empty() {
        retirement::forget(&mut progress.private);
        if made == Made::New {
            progress.diagnostics.push(retirement::replaced(&old));
        }
    }
    for identity in work.unwanted() {
        refuse_given(work, wanted, identity, progress).await?;
        let service = service(work, &identity.name).map_err(failed)?;
        service.delete_identity(identity).await.map_err(failed)?;
        retirement::forget_all(&mut progress.private);
    }
    made::note_unwanted(&mut progress.private, &[]);
    Ok(())
}

/// Refuses to take away an identity whose key is the one that W&B is given.
async fn refuse_given(
    work: &Work<'_>,
    wanted: &BucketSpec,
    identity: &Identity,
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let given = outputs::wandb_key(&progress.bucket, progress.block.as_ref());
    let (Access::GivenKey, Some(given)) = (&wanted.access, given.into_known()) else {
        return Ok(());
    };
    let look_at = LookAt {
        identity: Some(identity.clone()),
        ..LookAt::default()
    };
    let summary = "A user that is not wanted any more was not removed";
    let seen = work.cloud.observe(&wanted.name, &look_at).await;
    let seen = seen.map_err(|error| work.explain(summary, error).error())?;
    let is_its_key = seen.is_some_and(|seen| {
        matches!(&seen.identity, Reading::Known(Some(state)) if state.keys.contains_key(&given.id))
    });
    if is_its_key {
        return Err(given_made(&given, identity, progress.block.as_ref()));
    }
    Ok(())
}

/// Refuses, before anything is changed, to take the made key of the state for a given one.
pub fn refuse_made(
    unwanted: &[Identity],
    prior: &Bucket,
    block: &dyn ResolvedBlock,
) -> Result<(), Diagnostic> {
    let given = block.given_key().into_known();
    match (unwanted.first(), given) {
        (Some(identity), Some(given)) if prior.access_key_id.known() == Some(&given.id) => {
            Err(given_made(&given, identity, block))
        }
        _ => Ok(()),
    }
}

fn given_made(given: &AccessKey, identity: &Identity, block: &dyn ResolvedBlock) -> Diagnostic {
    let summary = "A user that is not wanted any more was not removed";
    let why = format!(
        "the key {} that W&B is given belongs to the user {:?}, which was made for W&B and would \
         go, with this key",
        given.id, identity.name
    );
    Explanation::new(summary, why)
        .left_behind("the user, and its key, which works")
        .what_to_do("Leave create_access_key = true as it was; or give W&B another key.")
        .at(argument_of(Setting::Identity, block))
        .error()
}

/// Refuses where W&B is given a key of somebody who had the bucket before.
pub async fn refuse_former(
    work: &Work<'_>,
    wanted: &BucketSpec,
    former: &[Generation],
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let Some(service) = work.cloud.identity_service() else {
        return Ok(());
    };
    for generation in former {
        let identity = service.identity_of(&wanted.name, wanted.path.as_deref(), generation);
        refuse_given(work, wanted, &identity, progress).await?;
    }
    Ok(())
}

/// An identity of one of these makings that no state knows: an apply that was killed has made
/// it, or an import might not look for it.
pub async fn unknown(
    cloud: &Arc<dyn Cloud>,
    bucket: &str,
    generations: &[Generation],
) -> Result<Option<Identity>, CloudError> {
    let Some(service) = cloud.identity_service() else {
        return Ok(None);
    };
    for generation in generations {
        let identity = service.identity_of(bucket, None, generation);
        match service.survives(&identity).await {
            Ok(true) => return Ok(Some(identity)),
            Ok(false) => {}
            // Whoever may not look cannot remove it either.
            Err(error) if is_nobodys_business(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether the caller manages no users here, and cannot be asked to.
pub fn is_nobodys_business(error: &CloudError) -> bool {
    matches!(
        error.kind,
        CloudErrorKind::Denied | CloudErrorKind::NotSupported | CloudErrorKind::Unauthenticated
    )
}

/// Refuses the first change after an import that might not look for W&B's user, which is there:
/// the change would remove it, with the key that W&B has.
pub async fn refuse_unseen(
    cloud: &Arc<dyn Cloud>,
    bucket: &str,
    marker: &Marker,
) -> Result<(), Diagnostic> {
    match unknown(cloud, bucket, &marker.generations()).await {
        Ok(None) => Ok(()),
        Ok(Some(identity)) => Err(unseen(&identity)),
        Err(error) => Err(Explanation::cloud("The bucket was not changed", error).error()),
    }
}

fn unseen(identity: &Identity) -> Diagnostic {
    let why = format!(
        "the import was not allowed to look for W&B's user {:?}, which is there and would be \
         removed, with the key that W&B has",
        identity.name
    );
    Explanation::new("The bucket's user for W&B is not known", why)
        .left_behind("the bucket as it was")
        .what_to_do(
            "Remove the bucket from the state (terraform state rm) and import it again, as somebody \
             who may look at users.",
        )
        .error()
}

/// An identity of an owner before was perhaps left.
pub fn former_left(identity: &Identity, error: CloudError) -> Diagnostic {
    Explanation::cloud(FORMER_STAYS, error)
        .left_behind(format!("the user {:?}, if there is one", identity.name))
        .what_to_do("Remove that user by hand.")
        .warning()
}

/// Deletes the identities of those who had the bucket before: nobody else knows of them.
pub async fn retire_former(
    work: &Work<'_>,
    wanted: &BucketSpec,
    former: &[Generation],
    progress: &mut Progress,
) -> Result<(), Diagnostic> {
    let Some(service) = work.cloud.identity_service() else {
        return Ok(());
    };
    let kept = progress.bucket.access_key_owner.known().cloned();
    for generation in former {
        let identity = service.identity_of(&wanted.name, wanted.path.as_deref(), generation);
        if kept.as_ref().is_some_and(|kept| identity.is_named(kept)) {
            continue;
        }
        match service.delete_identity(&identity).await {
            Ok(()) => {}
            Err(error) if is_nobodys_business(&error) => {
                progress.diagnostics.push(former_left(&identity, error));
            }
            Err(error) => return Err(work.explain(FORMER_STAYS, error).error()),
        }
    }
    Ok(())
}

fn is_only_key(observed: &Observed, id: &String) -> bool {
    matches!(&observed.identity, Reading::Known(Some(state))
        if state.keys.len() == 1 && state.keys.contains_key(id))
}

/// Marks W&B's identity as this making's, where its name does not say so.
pub async fn finish(work: &Work<'_>, wanted: &BucketSpec) -> Result<(), Diagnostic> {
    let (Some(identity), Some(service)) = (wanted.access.identity(), work.cloud.identity_service())
    else {
        return Ok(());
    };
    let summary = "W&B's identity was not marked as this bucket's";
    let marked = service.mark_identity(identity).await;
    marked.map_err(|error| work.explain(summary, error).error())
}

/// Takes back what an adoption has made that failed: no state will know of it.
pub async fn withdraw(work: &Work<'_>, progress: &Progress) -> Option<Diagnostic> {
    let identity = spec::made_identity(work.spec(progress).ok()?)?;
    let service = work.cloud.identity_service()?;
    let error = service.withdraw_identity(&identity).await.err()?;
    let left = format!("the user {:?}, with its key", identity.name);
    Some(
        Explanation::cloud("W&B's user was not removed again", error)
            .left_behind(left)
            .warning(),
    )
}

/// Whether W&B's key is on the server and works once its user does; `None` when nobody
/// could look.
pub fn works(observed: &Observed, id: &str) -> Option<bool> {
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

/// What W&B's key was made for; another value asks for another key.
pub fn rotation(bucket: &Bucket) -> Value {
    let block = bucket.known_block();
    block.map_or(Value::Null, |block| key_version(block).clone())
}

/// Whether the configuration asks for a new key although there is one.
pub fn is_rotated(prior: &Bucket, planned: &Bucket) -> bool {
    prior.access_key_id.known().is_some() && rotation(prior) != rotation(planned)
}
