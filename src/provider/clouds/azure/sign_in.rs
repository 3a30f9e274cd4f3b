//! The way in which the caller signs in: the first of those that the provider's block and the
//! environment allow.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::address::check_request;
use super::block::Defaults;
use crate::clouds::azure::{Assertion, CredentialSource, names};
use crate::provider::arguments::check_key;
use crate::provider::variables::{Check, anything, secret_variable, variable};
use crate::sdk::diagnostic::{Diagnostic, Path};
use crate::sdk::model::{Field, Secret};
use crate::terraform::diagnostics::Explanation;

/// What a text of the environment has to be that stands for true or false.
fn check_flag(text: &str) -> Result<(), String> {
    match text {
        "true" | "false" | "1" | "0" => Ok(()),
        _ => Err("it is neither true nor false".to_owned()),
    }
}

/// The first that is set: the argument, or one of the variables.
pub(super) fn either(
    own: &Field<String>,
    variables: &[&str],
    check: Check,
) -> Result<Field<String>, Diagnostic> {
    if !own.is_null() {
        return Ok(own.clone());
    }
    for name in variables {
        let found = variable(name, check)?;
        if !found.is_null() {
            return Ok(found);
        }
    }
    Ok(Field::Null)
}

fn either_secret(own: &Field<Secret>, variables: &[&str]) -> Result<Field<Secret>, Diagnostic> {
    if !own.is_null() {
        return Ok(own.clone());
    }
    for name in variables {
        let found = secret_variable(name, check_key)?;
        if !found.is_null() {
            return Ok(found);
        }
    }
    Ok(Field::Null)
}

fn flag(own: &Field<bool>, name: &str) -> Result<Field<bool>, Diagnostic> {
    if !own.is_null() {
        return Ok(own.clone());
    }
    Ok(variable(name, check_flag)?.map(|text| matches!(text.as_str(), "true" | "1")))
}

/// A secret in the shape that the cloud takes.
fn secret(secret: &Secret) -> SecretString {
    secret.expose().to_owned().into()
}

fn incomplete(missing: &str, variable: &str, way: &str) -> Diagnostic {
    Explanation::new(
        "The provider cannot sign in to Azure",
        format!("{way} needs {missing}, and it is not set"),
    )
    .what_to_do(format!(
        "Set {missing} in the provider's azure block, or {variable} in the environment."
    ))
    .at(Path::of("azure").attribute(missing))
    .error()
}

/// Who signs in: the tenant and the client.
struct Who {
    tenant: Field<String>,
    client: Field<String>,
}

impl Who {
    fn of(defaults: &Defaults) -> Result<Self, Diagnostic> {
        Ok(Self {
            tenant: either(
                &defaults.tenant_id,
                &["ARM_TENANT_ID", "AZURE_TENANT_ID"],
                names::check_tenant,
            )?,
            client: either(
                &defaults.client_id,
                &["ARM_CLIENT_ID", "AZURE_CLIENT_ID"],
                names::check_guid,
            )?,
        })
    }

    /// Both, where a way to sign in needs them; `None` while one is not known.
    fn both(&self, way: &str) -> Result<Option<(String, String)>, Diagnostic> {
        match (&self.tenant, &self.client) {
            (Field::Null, _) => Err(incomplete("tenant_id", "ARM_TENANT_ID", way)),
            (_, Field::Null) => Err(incomplete("client_id", "ARM_CLIENT_ID", way)),
            (Field::Known(tenant), Field::Known(client)) => {
                Ok(Some((tenant.clone(), client.clone())))
            }
            _ => Ok(None),
        }
    }
}

