//! Bodies of MinIO's admin interface, encrypted with the caller's secret key.
//!
//! Format (source: the Go packages `madmin-go`, functions `EncryptData` and
//! `DecryptData`, and `sio-go`): 32 bytes of salt, one byte that names the algorithms,
//! an 8 byte nonce, then the text in fragments of 16 KiB, each sealed on its own. The
//! key is derived with argon2id, or with PBKDF2 by servers that are bound to FIPS; every
//! server reads both, and we write the second (decision 0019). The crate `sio` would do the fragments, but without
//! the TLS library `ring` it cannot be given a cipher from outside (decision 0009).

use std::num::NonZeroU32;

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;

use crate::clouds::random;

const SALT: usize = 32;
const NONCE: usize = 8;
const HEADER: usize = SALT + 1 + NONCE;
const TAG: usize = 16;
const FRAGMENT: usize = 16 * 1024;
/// argon2id with AES-256-GCM.
const ARGON2_AES: u8 = 0;
/// argon2id with ChaCha20-Poly1305.
const ARGON2_CHACHA: u8 = 1;
/// PBKDF2 with AES-256-GCM.
const PBKDF2_AES: u8 = 2;
/// How often PBKDF2 runs; the server's own number.
const ROUNDS: NonZeroU32 = NonZeroU32::new(8192).expect("not zero");

/// Encrypts `plain` for a server that knows `secret`.
pub(super) fn encrypt(secret: &str, plain: &[u8]) -> Result<Vec<u8>, String> {
    let salt: [u8; SALT] = random::bytes().map_err(|error| error.message)?;
    let nonce: [u8; NONCE] = random::bytes().map_err(|error| error.message)?;
    let mut body = Vec::with_capacity(HEADER + plain.len() + 2 * TAG);
    body.extend(salt);
    body.push(PBKDF2_AES);
    body.extend(nonce);
    let mut stream = Stream::new(derive(secret, &salt, PBKDF2_AES)?, PBKDF2_AES, nonce)?;
    let mut fragments = plain.chunks(FRAGMENT).peekable();
    if fragments.peek().is_none() {
        body.extend(stream.seal(&[], true)?);
    }
    while let Some(fragment) = fragments.next() {
        body.extend(stream.seal(fragment, fragments.peek().is_none())?);
    }
    Ok(body)
}

/// Decrypts what a server has encrypted with `secret`.
pub(super) fn decrypt(secret: &str, body: &[u8]) -> Result<Vec<u8>, String> {
    let (header, sealed) = body
        .split_at_checked(HEADER)
        .ok_or_else(|| "an encrypted answer is too short".to_owned())?;
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(&header[SALT + 1..]);
    let mut stream = Stream::new(
        derive(secret, &header[..SALT], header[SALT])?,
        header[SALT],
        nonce,
    )?;
    let mut plain = Vec::with_capacity(sealed.len());
    let mut fragments = sealed.chunks(FRAGMENT + TAG).peekable();
    while let Some(fragment) = fragments.next() {
        plain.extend(stream.open(fragment, fragments.peek().is_none())?);
    }
    if sealed.is_empty() {
        return Err("an encrypted answer holds nothing".to_owned());
    }
    Ok(plain)
}

/// Only one key is derived at a time.
static TURN: Mutex<()> = Mutex::new(());

fn derive(secret: &str, salt: &[u8], form: u8) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    if form == PBKDF2_AES {
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(algorithm, ROUNDS, salt, secret.as_bytes(), &mut key);
        return Ok(key);
    }
    // Many buckets at once would otherwise take many times the memory; more at a time than
    // cores would not be faster.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // 64 MiB, one pass, four lanes: what the server uses.
    let params = Params::new(64 * 1024, 1, 4, Some(32)).map_err(|error| error.to_string())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret.as_bytes(), salt, &mut key)
        .map_err(|error| error.to_string())?;
    Ok(key)
}

/// Seals or opens fragments in order. Each is bound to its place by its nonce, and to
/// being the last or not by the first byte of what is authenticated with it.
struct Stream {
    key: LessSafeKey,
    nonce: [u8; NONCE],
    next: u32,
    /// The mark of the last fragment, then the tag of an empty text at place 0.
    bound: [u8; 1 + TAG],
}

