//! Sign-in: what the directory publishes about itself, tokens for secrets and for tokens
//! of clusters, and what those clusters publish.

use serde_json::{Value, json};

use super::clock::{guid, is_guid, spaced};
use super::request::{Answer, Request};
use super::tokens::VALIDITY;
use super::world::{Principal, World};
use crate::gcs::WebToken;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const SEE: &str = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// Why sign-in refused.
struct Refused {
    status: u16,
    error: &'static str,
    code: u32,
    message: String,
}

fn refused(status: u16, error: &'static str, code: u32, message: impl Into<String>) -> Refused {
    Refused {
        status,
        error,
        code,
        message: message.into(),
    }
}

/// Answers a request to the authority.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    let parts: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let outcome = match parts[..] {
        ["common", "discovery", "instance"] => Ok(instance(world)),
        [tenant, "v2.0", ".well-known", "openid-configuration"]
        | [tenant, ".well-known", "openid-configuration"] => discovery(world, tenant),
        [_, "discovery", "v2.0", "keys"] | [_, "discovery", "keys"] => Ok(world.authority.keys()),
        [tenant, "oauth2", "v2.0", "token"] if request.method == "POST" => {
            let scope = request.form("scope");
            token(world, request, tenant, scope.as_deref(), true)
        }
        [tenant, "oauth2", "token"] if request.method == "POST" => {
            let resource = request.form("resource");
            token(world, request, tenant, resource.as_deref(), false)
        }
        _ => Err(refused(
            404,
            "invalid_request",
            900_561,
            "The endpoint is not known.",
        )),
    };
    let answer = match outcome {
        Ok(body) => Answer::json(200, &body),
        Err(refused) => in_words(world, &refused),
    };
    answer.with("x-ms-request-id", guid())
}

/// A refusal that a fault asks for.
pub(crate) fn injected(world: &World, status: u16, message: Option<&str>) -> Answer {
    let message = message.unwrap_or("The service is temporarily unavailable.");
    let error = if status < 500 {
        "invalid_request"
    } else {
        "temporarily_unavailable"
    };
    in_words(world, &refused(status, error, 90_033, message))
}

fn in_words(world: &World, refused: &Refused) -> Answer {
    let (trace, correlation) = (guid(), guid());
    let stamp = spaced(world.now());
    let Refused {
        status,
        error,
        code,
        message,
    } = refused;
    let description = format!(
        "AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
    );
    let body = json!({"error": error, "error_description": description, "error_codes": [code],
        "timestamp": stamp, "trace_id": trace, "correlation_id": correlation,
        "error_uri": format!("{}/error?code={code}", world.at.authority)});
    Answer::json(*status, &body)
}

fn instance(world: &World) -> Value {
    let host = world.at.authority.trim_start_matches("https://");
    let tenant = &world.config.tenant;
    json!({
        "tenant_discovery_endpoint":
            format!("{}/{tenant}/v2.0/.well-known/openid-configuration", world.at.authority),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    })
}

/// The directory of this name, or the refusal.
fn known<'a>(world: &World, tenant: &'a str) -> Result<&'a str, Refused> {
    let mut principals = world.principals.iter();
    let known = principals.any(|one| one.tenant.eq_ignore_ascii_case(tenant));
    if known || tenant.eq_ignore_ascii_case(&world.config.tenant) {
        return Ok(tenant);
    }
    if !is_guid(tenant) && !tenant.contains('.') {
        let message = format!(
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid \
             external domain."
        );
        return Err(refused(400, "invalid_request", 900_023, message));
    }
    let message = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are \
         signing into the correct cloud. Check with your subscription administrator, this may \
         happen if there are no active subscriptions for the tenant."
    );
    Err(refused(400, "invalid_request", 90_002, message))
}

