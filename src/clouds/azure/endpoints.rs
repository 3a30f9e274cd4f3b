//! Where Azure's services are, and whether it is safe to talk to them there.

use url::{Host, Url};

/// Which of Azure's clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Everybody's.
    #[default]
    Public,
    /// The one of the government of the United States.
    UsGovernment,
    /// The one that 21Vianet runs in China.
    China,
}

impl Environment {
    /// The names that a configuration may use.
    pub const NAMES: [&str; 3] = ["public", "usgovernment", "china"];

    /// Reads a name of [`Self::NAMES`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            "usgovernment" => Some(Self::UsGovernment),
            "china" => Some(Self::China),
            _ => None,
        }
    }

    /// The address of Azure Resource Manager.
    ///
    /// Source: Microsoft's pages on the endpoints of each cloud; so are the next two.
    fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// The address of Microsoft Entra, where tokens come from.
    fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// What follows the account in the address of its blobs.
    fn blob_suffix(self) -> &'static str {
        match self {
            Self::Public => "blob.core.windows.net",
            Self::UsGovernment => "blob.core.usgovcloudapi.net",
            Self::China => "blob.core.chinacloudapi.cn",
        }
    }

    /// What a token for Azure Resource Manager is asked for by.
    pub(super) fn management_scope(self) -> String {
        format!("{}/.default", self.resource_manager())
    }
}

/// What a token for blobs is asked for by, in every cloud.
pub(super) const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";
/// What stands for the account in the address of its blobs.
pub const ACCOUNT: &str = "{account}";

/// Addresses of services, where they are not Azure's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Azure Resource Manager.
    pub resource_manager: Option<Url>,
    /// Microsoft Entra.
    pub authority: Option<Url>,
    /// Blobs: a template with [`ACCOUNT`] in it, or an address to whose path the account is
    /// appended.
    pub blob: Option<String>,
}

impl Endpoints {
    /// The address of Azure Resource Manager, without a slash at its end.
    pub(super) fn resource_manager(&self, environment: Environment) -> String {
        let given = self.resource_manager.as_ref().map(Url::as_str);
        let address = given.unwrap_or_else(|| environment.resource_manager());
        address.trim_end_matches('/').to_owned()
    }

    /// The address of Microsoft Entra, without a slash at its end.
    pub(super) fn authority(&self, environment: Environment) -> String {
        let given = self.authority.as_ref().map(Url::as_str);
        let address = given.unwrap_or_else(|| environment.authority());
        address.trim_end_matches('/').to_owned()
    }

    /// The address of an account's blobs, without a slash at its end.
    pub(super) fn blob(&self, environment: Environment, account: &str) -> String {
        match &self.blob {
            None => format!("https://{account}.{}", environment.blob_suffix()),
            Some(template) => blob_address(template, account),
        }
    }
}

/// The address that a template or the beginning of an address stands for.
pub fn blob_address(template: &str, account: &str) -> String {
    let address = template.trim_end_matches('/');
    if address.contains(ACCOUNT) {
        address.replace(ACCOUNT, account)
    } else {
        format!("{address}/{account}")
    }
}

/// Whether what is sent to an address can be read by nobody on the way: it goes by TLS, or
/// does not leave the machine.
pub(super) fn is_private(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
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
            ("https://management.azure.com", true),
            ("http://127.0.0.1:10000", true),
            ("http://[::1]:10000", true),
            ("http://localhost:10000", true),
            ("http://acme.blob.localhost:10000", true),
            ("http://10.0.0.1:10000", false),
            ("http://localhost.example.com", false),
            ("ftp://127.0.0.1", false),
        ] {
            let url = Url::parse(address).expect(address);
            assert_eq!(is_private(&url), expected, "{address}");
        }
    }

    #[test]
    fn the_account_is_in_the_host_or_in_the_path() {
        let of = |blob: Option<&str>, environment| {
            let endpoints = Endpoints {
                blob: blob.map(str::to_owned),
                ..Endpoints::default()
            };
            endpoints.blob(environment, "acme")
        };
        for (blob, environment, expected) in [
            (
                None,
                Environment::Public,
                "https://acme.blob.core.windows.net",
            ),
            (
                None,
                Environment::UsGovernment,
                "https://acme.blob.core.usgovcloudapi.net",
            ),
            (
                None,
                Environment::China,
                "https://acme.blob.core.chinacloudapi.cn",
            ),
            (
                Some("https://127.0.0.1:10000/"),
                Environment::Public,
                "https://127.0.0.1:10000/acme",
            ),
            (
                Some("https://{account}.privatelink.example.com"),
                Environment::Public,
                "https://acme.privatelink.example.com",
            ),
            (
                Some("https://h/blobs/{account}/"),
                Environment::China,
                "https://h/blobs/acme",
            ),
        ] {
            assert_eq!(of(blob, environment), expected);
        }
    }

    #[test]
    fn each_cloud_has_addresses_of_its_own() {
        let none = Endpoints::default();
        for (environment, manager, authority) in [
            (
                Environment::Public,
                "https://management.azure.com",
                "https://login.microsoftonline.com",
            ),
            (
                Environment::UsGovernment,
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
            ),
            (
                Environment::China,
                "https://management.chinacloudapi.cn",
                "https://login.chinacloudapi.cn",
            ),
        ] {
            assert_eq!(none.resource_manager(environment), manager);
            assert_eq!(none.authority(environment), authority);
        }
    }
}
