//! Who pays for a request.

use super::access::{Principal, Resource};
use super::refusal::{Kind, Refusal};
use super::request::Request;
use super::world::World;

/// Whose project pays, where somebody says so or the bucket's own does not.
pub(crate) fn check(
    world: &World,
    who: &Principal,
    request: &Request,
    bucket: Option<&str>,
) -> Result<(), Refusal> {
    let named = request
        .parameter("userProject")
        .or_else(|| request.parameter("x-goog-user-project"))
        .or_else(|| request.header("x-goog-user-project"));
    if let Some(named) = named {
        let project = world.project(named).ok_or_else(|| {
            Refusal::invalid("User project specified in the request is invalid.")
                .coded("UserProjectInvalid", "User project is invalid.")
        })?;
        return world.require(
            who,
            "serviceusage.services.use",
            Resource::Project(&project.id),
        );
    }
    let pays = bucket
        .and_then(|name| world.buckets.get(name))
        .filter(|bucket| bucket.settings.requester_pays());
    match pays {
        Some(bucket)
            if !world.may(
                who,
                "storage.buckets.create",
                Resource::Project(&bucket.project),
            ) =>
        {
            Err(Refusal::new(
                400,
                Kind::Billing,
                "Bucket is a requester pays bucket but no user project provided.",
            ))
        }
        _ => Ok(()),
    }
}
