//! Objects whose names XML cannot carry, or that look encoded.

use serde_json::json;

use crate::harness::{Aws, Cloud, Login, Minio, SeaweedFs, Stage};

const ODD: [&str; 7] = [
    "ctl\u{1}x",
    "line\nbreak",
    "tab\tx",
    "a b+c",
    "d&e<f>",
    "ü/ß",
    "100%25",
];

fn everything_goes<C: Cloud<Login = Login>>(stage: &Stage<C>, keys: &[&str]) {
    stage.write_bucket(r#"on_destroy = "delete_everything""#, "");
    stage.apply();
    for key in keys {
        stage.put(key);
        stage.put(key);
        stage.s3_ok("delete_object", json!({"Key": key}));
    }
    let last = keys.last().expect("a key");
    stage.s3_ok("create_multipart_upload", json!({"Key": last}));
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn objects_with_odd_names_are_deleted_on_minio() {
    everything_goes(&Stage::<Minio>::new("odd-keys"), &ODD);
}

/// SeaweedFS lists another name in place of one that XML cannot carry, encoded or not.
#[test]
fn objects_with_odd_names_are_deleted_on_seaweedfs_or_named() {
    let stage = Stage::<SeaweedFs>::new("odd-keys");
    everything_goes(&stage, &ODD[1..]);
    stage.apply();
    stage.put(ODD[0]);
    let text = stage.destroy_fails();
    assert!(text.contains("\"ctl\u{fffd}x\" is still there"), "{text}");
    stage.s3_ok("delete_object", json!({"Key": ODD[0]}));
}

/// The stand-in writes control characters into its lists as they are, which is no XML.
#[test]
fn objects_with_odd_names_are_deleted_on_aws() {
    let keys: Vec<&str> = ODD
        .into_iter()
        .filter(|key| !key.chars().any(char::is_control))
        .collect();
    everything_goes(&Stage::<Aws>::new("odd-keys"), &keys);
}
