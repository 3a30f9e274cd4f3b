//! How W&B is run, and what that allows.

use std::fmt;

use super::kind::CloudKind;

/// How the W&B instance is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// W&B's shared service at `wandb.ai`.
    MultiTenant,
    /// An instance that W&B runs for one customer at `*.wandb.io`.
    Dedicated,
    /// An instance that the customer runs.
    SelfManaged,
}

/// Who stores in the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One team.
    Team,
    /// The whole installation.
    Instance,
}

impl Deployment {
    /// The three names that a configuration may use.
    pub const NAMES: [&str; 3] = ["multi_tenant", "dedicated", "self_managed"];

    /// Reads a name of [`Self::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "multi_tenant" => Some(Self::MultiTenant),
            "dedicated" => Some(Self::Dedicated),
            "self_managed" => Some(Self::SelfManaged),
            _ => None,
        }
    }

    /// What the address of an instance says about how it is run.
    pub fn of_host(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        if host == "api.wandb.ai" || host == "wandb.ai" {
            Self::MultiTenant
        } else if host.ends_with(".wandb.io") {
            Self::Dedicated
        } else {
            Self::SelfManaged
        }
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::MultiTenant => "multi_tenant",
            Self::Dedicated => "dedicated",
            Self::SelfManaged => "self_managed",
        })
    }
}

impl Scope {
    /// The two names that a configuration may use.
    pub const NAMES: [&str; 2] = ["team", "instance"];

    /// Reads a name of [`Self::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "team" => Some(Self::Team),
            "instance" => Some(Self::Instance),
            _ => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Team => "team",
            Self::Instance => "instance",
        })
    }
}

/// Why W&B does not take such a bucket; `Ok` when it does.
///
/// Source: the table of supported storage in W&B's page on bringing your own bucket.
pub fn availability(deployment: Deployment, scope: Scope, cloud: CloudKind) -> Result<(), String> {
    match (deployment, scope, cloud) {
        (Deployment::MultiTenant, Scope::Instance, _) => Err(
            "W&B's multi-tenant service has no bucket of its own for a customer's whole \
             installation; only teams can bring one there"
                .to_owned(),
        ),
        (Deployment::MultiTenant, Scope::Team, CloudKind::Azure | CloudKind::S3Compatible) => {
            Err(format!(
                "W&B's multi-tenant service takes team buckets on AWS, Google Cloud and \
                 CoreWeave, not on {}",
                cloud.title()
            ))
        }
        (Deployment::MultiTenant, Scope::Team, _)
        | (Deployment::Dedicated | Deployment::SelfManaged, _, _) => Ok(()),
    }
}

/// A note about a combination that works, but not by this provider alone.
pub fn availability_note(deployment: Deployment, scope: Scope, cloud: CloudKind) -> Option<String> {
    let by_support = deployment != Deployment::MultiTenant
        && scope == Scope::Instance
        && cloud == CloudKind::CoreWeave;
    by_support.then(|| {
        "a CoreWeave bucket for the whole installation is set up by W&B support".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_the_one_that_wandb_publishes() {
        use CloudKind::*;
        let takes = |deployment, scope| -> Vec<CloudKind> {
            CloudKind::ALL
                .into_iter()
                .filter(|cloud| availability(deployment, scope, *cloud).is_ok())
                .collect()
        };
        assert_eq!(takes(Deployment::MultiTenant, Scope::Instance), []);
        assert_eq!(
            takes(Deployment::MultiTenant, Scope::Team),
            [Aws, Gcp, CoreWeave]
        );
        let all = [Aws, Gcp, Azure, S3Compatible, CoreWeave];
        for deployment in [Deployment::Dedicated, Deployment::SelfManaged] {
            assert_eq!(takes(deployment, Scope::Team), all);
            assert_eq!(takes(deployment, Scope::Instance), all);
        }
    }

    #[test]
    fn hosts_tell_the_deployment() {
        for (host, expected) in [
            ("api.wandb.ai", Deployment::MultiTenant),
            ("WANDB.AI", Deployment::MultiTenant),
            ("acme.wandb.io", Deployment::Dedicated),
            ("wandb.io", Deployment::SelfManaged),
            ("evil-wandb.io", Deployment::SelfManaged),
            ("127.0.0.1", Deployment::SelfManaged),
        ] {
            assert_eq!(Deployment::of_host(host), expected, "{host}");
        }
    }
}
