//! Federated credentials: whose tokens a managed identity trusts, and the issuer's own word.

use serde_json::{Value, json};
use url::Url;

use super::credentials::EXCHANGE;
use super::endpoints::is_private;
use super::error::not_understood;
use super::names::stable_guid;
use super::request::{Api, Request};
use super::{Azure, Federation};
use crate::byob::http::{HttpRequest, SecretUrl};
use crate::byob::observed::Rule;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::reading::missing;
use crate::clouds::retry::Work;

const READ: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read";
const WRITE: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write";
const DELETE: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete";
const DISCOVER: &str = "GET .well-known/openid-configuration";
/// How the names of credentials that are made here begin.
const PREFIX: &str = "wandb-byob-";
/// As many as an identity may have.
///
/// Source: Azure's page on federated credentials of managed identities.
pub const MOST: usize = 20;
/// The longest name of one.
const LONGEST_NAME: usize = 120;

/// One credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    name: String,
    issuer: String,
    subject: String,
    audiences: Vec<String>,
}

impl Credential {
    fn read(told: &Value) -> Option<Self> {
        let properties = &told["properties"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let audiences = properties["audiences"].as_array()?.iter();
        Some(Self {
            name: text(&told["name"])?,
            issuer: text(&properties["issuer"])?,
            subject: text(&properties["subject"])?,
            audiences: audiences.filter_map(text).collect(),
        })
    }

    /// The namespace and the name of the service account that it trusts.
    fn service_account(&self) -> Option<(&str, &str)> {
        let rest = self.subject.strip_prefix("system:serviceaccount:")?;
        rest.split_once(':')
    }

    fn means(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.subject == other.subject
            && self.audiences == other.audiences
    }

    /// Issuer and subject are given once only on an identity.
    fn is_in_the_way_of(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.subject == other.subject
    }
}

/// What the credential of a service account is called. Two that begin alike stay two.
fn name(namespace: &str, account: &str) -> String {
    let name = format!("{PREFIX}{namespace}-{account}").replace('.', "_");
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let ending = stable_guid(&[namespace, account]);
    format!("{}-{ending}", &name[..LONGEST_NAME - ending.len() - 1])
}

/// The credentials that there shall be, in the order of their names.
pub(super) fn wanted(federation: &Federation) -> Vec<Credential> {
    let namespace = &federation.namespace;
    let accounts = federation.service_accounts.iter();
    accounts
        .map(|account| Credential {
            name: name(namespace, account),
            issuer: federation.issuer.clone(),
            subject: format!("system:serviceaccount:{namespace}:{account}"),
            audiences: vec![EXCHANGE.to_owned()],
        })
        .collect()
}

/// Whether all are there, in words for those that are not.
pub(super) fn rule(wanted: &[Credential], found: &[Credential]) -> Rule {
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|one| !found.iter().any(|other| other.means(one)))
        .map(|one| one.subject.as_str())
        .collect();
    let former = found.iter().filter(|one| is_former(one, wanted)).count();
    if missing.is_empty() && former == 0 {
        Rule::AsWanted
    } else if missing.len() == wanted.len() {
        Rule::Missing
    } else if missing.is_empty() {
        Rule::Different("also services that are not wanted any more".to_owned())
    } else {
        Rule::Different(format!("without {}", missing.join(", ")))
    }
}

/// Ours by its name, and not wanted any more.
fn is_former(one: &Credential, wanted: &[Credential]) -> bool {
    one.name.starts_with(PREFIX) && !wanted.iter().any(|other| other.name == one.name)
}

/// Subjects of others that the identity trusts.
pub(super) fn others(wanted: &[Credential], found: &[Credential]) -> Vec<String> {
    let foreign = found.iter().filter(|one| {
        !one.name.starts_with(PREFIX) && !wanted.iter().any(|other| other.means(one))
    });
    foreign
        .map(|one| format!("{} of {}", one.subject, one.issuer))
        .collect()
}

