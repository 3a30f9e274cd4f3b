//! Checks of arguments that several blocks have.

/// Why this is no endpoint, as the end of a sentence.
pub(super) fn check_endpoint(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|error| format!("it is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold credentials; use access_key and secret_key".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("it must end after host and port".to_owned());
    }
    Ok(())
}

/// Why this holds no certificates, as the end of a sentence.
pub(super) fn check_pem(text: &str) -> Result<(), String> {
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(())
    } else {
        Err("it holds no certificate in PEM; use file() to read one".to_owned())
    }
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
        ] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:9000",
            "ftp://h",
            "http://a:b@h",
            "http://h/path",
            "http://h?x",
        ] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }
}
