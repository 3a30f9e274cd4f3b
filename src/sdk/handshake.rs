//! From the environment that Terraform sets up to the one line that it waits for.
//!
//! Source: go-plugin's server side; the names of the variables are its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// go-plugin's own protocol, the first field of the line.
const CORE_PROTOCOL: u32 = 1;
/// The version of Terraform's provider protocol that is spoken here.
const PROVIDER_PROTOCOL: u32 = 5;
/// Proof that it was Terraform that started the process, not a protection.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// What Terraform wants of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invitation {
    /// The certificate, in PEM, that the client will show; none without TLS.
    pub(super) client_certificate: Option<String>,
    /// Where a unix socket should be.
    pub(super) socket_directory: Option<PathBuf>,
    /// Who else may connect to the socket: a group's name or number.
    pub(super) socket_group: Option<String>,
    /// The ports that a TCP socket may have, both ends included.
    pub(super) ports: (u16, u16),
    /// The line has a seventh field.
    seventh_field: bool,
}

impl Invitation {
    /// Reads the environment; `None` when it was not Terraform that started us.
    pub(super) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if variable(COOKIE.0).as_deref() != Some(COOKIE.1) {
            return None;
        }
        let port = |name, default| {
            variable(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        let set = |name| variable(name).filter(|text| !text.is_empty());
        Some(Self {
            client_certificate: set("PLUGIN_CLIENT_CERT"),
            socket_directory: set("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: set("PLUGIN_UNIX_SOCKET_GROUP"),
            ports: (
                port("PLUGIN_MIN_PORT", 10_000),
                port("PLUGIN_MAX_PORT", 25_000),
            ),
            seventh_field: set("PLUGIN_MULTIPLEX_GRPC").is_some(),
        })
    }

    /// The line for an address and, with TLS, the server's certificate in DER.
    ///
    /// Version 5 is answered whatever the client offers: with no version in common it
    /// is the client that can say so best.
    pub(super) fn line(&self, address: &Address, certificate: Option<&[u8]>) -> String {
        let (network, place) = address.parts();
        let certificate = certificate
            .map(|der| STANDARD_NO_PAD.encode(der))
            .unwrap_or_default();
        let seventh = if self.seventh_field { "|false" } else { "" };
        format!(
            "{CORE_PROTOCOL}|{PROVIDER_PROTOCOL}|{network}|{place}|grpc|{certificate}{seventh}\n"
        )
    }
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket file.
    Unix(PathBuf),
    /// A port of 127.0.0.1.
    Tcp(SocketAddr),
}

impl Address {
    /// The network's name and the place in it.
    pub(super) fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Unix(path) => ("unix", path.display().to_string()),
            Self::Tcp(address) => ("tcp", address.to_string()),
        }
    }
}

/// Writes the one text that this process ever writes to standard output.
pub(super) fn announce(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What a debugger has to put into the environment of Terraform.
pub(super) fn reattach(provider: &str, address: &Address) -> String {
    let (network, place) = address.parts();
    let entry = serde_json::json!({
        provider: {
            "Protocol": "grpc",
            "ProtocolVersion": PROVIDER_PROTOCOL,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": network, "String": place },
        }
    });
    format!("TF_REATTACH_PROVIDERS='{entry}'\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation(extra: &[(&str, &str)]) -> Option<Invitation> {
        let cookie = [(COOKIE.0, COOKIE.1)];
        let all: Vec<(String, String)> = cookie
            .iter()
            .chain(extra)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Invitation::from_environment(move |name| {
            all.iter()
                .rev()
                .find(|(one, _)| one == name)
                .map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn without_the_cookie_nobody_is_invited() {
        assert_eq!(invitation(&[(COOKIE.0, "wrong")]), None);
        assert_eq!(Invitation::from_environment(|_| None), None);
    }

    #[test]
    fn the_line_has_the_fields_of_go_plugin() {
        let plain = invitation(&[]).expect("invited");
        let socket = Address::Unix("/tmp/plugin1".into());
        assert_eq!(plain.line(&socket, None), "1|5|unix|/tmp/plugin1|grpc|\n");
        let port = Address::Tcp(([127, 0, 0, 1], 10_001).into());
        assert_eq!(
            plain.line(&port, Some(&[1, 2])),
            "1|5|tcp|127.0.0.1:10001|grpc|AQI\n"
        );
        let seven = invitation(&[("PLUGIN_MULTIPLEX_GRPC", "false")]).expect("invited");
        assert_eq!(
            seven.line(&port, None),
            "1|5|tcp|127.0.0.1:10001|grpc||false\n"
        );
    }

    #[test]
    fn ports_have_defaults() {
        assert_eq!(invitation(&[]).map(|one| one.ports), Some((10_000, 25_000)));
        let some = invitation(&[("PLUGIN_MIN_PORT", "5"), ("PLUGIN_MAX_PORT", "x")]);
        assert_eq!(some.map(|one| one.ports), Some((5, 25_000)));
    }
}