fn id(identity: &str, name: &str) -> String {
    format!("{identity}/federatedIdentityCredentials/{name}")
}

/// Reads all credentials of an identity.
pub(super) async fn get(cloud: &Azure, identity: &str) -> Result<Vec<Credential>, CloudError> {
    let list = format!("{identity}/federatedIdentityCredentials");
    let request = Request::manager(Api::Identity, "GET", &list);
    let told = cloud.all(READ, identity, &request).await?;
    told.iter()
        .map(|one| {
            Credential::read(one)
                .ok_or_else(|| not_understood(READ, identity, "a credential lacks a part"))
        })
        .collect()
}

async fn delete(cloud: &Azure, identity: &str, name: &str) -> Result<(), CloudError> {
    let request = Request::manager(Api::Identity, "DELETE", &id(identity, name));
    let gone = cloud.send_request(Work::Write, DELETE, name, &request);
    missing(gone.await).map(drop)
}

/// Writes the credentials, one after another: Azure refuses two at a time. `found` is what there
/// is.
pub(super) async fn put(
    cloud: &Azure,
    identity: &str,
    wanted: &[Credential],
    found: &[Credential],
) -> Result<(), CloudError> {
    for one in found {
        let moved = wanted
            .iter()
            .any(|other| one.is_in_the_way_of(other) && one.name != other.name);
        let is_ours = one.name.starts_with(PREFIX);
        if is_ours && (moved || is_former(one, wanted)) {
            delete(cloud, identity, &one.name).await?;
        }
    }
    for one in wanted {
        if found.iter().any(|other| other.means(one)) {
            continue;
        }
        let body = json!({"properties": {
            "issuer": one.issuer,
            "subject": one.subject,
            "audiences": one.audiences,
        }});
        let request = Request::manager(Api::Identity, "PUT", &id(identity, &one.name));
        let request = request.json(&body);
        let written = cloud.send_request(Work::Write, WRITE, &one.name, &request);
        written.await?;
    }
    Ok(())
}

/// Refuses an issuer whose own document names another one: no token of its would ever be taken.
/// An issuer that cannot be reached from here may well be reached by Microsoft.
pub(super) async fn check_issuer(cloud: &Azure, issuer: &str) -> Result<(), CloudError> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let is_public = Url::parse(&url).is_ok_and(|url| is_private(&url));
    if !is_public {
        let why = "it is no address that begins with https://";
        return Err(CloudError::new(
            CloudErrorKind::Invalid,
            DISCOVER,
            issuer,
            why,
        ));
    }
    let request = HttpRequest::new("GET", SecretUrl::new(url));
    let answer = cloud
        .patience
        .call(Work::Read, DISCOVER, issuer, || {
            cloud.clients.web().exchange(DISCOVER, issuer, &request)
        })
        .await;
    let told = match &answer {
        Ok(answer) if answer.is_success() => serde_json::from_slice(&answer.body).ok(),
        Err(error) if error.kind == CloudErrorKind::Stopped => return Err(error.clone()),
        _ => None,
    };
    let Some(told): Option<Value> = told else {
        tracing::warn!(issuer, "the issuer's discovery document was not reached");
        return Ok(());
    };
    compare(issuer, &told)
}

/// Byte for byte: a slash at the end makes another issuer of it.
fn compare(issuer: &str, told: &Value) -> Result<(), CloudError> {
    let named = told["issuer"].as_str().unwrap_or_default();
    if named == issuer {
        return Ok(());
    }
    let why = format!("its discovery document names the issuer {named:?}");
    Err(
        CloudError::new(CloudErrorKind::Invalid, DISCOVER, issuer, why).hint(
            "Set oidc_issuer_url to the issuer byte for byte, with or without the slash at its end: \
             AKS has one, EKS and GKE have none.",
        ),
    )
}