fn discovery(world: &World, tenant: &str) -> Result<Value, Refused> {
    let tenant = known(world, tenant)?;
    let at = format!("{}/{tenant}", world.at.authority);
    Ok(json!({
        "token_endpoint": format!("{at}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{at}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{at}/v2.0"),
        "authorization_endpoint": format!("{at}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{at}/oauth2/v2.0/devicecode"),
    }))
}

/// A token for a scope (`…/.default`) or, in the first version, a resource.
fn token(
    world: &World,
    request: &Request,
    tenant: &str,
    wanted: Option<&str>,
    second: bool,
) -> Result<Value, Refused> {
    let tenant = known(world, tenant)?;
    let field = |name: &str| request.form(name).filter(|value| !value.is_empty());
    let needed = |name: &str| {
        let message = format!("The request body must contain the following parameter: '{name}'.");
        field(name).ok_or_else(|| refused(400, "invalid_request", 900_144, message))
    };
    let grant = needed("grant_type")?;
    if grant != "client_credentials" {
        let message = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(refused(400, "unsupported_grant_type", 70_003, message));
    }
    let client = needed("client_id")?;
    let wanted = wanted.filter(|value| !value.is_empty());
    let parameter = if second { "scope" } else { "resource" };
    let message = format!("The request body must contain the following parameter: '{parameter}'.");
    let wanted = wanted.ok_or_else(|| refused(400, "invalid_request", 900_144, message))?;
    let audience = audience(tenant, wanted, second)?;
    let principal = application(world, tenant, &client)?;
    if field("client_assertion").is_some() || field("client_assertion_type").is_some() {
        if needed("client_assertion_type")? != ASSERTION {
            let message = "The client assertion type is not supported.";
            return Err(refused(400, "invalid_request", 50_027, message));
        }
        federated(world, principal, &needed("client_assertion")?)?;
    } else if let Some(secret) = field("client_secret") {
        if !principal.secrets.contains(&secret) {
            let message = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is \
                 the client secret value, not the client secret ID, for a secret added to app \
                 '{client}'."
            );
            return Err(refused(401, "invalid_client", 7_000_215, message));
        }
    } else {
        let message = "The request body must contain the following parameter: \
            'client_assertion' or 'client_secret'.";
        return Err(refused(401, "invalid_client", 7_000_218, message));
    }
    let token = world.issue(principal, &audience, VALIDITY);
    Ok(
        json!({"token_type": "Bearer", "expires_in": VALIDITY, "ext_expires_in": VALIDITY,
        "access_token": token}),
    )
}

/// The audience of the token that is asked for.
fn audience(tenant: &str, wanted: &str, second: bool) -> Result<String, Refused> {
    let resource = if second {
        wanted.strip_suffix("/.default").ok_or_else(|| {
            let message = format!(
                "The provided value for scope {wanted} is not valid. Client credential flows \
                 must have a scope value with /.default suffixed to the resource identifier \
                 (application ID URI)."
            );
            refused(400, "invalid_scope", 1_002_012, message)
        })?
    } else {
        wanted
    };
    known_resource(resource).ok_or_else(|| {
        let message = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. \
             This can happen if the application has not been installed by the administrator of \
             the tenant or consented to by any user in the tenant. You might have sent your \
             authentication request to the wrong tenant."
        );
        refused(400, "invalid_resource", 500_011, message)
    })
}

/// The audience of a resource that tokens are given for: the name without the slash that
/// a scope has lost, with it where the scope had two.
pub(crate) fn known_resource(resource: &str) -> Option<String> {
    let bare = resource.trim_end_matches('/');
    let storage = bare.ends_with(".blob.core.windows.net");
    let known = [
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://storage.azure.com",
        "https://graph.microsoft.com",
    ];
    (storage || known.contains(&bare)).then(|| resource.to_owned())
}

