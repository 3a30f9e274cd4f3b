//! What does not fit together in a bucket's block.

use super::block::{
    Arguments, BY_PRINCIPAL, DEFAULT_KEY, DEFAULT_NAMESPACE, DEFAULT_REPLICATION, DEFAULT_TLS,
    SERVICE_ACCOUNTS, argument,
};
use crate::sdk::diagnostic::{Diagnostic, Diagnostics};
use crate::sdk::model::{Field, SetOf};
use crate::terraform::account::{BY_IDENTITY, BY_KEY};
use crate::terraform::diagnostics::Explanation;

/// What does not fit together in a block, as somebody wrote it: what is null was left open.
pub(super) fn validate(block: &Arguments) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(of_own_account(block));
    diagnostics.extend(of_access(block));
    if let (Some(false), Some(BY_KEY)) = (
        block.shared_key_enabled.known(),
        block.access.known().map(String::as_str),
    ) {
        diagnostics.push(misfit(
            "shared_key_enabled",
            "W&B gets in by a key of the account with access = \"access_key\"",
        ));
    }
    diagnostics
}

fn misfit(name: &str, why: &str) -> Diagnostic {
    Explanation::new(
        format!("{name} does not fit the other arguments"),
        why.to_owned(),
    )
    .at(argument(name))
    .error()
}

/// Whether somebody has said something else than what stands there anyway.
fn is_other(field: &Field<String>, default: &str) -> bool {
    field.known().is_some_and(|text| text != default)
}

/// The same of the services of the instance.
fn is_other_set(field: &Field<SetOf>) -> bool {
    let known = field.known().and_then(SetOf::known);
    known.is_some_and(|set| !set.iter().map(String::as_str).eq(SERVICE_ACCOUNTS))
}

/// What an account that is somebody else's has, it has.
fn of_own_account(block: &Arguments) -> Vec<Diagnostic> {
    if block.create_storage_account != Field::Known(false) {
        return Vec::new();
    }
    [
        (
            "replication",
            is_other(&block.replication, DEFAULT_REPLICATION),
        ),
        (
            "min_tls_version",
            is_other(&block.min_tls_version, DEFAULT_TLS),
        ),
        (
            "shared_key_enabled",
            block.shared_key_enabled.known().is_some(),
        ),
    ]
    .into_iter()
    .filter(|(_, is_set)| *is_set)
    .map(|(name, _)| {
        misfit(
            name,
            "it is about an account that is made here, and create_storage_account is false",
        )
    })
    .collect()
}

/// Arguments of another way in.
fn of_access(block: &Arguments) -> Vec<Diagnostic> {
    let Some(access) = block.access.known() else {
        return Vec::new();
    };
    [
        (
            "account_key",
            is_other(&block.account_key, DEFAULT_KEY),
            BY_KEY,
        ),
        (
            "oidc_issuer_url",
            block.oidc_issuer_url.known().is_some(),
            BY_IDENTITY,
        ),
        (
            "identity_name",
            block.identity_name.known().is_some(),
            BY_IDENTITY,
        ),
        (
            "kubernetes_namespace",
            is_other(&block.kubernetes_namespace, DEFAULT_NAMESPACE),
            BY_IDENTITY,
        ),
        (
            "kubernetes_service_accounts",
            is_other_set(&block.kubernetes_service_accounts),
            BY_IDENTITY,
        ),
        (
            "wandb_principal_id",
            block.wandb_principal_id.known().is_some(),
            BY_PRINCIPAL,
        ),
    ]
    .into_iter()
    .filter(|(_, is_set, of)| *is_set && access != of)
    .map(|(name, _, of)| {
        misfit(
            name,
            &format!("it is about access = {of:?}, and access is {access:?}"),
        )
    })
    .collect()
}
