//! W&B's identity and its access key: making, keeping and removing them.

use std::collections::BTreeSet;

use super::private::MADE_IDENTITY;
use super::schema::Bucket;
use super::work::{Origin, Progress, Work, argument_of};
use super::{outputs, spec};
use crate::byob::change::Changes;
use crate::byob::cloud::LookAt;
use crate::byob::identity::{AccessKey, Identity, IdentityService};
use crate::byob::marker::Generation;
use crate::byob::rights::Rights;
use crate::byob::spec::{Access, BucketSpec, Setting};
use crate::byob::{CloudError, CloudErrorKind, Observed, Reading};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::{Field, Secret};
use crate::sdk::value::Value;
use crate::terraform::account::{KEY_ROTATION, ResolvedBlock};
use crate::terraform::diagnostics::Explanation;

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
/// runs that made them: every one but the key of the state, `known`.
async fn create(
    service: &dyn IdentityService,
    identity: &Identity,
    known: Option<&String>,
) -> Result<AccessKey, CloudError> {
    match service.create_access_key(identity).await {
        Err(error) if error.kind == CloudErrorKind::Conflict => {
            let keep = known.into_iter().cloned().collect();
            service.delete_access_keys(identity, &keep).await?;
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
    let Access::MadeKey(identity) = wanted.access.clone() else {
        progress.bucket.access_key_id = Field::Null;
        progress.bucket.secret_access_key = Field::Null;
        fill_file_store(progress);
        return Ok(Made::Nothing);
    };
    let failed = |error| work.explain("W&B's access key was not made", error).error();
    let service = service(work, &identity.name).map_err(failed)?;
    progress.private.set(MADE_IDENTITY, identity.name.as_str());
    if changes.identity {
        let is_new = work.fresh().is_some();
        let put = service.put_identity(&identity, is_new).await;
        put.map_err(failed)?;
    }
    let mut made = Made::Nothing;
    if work.rotates() || wanted.access_key_id.is_none() {
        let key = create(service, &identity, wanted.access_key_id.as_ref()).await;
        let key = key.map_err(failed)?;
        wanted.access_key_id = Some(key.id.clone());
        progress.bucket.secret_access_key = Field::Known(Secret::new(key.expose_secret()));
        progress.bucket.access_key_id = Field::Known(key.id);
        work.cx.exists(&progress.bucket, &progress.private);
        made = Made::New;
    }
    fill_file_store(progress);
    Ok(made)
}

fn fill_file_store(progress: &mut Progress) {
    let entry = outputs::file_store(&progress.bucket, &progress.private, progress.block.as_ref());
    progress.bucket.supported_file_store = entry;
}

/// Deletes access keys that are not W&B's any more, and an identity that lost its use. What
/// the last apply could not delete is deleted by this one.
pub async fn retire(
    work: &Work<'_>,
    wanted: &BucketSpec,
    after: &Observed,
    made: Made,
    progress: &mut Progress,
) -> Result<(), Diagnostic> {
    let failed = |error| {
        work.explain("An old access key was not removed", error)
            .error()
    };
    if let (Access::MadeKey(identity), Some(id), true) = (
        &wanted.access,
        &wanted.access_key_id,
        made == Made::New || work.goes_on(),
    ) {
        let service = service(work, &identity.name).map_err(failed)?;
        let is_alone = if service.chooses_access_key_ids() {
            work.fresh().is_some()
        } else {
            is_only_key(after, id)
        };
        if !is_alone {
            let keep = BTreeSet::from([id.clone()]);
            let deleted = service.delete_access_keys(identity, &keep).await;
            deleted.map_err(failed)?;
        }
    }
    if let Origin::Managed {
        unwanted: Some(identity),
        ..
    } = &work.origin
    {
        refuse_given(work, wanted, identity, progress).await?;
        let service = service(work, &identity.name).map_err(failed)?;
        service.delete_identity(identity).await.map_err(failed)?;
        progress.private.remove(MADE_IDENTITY);
    }
    Ok(())
}

/// Refuses to take away an identity whose key is the one that W&B is given.
async fn refuse_given(
    work: &Work<'_>,
    wanted: &BucketSpec,
    identity: &Identity,
    progress: &Progress,
) -> Result<(), Diagnostic> {
    let given = outputs::wandb_key(&progress.bucket, &progress.private, progress.block.as_ref());
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
    work: &Work<'_>,
    prior: &Bucket,
    block: &dyn ResolvedBlock,
) -> Result<(), Diagnostic> {
    let given = block.given_key().into_known();
    match (&work.origin, given) {
        (
            Origin::Managed {
                unwanted: Some(identity),
                ..
            },
            Some(given),
        ) if prior.access_key_id.known() == Some(&given.id) => {
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
    for generation in former {
        let identity = of_former(wanted, generation);
        refuse_given(work, wanted, &identity, progress).await?;
    }
    Ok(())
}

fn of_former(wanted: &BucketSpec, generation: &Generation) -> Identity {
    let rights = Rights::on(&wanted.name, wanted.path.as_deref());
    Identity::for_bucket(&wanted.name, rights, generation)
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
    let kept = progress.private.text(MADE_IDENTITY).map(str::to_owned);
    for generation in former {
        let identity = of_former(wanted, generation);
        if Some(&identity.name) == kept.as_ref() {
            continue;
        }
        let summary = "The user that a former owner of the bucket has made for W&B was not removed";
        match service.delete_identity(&identity).await {
            Ok(()) => {}
            // Who manages no users here cannot be asked to.
            Err(error)
                if matches!(
                    error.kind,
                    CloudErrorKind::Denied
                        | CloudErrorKind::NotSupported
                        | CloudErrorKind::Unauthenticated
                ) =>
            {
                let warning = Explanation::cloud(summary, error)
                    .left_behind(format!("the user {:?}, if there is one", identity.name))
                    .what_to_do("Remove that user by hand.")
                    .warning();
                progress.diagnostics.push(warning);
            }
            Err(error) => return Err(work.explain(summary, error).error()),
        }
    }
    Ok(())
}

fn is_only_key(observed: &Observed, id: &String) -> bool {
    matches!(&observed.identity, Reading::Known(Some(state))
        if state.keys.len() == 1 && state.keys.contains_key(id))
}

/// Takes back what an adoption has made that failed: no state will know of it.
pub async fn withdraw(work: &Work<'_>, progress: &Progress) -> Option<Diagnostic> {
    let identity = spec::made_identity(work.spec(progress).ok()?)?;
    let service = work.cloud.identity_service()?;
    let error = service.delete_identity(&identity).await.err()?;
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
    block.map_or(Value::Null, |block| block.attribute(KEY_ROTATION).clone())
}

/// Whether the configuration asks for a new key although there is one.
pub fn is_rotated(prior: &Bucket, planned: &Bucket) -> bool {
    prior.access_key_id.known().is_some() && rotation(prior) != rotation(planned)
}
