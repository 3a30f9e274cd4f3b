//! A server that has got another address, and a provider that leads to another server.

use serde_json::json;
use simulator::servers::MinioOptions;

use super::Stage;
use crate::harness::{Login, THIS, hcl, minio, minio_with, proxy_to};

#[test]
fn a_bucket_comes_along_when_its_server_gets_another_address() {
    let stage = Stage::new("moved");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let (secret, generation) = (
        stage.this()["secret_access_key"].clone(),
        stage.generation(),
    );
    let (proxy, login) = proxy_to(minio());
    let body = stage.bucket_block("", "create_access_key = true");
    stage.write_under(&stage.provider_on(&login, ""), &body);
    // Also where nothing is looked at beforehand.
    let plan = stage.plan_with(&["-refresh=false"]);
    assert_eq!(plan.actions(THIS), ["update"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    let host = login.endpoint.replace("http://", "");
    let state = stage.this();
    assert_eq!(
        state["id"],
        format!("s3_compatible/{host}/{}", stage.bucket())
    );
    assert_eq!(state["s3_compatible"]["endpoint"], login.endpoint);
    assert_eq!(
        state["registration_name"],
        format!("s3://{host}/{}?region=us-east-1&tls=false", stage.bucket())
    );
    assert_eq!(state["secret_access_key"], secret);
    assert_eq!(stage.generation(), generation);
    // A destroy follows as well.
    let (second, login) = proxy_to(minio());
    stage.write_under(&stage.provider_on(&login, ""), &body);
    stage.destroy();
    assert!(!stage.exists());
    assert!(!second.requests().is_empty());
    drop(proxy);
}

#[test]
fn another_server_is_asked_for_the_bucket_and_gets_no_other_key() {
    let stage = Stage::new("not-moved");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    let before = stage.this();
    let other = minio_with(MinioOptions::default());
    let login = Login::of(&other);
    let body = stage.bucket_block("", "create_access_key = true");
    stage.write_under(&stage.provider_on(&login, ""), &body);
    let host = login.endpoint.replace("http://", "");
    for text in [
        stage.plan_fails(),
        stage.apply_fails_with(&["-refresh=false"]),
        stage.destroy_fails(),
    ] {
        assert!(text.contains(&stage.host()), "{text}");
        assert!(text.contains(&host), "{text}");
    }
    assert_eq!(stage.this(), before);
    // The same by the block of the bucket.
    let elsewhere = hcl!(
        r#"
            create_access_key = true
            endpoint = "<endpoint>"
            access_key = "<access>"
            secret_key = "<secret>"
        "#,
        endpoint = login.endpoint,
        access = login.access_key,
        secret = login.secret_key
    );
    stage.write_bucket("", &elsewhere);
    let text = stage.plan_fails();
    assert!(
        text.contains(&host) && text.contains(&stage.host()),
        "{text}"
    );
    stage.write_bucket("", "create_access_key = true");
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_bucket_of_the_same_name_on_another_server_is_somebody_elses() {
    let stage = Stage::new("namesake");
    stage.write_bucket("", "");
    stage.apply();
    let other = minio_with(MinioOptions::default());
    let login = Login::of(&other);
    let args = json!({"Bucket": stage.bucket()});
    crate::harness::ask(&login, "s3", "create_bucket", args);
    let args = json!({"Bucket": stage.bucket(), "Key": "theirs", "Body": "x"});
    crate::harness::ask(&login, "s3", "put_object", args);
    let everything = r#"on_destroy = "delete_everything""#;
    stage.write_bucket(everything, "");
    stage.apply();
    stage.write_under(
        &stage.provider_on(&login, ""),
        &stage.bucket_block(everything, ""),
    );
    stage.plan_fails();
    stage.destroy_fails();
    let args = json!({"Bucket": stage.bucket(), "Key": "theirs"});
    let held = crate::harness::ask(&login, "s3", "head_object", args);
    assert!(held.get("error").is_none(), "{held}");
    stage.write_bucket(everything, "");
    stage.destroy();
}
