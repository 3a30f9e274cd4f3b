//! Where a team is: the instance and the organization. "Not there" is a proof only when it
//! is said by these two, and nothing that cannot be undone follows from less.

use crate::sdk::prelude::*;
use crate::terraform::diagnostics::Explanation;
use crate::wandb::{Client, Organization, TeamEntity, WandbError, WandbErrorKind};

/// Private data: the address of the instance that the team is on.
const INSTANCE: &str = "instance";
/// Private data: the id of the organization that the team is in; empty where the instance
/// tells of none.
const ORGANIZATION: &str = "organization";

/// Which organization the instance's SCIM answers for, with this key.
enum Scope {
    /// The instance tells of no organizations.
    Untold,
    /// This one.
    Of(Organization),
    /// The key sees several, and nothing tells which one is meant.
    Unclear,
}

/// Notes where a team is that was found.
pub async fn note(
    client: &Client,
    entity: Option<&TeamEntity>,
    private: &mut Private,
) -> Result<(), WandbError> {
    match entity.and_then(|entity| entity.organization.as_ref()) {
        Some(organization) => {
            private.set(INSTANCE, client.address());
            private.set(ORGANIZATION, organization.id.as_str());
            Ok(())
        }
        None => note_to_make(client, private).await,
    }
}

/// Notes where a team is to be.
pub async fn note_to_make(client: &Client, private: &mut Private) -> Result<(), WandbError> {
    let scope = scope(client).await?;
    private.set(INSTANCE, client.address());
    match scope {
        Scope::Of(organization) => private.set(ORGANIZATION, organization.id),
        Scope::Untold => private.set(ORGANIZATION, ""),
        Scope::Unclear => private.remove(ORGANIZATION),
    }
    Ok(())
}

/// The private data of a team that is gone: where it was is where it will be made again.
pub fn only_instance(private: &Private) -> Private {
    let mut kept = Private::default();
    for key in [INSTANCE, ORGANIZATION] {
        if let Some(text) = private.text(key) {
            kept.set(key, text);
        }
    }
    kept
}

async fn scope(client: &Client) -> Result<Scope, WandbError> {
    let mut seen = match client.organizations().await {
        Ok(seen) => seen,
        Err(error) if error.kind == WandbErrorKind::NotSupported => return Ok(Scope::Untold),
        Err(error) => return Err(error),
    };
    if seen.len() == 1
        && let Some(only) = seen.pop()
    {
        return Ok(Scope::Of(only));
    }
    // Any other team that SCIM knows tells which organization SCIM is about.
    let told = match client.any_team().await? {
        Some(team) => client.organization_of(&team.name).await?,
        None => None,
    };
    Ok(match told {
        Some(organization) => Scope::Of(organization),
        None if seen.is_empty() => Scope::Untold,
        None => Scope::Unclear,
    })
}

/// Refuses to take the instance's "not there" for a proof, unless it comes from where the
/// team is.
pub async fn check_absence(
    client: &Client,
    private: &Private,
    summary: &str,
) -> Result<(), Diagnostic> {
    check_instance(client, private, summary)?;
    if private.text(INSTANCE).is_none() {
        return Err(unproven(
            summary,
            "the instance does not know the team, and the state does not say which instance and \
             organization the team is on",
        ));
    }
    let scope = scope(client).await.map_err(|error| {
        Explanation::wandb(summary, error)
            .left_behind("the state as it was")
            .error()
    })?;
    match (private.text(ORGANIZATION), scope) {
        (Some(""), Scope::Untold) => Ok(()),
        (Some(recorded), Scope::Of(now)) if recorded == now.id => Ok(()),
        (Some(recorded), Scope::Of(now)) if !recorded.is_empty() => Err(unproven(
            summary,
            &format!(
                "the team is in the organization with the id {recorded}, and the api_key of the \
                 provider is one of {:?} (id {}), which does not know it",
                now.name, now.id
            ),
        )),
        (Some(_), _) => Err(unproven(
            summary,
            "the instance does not know the team, and does not tell whether the api_key of the \
             provider is one of the team's organization",
        )),
        (None, _) => Err(unproven(
            summary,
            "the instance does not know the team, and the state does not say which organization \
             the team is in",
        )),
    }
}

fn unproven(summary: &str, why: &str) -> Diagnostic {
    Explanation::new(summary, why)
        .left_behind("the state as it was")
        .what_to_do(
            "Set base_url (WANDB_BASE_URL) and api_key (WANDB_API_KEY) to the team's own instance and \
             organization. If the team was deleted, remove it from the state (terraform state rm).",
        )
        .error()
}

/// Refuses to look for the team on another instance.
pub fn check_instance(client: &Client, private: &Private, summary: &str) -> Result<(), Diagnostic> {
    match private.text(INSTANCE) {
        Some(instance) if instance == client.address() => Ok(()),
        Some(instance) => Err(Explanation::new(
            summary,
            format!(
                "the team is on {instance}, and base_url of the provider leads to {}, which does \
                 not know it",
                client.address()
            ),
        )
        .left_behind("the state as it was")
        .what_to_do(
            "Set base_url (WANDB_BASE_URL) back. A team cannot move to another instance; to forget \
             this one, remove it from the state (terraform state rm).",
        )
        .error()),
        None => Ok(()),
    }
}

/// Whether the state says that the team is on another instance than the provider's.
pub fn is_elsewhere(client: &Client, private: &Private) -> bool {
    let recorded = private.text(INSTANCE);
    recorded.is_some_and(|instance| instance != client.address())
}
