//! Where AWS is asked, and as whom: by the provider's block, and by the environment.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::connections::{Connection, Connections};
use super::arn::{self, check_region};
use super::block::{Addresses, Defaults, argument};
use crate::byob::{Cloud, CloudError};
use crate::clouds::aws::{
    self, AssumeRole, Clients, Endpoints, Settings, Source, WebIdentity, default_region,
};
use crate::provider::arguments::{check_endpoint, check_key};
use crate::provider::variables::{Check, anything, or_variable, secret_variable, variable};
use crate::sdk::diagnostic::Diagnostic;
use crate::sdk::model::{Field, Secret};
use crate::terraform::account::Connector;
use crate::terraform::diagnostics::Explanation;

/// The provider's block, and the connections that were opened so far.
#[derive(Debug)]
pub(in crate::provider) struct AwsAccount {
    defaults: Defaults,
    max_retries: u32,
    /// The region where a bucket names none; looked up once, and only then.
    region: OnceCell<Option<String>>,
    connections: Arc<Connections<Clients>>,
}

impl Connection for Clients {
    type Settings = Settings;
    type Place = ();

    fn connect(settings: Settings) -> Result<Self, CloudError> {
        Self::new(settings)
    }

    fn settings(&self) -> &Settings {
        Self::settings(self)
    }

    fn open(self: &Arc<Self>, (): (), stop: CancellationToken) -> Arc<dyn Cloud> {
        aws::open(self, stop)
    }
}

impl AwsAccount {
    pub(super) fn new(defaults: Defaults, max_retries: u32) -> Self {
        Self {
            defaults,
            max_retries,
            region: OnceCell::new(),
            connections: Arc::default(),
        }
    }

