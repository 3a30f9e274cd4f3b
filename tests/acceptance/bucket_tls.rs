//! A server that speaks TLS, with a certificate of an authority that no system trusts.

use serde_json::json;
use simulator::servers::{MinioOptions, Server};

use crate::harness::{API_KEY, Login, Stage, wait};

#[test]
fn a_server_of_an_authority_of_its_own_is_trusted_by_ca_bundle() {
    let options = MinioOptions {
        tls: true,
        ..MinioOptions::default()
    };
    let server = wait(Server::minio(options)).expect("MinIO starts");
    let stage = Stage::on("tls", Login::of(&server));
    let authority = server.authority().expect("an authority");
    let bundle = format!("ca_bundle = <<-PEM\n{authority}\nPEM\n");
    // In the provider's block, in the resource's, and nowhere.
    let write = |provider: &str, resource: &str| {
        let block = stage.provider("").replace(
            "    access_key =",
            &format!("    {provider}\n    access_key ="),
        );
        let body = stage.bucket_block(
            "register = false\n tags = { a = \"b\" }",
            &format!("create_access_key = true\n {resource}"),
        );
        stage.write_raw(&format!("{block}{body}"));
    };
    write("", "");
    let text = stage.apply_fails();
    assert!(text.contains("certificate"), "{text}");
    assert!(text.contains("ca_bundle"), "{text}");
    assert!(!text.contains(API_KEY), "{text}");
    assert!(!stage.exists());
    write(&bundle, "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()["a"], "b");
    assert_eq!(
        stage.s3_ok("get_bucket_versioning", json!({}))["Status"],
        "Enabled"
    );
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    let host = server.address();
    assert_eq!(
        state["storage_address"],
        format!("s3://{host}/{}?region=us-east-1&tls=true", stage.bucket())
    );
    // From the one to the other by way of both: a refresh has what the state has.
    write(&bundle, &bundle);
    stage.apply();
    write("", &bundle);
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
    wait(server.stop());
}
