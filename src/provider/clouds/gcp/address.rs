//! Addresses of Google's services, with or without the path of their interface.

use url::Url;

use crate::clouds::gcp::is_private;
use crate::provider::arguments::address;

/// The paths that stand for the interface of a service; all mean the same address.
pub(super) type Service = &'static [&'static str];

/// Cloud Storage.
pub(super) const STORAGE: Service = &["/", "/storage/v1", "/storage/v1/"];
/// Every other service.
pub(super) const API: Service = &["/", "/v1", "/v1/"];

/// Why this is no address of Cloud Storage, as the end of a sentence. It never repeats the
/// text, which may hold credentials.
pub(super) fn check_storage(text: &str) -> Result<(), String> {
    read(text, STORAGE).map(drop)
}

/// The same for another service.
pub(super) fn check_api(text: &str) -> Result<(), String> {
    read(text, API).map(drop)
}

/// The address of a service without the path of its interface.
///
/// # Errors
/// See [`check_storage`].
pub(super) fn read(text: &str, service: Service) -> Result<Url, String> {
    if text.contains('@') {
        return Err("it must not hold credentials".to_owned());
    }
    let mut url = address(text)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !service.contains(&url.path()) {
        let known = service.last().copied().unwrap_or_default();
        return Err(format!("it must end after host and port, or with {known}"));
    }
    if !is_private(&url) {
        return Err(
            "it begins with http:// and is no loopback address, and a token would travel \
             readable for everybody on the way; use https://"
                .to_owned(),
        );
    }
    url.set_path("");
    Ok(url)
}

/// The address that `STORAGE_EMULATOR_HOST` names: it may leave the scheme out.
///
/// # Errors
/// See [`check_storage`].
pub(super) fn read_emulator(text: &str) -> Result<Url, String> {
    if text.contains("://") {
        return read(text, STORAGE);
    }
    read(&format!("http://{text}"), STORAGE)
}

/// Why this is no address of an emulator, as the end of a sentence.
pub(super) fn check_emulator(text: &str) -> Result<(), String> {
    read_emulator(text).map(drop)
}

/// The address of a metadata server that is named by host and port alone.
///
/// # Errors
/// Why it is none, as the end of a sentence.
pub(super) fn read_host(text: &str) -> Result<Url, String> {
    let why = || "it is no host, with a port or without one".to_owned();
    if text.contains(['/', '@', '?', '#', '\\', ' ']) {
        return Err(why());
    }
    Url::parse(&format!("http://{text}")).map_err(|_| why())
}

/// Why this is no host, as the end of a sentence.
pub(super) fn check_host(text: &str) -> Result<(), String> {
    read_host(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: Result<Url, String>) -> Result<String, String> {
        url.map(|url| url.as_str().to_owned())
    }

    #[test]
    fn the_path_of_the_interface_may_stand_or_not() {
        let expected = Ok("http://127.0.0.1:9023/".to_owned());
        for text in [
            "http://127.0.0.1:9023",
            "http://127.0.0.1:9023/",
            "http://127.0.0.1:9023/storage/v1",
            "http://127.0.0.1:9023/storage/v1/",
        ] {
            assert_eq!(of(read(text, STORAGE)), expected);
            assert_eq!(of(read_emulator(text)), expected);
        }
        assert_eq!(of(read_emulator("127.0.0.1:9023")), expected);
        assert_eq!(
            of(read("https://iam.googleapis.com/v1/", API)),
            Ok("https://iam.googleapis.com/".to_owned())
        );
    }

    #[test]
    fn a_token_travels_in_the_clear_to_nobody_else() {
        for good in [
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.1.2.3",
            "https://h",
        ] {
            assert_eq!(check_storage(good), Ok(()), "{good}");
        }
        for bad in [
            "http://storage.example.com",
            "http://10.0.0.1:9023",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0:9023",
        ] {
            assert!(check_storage(bad).is_err(), "{bad}");
            assert!(check_api(bad).is_err(), "{bad}");
            assert!(check_emulator(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_host() {
        for good in ["169.254.169.254", "127.0.0.1:9", "metadata.google.internal"] {
            assert_eq!(check_host(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "http://127.0.0.1",
            "127.0.0.1/x",
            "key:hunter2@127.0.0.1",
            "127.0.0.1:x",
            "127.0.0.1:99999",
            "a b",
        ] {
            let why = check_host(bad).expect_err(bad);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "127.0.0.1:9023",
            "ftp://h",
            "https://h/b",
            "https://h/storage/v1/b",
            "https://h?x",
            "https://h#x",
            "https://key:hunter2@h",
        ] {
            let why = check_storage(bad).expect_err(bad);
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(check_api("https://h/storage/v1/").is_err());
    }
}
