//! The rules of the organization above all projects.

use super::policy::Policy;
use super::refusal::Refusal;
use super::roles::Home;
use super::settings::Settings;
use super::world::{Constraint, World};

fn violated(name: &str) -> Refusal {
    Refusal::constraint(format!("Request violates constraint 'constraints/{name}'"))
}

impl World {
    /// Looks at a bucket that is to be made or changed.
    pub(crate) fn check_constraints(
        &self,
        location: &str,
        settings: &Settings,
        before: Option<&Settings>,
    ) -> Result<(), Refusal> {
        for constraint in &self.config.constraints {
            match constraint {
                Constraint::UniformAccess if !settings.uniform_access() => {
                    // What was so before may stay so.
                    if before.is_none_or(Settings::uniform_access) {
                        return Err(violated("storage.uniformBucketLevelAccess"));
                    }
                }
                Constraint::Locations { allowed } if before.is_none() => {
                    if !allowed.iter().any(|one| one.eq_ignore_ascii_case(location)) {
                        return Err(Refusal::constraint(format!(
                            "'{location}' violates constraint 'constraints/gcp.resourceLocations'"
                        )));
                    }
                }
                Constraint::SoftDelete { allowed } => {
                    let seconds = settings.soft_delete();
                    let changed = before.is_none_or(|before| before.soft_delete() != seconds);
                    if changed && !allowed.contains(&seconds) {
                        return Err(violated("storage.softDeletePolicySeconds"));
                    }
                }
                Constraint::CustomerKey if settings.key().is_none() => {
                    if before.is_none_or(|before| before.key().is_some()) {
                        return Err(violated("gcp.restrictNonCmekServices"));
                    }
                }
                Constraint::UniformAccess
                | Constraint::PublicAccessPrevention
                | Constraint::Locations { .. }
                | Constraint::Domains { .. }
                | Constraint::KeyCreation
                | Constraint::AccountCreation
                | Constraint::CustomerKey => {}
            }
        }
        Ok(())
    }

    /// Whether no bucket may be open to all.
    pub(crate) fn prevents_public_access(&self) -> bool {
        self.config
            .constraints
            .contains(&Constraint::PublicAccessPrevention)
    }

    /// Looks at who comes in by a new policy.
    pub(crate) fn check_domains(
        &self,
        policy: &Policy,
        before: &Policy,
        home: Home,
    ) -> Result<(), Refusal> {
        for constraint in &self.config.constraints {
            let Constraint::Domains { allowed } = constraint else {
                continue;
            };
            let stranger = policy
                .members()
                .filter(|member| !before.members().any(|one| one == *member))
                .filter(|member| !member.starts_with("project") && !member.starts_with("deleted:"))
                .any(|member| !allowed.iter().any(|end| member.ends_with(end.as_str())));
            if stranger && home == Home::Bucket {
                return Err(Refusal::constraint(
                    "One or more users named in the policy do not belong to a permitted customer.",
                ));
            }
            if stranger {
                return Err(Refusal::invalid(
                    "One or more users named in the policy do not belong to a permitted customer,  \
                     perhaps due to an organization policy.",
                )
                .canonical("FAILED_PRECONDITION"));
            }
        }
        Ok(())
    }
}
