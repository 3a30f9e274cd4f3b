//! Temporary keys: their session token goes with them, and with no other key.

use serde_json::json;

use crate::harness::{Login, ask, minio};

/// A stage whose buckets are on MinIO.
type Stage = crate::harness::Stage<crate::harness::Minio>;

/// Temporary keys of a user of the server.
fn temporary(stage: &Stage) -> [(&'static str, String); 3] {
    let user = format!("u-{}", stage.bucket());
    let secret = "hunter2-hunter2";
    for (call, args) in [
        (
            "user_add",
            json!({"access_key": user, "secret_key": secret}),
        ),
        (
            "policy_set",
            json!({"policy_name": "consoleAdmin", "user": user}),
        ),
    ] {
        let answer = ask(&stage.login, "admin", call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
    }
    let login = Login {
        access_key: user,
        secret_key: secret.to_owned(),
        ..stage.login.clone()
    };
    let role = json!({"RoleArn": "arn:aws:iam::123456789012:role/any", "RoleSessionName": "any"});
    let given = ask(&login, "sts", "assume_role", role);
    let part = |name: &str| {
        let text = given["ok"]["Credentials"][name].as_str();
        text.unwrap_or_else(|| panic!("{given}")).to_owned()
    };
    [
        ("AWS_ACCESS_KEY_ID", part("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", part("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", part("SessionToken")),
    ]
}

#[test]
fn a_token_of_the_environment_goes_with_its_keys_alone() {
    let mut stage = Stage::on("session-token", Login::of(minio()));
    for (name, value) in temporary(&stage) {
        stage.set(name, &value);
    }
    let endpoint = stage.login.endpoint.clone();
    stage.set("AWS_ENDPOINT_URL_S3", &endpoint);
    let provider = stage.provider("");
    let start = provider.find("s3_compatible {").expect("a block");
    let block = stage.bucket_block(
        "on_destroy = \"delete_everything\"",
        "create_access_key = true",
    );
    stage.write_raw(&format!("{}}}\n{block}", &provider[..start]));
    stage.apply();
    stage.assert_empty_plan();
    // Keys of the block, while the token of another key is around.
    stage.write(&block);
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
    // Without its token a temporary key is nobody's.
    stage.set("AWS_SESSION_TOKEN", "");
    stage.write_raw(&format!("{}}}\n{block}", &provider[..start]));
    stage.plan_fails();
}
