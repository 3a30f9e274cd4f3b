//! RSA keys, signatures, tokens and checksums.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use serde_json::Value;

/// A private key, with which everything here is signed and checked.
pub(crate) struct PrivateKey(KeyPair);

impl PrivateKey {
    /// A new key of 2048 bits.
    pub(crate) fn generate() -> anyhow::Result<Self> {
        Ok(Self(KeyPair::generate(KeySize::Rsa2048)?))
    }

    /// Reads a key in PEM, as key files and W&B's addresses have it.
    pub(crate) fn from_pem(text: &str) -> Option<Self> {
        let body: String = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(body).ok()?;
        KeyPair::from_pkcs8(&der).ok().map(Self)
    }

    /// The key in PEM.
    pub(crate) fn pem(&self) -> String {
        let der: Option<Pkcs8V1Der<'_>> = self.0.as_der().ok();
        let text = STANDARD.encode(der.as_deref().map(AsRef::as_ref).unwrap_or_default());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            pem += line;
            pem.push('\n');
            rest = more;
        }
        pem + "-----END PRIVATE KEY-----\n"
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        );
        if signed.is_err() {
            signature.clear();
        }
        signature
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        use aws_lc_rs::signature::KeyPair as _;
        let public = self.0.public_key().as_ref();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(message, signature)
            .is_ok()
    }

    /// A JSON web token with these claims.
    pub(crate) fn token(&self, key_id: Option<&str>, claims: &Value) -> String {
        let mut header = serde_json::json!({"alg": "RS256", "typ": "JWT"});
        if let Some(key_id) = key_id {
            header["kid"] = key_id.into();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(text.as_bytes()));
        format!("{text}.{signature}")
    }
}

/// A JSON web token that has been taken apart, not checked.
pub(crate) struct WebToken {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl WebToken {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?).ok()
        };
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD
                .decode(signature.trim_end_matches('='))
                .ok()?,
        })
    }

    pub(crate) fn is_signed_by(&self, key: &PrivateKey) -> bool {
        self.header["alg"] == "RS256" && key.verifies(self.signed.as_bytes(), &self.signature)
    }

    pub(crate) fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap_or_default()
    }

    /// A claim that is a time, in seconds since 1970.
    pub(crate) fn time(&self, claim: &str) -> Option<i64> {
        let claim = &self.claims[claim];
        #[expect(
            clippy::cast_possible_truncation,
            reason = "some clients send fractions"
        )]
        claim
            .as_i64()
            .or_else(|| claim.as_f64().map(|time| time as i64))
    }
}

/// As many random hexadecimal digits.
pub(crate) fn random_hex(digits: usize) -> String {
    let mut bytes = vec![0; digits.div_ceil(2)];
    SystemRandom::new().fill(&mut bytes).ok();
    let mut text = hex(&bytes);
    text.truncate(digits);
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |at: usize| text.get(at..at + 2);
    text.len().is_multiple_of(2).then_some(()).and_then(|()| {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(digit(at)?, 16).ok())
            .collect()
    })
}

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    digest(&SHA256, data).as_ref().to_vec()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn md5(data: &[u8]) -> Vec<u8> {
    Md5::digest(data).to_vec()
}

/// CRC-32C, most significant byte first.
pub(crate) fn crc32c(data: &[u8]) -> [u8; 4] {
    let sum = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, data);
    u32::try_from(sum).unwrap_or_default().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_outlives_its_pem() {
        let key = PrivateKey::generate().unwrap();
        let again = PrivateKey::from_pem(&key.pem()).unwrap();
        let token = key.token(Some("id"), &serde_json::json!({"iss": "me"}));
        let token = WebToken::parse(&token).unwrap();
        assert!(token.is_signed_by(&again));
        assert_eq!(token.text("iss"), "me");
        assert!(!token.is_signed_by(&PrivateKey::generate().unwrap()));
    }

    #[test]
    fn checksums_are_the_published_ones() {
        assert_eq!(hex(&crc32c(b"123456789")), "e3069283");
        assert_eq!(hex(&md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(unhex("00ff"), Some(vec![0, 255]));
        assert_eq!(unhex("0g"), None);
    }
}
