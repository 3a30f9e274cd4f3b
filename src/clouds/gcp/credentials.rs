//! Credentials: where they come from, what they say of themselves, and the tokens that they
//! give. How tokens are got is Google's own library's business; see
//! `docs/dev/decisions/0026-google-cloud-by-its-json-interfaces.md`.

use std::fmt;

use google_cloud_auth::credentials::{
    AccessTokenCredentials, external_account, impersonated, mds, service_account, user_account,
};
use google_cloud_auth::signer::Signer;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::endpoints::{Endpoints, is_private};
use crate::byob::identity::AccessKey;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::web::causes;

/// The right to do whatever the caller's roles allow.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The call that is named where credentials are no good.
pub(super) const CALL: &str = "oauth2.token";

/// Where a machine in a cloud asks about itself; what is sent there does not leave it.
const MACHINE: &str = "169.254.169.254";

/// Where another identity provider's token comes from, in words.
const SOURCE: &str = "the url in credential_source";

/// What to do about credentials that are missing or wrong.
const ADVICE: &str = "Give credentials in the provider's gcp block (credentials, access_token) or by \
     GOOGLE_CREDENTIALS, GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_OAUTH_ACCESS_TOKEN, or run gcloud \
     auth application-default login.";

/// Where credentials come from.
#[derive(Clone, Default)]
pub enum CredentialSource {
    /// An access token that somebody else has got, as it is.
    AccessToken(SecretString),
    /// The text of a file of credentials, of any type that Google gives out.
    Json(SecretString),
    /// The machine's own, by its metadata server.
    #[default]
    Default,
}

impl CredentialSource {
    fn secret(&self) -> Option<&str> {
        match self {
            Self::AccessToken(secret) | Self::Json(secret) => Some(secret.expose_secret()),
            Self::Default => None,
        }
    }

    /// The credentials, read. Asks nobody.
    ///
    /// # Errors
    /// `Unauthenticated` when the text is no file of credentials, or would send a secret in
    /// the clear.
    pub(super) fn read(&self) -> Result<Read, CloudError> {
        match self {
            Self::AccessToken(token) if token.expose_secret().trim().is_empty() => {
                Err(wrong("the access token is empty"))
            }
            Self::AccessToken(token) => Ok(Read::Token(token.clone())),
            Self::Json(text) => File::read(text.expose_secret()).map(Read::File),
            Self::Default => Ok(Read::Machine),
        }
    }
}

impl PartialEq for CredentialSource {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.secret() == other.secret()
    }
}

impl Eq for CredentialSource {}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AccessToken(_) => "AccessToken(***)",
            Self::Json(_) => "Json(***)",
            Self::Default => "Default",
        })
    }
}

/// Credentials that are no good, for this reason.
pub(super) fn wrong(why: impl Into<String>) -> CloudError {
    CloudError::new(
        CloudErrorKind::Unauthenticated,
        CALL,
        "the credentials",
        why,
    )
    .hint(ADVICE)
}

/// Credentials whose form is known.
pub(super) enum Read {
    Token(SecretString),
    File(File),
    Machine,
}

/// The kinds of files that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ServiceAccount,
    AuthorizedUser,
    ExternalAccount,
    Impersonated,
}

/// The text of a file of credentials. Holds secrets and cannot be printed.
#[derive(Clone)]
pub(super) struct File {
    kind: Kind,
    value: Value,
}

impl File {
    fn read(text: &str) -> Result<Self, CloudError> {
        // The parser's own words may repeat a piece of the text.
        let value: Value = serde_json::from_str(text)
            .map_err(|_| wrong("the credentials are neither a path to a file nor JSON"))?;
        let (kind, needs): (Kind, &[&str]) = match value["type"].as_str() {
            Some("service_account") => (
                Kind::ServiceAccount,
                &["client_email", "private_key", "private_key_id"],
            ),
            Some("authorized_user") => (
                Kind::AuthorizedUser,
                &["client_id", "client_secret", "refresh_token"],
            ),
            Some("external_account") => (
                Kind::ExternalAccount,
                &["audience", "subject_token_type", "token_url"],
            ),
            Some("impersonated_service_account") => {
                (Kind::Impersonated, &["service_account_impersonation_url"])
            }
            Some(_) => {
                return Err(wrong(
                    "the type of these credentials is none of service_account, authorized_user, \
                     external_account and impersonated_service_account",
                ));
            }
            None => return Err(wrong("the credentials have no \"type\"")),
        };
        if let Some(missing) = needs.iter().find(|name| !has_text(&value, name)) {
            return Err(wrong(format!("the credentials have no {missing:?}")));
        }
        check_addresses(&value)?;
        Ok(Self { kind, value })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.value[name].as_str().filter(|text| !text.is_empty())
    }

