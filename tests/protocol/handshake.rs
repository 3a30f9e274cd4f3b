//! The first line, and who gets in after it.

use crate::plugin::{ClientCertificate, Plugin, command, wire};

/// How many resources the provider offers to whoever is connected.
async fn resources(channel: tonic::transport::Channel) -> Result<usize, tonic::Status> {
    let mut provider = crate::plugin::Provider::new(channel);
    let request = wire::get_provider_schema::Request {};
    provider
        .get_schema(request)
        .await
        .map(|answer| answer.into_inner().resource_schemas.len())
}

#[test]
fn started_by_hand_it_says_how_it_is_meant_to_be_used() {
    let output = command().output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("required_providers"), "{message}");
}

#[test]
fn a_wrong_cookie_is_no_invitation() {
    let output = command()
        .env("TF_PLUGIN_MAGIC_COOKIE", "x")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
}

#[test]
fn the_version_is_printed() {
    let output = command().arg("-version").output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("terraform-provider-wandb {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn without_tls_the_line_has_six_fields() {
    let plugin = Plugin::start(&[]);
    assert_eq!(plugin.fields[..3], ["1", "5", "unix"]);
    assert_eq!(plugin.fields[4..], ["grpc", ""]);
    assert_eq!(
        resources(plugin.connect().await).await.expect("an answer"),
        2
    );
}

#[tokio::test]
async fn the_seventh_field_is_only_for_those_who_ask() {
    let plugin = Plugin::start(&[("PLUGIN_MULTIPLEX_GRPC", "true")]);
    assert_eq!(plugin.fields[4..], ["grpc", "", "false"]);
}

#[tokio::test]
async fn a_port_of_the_range_is_used_where_no_socket_fits() {
    let long = format!("/tmp/{}", "x".repeat(120));
    let plugin = Plugin::start(&[
        ("PLUGIN_UNIX_SOCKET_DIR", &long),
        ("PLUGIN_MIN_PORT", "23100"),
        ("PLUGIN_MAX_PORT", "23199"),
    ]);
    assert_eq!(plugin.fields[2], "tcp");
    let port: u16 = plugin.fields[3]
        .strip_prefix("127.0.0.1:")
        .expect("loopback")
        .parse()
        .expect("a port");
    assert!((23100..=23199).contains(&port));
    assert_eq!(
        resources(plugin.connect_tcp().await)
            .await
            .expect("an answer"),
        2
    );
}

#[tokio::test]
async fn the_right_client_gets_in() {
    let client = ClientCertificate::new();
    let plugin = Plugin::start_for(&client);
    let channel = plugin
        .connect_tls(Some(&client))
        .await
        .expect("it connects");
    assert_eq!(resources(channel).await.expect("an answer"), 2);
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let client = ClientCertificate::new();
    let plugin = Plugin::start_for(&client);
    let stranger = ClientCertificate::new();
    for who in [None, Some(&stranger)] {
        let answer = match plugin.connect_tls(who).await {
            Ok(channel) => resources(channel)
                .await
                .map_err(|status| status.to_string()),
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "somebody else got in");
    }
    // And the right one still does.
    let channel = plugin
        .connect_tls(Some(&client))
        .await
        .expect("it connects");
    assert_eq!(resources(channel).await.expect("an answer"), 2);
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    let output = command()
        .env(crate::plugin::COOKIE.0, crate::plugin::COOKIE.1)
        .env("PLUGIN_CLIENT_CERT", "no certificate")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert!(String::from_utf8_lossy(&output.stderr).contains("PLUGIN_CLIENT_CERT"));
}
