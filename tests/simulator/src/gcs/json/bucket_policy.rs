//! The policies of buckets.

use serde_json::{Value, json};

use super::{Call, Outcome};
use crate::gcs::access::Resource;
use crate::gcs::bucket::Bucket;
use crate::gcs::policies::asked_version;
use crate::gcs::policy::Sent;
use crate::gcs::refusal::Refusal;
use crate::gcs::request::Answer;
use crate::gcs::roles::Home;

fn view(bucket: &Bucket, version: i64) -> Value {
    let mut view = bucket.policy.latest().view(version, &bucket.etag());
    view["kind"] = json!("storage#policy");
    view["resourceId"] = json!(format!("projects/_/buckets/{}", bucket.name));
    view
}

pub(super) fn get(call: &mut Call<'_>, name: &str) -> Outcome {
    let bucket = call.permitted(name, "storage.buckets.getIamPolicy")?;
    let version = asked_version(call.request.parameter("optionsRequestedPolicyVersion"))?;
    Ok(Answer::ok(&view(bucket, version)))
}

pub(super) fn set(call: &mut Call<'_>, name: &str) -> Outcome {
    let bucket = call.permitted(name, "storage.buckets.setIamPolicy")?;
    let sent = Sent::parse(&call.request.json()?)?;
    if sent
        .etag
        .as_ref()
        .is_some_and(|etag| *etag != bucket.etag())
    {
        return Err(Refusal::condition_not_met());
    }
    let before = bucket.policy.latest();
    call.world.check_policy(&sent, before, Home::Bucket)?;
    if sent.policy.has_conditions() && !bucket.settings.uniform_access() {
        return Err(Refusal::invalid(
            "Conditional bindings need uniform bucket-level access to be enabled for the bucket.",
        ));
    }
    let is_public =
        |member: &String| ["allUsers", "allAuthenticatedUsers"].contains(&member.as_str());
    let prevented =
        bucket.settings.public_access_prevented() || call.world.prevents_public_access();
    if prevented && sent.policy.members().any(is_public) {
        return Err(Refusal::constraint(
            "The member bindings allUsers and allAuthenticatedUsers are not allowed since public \
             access prevention is enforced.",
        ));
    }
    call.world
        .check_domains(&sent.policy, before, Home::Bucket)?;
    let (now, felt) = (call.world.now(), call.world.felt());
    let bucket = call.world.buckets.get_mut(name);
    let bucket = bucket.ok_or_else(Refusal::no_such_bucket)?;
    bucket.policy.set(sent.policy, now, felt);
    bucket.touch(now);
    Ok(Answer::ok(&view(bucket, 3)))
}

pub(super) fn test(call: &mut Call<'_>, name: &str) -> Outcome {
    call.bucket(name)?;
    let asked: Vec<&str> = call
        .request
        .query
        .iter()
        .filter(|(key, _)| key == "permissions")
        .map(|(_, value)| value.as_str())
        .collect();
    if let Some(wrong) = asked
        .iter()
        .find(|one| !one.starts_with("storage.") || one.contains('*'))
    {
        return Err(Refusal::invalid(format!(
            "Permission {wrong} is not valid for this resource."
        )));
    }
    let granted: Vec<&str> = asked
        .into_iter()
        .filter(|one| call.world.may(&call.who, one, Resource::Bucket(name)))
        .collect();
    let mut body = json!({"kind": "storage#testIamPermissionsResponse"});
    if !granted.is_empty() {
        body["permissions"] = json!(granted);
    }
    Ok(Answer::ok(&body))
}

/// The older lists of who may what, of which there are none under uniform access.
pub(super) fn access_list(call: &mut Call<'_>, name: &str, what: &str) -> Outcome {
    let bucket = call.permitted(name, "storage.buckets.get")?;
    if bucket.settings.uniform_access() {
        return Err(Refusal::invalid(format!(
            "Cannot get legacy ACL for {what} when uniform bucket-level access is enabled. Read \
             more at https://cloud.google.com/storage/docs/uniform-bucket-level-access"
        )));
    }
    Err(Refusal::not_simulated("an access control list"))
}