fn application<'a>(world: &'a World, tenant: &str, client: &str) -> Result<&'a Principal, Refused> {
    let mut principals = world.principals.iter();
    let found = principals.find(|one| {
        one.kind == "ServicePrincipal"
            && one.app_id.eq_ignore_ascii_case(client)
            && one.tenant.eq_ignore_ascii_case(tenant)
    });
    let message = format!(
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This \
         can happen if the application has not been installed by the administrator of the tenant \
         or consented to by any user in the tenant. You may have sent your authentication request \
         to the wrong tenant."
    );
    found.ok_or_else(|| refused(400, "unauthorized_client", 700_016, message))
}

/// Whether a token of a cluster is as good as a secret of this application.
fn federated(world: &World, principal: &Principal, assertion: &str) -> Result<(), Refused> {
    let client = |code: u32, message: String| refused(401, "invalid_client", code, message);
    let token = WebToken::parse(assertion)
        .ok_or_else(|| client(50_027, "JWT token is invalid or malformed.".to_owned()))?;
    let (issuer, subject) = (token.text("iss"), token.text("sub"));
    let audiences = match &token.claims["aud"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => vec![one.as_str().unwrap_or_default()],
    };
    let now = world.now();
    let delay = world.config.federation_delay;
    let credentials = &principal.credentials;
    if credentials.is_empty() {
        let message = format!(
            "The client '{}' has no configured federated identity credentials.",
            principal.app_id
        );
        return Err(client(70_025, message));
    }
    let mismatch = |code, what: &str, value: &str| {
        let message = format!(
            "No matching federated identity record found for presented assertion {what} \
             '{value}'. Check your federated identity credential Subject, Audience and Issuer \
             against the presented assertion. {SEE}"
        );
        Err(client(code, message))
    };
    let known = credentials.iter().filter(|one| one.written + delay <= now);
    let of_issuer: Vec<_> = known.filter(|one| one.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return mismatch(700_211, "issuer", issuer);
    }
    let same = |one: &&&super::world::Credential| one.subject == subject;
    let Some(credential) = of_issuer.iter().find(same) else {
        let mut near = of_issuer.iter();
        let near = near.any(|one| one.subject.eq_ignore_ascii_case(subject));
        return mismatch(if near { 7_002_138 } else { 700_213 }, "subject", subject);
    };
    let wanted = |one: &String| audiences.contains(&one.as_str());
    if !credential.audiences.iter().any(wanted) {
        return mismatch(700_212, "audience", audiences.first().unwrap_or(&AUDIENCE));
    }
    if !issuer.starts_with(&world.at.issuer) || !world.cluster.signed(&token) {
        let message = "Client assertion failed signature validation.".to_owned();
        return Err(client(700_027, message));
    }
    let seconds = now.unix_timestamp();
    let begun = token.time("nbf").is_none_or(|begin| begin <= seconds + 300);
    if !begun || token.time("exp").is_none_or(|end| end <= seconds) {
        let message = "Client assertion is not within its valid time range.".to_owned();
        return Err(client(700_024, message));
    }
    Ok(())
}

/// What the clusters publish: everything below the address is an issuer of its own, and
/// its name is what stands before `/.well-known`, with a slash at its end or without.
pub(crate) fn issuer(world: &World, request: &Request) -> Answer {
    if let Some(name) = request
        .path
        .strip_suffix("/.well-known/openid-configuration")
    {
        // One that is called `slash` has the slash of AKS.
        let slash = if name.ends_with("/slash") { "/" } else { "" };
        let issuer = world.issuers.get(name).cloned();
        let issuer = issuer.unwrap_or_else(|| format!("{}{name}{slash}", world.at.issuer));
        return Answer::json(
            200,
            &json!({
                "issuer": issuer,
                "jwks_uri": format!("{}{name}/openid/v1/jwks", world.at.issuer),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        );
    }
    if request.path.ends_with("/openid/v1/jwks") || request.path.ends_with("/jwks") {
        return Answer::json(200, &world.cluster.keys());
    }
    Answer::json(404, &json!({"message": "not found"}))
}
