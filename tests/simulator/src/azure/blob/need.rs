//! What a request to the Blob service does, in the words of each way to be let in.

use crate::azure::request::Request;

const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
const SERVICE: &str = "Microsoft.Storage/storageAccounts/blobServices";

/// What is needed for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// What a role has to allow.
    pub(crate) action: String,
    /// Whether that is an action on data.
    pub(crate) data: bool,
    /// The permissions of a shared access signature, any of which will do.
    pub(crate) permissions: &'static str,
    /// What it has to be for: `s`, `c` or `o`.
    pub(crate) resource: char,
    /// Whether everybody may where a container is public: not at all, by its blobs, or by
    /// the whole container.
    pub(crate) public: Option<&'static str>,
}

fn of(action: String, data: bool, permissions: &'static str, resource: char) -> Need {
    Need {
        action,
        data,
        permissions,
        resource,
        public: None,
    }
}

/// What is needed for a request to an account.
pub(crate) fn account(request: &Request) -> Need {
    let write = request.method != "GET" && request.method != "HEAD";
    match (request.parameter("comp"), write) {
        (Some("list"), _) => of(format!("{CONTAINERS}/read"), false, "l", 's'),
        (Some("userdelegationkey"), _) => of(
            format!("{SERVICE}/generateUserDelegationKey/action"),
            false,
            "",
            's',
        ),
        (_, true) => of(format!("{SERVICE}/write"), false, "w", 's'),
        (_, false) => of(format!("{SERVICE}/read"), false, "r", 's'),
    }
}

/// What is needed for a request to a container.
pub(crate) fn container(request: &Request) -> Need {
    let comp = request.parameter("comp");
    match (request.method.as_str(), comp) {
        ("GET", Some("list")) => Need {
            public: Some("Container"),
            ..of(format!("{BLOBS}/read"), true, "l", 'c')
        },
        ("GET" | "HEAD", Some("acl")) => of(format!("{CONTAINERS}/getAcl/action"), false, "", 'c'),
        ("PUT", Some("acl")) => of(format!("{CONTAINERS}/setAcl/action"), false, "", 'c'),
        ("GET" | "HEAD", _) => Need {
            public: Some("Container"),
            ..of(format!("{CONTAINERS}/read"), false, "r", 'c')
        },
        ("DELETE", _) => of(format!("{CONTAINERS}/delete"), false, "d", 'c'),
        (_, Some(_)) => of(format!("{CONTAINERS}/write"), false, "w", 'c'),
        (_, None) => of(format!("{CONTAINERS}/write"), false, "cw", 'c'),
    }
}

/// What is needed for a request to a blob; `new` where there is none of its name yet.
pub(crate) fn blob(request: &Request, new: bool) -> Need {
    let version = request.parameter("versionid").is_some();
    let comp = request.parameter("comp");
    match (request.method.as_str(), comp) {
        ("GET" | "HEAD", _) => Need {
            public: Some("Blob"),
            ..of(format!("{BLOBS}/read"), true, "r", 'o')
        },
        ("DELETE", _) if version => of(format!("{BLOBS}/deleteBlobVersion/action"), true, "x", 'o'),
        ("DELETE", _) => of(format!("{BLOBS}/delete"), true, "d", 'o'),
        (_, None | Some("block" | "blocklist" | "snapshot")) if new || comp == Some("snapshot") => {
            of(format!("{BLOBS}/write"), true, "cw", 'o')
        }
        _ => of(format!("{BLOBS}/write"), true, "w", 'o'),
    }
}