    /// The project that the credentials belong to.
    pub(super) fn project(&self) -> Option<String> {
        let own = self.text("project_id").or(self.text("quota_project_id"));
        own.map(str::to_owned)
    }

    /// The service account that acts in the end, where there is one that is known.
    pub(super) fn account(&self) -> Option<String> {
        match self.kind {
            Kind::ServiceAccount => self.text("client_email").map(str::to_owned),
            Kind::ExternalAccount | Kind::Impersonated => self
                .text("service_account_impersonation_url")
                .and_then(account_of_url),
            Kind::AuthorizedUser => None,
        }
    }

    /// What signs with the private key that the file holds, if it holds one.
    pub(super) fn signer(&self) -> Result<Option<Signer>, CloudError> {
        if self.kind != Kind::ServiceAccount {
            return Ok(None);
        }
        let built = service_account::Builder::new(with_project(&self.value)).build_signer();
        built.map(Some).map_err(|error| wrong(causes(&error)))
    }

    fn credentials(&self, endpoints: &Endpoints) -> Result<AccessTokenCredentials, CloudError> {
        let mut value = self.value.clone();
        if let Some(sts) = &endpoints.sts {
            exchange_at(sts, &mut value);
        }
        let built = match self.kind {
            Kind::ServiceAccount => service_account::Builder::new(with_project(&value))
                .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
                .build_access_token_credentials(),
            Kind::AuthorizedUser => {
                user_account::Builder::new(value).build_access_token_credentials()
            }
            Kind::ExternalAccount => external_account::Builder::new(value)
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
            Kind::Impersonated => impersonated::Builder::new(value)
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
        };
        built.map_err(|error| wrong(causes(&error)))
    }
}

/// Secrets go to the addresses that a file names, and to those of the credentials in it.
fn check_addresses(file: &Value) -> Result<(), CloudError> {
    let source = &file["credential_source"];
    // Without headers nothing is sent that anybody could read.
    let asked = if source["headers"]
        .as_object()
        .is_some_and(|all| !all.is_empty())
    {
        &source["url"]
    } else {
        &Value::Null
    };
    let named = [
        ("token_uri", &file["token_uri"]),
        ("token_url", &file["token_url"]),
        (
            "service_account_impersonation_url",
            &file["service_account_impersonation_url"],
        ),
        (SOURCE, asked),
    ];
    for (name, address) in named {
        let Some(address) = address.as_str() else {
            continue;
        };
        let is_good =
            |url: &Url| is_private(url) || name == SOURCE && url.host_str() == Some(MACHINE);
        if !Url::parse(address).is_ok_and(|url| is_good(&url)) {
            return Err(wrong(format!(
                "{name} of the credentials is no address with https, and a secret would be sent \
                 there for everybody to read"
            )));
        }
    }
    match &file["source_credentials"] {
        inner @ Value::Object(_) => check_addresses(inner),
        _ => Ok(()),
    }
}

/// Has tokens of other identity providers exchanged at this address, wherever in the file they
/// are.
fn exchange_at(sts: &Url, file: &mut Value) {
    if file["type"] == "external_account" {
        let address = format!("{}/v1/token", sts.as_str().trim_end_matches('/'));
        file["token_url"] = Value::from(address);
    }
    if file["source_credentials"].is_object() {
        exchange_at(sts, &mut file["source_credentials"]);
    }
}

/// Files of old have no project, and Google's library asks for one.
fn with_project(value: &Value) -> Value {
    let mut value = value.clone();
    if !has_text(&value, "project_id") {
        value["project_id"] = Value::from("unknown");
    }
    value
}

fn has_text(value: &Value, name: &str) -> bool {
    value[name].as_str().is_some_and(|text| !text.is_empty())
}

/// The account in `…/serviceAccounts/<email>:generateAccessToken`.
fn account_of_url(url: &str) -> Option<String> {
    let (_, rest) = url.rsplit_once("/serviceAccounts/")?;
    let (email, _) = rest.split_once(':')?;
    (!email.is_empty()).then(|| email.to_owned())
}

