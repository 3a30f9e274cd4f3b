//! Where Google Cloud is asked, and as whom: by the provider's block, and by the environment.

use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::connections::{Connection as Shared, Connections};
use super::address::{self, API, STORAGE, Service};
use super::block::{Addresses, Arguments, DEFAULT_CLASS, DEFAULT_LOCATION, Defaults, argument};
use super::credentials;
use crate::byob::{Cloud, CloudError};
use crate::clouds::gcp::names::{check_project, check_service_account};
use crate::clouds::gcp::{self, Clients, Connection, CredentialSource, Endpoints, Place};
use crate::provider::arguments::check_key;
use crate::provider::variables::{anything, or_variable, secret_variable, text_variable, variable};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::{Field, Secret};
use crate::sdk::secret::remember;
use crate::sdk::text::Text;
use crate::terraform::account::Connector;
use crate::terraform::diagnostics::Explanation;

/// Where the id of a project may stand, the first that is set.
const PROJECTS: [&str; 4] = [
    "GOOGLE_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CORE_PROJECT",
];
/// What is said where nobody can be asked.
const UNREACHABLE: &str = "Google Cloud cannot be reached";
/// The file that gcloud keeps.
const GCLOUD: &str = "gcloud's file";
/// The file of Google's own libraries.
const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The provider's block, and the connections that were opened so far.
#[derive(Debug)]
pub(in crate::provider) struct GcpAccount {
    defaults: Defaults,
    max_retries: u32,
    /// Ends what is asked before an operation has begun.
    stop: CancellationToken,
    /// The credentials' own project; asked for once, and only where nothing else names one.
    own_project: OnceCell<Option<String>>,
    connections: Arc<Connections<Clients>>,
}

impl Shared for Clients {
    type Settings = Connection;
    type Place = Place;

    fn connect(settings: Connection) -> Result<Self, CloudError> {
        Self::new(settings, remember)
    }

    fn settings(&self) -> &Connection {
        self.connection()
    }

    fn open(self: &Arc<Self>, place: Place, stop: CancellationToken) -> Arc<dyn Cloud> {
        gcp::open(self, place, stop)
    }
}

fn unreachable(why: String) -> Diagnostic {
    Explanation::new(UNREACHABLE, why).error()
}

/// Credentials that a variable or gcloud names, and that are none.
fn of_no_use(name: &str, why: &str) -> Diagnostic {
    let advice = if name == GCLOUD {
        "Run gcloud auth application-default login, or give other credentials in the provider's gcp \
         block."
            .to_owned()
    } else {
        format!(
            "Set {name} to the path of a file of Google's credentials that is there, or unset it: \
             then credentials are looked for in the next place, gcloud's own and the machine's last."
        )
    };
    Explanation::new(UNREACHABLE, format!("{name} is of no use: {why}"))
        .what_to_do(advice)
        .error()
}

/// A secret of a file or of the environment in the shape that the cloud takes.
fn secret(text: &str) -> secrecy::SecretString {
    text.to_owned().into()
}

impl GcpAccount {
    pub(super) fn new(defaults: Defaults, max_retries: u32, stop: CancellationToken) -> Self {
        Self {
            defaults,
            max_retries,
            stop,
            own_project: OnceCell::new(),
            connections: Arc::default(),
        }
    }

    /// The project where a bucket names none.
    pub(super) async fn default_project(&self) -> Result<Field<String>, Diagnostic> {
        if !self.defaults.project.is_null() {
            return Ok(self.defaults.project.clone());
        }
        for name in PROJECTS {
            let found =
                variable(name, check_project).map_err(|wrong| wrong.at(argument("project")))?;
            if !found.is_null() {
                return Ok(found);
            }
        }
        let Some(connection) = self.connection(None)? else {
            return Ok(Field::Unknown);
        };
        let asked = self.own_project.get_or_try_init(|| async {
            let clients = self.connections.connect(&connection)?;
            clients.own_project(&self.stop).await
        });
        let found = asked.await.map_err(|error| {
            Explanation::cloud("The bucket's project is not known", error)
                .at(argument("project"))
                .error()
        })?;
        Ok(found.clone().into())
    }

    /// Where credentials come from; `None` while that is not known.
    fn source(&self) -> Result<Option<CredentialSource>, Diagnostic> {
        let defaults = &self.defaults;
        match (&defaults.access_token, &defaults.credentials) {
            (Field::Known(token), _) => {
                return Ok(Some(CredentialSource::AccessToken(secret(token.expose()))));
            }
            (Field::Unknown, _) | (Field::Null, Field::Unknown) => return Ok(None),
            (Field::Null, Field::Known(given)) => {
                // The argument is a secret, so what it names is not repeated.
                let json = credentials::read(given.expose()).map_err(|why| {
                    let why =
                        format!("credentials of the provider's gcp block is of no use: {why}");
                    Explanation::new(UNREACHABLE, why)
                        .what_to_do(
                            "Give credentials the path of a file of Google's credentials that is \
                             there, or the JSON in it, or leave it out.",
                        )
                        .at(argument("credentials"))
                        .error()
                })?;
                return Ok(Some(CredentialSource::Json(secret(&json))));
            }
            (Field::Null, Field::Null) => {}
        }
        let token = secret_variable("GOOGLE_OAUTH_ACCESS_TOKEN", check_key)?;
        if let Field::Known(token) = token {
            return Ok(Some(CredentialSource::AccessToken(secret(token.expose()))));
        }
        let json = text_variable("GOOGLE_CREDENTIALS", Text::Lines, credentials::check)?;
        let file = match json {
            Field::Null => variable(FILE, anything)?.map(|file| (FILE, file)),
            given => given.map(|text| ("GOOGLE_CREDENTIALS", text)),
        };
        let file = match file {
            Field::Null => credentials::of_gcloud().map(|file| (GCLOUD, file)).into(),
            file => file,
        };
        let Field::Known((name, text)) = file else {
            return Ok(Some(CredentialSource::Default));
        };
        let json = credentials::read(&text).map_err(|why| of_no_use(name, &why))?;
        let json = Secret::new(json);
        Ok(Some(CredentialSource::Json(secret(json.expose()))))
    }