impl Stream {
    fn new(key: [u8; 32], algorithm: u8, nonce: [u8; NONCE]) -> Result<Self, String> {
        let cipher = match algorithm {
            ARGON2_AES | PBKDF2_AES => &AES_256_GCM,
            ARGON2_CHACHA => &CHACHA20_POLY1305,
            other => {
                return Err(format!(
                    "an answer is encrypted in an unknown way ({other})"
                ));
            }
        };
        let key = UnboundKey::new(cipher, &key).map_err(|_| "the key does not fit".to_owned())?;
        let mut stream = Self {
            key: LessSafeKey::new(key),
            nonce,
            next: 0,
            bound: [0; 1 + TAG],
        };
        let place = stream.place()?;
        let tag = stream
            .key
            .seal_in_place_separate_tag(place, Aad::empty(), &mut [])
            .map_err(|_| "the nonce does not fit".to_owned())?;
        stream.bound[1..].copy_from_slice(tag.as_ref());
        Ok(stream)
    }

    fn place(&mut self) -> Result<Nonce, String> {
        let mut nonce = [0; NONCE + 4];
        nonce[..NONCE].copy_from_slice(&self.nonce);
        nonce[NONCE..].copy_from_slice(&self.next.to_le_bytes());
        self.next = self
            .next
            .checked_add(1)
            .ok_or_else(|| "the text is too long".to_owned())?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    fn mark(&mut self, is_last: bool) {
        self.bound[0] = if is_last { 0x80 } else { 0 };
    }

    fn seal(&mut self, fragment: &[u8], is_last: bool) -> Result<Vec<u8>, String> {
        self.mark(is_last);
        let place = self.place()?;
        let mut text = fragment.to_vec();
        self.key
            .seal_in_place_append_tag(place, Aad::from(self.bound), &mut text)
            .map_err(|_| "the text cannot be encrypted".to_owned())?;
        Ok(text)
    }

    fn open(&mut self, fragment: &[u8], is_last: bool) -> Result<Vec<u8>, String> {
        self.mark(is_last);
        let place = self.place()?;
        let mut text = fragment.to_vec();
        self.key
            .open_in_place(place, Aad::from(self.bound), &mut text)
            .map(|plain| plain.to_vec())
            .map_err(|_| "an encrypted answer is not authentic".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
            .collect()
    }

    /// Made by another implementation, with Python's argon2-cffi, hashlib and pycryptodome.
    #[test]
    fn all_three_forms_of_another_implementation_are_read() {
        let salt = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let nonce = "6465666768696a6b";
        for (form, sealed) in [
            (
                "00",
                "03917cd1cf1fffa887cd8cbed6206b14482efcbc10a358f7258e1bcd6678b93401",
            ),
            (
                "01",
                "97665a23113e816ceb2b93ab142fd4bdea3a8484d5308213fda6897de68aaa7e1e",
            ),
            (
                "02",
                "82bb0e68a8a18056a72126ddd656fb580be56d4776008fd7d607751b1ad0af2157",
            ),
        ] {
            let body = unhex(&format!("{salt}{form}{nonce}{sealed}"));
            let plain = decrypt("rootsecret123", &body);
            assert_eq!(plain, Ok(br#"{"accounts":null}"#.to_vec()), "{form}");
        }
        let unknown = unhex(&format!("{salt}03{nonce}00"));
        assert!(decrypt("rootsecret123", &unknown).is_err());
    }

    #[test]
    fn what_was_encrypted_is_read_with_the_same_secret_only() {
        for length in [0, 1, FRAGMENT, FRAGMENT + 1, 40_000] {
            let plain = vec![7; length];
            let body = encrypt("secret", &plain).expect("encrypts");
            let fragments = length.div_ceil(FRAGMENT).max(1);
            assert_eq!(body.len(), HEADER + length + fragments * TAG);
            assert_eq!(decrypt("secret", &body), Ok(plain));
        }
        let body = encrypt("secret", &[7; 40_000]).expect("encrypts");
        assert!(decrypt("other", &body).is_err());
        assert!(decrypt("secret", &body[..HEADER - 1]).is_err());
        // Without its last fragment the text is not whole.
        assert!(decrypt("secret", &body[..HEADER + 2 * (FRAGMENT + TAG)]).is_err());
        let mut changed = body;
        changed[HEADER + 3] ^= 1;
        assert!(decrypt("secret", &changed).is_err());
    }
}
