//! Which of Google's services a request is for. All of them share one address here, as
//! they can behind a private endpoint.

use axum::http::Method;

use super::crypto::random_hex;
use super::request::{Answer, Request};
use super::world::World;
use super::{iam, json, kms, metadata, oauth, projects, xml};

/// The form that a service gives its refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Google,
    Storage,
    Xml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Iam,
    Kms,
    Metadata,
    Oauth,
    Projects,
    Storage,
    Xml,
}

/// The bucket that a host stands for, as in `bucket.storage.googleapis.com`. On loopback
/// `bucket.storage.localhost` and `bucket.localhost` stand for one too.
pub(crate) fn bucket_of_host(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    [
        ".storage.googleapis.com",
        ".storage.localhost",
        ".localhost",
    ]
    .iter()
    .find_map(|end| host.strip_suffix(end))
    .filter(|bucket| !bucket.is_empty() && *bucket != "storage")
}

fn service(request: &Request) -> Service {
    if bucket_of_host(&request.host).is_some() {
        return Service::Xml;
    }
    let parts = request.parts();
    match parts[..] {
        ["storage", "v1", ..] | ["upload" | "download" | "batch", "storage", "v1", ..] => {
            Service::Storage
        }
        ["computeMetadata", ..] => Service::Metadata,
        [] if request.headers.contains_key("metadata-flavor") => Service::Metadata,
        ["token"] | ["v1", "token"] if request.method == Method::POST => Service::Oauth,
        ["v1", "projects", _, "serviceAccounts", ..]
        | ["v1", "projects", _, "serviceAccounts:undelete"] => Service::Iam,
        ["v1", "projects", _, "locations", ..] => Service::Kms,
        ["v1" | "v3", "projects", ..] => Service::Projects,
        _ => Service::Xml,
    }
}

/// The form of refusals of the service that a request is for.
pub(crate) fn style(request: &Request) -> Style {
    match service(request) {
        Service::Storage => Style::Storage,
        Service::Xml => Style::Xml,
        Service::Iam | Service::Kms | Service::Metadata | Service::Oauth | Service::Projects => {
            Style::Google
        }
    }
}

/// Carries a request out.
pub(crate) fn answer(world: &mut World, request: &Request) -> Answer {
    world.expire();
    let answer = match service(request) {
        Service::Iam => iam::answer(world, request),
        Service::Kms => kms::answer(world, request),
        Service::Metadata => return metadata::answer(world, request),
        Service::Oauth => return oauth::answer(world, request),
        Service::Projects => projects::answer(world, request),
        Service::Storage => json::answer(world, request),
        Service::Xml => xml::answer(world, request),
    };
    match style(request) {
        Style::Google => answer,
        Style::Storage | Style::Xml => answer
            .with("X-GUploader-UploadID", format!("ABPtcP{}", random_hex(40)))
            .with("Server", "UploadServer"),
    }
}

#[cfg(test)]
mod tests {
    use super::bucket_of_host;

    #[test]
    fn hosts_stand_for_buckets() {
        assert_eq!(bucket_of_host("b.storage.googleapis.com"), Some("b"));
        assert_eq!(bucket_of_host("b-c.localhost:8080"), Some("b-c"));
        for host in [
            "storage.googleapis.com",
            "127.0.0.1:80",
            "localhost:80",
            "storage.localhost",
        ] {
            assert_eq!(bucket_of_host(host), None, "{host}");
        }
    }
}
