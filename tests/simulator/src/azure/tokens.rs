//! Tokens of the directory and of clusters, and the keys that sign them.

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::world::{Principal, World};
use crate::gcs::{PrivateKey, WebToken, unbase64};

/// How long a token is good.
pub(crate) const VALIDITY: i64 = 3599;

/// A key with its published half.
pub(crate) struct Issuer {
    key: PrivateKey,
    key_id: String,
    modulus: String,
    exponent: String,
}

impl Issuer {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let key = PrivateKey::generate()?;
        let pem = key.pem();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = unbase64(&body).unwrap_or_default();
        let pair = KeyPair::from_pkcs8(&der).map_err(|error| anyhow::anyhow!("{error}"))?;
        let (modulus, exponent) = numbers(pair.public_key().as_ref())
            .ok_or_else(|| anyhow::anyhow!("the public key cannot be read"))?;
        Ok(Self {
            key,
            key_id: crate::gcs::random_hex(20),
            modulus: URL_SAFE_NO_PAD.encode(modulus),
            exponent: URL_SAFE_NO_PAD.encode(exponent),
        })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.key.token(Some(&self.key_id), claims)
    }

    pub(crate) fn signed(&self, token: &WebToken) -> bool {
        token.is_signed_by(&self.key)
    }

    /// The published half, as `/jwks` has it.
    pub(crate) fn keys(&self) -> Value {
        json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id,
            "n": self.modulus, "e": self.exponent}]})
    }
}

/// The two whole numbers of a public key in DER.
fn numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    let bare = |number: &[u8]| {
        let start = number.iter().position(|byte| *byte != 0);
        number[start.unwrap_or(0)..].to_vec()
    };
    Some((bare(modulus), bare(exponent)))
}

/// The content of an element of DER, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
        let length = bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        (length, rest)
    };
    (*found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// Who calls, by a token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) object_id: String,
    pub(crate) app_id: String,
    pub(crate) tenant: String,
    /// Seconds since 1970.
    pub(crate) expires: i64,
    pub(crate) audience: String,
}

impl World {
    /// A token for an audience.
    pub(crate) fn issue(&self, principal: &Principal, audience: &str, seconds: i64) -> String {
        let now = self.now().unix_timestamp();
        self.authority.sign(&json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{}/", principal.tenant),
            "iat": now, "nbf": now, "exp": now + seconds,
            "appid": principal.app_id, "appidacr": "1",
            "idp": format!("https://sts.windows.net/{}/", principal.tenant),
            "idtyp": if principal.kind == "User" { "user" } else { "app" },
            "oid": principal.object_id, "sub": principal.object_id, "tid": principal.tenant,
            "ver": "1.0",
        }))
    }

    /// Who a token speaks for, whatever it is good for; nothing when the directory has not
    /// signed it.
    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        let token = WebToken::parse(token)?;
        self.authority.signed(&token).then_some(())?;
        Some(Caller {
            object_id: token.text("oid").to_owned(),
            app_id: token.text("appid").to_owned(),
            tenant: token.text("tid").to_owned(),
            expires: token.time("exp")?,
            audience: token.text("aud").to_owned(),
        })
    }

    /// A token of a cluster for one of its service accounts.
    pub(crate) fn cluster_token(&self, issuer: &str, subject: &str, audience: &str) -> String {
        let now = self.now().unix_timestamp();
        self.cluster
            .sign(&json!({"iss": issuer, "sub": subject, "aud": [audience],
            "iat": now, "nbf": now, "exp": now + VALIDITY}))
    }
}
