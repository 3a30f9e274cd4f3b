//! Where Google's services are, and whether it is safe to talk to them there.

use url::{Host, Url};

/// Addresses of services, where they are not Google's own. The version of the interface at
/// the end of one is left out or not; there is no other path in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Cloud Storage, its JSON and its XML interface.
    pub storage: Option<Url>,
    /// Identity and Access Management: service accounts and their keys.
    pub iam: Option<Url>,
    /// Tokens and signatures of other service accounts.
    pub iam_credentials: Option<Url>,
    /// Cloud Key Management Service.
    pub kms: Option<Url>,
    /// Cloud Resource Manager.
    pub resource_manager: Option<Url>,
    /// The token exchange of workload identity federation.
    pub sts: Option<Url>,
    /// The metadata server of the machine.
    pub metadata: Option<Url>,
}

/// Services of Google's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Storage,
    Iam,
    IamCredentials,
    Kms,
    ResourceManager,
}

impl Endpoints {
    /// The address of a service, without a slash at its end.
    pub(super) fn address(&self, service: Service) -> String {
        let (given, own) = match service {
            Service::Storage => (&self.storage, "https://storage.googleapis.com"),
            Service::Iam => (&self.iam, "https://iam.googleapis.com"),
            Service::IamCredentials => (
                &self.iam_credentials,
                "https://iamcredentials.googleapis.com",
            ),
            Service::Kms => (&self.kms, "https://cloudkms.googleapis.com"),
            Service::ResourceManager => (
                &self.resource_manager,
                "https://cloudresourcemanager.googleapis.com",
            ),
        };
        let Some(given) = given else {
            return own.to_owned();
        };
        let given = given.as_str().trim_end_matches('/');
        ["/storage/v1", "/v1", "/v3"]
            .iter()
            .find_map(|version| given.strip_suffix(version))
            .unwrap_or(given)
            .to_owned()
    }
}

/// Whether what is sent to an address can be read by nobody on the way: it goes by TLS, or
/// does not leave the machine.
pub fn is_private(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leaves_the_machine_by_tls_alone() {
        for (address, expected) in [
            ("https://storage.googleapis.com", true),
            ("http://127.0.0.1:4443/storage/v1/", true),
            ("http://[::1]:4443", true),
            ("http://localhost:4443", true),
            ("http://storage.localhost:4443", false),
            ("http://10.0.0.1:4443", false),
            ("http://localhost.example.com", false),
            ("ftp://127.0.0.1", false),
        ] {
            let url = Url::parse(address).expect(address);
            assert_eq!(is_private(&url), expected, "{address}");
        }
    }

    #[test]
    fn an_address_may_name_the_version() {
        for given in [
            "http://127.0.0.1:4443",
            "http://127.0.0.1:4443/",
            "http://127.0.0.1:4443/storage/v1/",
            "http://127.0.0.1:4443/v1",
        ] {
            let endpoints = Endpoints {
                storage: Url::parse(given).ok(),
                ..Endpoints::default()
            };
            let address = endpoints.address(Service::Storage);
            assert_eq!(address, "http://127.0.0.1:4443", "{given}");
        }
    }
}
