//! Checks of arguments that several blocks have. Variables of the environment that stand in
//! for such an argument go through the same ones.

/// Reads an address.
pub(super) fn address(text: &str) -> Result<url::Url, String> {
    url::Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "it must begin with http:// or https://".to_owned()
        }
        error => format!("it is no address: {error}"),
    })
}

/// Why this is no endpoint, as the end of a sentence. It never repeats the text, which may
/// hold credentials.
pub(super) fn check_endpoint(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("it must not hold credentials".to_owned());
    }
    let url = address(text)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("it must end after host and port".to_owned());
    }
    Ok(())
}

/// Whether a secret may be sent to this address: with TLS, or to this very machine.
pub(super) fn keeps_secrets(url: &url::Url) -> bool {
    if url.scheme() == "https" {
        return true;
    }
    match url.host() {
        Some(url::Host::Domain(name)) => {
            name.trim_end_matches('.').eq_ignore_ascii_case("localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Why this holds no certificates, as the end of a sentence.
pub(super) fn check_pem(text: &str) -> Result<(), String> {
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(())
    } else {
        Err("it holds no certificate in PEM; use file() to read one".to_owned())
    }
}

/// Why this is no key or token that can be sent in a header, as the end of a sentence. It
/// never repeats the text.
pub(super) fn check_key(text: &str) -> Result<(), String> {
    if text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(())
    } else {
        Err("it holds a blank or a character beyond ASCII, which no key does".to_owned())
    }
}

/// Why this is no user's name for basic authentication, as the end of a sentence.
pub(super) fn check_user(text: &str) -> Result<(), String> {
    if text.contains(':') {
        return Err("it holds a colon; give the name alone, the key is api_key".to_owned());
    }
    Ok(())
}

/// Why this is no name of a region on any server, as the end of a sentence.
pub(super) fn check_region(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.len() > 64 || !text.chars().all(plain) {
        return Err(format!(
            "{text:?} is no name of a region: up to 64 letters, digits, \"-\", \"_\" and \".\""
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for good in [
            "http://127.0.0.1:9000",
            "https://s3.example.com",
            "https://s3.example.com/",
            "http://[::1]:9000",
        ] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:9000",
            "ftp://h",
            "http://a:b@h",
            "http://:@h",
            "http://h/path",
            "http://h/data/",
            "http://h//",
            "http://h?x",
            "http://h#x",
            "http://a b",
        ] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
        let why = check_endpoint("http://key:hunter2@h").expect_err("credentials");
        assert!(!why.contains("hunter2"), "{why}");
    }

    #[test]
    fn secrets_go_in_the_clear_to_this_machine_only() {
        for (address, expected) in [
            ("https://wandb.example.com", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.8.9.10", true),
            ("http://2130706433", true),
            ("http://[::1]:8080", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost:8080", true),
            ("http://LOCALHOST.", true),
            ("http://wandb.example.com", false),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://host.docker.internal:8080", false),
            ("http://wandb:8080", false),
            ("http://10.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://[::]", false),
            ("http://[fe80::1]", false),
        ] {
            let url = url::Url::parse(address).expect(address);
            assert_eq!(keeps_secrets(&url), expected, "{address}");
        }
    }

    #[test]
    fn keys_and_regions() {
        for good in ["AKIAIOSFODNN7EXAMPLE", "a+/=:", "local-0123"] {
            assert_eq!(check_key(good), Ok(()), "{good}");
        }
        for bad in ["a b", "schl\u{fc}ssel", "a\n"] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
        for good in ["us-east-1", "minio-local", "RegionOne", "eu_west.2", "auto"] {
            assert_eq!(check_region(good), Ok(()), "{good}");
        }
        for bad in ["us east", "us-east-1&tls=true", "\u{fc}s", &"a".repeat(65)] {
            assert!(check_region(bad).is_err(), "{bad}");
        }
    }
}