/// The way in; `None` while it is not known.
pub(super) fn source(
    defaults: &Defaults,
    subscription: &str,
) -> Result<Option<CredentialSource>, Diagnostic> {
    let who = Who::of(defaults)?;
    let given = either_secret(
        &defaults.client_secret,
        &["ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET"],
    )?;
    match given {
        Field::Unknown => return Ok(None),
        Field::Known(given) => {
            let both = who.both("a client secret")?;
            return Ok(both.map(|(tenant, client)| CredentialSource::ClientSecret {
                tenant,
                client,
                secret: secret(&given),
            }));
        }
        Field::Null => {}
    }
    match oidc(defaults)? {
        Field::Unknown => return Ok(None),
        Field::Known(assertion) => return assertion_by(&who, assertion, "a token of elsewhere"),
        Field::Null => {}
    }
    if let Field::Known(file) = variable("AZURE_FEDERATED_TOKEN_FILE", anything)? {
        let assertion = Assertion::File(PathBuf::from(file));
        return assertion_by(&who, assertion, "AZURE_FEDERATED_TOKEN_FILE");
    }
    match flag(&defaults.use_msi, "ARM_USE_MSI")? {
        Field::Unknown => return Ok(None),
        Field::Known(true) if who.client.is_unknown() => return Ok(None),
        Field::Known(true) => {
            return Ok(Some(CredentialSource::ManagedIdentity {
                client: who.client.into_known(),
            }));
        }
        Field::Known(false) | Field::Null => {}
    }
    match flag(&defaults.use_cli, "ARM_USE_CLI")? {
        Field::Unknown => Ok(None),
        Field::Known(false) => Err(no_way()),
        Field::Known(true) | Field::Null if who.tenant.is_unknown() => Ok(None),
        Field::Known(true) | Field::Null => Ok(Some(CredentialSource::Cli {
            tenant: who.tenant.into_known(),
            subscription: subscription.to_owned(),
        })),
    }
}

fn no_way() -> Diagnostic {
    Explanation::new(
        "The provider cannot sign in to Azure",
        "no credentials are set, and use_cli is false",
    )
    .what_to_do(
        "Set client_id, tenant_id and client_secret (ARM_CLIENT_SECRET), use_oidc, or use_msi; or \
         run az login and leave use_cli out.",
    )
    .at(Path::of("azure"))
    .error()
}

fn assertion_by(
    who: &Who,
    assertion: Assertion,
    way: &str,
) -> Result<Option<CredentialSource>, Diagnostic> {
    let both = who.both(way)?;
    Ok(both.map(|(tenant, client)| CredentialSource::Assertion {
        tenant,
        client,
        assertion,
    }))
}

/// A token of elsewhere, where one is given or asked for.
fn oidc(defaults: &Defaults) -> Result<Field<Assertion>, Diagnostic> {
    let wanted = flag(&defaults.use_oidc, "ARM_USE_OIDC")?;
    if wanted == Field::Known(false) {
        return Ok(Field::Null);
    }
    let token = either_secret(&defaults.oidc_token, &["ARM_OIDC_TOKEN"])?;
    let file = either(
        &defaults.oidc_token_file_path,
        &["ARM_OIDC_TOKEN_FILE_PATH"],
        anything,
    )?;
    match (token, file) {
        (Field::Known(token), _) => return Ok(Field::Known(Assertion::Token(secret(&token)))),
        (Field::Unknown, _) | (Field::Null, Field::Unknown) => return Ok(Field::Unknown),
        (Field::Null, Field::Known(file)) => {
            return Ok(Field::Known(Assertion::File(PathBuf::from(file))));
        }
        (Field::Null, Field::Null) => {}
    }
    match wanted {
        Field::Known(true) => requested().map(Field::Known),
        Field::Unknown => Ok(Field::Unknown),
        Field::Known(false) | Field::Null => Ok(Field::Null),
    }
}

/// What the runner gives to whoever asks.
fn requested() -> Result<Assertion, Diagnostic> {
    let nothing = Field::Null;
    let url = either(
        &nothing,
        &["ARM_OIDC_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_URL"],
        check_request,
    )?;
    let token = either_secret(
        &Field::Null,
        &["ARM_OIDC_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
    )?;
    let parsed = url.known().and_then(|url| Url::parse(url).ok());
    match (parsed, token) {
        (Some(url), Field::Known(token)) => Ok(Assertion::Request {
            url,
            token: secret(&token),
        }),
        _ => Err(Explanation::new(
            "The provider cannot sign in to Azure",
            "use_oidc is set, and there is no token",
        )
        .what_to_do(
            "Set oidc_token or oidc_token_file_path (ARM_OIDC_TOKEN, ARM_OIDC_TOKEN_FILE_PATH), or \
             let the runner give one: ARM_OIDC_REQUEST_URL with ARM_OIDC_REQUEST_TOKEN; on GitHub, \
             permissions: id-token: write.",
        )
        .at(Path::of("azure").attribute("use_oidc"))
        .error()),
    }
}