    /// The region where a bucket names none.
    pub(super) async fn default_region(&self) -> Result<Field<String>, Diagnostic> {
        match &self.defaults.region {
            Field::Null => {}
            given => return Ok(given.clone()),
        }
        let at = |wrong: Diagnostic| wrong.at(argument("region"));
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            let found = variable(name, check_region).map_err(at)?;
            if !found.is_null() {
                return Ok(found);
            }
        }
        if self.defaults.profile.is_unknown() {
            return Ok(Field::Unknown);
        }
        let profile = self.profile()?;
        let profile = profile.known().map(String::as_str);
        let found = self.region.get_or_init(|| default_region(profile)).await;
        // A variable that is set and empty is none, and hides none.
        let Some(found) = found.as_ref().filter(|region| !region.is_empty()) else {
            return Ok(Field::Null);
        };
        match check_region(found) {
            Ok(()) => Ok(Field::Known(found.clone())),
            Err(why) => Err(at(Explanation::new(
                "Invalid region",
                format!("the region of the profile is not valid: {why}"),
            )
            .error())),
        }
    }

    /// The profile of the block or of the environment.
    fn profile(&self) -> Result<Field<String>, Diagnostic> {
        or_variable(self.defaults.profile.clone(), "AWS_PROFILE", anything)
    }

    /// An address of the block or of the environment.
    fn endpoint(
        &self,
        own: fn(&Addresses) -> &Field<String>,
        name: &str,
    ) -> Result<Field<Url>, Diagnostic> {
        let own = match &self.defaults.endpoints {
            Field::Known(addresses) => own(addresses).clone(),
            Field::Null => Field::Null,
            Field::Unknown => return Ok(Field::Unknown),
        };
        let own = or_variable(own, name, check_endpoint)?;
        let text = or_variable(own, "AWS_ENDPOINT_URL", check_endpoint)?;
        match text.as_ref().map(|text| Url::parse(text)) {
            Field::Known(Ok(url)) => Ok(Field::Known(url)),
            Field::Known(Err(error)) => Err(Explanation::new(
                "AWS cannot be reached",
                format!("an address of its services is none: {error}"),
            )
            .error()),
            Field::Null => Ok(Field::Null),
            Field::Unknown => Ok(Field::Unknown),
        }
    }

    /// The addresses of all services; `None` while one is not known.
    fn endpoints(&self) -> Result<Option<Endpoints>, Diagnostic> {
        let all = [
            self.endpoint(|one| &one.s3, "AWS_ENDPOINT_URL_S3")?,
            self.endpoint(|one| &one.kms, "AWS_ENDPOINT_URL_KMS")?,
            self.endpoint(|one| &one.iam, "AWS_ENDPOINT_URL_IAM")?,
            self.endpoint(|one| &one.sts, "AWS_ENDPOINT_URL_STS")?,
        ];
        if all.iter().any(Field::is_unknown) {
            return Ok(None);
        }
        let [s3, kms, iam, sts] = all.map(Field::into_known);
        Ok(Some(Endpoints { s3, kms, iam, sts }))
    }

    /// The address of S3, where it is one without TLS.
    pub(super) fn address_without_tls(&self) -> Result<Option<Url>, Diagnostic> {
        let s3 = self.endpoints()?.and_then(|endpoints| endpoints.s3);
        Ok(s3.filter(|s3| s3.scheme() == "http"))
    }

    /// Checks the variables that AWS's own chain will read.
    fn check_chain(&self) -> Result<(), Diagnostic> {
        if self.defaults.access_key.known().is_some() {
            return Ok(());
        }
        self.profile()?;
        secret_variable("AWS_SECRET_ACCESS_KEY", anything)?;
        secret_variable("AWS_SESSION_TOKEN", check_key)?;
        let of_the_chain: [(&str, Check); 4] = [
            ("AWS_ACCESS_KEY_ID", check_key),
            ("AWS_ROLE_ARN", arn::check_role),
            ("AWS_ROLE_SESSION_NAME", anything),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", anything),
        ];
        for (name, check) in of_the_chain {
            variable(name, check)?;
        }
        Ok(())
    }

    /// Where credentials come from; `None` while that is not known.
    fn source(&self, sts: Option<&Url>) -> Option<Source> {
        let defaults = &self.defaults;
        let texts = [
            &defaults.profile,
            &defaults.access_key,
            &defaults.assume_role_arn,
            &defaults.external_id,
        ];
        if texts.iter().any(|text| text.is_unknown())
            || defaults.secret_key.is_unknown()
            || defaults.token.is_unknown()
        {
            return None;
        }
        let secret = |field: &Field<Secret>| {
            field
                .known()
                .map(|secret| secret.expose().to_owned().into())
        };
        let web_identity = match &defaults.assume_role_with_web_identity {
            Field::Unknown => return None,
            Field::Null => None,
            Field::Known(map) => {
                if map.values().any(Field::is_unknown) {
                    return None;
                }
                let text = |name: &str| map.get(name).and_then(|one| one.known().cloned());
                Some(WebIdentity {
                    role_arn: text("role_arn")?,
                    token_file: text("web_identity_token_file")?,
                    session_name: text("session_name"),
                })
            }
        };
        Some(Source {
            keys: defaults
                .access_key
                .known()
                .zip(secret(&defaults.secret_key))
                .map(|(id, key)| (id.clone(), key, secret(&defaults.token))),
            profile: defaults.profile.known().cloned(),
            assume_role: defaults.assume_role_arn.known().map(|arn| AssumeRole {
                arn: arn.clone(),
                external_id: defaults.external_id.known().cloned(),
            }),
            web_identity,
            sts_endpoint: sts.map(|url| url.as_str().trim_end_matches('/').to_owned()),
        })
    }

    /// The way in, once every part of it is known.
    pub(super) fn connector(
        &self,
        region: &Field<String>,
    ) -> Result<Field<Arc<dyn Connector>>, Diagnostic> {
        let (Field::Known(region), Some(endpoints)) = (region, self.endpoints()?) else {
            return Ok(Field::Unknown);
        };
        self.check_chain()?;
        let Some(source) = self.source(endpoints.sts.as_ref()) else {
            return Ok(Field::Unknown);
        };
        let allowed_account_ids = match &self.defaults.allowed_account_ids {
            Field::Null => BTreeSet::new(),
            Field::Unknown => return Ok(Field::Unknown),
            Field::Known(set) => match set.known() {
                Some(set) => set,
                None => return Ok(Field::Unknown),
            },
        };
        let path_style = match &self.defaults.s3_use_path_style {
            Field::Known(style) => *style,
            Field::Null => endpoints.s3.is_some(),
            Field::Unknown => return Ok(Field::Unknown),
        };
        let settings = Settings {
            region: region.clone(),
            source,
            allowed_account_ids,
            endpoints,
            path_style,
            ca_bundle: ca_bundle()?,
            max_retries: self.max_retries,
        };
        Ok(Field::Known(self.connections.connector(settings, ())))
    }
}

/// The certificates that AWS's own tools are told to trust.
fn ca_bundle() -> Result<Option<String>, Diagnostic> {
    let Field::Known(file) = variable("AWS_CA_BUNDLE", anything)? else {
        return Ok(None);
    };
    std::fs::read_to_string(&file).map(Some).map_err(|error| {
        Explanation::new(
            "AWS cannot be reached",
            format!("AWS_CA_BUNDLE names {file:?}, which cannot be read: {error}"),
        )
        .error()
    })
}
