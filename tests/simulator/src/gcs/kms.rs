//! Cloud KMS: keys and who may use them. Cloud Storage's own account needs to.

use axum::http::Method;
use serde_json::json;
use time::OffsetDateTime;

use super::access::{Principal, Resource};
use super::clock;
use super::iam::{Outcome, caller, require, tested, unknown, verb};
use super::names;
use super::policies::{asked_version, check_etag};
use super::policy::Sent;
use super::refusal::Refusal;
use super::request::{Answer, Request};
use super::roles::Home;
use super::world::{CryptoKey, World};

/// Answers a request.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    route(world, request).unwrap_or_else(Refusal::into_google_json)
}

fn route(world: &mut World, request: &Request) -> Outcome {
    let who = caller(world, request)?;
    let parts = request.parts();
    let &[
        "v1",
        "projects",
        project,
        "locations",
        location,
        "keyRings",
        ring,
        "cryptoKeys",
        last,
    ] = &parts[..]
    else {
        return unknown(request);
    };
    let (key, verb) = verb(last);
    let project = world
        .project(project)
        .map_or(project, |one| one.id.as_str());
    let name = format!("projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}");
    match (&request.method, verb) {
        (&Method::GET, "") => get(world, &who, &name),
        (&Method::GET, "getIamPolicy") => get_policy(world, &who, &name, request),
        (&Method::POST, "setIamPolicy") => set_policy(world, &who, &name, request),
        (&Method::POST, "testIamPermissions") => {
            tested(world, &who, Resource::CryptoKey(&name), request)
        }
        (_, _) => unknown(request),
    }
}

fn find<'a>(
    world: &'a World,
    who: &Principal,
    name: &str,
    permission: &str,
) -> Result<&'a CryptoKey, Refusal> {
    require(world, who, permission, Resource::CryptoKey(name))?;
    world
        .crypto_keys
        .get(name)
        .ok_or_else(|| Refusal::not_found(format!("CryptoKey {name} not found.")))
}

fn get(world: &World, who: &Principal, name: &str) -> Outcome {
    let key = find(world, who, name, "cloudkms.cryptoKeys.get")?;
    let created = clock::seconds(key.created);
    Ok(Answer::ok(&json!({
        "name": name,
        "primary": {
            "name": format!("{name}/cryptoKeyVersions/1"),
            "state": key.state,
            "createTime": created,
            "generateTime": created,
            "protectionLevel": "SOFTWARE",
            "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
        },
        "purpose": "ENCRYPT_DECRYPT",
        "createTime": created,
        "versionTemplate": {
            "protectionLevel": "SOFTWARE",
            "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
        },
        "destroyScheduledDuration": "2592000s",
    })))
}

fn get_policy(world: &World, who: &Principal, name: &str, request: &Request) -> Outcome {
    let key = find(world, who, name, "cloudkms.cryptoKeys.getIamPolicy")?;
    let version = asked_version(request.parameter("options.requestedPolicyVersion"))?;
    Ok(Answer::ok(
        &key.policy.latest().view(version, &key.policy.etag),
    ))
}

fn set_policy(world: &mut World, who: &Principal, name: &str, request: &Request) -> Outcome {
    let key = find(world, who, name, "cloudkms.cryptoKeys.setIamPolicy")?;
    let sent = Sent::parse(&request.json()?["policy"])?;
    check_etag(&sent, &key.policy)?;
    world.check_policy(&sent, key.policy.latest(), Home::CryptoKey)?;
    world.check_domains(&sent.policy, key.policy.latest(), Home::CryptoKey)?;
    let now: OffsetDateTime = world.now();
    let felt = now + world.config.key_propagation;
    let key = world.crypto_keys.get_mut(name);
    let key = key.ok_or_else(|| Refusal::not_found(format!("CryptoKey {name} not found.")))?;
    key.policy.set(sent.policy, now, felt);
    Ok(Answer::ok(&key.policy.latest().view(3, &key.policy.etag)))
}

impl World {
    /// Whether Cloud Storage could encrypt with a key for a bucket there.
    pub(crate) fn check_key(
        &self,
        name: &str,
        location: &str,
        project: &str,
    ) -> Result<(), Refusal> {
        let place = names::key_location(name)
            .ok_or_else(|| Refusal::invalid(format!("Invalid Cloud KMS key name: '{name}'.")))?;
        if !place.eq_ignore_ascii_case(location) {
            return Err(Refusal::invalid(format!(
                "Cloud KMS region '{place}' not available for use with GCS region '{}'.",
                location.replace('-', "_")
            )));
        }
        self.check_key_use(name, project, "cloudkms.cryptoKeyVersions.useToEncrypt")
    }

    /// The same for what was encrypted before, by the name of the key's version.
    pub(crate) fn check_key_for_reading(
        &self,
        version: &str,
        project: &str,
    ) -> Result<(), Refusal> {
        let name = version
            .split_once("/cryptoKeyVersions/")
            .map_or(version, |(name, _)| name);
        self.check_key_use(name, project, "cloudkms.cryptoKeyVersions.useToDecrypt")
    }

    fn check_key_use(&self, name: &str, project: &str, permission: &str) -> Result<(), Refusal> {
        let agent = self
            .project(project)
            .map(super::world::Project::service_agent);
        let agent = Principal::Account(agent.unwrap_or_default());
        let key = self.crypto_keys.get(name);
        let key = key.filter(|_| self.may(&agent, permission, Resource::CryptoKey(name)));
        let key = key.ok_or_else(|| {
            Refusal::forbidden(
                "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service \
                 account has been authorized to use this key.",
            )
        })?;
        if key.state == "ENABLED" {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "The Cloud KMS key version is not enabled, current state is: {}.",
            key.state
        )))
    }
}