    /// An address of the block or of the environment.
    fn endpoint(
        &self,
        own: fn(&Addresses) -> &Field<String>,
        service: Service,
        name: Option<&str>,
    ) -> Result<Field<Url>, Diagnostic> {
        let own = match &self.defaults.endpoints {
            Field::Known(addresses) => own(addresses).clone(),
            Field::Null => Field::Null,
            Field::Unknown => return Ok(Field::Unknown),
        };
        let check = if service == STORAGE {
            address::check_storage
        } else {
            address::check_api
        };
        let text = match name {
            Some(name) => or_variable(own, name, check)?,
            None => own,
        };
        let url = match text {
            Field::Null if service == STORAGE => {
                variable("STORAGE_EMULATOR_HOST", address::check_emulator)?
                    .map(|text| address::read_emulator(&text))
            }
            text => text.map(|text| address::read(&text, service)),
        };
        match url {
            Field::Known(Ok(url)) => Ok(Field::Known(url)),
            Field::Known(Err(why)) => {
                Err(unreachable(format!("of an address of its services, {why}")))
            }
            Field::Null => Ok(Field::Null),
            Field::Unknown => Ok(Field::Unknown),
        }
    }

    /// The addresses of all services; `None` while one is not known.
    fn endpoints(&self) -> Result<Option<Endpoints>, Diagnostic> {
        let custom = |service: &str| format!("GOOGLE_{service}_CUSTOM_ENDPOINT");
        let api = |own: fn(&Addresses) -> &Field<String>, service: &str| {
            self.endpoint(own, API, Some(&custom(service)))
        };
        let all = [
            self.endpoint(|one| &one.storage, STORAGE, Some(&custom("STORAGE")))?,
            api(|one| &one.iam, "IAM")?,
            api(|one| &one.iam_credentials, "IAM_CREDENTIALS")?,
            api(|one| &one.kms, "KMS")?,
            api(|one| &one.resource_manager, "RESOURCE_MANAGER")?,
            self.endpoint(|one| &one.sts, API, None)?,
        ];
        if all.iter().any(Field::is_unknown) {
            return Ok(None);
        }
        let [storage, iam, iam_credentials, kms, resource_manager, sts] =
            all.map(Field::into_known);
        Ok(Some(Endpoints {
            storage,
            iam,
            iam_credentials,
            kms,
            resource_manager,
            sts,
            metadata: metadata()?,
        }))
    }

    /// Who asks, and where; `None` while that is not known. `project` is the bucket's.
    fn connection(&self, project: Option<&str>) -> Result<Option<Connection>, Diagnostic> {
        let impersonate = or_variable(
            self.defaults.impersonate_service_account.clone(),
            "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
            check_service_account,
        )?;
        let user_project = match &self.defaults.user_project_override {
            Field::Unknown => return Ok(None),
            Field::Known(true) => project.map(str::to_owned),
            Field::Known(false) | Field::Null => None,
        };
        let (Some(credentials), Some(endpoints)) = (self.source()?, self.endpoints()?) else {
            return Ok(None);
        };
        if impersonate.is_unknown() {
            return Ok(None);
        }
        Ok(Some(Connection {
            credentials,
            impersonate: impersonate.into_known(),
            user_project,
            endpoints,
            max_retries: self.max_retries,
        }))
    }

    /// The way in, once every part of it is known.
    pub(super) fn connector(
        &self,
        block: &Arguments,
    ) -> Result<Field<Arc<dyn Connector>>, Diagnostic> {
        let Field::Known(project) = &block.project else {
            return Ok(Field::Unknown);
        };
        // Where an imported bucket is, nobody has to know to reach it.
        let (location, class) = match (&block.location, &block.storage_class) {
            (Field::Unknown, _) | (_, Field::Unknown) => return Ok(Field::Unknown),
            (location, class) => (location.known(), class.known()),
        };
        let text = |given: Option<&String>, default: &str| {
            given.map_or_else(|| default.to_owned(), Clone::clone)
        };
        let place = Place {
            project: project.clone(),
            location: text(location, DEFAULT_LOCATION),
            storage_class: text(class, DEFAULT_CLASS),
        };
        Ok(match self.connection(Some(project))? {
            Some(connection) => Field::Known(self.connections.connector(connection, place)),
            None => Field::Unknown,
        })
    }
}

/// The machine's metadata server, where it is not at its usual address.
fn metadata() -> Result<Option<Url>, Diagnostic> {
    match variable("GCE_METADATA_HOST", address::check_host)? {
        Field::Known(host) => match address::read_host(&host) {
            Ok(url) => Ok(Some(url)),
            Err(why) => Err(unreachable(format!("of GCE_METADATA_HOST, {why}"))),
        },
        Field::Null | Field::Unknown => Ok(None),
    }
}
