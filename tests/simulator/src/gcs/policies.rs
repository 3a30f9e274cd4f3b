//! Reading and writing policies, alike for everything that has one.

use super::policy::{Binding, Policed, Policy, Sent};
use super::refusal::{Kind, Refusal};
use super::roles::{self, Home};
use super::world::World;

/// The version that a caller asks for, from a parameter's text.
pub(crate) fn asked_version(text: Option<&str>) -> Result<i64, Refusal> {
    match text {
        None => Ok(1),
        Some("0" | "1") => Ok(1),
        Some("3") => Ok(3),
        Some(other) => Err(Refusal::invalid(format!(
            "Invalid requested policy version: {other}. It must be 0, 1 or 3."
        ))),
    }
}

impl World {
    /// Looks at a policy before it replaces another one.
    pub(crate) fn check_policy(
        &self,
        sent: &Sent,
        before: &Policy,
        home: Home,
    ) -> Result<(), Refusal> {
        for binding in &sent.policy.bindings {
            let Binding { role, members, .. } = binding;
            if !roles::is_for(role, home) && !self.roles.contains_key(role) {
                return Err(Refusal::invalid(format!(
                    "Role {role} is not supported for this resource."
                )));
            }
            for member in members {
                self.check_member(member, before, home)?;
            }
        }
        // Who read without the conditions must not write them away unseen.
        if before.has_conditions() && sent.version < 3 && sent.etag.is_some() {
            return Err(Refusal::invalid(
                "The policy has conditional bindings: read and write it at version 3.",
            ));
        }
        Ok(())
    }

    fn check_member(&self, member: &str, before: &Policy, home: Home) -> Result<(), Refusal> {
        let unknown = || {
            Refusal::invalid(format!(
                "The member {member} is of an unknown type. Please set a valid type prefix for the \
                 member."
            ))
        };
        if ["allUsers", "allAuthenticatedUsers"].contains(&member) {
            return Ok(());
        }
        let (kind, rest) = member.split_once(':').ok_or_else(unknown)?;
        match kind {
            "serviceAccount" => self.check_account(rest),
            "user" | "group" if rest.contains('@') => Ok(()),
            "domain" if rest.contains('.') => Ok(()),
            "principal" | "principalSet" if rest.starts_with("//iam.googleapis.com/") => Ok(()),
            "projectOwner" | "projectEditor" | "projectViewer" if home == Home::Bucket => {
                if self.projects.contains_key(rest) {
                    Ok(())
                } else {
                    Err(Refusal::invalid(format!("Unknown project id: {rest}")))
                }
            }
            // A grave is kept, but none is dug by hand.
            "deleted" if before.members().any(|one| one == member) => Ok(()),
            "user" | "group" | "domain" | "deleted" => {
                Err(Refusal::invalid(format!("Invalid member: {member}")))
            }
            _ => Err(unknown()),
        }
    }

    fn check_account(&self, email: &str) -> Result<(), Refusal> {
        let agent = self
            .projects
            .values()
            .any(|one| one.service_agent() == email);
        let known = self
            .accounts
            .get(email)
            .is_some_and(|one| one.known_from <= self.now());
        if agent || known {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "Service account {email} does not exist."
        )))
    }
}

/// Whether a policy was read before somebody else wrote it, for the newer services.
pub(crate) fn check_etag(sent: &Sent, policed: &Policed) -> Result<(), Refusal> {
    if sent.etag.as_ref().is_some_and(|etag| *etag != policed.etag) {
        let message = "There were concurrent policy changes. Please retry the whole \
                       read-modify-write with exponential backoff. The request's ETag did not match \
                       the current policy's ETag.";
        return Err(Refusal::new(409, Kind::Conflict, message).canonical("ABORTED"));
    }
    Ok(())
}