/// What the credentials of ours say of the instance: its issuer, its namespace and its service
/// accounts.
pub(super) fn told(found: &[Credential]) -> Option<Federation> {
    let mut own = found.iter().filter(|one| one.name.starts_with(PREFIX));
    let first = own.next()?;
    let (namespace, account) = first.service_account()?;
    let others = own
        .filter(|one| one.issuer == first.issuer)
        .filter_map(Credential::service_account)
        .filter(|(other, _)| *other == namespace);
    let accounts = std::iter::once(account).chain(others.map(|(_, account)| account));
    Some(Federation {
        issuer: first.issuer.clone(),
        namespace: namespace.to_owned(),
        service_accounts: accounts.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn federation(accounts: &[&str]) -> Federation {
        Federation {
            issuer: "https://oidc.example.com/1/".to_owned(),
            namespace: "default".to_owned(),
            service_accounts: accounts.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    fn told(name: &str, issuer: &str, subject: &str) -> Credential {
        Credential::read(&json!({"name": name, "properties": {
            "issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}}))
        .expect("a credential")
    }

    #[test]
    fn each_service_account_is_trusted_by_its_full_name() {
        let wanted = wanted(&federation(&["wandb-app", "wandb-api"]));
        assert_eq!(wanted[0].name, "wandb-byob-default-wandb-api");
        assert_eq!(wanted[0].subject, "system:serviceaccount:default:wandb-api");
        assert_eq!(rule(&wanted, &[]), Rule::Missing);
        assert_eq!(rule(&wanted, &wanted), Rule::AsWanted);
        assert_eq!(
            rule(&wanted, &wanted[..1]),
            Rule::Different("without system:serviceaccount:default:wandb-app".to_owned())
        );
    }

    #[test]
    fn long_names_that_begin_alike_are_two() {
        let long = "a".repeat(200);
        let (one, other) = (format!("{long}-1"), format!("{long}-2"));
        let wanted = wanted(&federation(&[&one, &other]));
        assert_ne!(wanted[0].name, wanted[1].name);
        assert!(wanted.iter().all(|one| one.name.len() == 120));
        assert!(wanted[0].name.starts_with("wandb-byob-default-aaaa"));
    }

    #[test]
    fn another_issuer_is_another_trust_and_strangers_are_told() {
        let wanted = wanted(&federation(&["wandb-app"]));
        let subject = "system:serviceaccount:default:wandb-app";
        let without_slash = told(
            "wandb-byob-default-wandb-app",
            "https://oidc.example.com/1",
            subject,
        );
        assert_eq!(rule(&wanted, &[without_slash]), Rule::Missing);
        let by_hand = told("by-hand", "https://oidc.example.com/1/", subject);
        assert_eq!(
            rule(&wanted, std::slice::from_ref(&by_hand)),
            Rule::AsWanted
        );
        assert!(others(&wanted, &[by_hand]).is_empty());
        let stranger = told("x", "https://evil.example.com", subject);
        assert_eq!(
            others(&wanted, &[stranger]),
            ["system:serviceaccount:default:wandb-app of https://evil.example.com"]
        );
        let former = told(
            "wandb-byob-default-wandb-old",
            "https://oidc.example.com/1/",
            "system:serviceaccount:default:wandb-old",
        );
        let mut found = wanted.clone();
        found.push(former);
        assert!(matches!(rule(&wanted, &found), Rule::Different(_)));
    }

    #[test]
    fn an_issuer_is_compared_byte_for_byte() {
        let issuer = "https://oidc.example.com/1/";
        assert!(compare(issuer, &json!({"issuer": issuer})).is_ok());
        for other in [
            "https://oidc.example.com/1",
            "https://OIDC.example.com/1/",
            "",
        ] {
            let error = compare(issuer, &json!({"issuer": other})).expect_err(other);
            assert_eq!(error.kind, CloudErrorKind::Invalid);
        }
    }
}