/// Something that gives tokens, and renews them.
pub(super) fn credentials(
    read: &Read,
    endpoints: &Endpoints,
) -> Result<Option<AccessTokenCredentials>, CloudError> {
    match read {
        Read::Token(_) => Ok(None),
        Read::File(file) => file.credentials(endpoints).map(Some),
        Read::Machine => {
            let builder = mds::Builder::default().with_scopes([SCOPE]);
            let builder = match &endpoints.metadata {
                Some(address) => builder.with_endpoint(address.as_str().trim_end_matches('/')),
                None => builder,
            };
            let built = builder.build_access_token_credentials();
            built.map(Some).map_err(|error| wrong(causes(&error)))
        }
    }
}

/// What signs with a key of a service account that is made for W&B.
pub(super) fn signer_of_key(email: &str, key: &AccessKey) -> Result<Signer, CloudError> {
    let file = json!({
        "type": "service_account",
        "client_email": email,
        "private_key_id": key.id,
        "private_key": key.expose_secret(),
        "project_id": "unknown",
    });
    let built = service_account::Builder::new(file).build_signer();
    built.map_err(|error| {
        let kind = CloudErrorKind::Invalid;
        CloudError::new(kind, "sign", &key.id, causes(&error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<File, String> {
        File::read(text).map_err(|error| error.message)
    }

    #[test]
    fn files_say_whose_they_are() {
        let key = r#"{"type":"service_account","client_email":"a@p.iam.gserviceaccount.com",
            "private_key":"k","private_key_id":"1","project_id":"acme-prod"}"#;
        let file = read(key).expect("credentials");
        assert_eq!(file.project().as_deref(), Some("acme-prod"));
        assert_eq!(
            file.account().as_deref(),
            Some("a@p.iam.gserviceaccount.com")
        );
        let federated = r#"{"type":"external_account","audience":"//iam","subject_token_type":"jwt",
            "token_url":"https://sts.googleapis.com/v1/token","service_account_impersonation_url":
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken"}"#;
        let file = read(federated).expect("credentials");
        assert_eq!(file.project(), None);
        assert_eq!(
            file.account().as_deref(),
            Some("b@p.iam.gserviceaccount.com")
        );
    }

    #[test]
    fn wrong_files_are_told_without_their_secrets() {
        for text in [
            "",
            "hunter2",
            "[]",
            r#"{"private_key":"hunter2"}"#,
            r#"{"type":"hunter2"}"#,
            r#"{"type":"service_account","private_key":"hunter2"}"#,
            r#"{"type":"service_account","client_email":"","private_key":"hunter2","private_key_id":"1"}"#,
            r#"{"type":"authorized_user","client_id":"a","client_secret":"hunter2","refresh_token":"hunter2",
                "token_uri":"http://evil.example.com/token"}"#,
        ] {
            let why = read(text).err().expect(text);
            assert!(!why.contains("hunter2"), "{why}");
        }
        let local = r#"{"type":"authorized_user","client_id":"a","client_secret":"b",
            "refresh_token":"c","token_uri":"http://127.0.0.1:1/token"}"#;
        assert!(read(local).is_ok());
    }

    /// A pool's credentials behind an account's, with these addresses.
    fn nested(token: &str, act: &str, source: &str) -> String {
        format!(
            r#"{{"type":"impersonated_service_account",
                "service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/a:b",
                "source_credentials":{{"type":"external_account","audience":"//iam",
                    "subject_token_type":"jwt","token_url":"{token}",
                    "service_account_impersonation_url":"{act}","credential_source":{source}}}}}"#
        )
    }

    #[test]
    fn no_secret_of_credentials_in_credentials_travels_in_the_clear() {
        const GOOD: &str = "https://sts.googleapis.com/v1/token";
        let evil = "http://evil.example.com/token";
        let asks = |url: &str| format!(r#"{{"url":"{url}","headers":{{"authorization":"x"}}}}"#);
        let plain = |url: &str| format!(r#"{{"url":"{url}"}}"#);
        for good in [
            nested(GOOD, GOOD, r#"{"file":"/token"}"#),
            nested(GOOD, GOOD, &asks("https://ci.example.com/token")),
            nested(GOOD, GOOD, &asks("http://127.0.0.1:1/token")),
            nested(GOOD, GOOD, &asks("http://169.254.169.254/metadata")),
            nested(GOOD, GOOD, &plain(evil)),
        ] {
            assert!(read(&good).is_ok(), "{good}");
        }
        for bad in [
            nested(evil, GOOD, "{}"),
            nested(GOOD, evil, "{}"),
            nested("http://169.254.169.254/token", GOOD, "{}"),
            nested(GOOD, GOOD, &asks("http://169.254.169.254.example.com")),
            nested(GOOD, GOOD, &asks(evil)),
            nested(GOOD, GOOD, &asks("http://10.0.0.1/token")),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
