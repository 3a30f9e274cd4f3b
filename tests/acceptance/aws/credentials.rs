//! Where credentials, region and addresses for AWS come from. The stand-in checks keys, so
//! an empty plan of a bucket that is there says that the right ones were found.

use std::fs;

use serde_json::json;

use super::Stage;
use super::callers::{caller, iam, new_key, role, root};
use crate::harness::{ACCOUNT, Aws, Login, THIS, hcl};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A bucket that is there, and an environment that says nothing but the addresses.
fn stage(name: &str) -> Stage {
    let mut stage = Stage::on(name, root());
    stage.set("AWS_ENDPOINT_URL", &root().endpoint);
    let home = stage.path().display().to_string();
    stage.set("HOME", &home);
    stage.write_bucket("", "");
    stage.apply();
    stage
}

/// The provider's block `aws` with these arguments and nothing else.
fn block(stage: &Stage, arguments: &str) {
    stage.write_raw(&hcl!(
        r#"
            terraform {
              required_providers {
                wandb = { source = "wandb-byob/wandb" }
              }
            }
            provider "wandb" {
              deployment = "dedicated"
              max_retries = 0
              aws {
                <arguments>
              }
            }
            <bucket>
        "#,
        arguments,
        bucket = stage.bucket_block("", "")
    ));
}

/// Writes a file below the working directory; its path.
fn file(stage: &Stage, name: &str, text: &str) -> String {
    let path = stage.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// Puts the bucket's resource back under the administrator, and destroys it.
fn end(stage: &Stage) {
    stage.write_bucket("", "");
    stage.destroy();
}

#[test]
fn credentials_and_addresses_of_the_environment_are_used() {
    let mut stage = stage("aws-c-env");
    let Login {
        access_key,
        secret_key,
        endpoint,
    } = root();
    block(&stage, r#"region = "us-east-1""#);
    let text = stage.plan_fails();
    assert!(
        text.contains("there are no credentials to ask with"),
        "{text}"
    );
    assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    stage.set("AWS_ACCESS_KEY_ID", &access_key);
    stage.set("AWS_SECRET_ACCESS_KEY", &secret_key);
    stage.assert_empty_plan();
    stage.set("AWS_ENDPOINT_URL", NOWHERE);
    assert!(stage.plan_fails().contains("Connection refused"));
    for service in ["S3", "KMS", "IAM", "STS"] {
        stage.set(&format!("AWS_ENDPOINT_URL_{service}"), &endpoint);
    }
    stage.assert_empty_plan();
    // The block has the last word.
    stage.set("AWS_ENDPOINT_URL_S3", NOWHERE);
    let own = hcl!(
        r#"
            region = "us-east-1"
            endpoints {
              s3 = "<endpoint>"
            }
        "#,
        endpoint
    );
    block(&stage, &own);
    stage.assert_empty_plan();
    stage.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    assert!(stage.plan_fails().contains("InvalidAccessKeyId"));
    end(&stage);
}

#[test]
fn credentials_and_region_of_a_profile_are_used() {
    let mut stage = stage("aws-c-profile");
    let Login {
        access_key,
        secret_key,
        ..
    } = caller("of-profile", &["*".to_owned()]);
    let keys = hcl!(
        r#"
            [team]
            aws_access_key_id = <access_key>
            aws_secret_access_key = <secret_key>
        "#,
        access_key,
        secret_key
    );
    let credentials = file(&stage, "aws/credentials", &keys);
    let config = hcl!(
        r#"
            [profile team]
            region = us-east-1
            [profile other]
            region = eu-west-1
        "#
    );
    let config = file(&stage, "aws/config", &config);
    stage.set("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    stage.set("AWS_CONFIG_FILE", &config);
    block(&stage, r#"profile = "team""#);
    stage.assert_empty_plan();
    block(&stage, "");
    assert!(stage.plan_fails().contains("no credentials"));
    stage.set("AWS_PROFILE", "team");
    stage.assert_empty_plan();
    // An account that the configuration does not expect is not even looked at.
    block(&stage, r#"allowed_account_ids = ["999999999999"]"#);
    let text = stage.plan_fails();
    assert!(
        text.contains(ACCOUNT) && text.contains("user/of-profile"),
        "{text}"
    );
    block(
        &stage,
        &hcl!(r#"allowed_account_ids = ["<account>"]"#, account = ACCOUNT),
    );
    stage.assert_empty_plan();
    block(
        &stage,
        r#"
            profile = "nobodys"
            region = "us-east-1"
        "#,
    );
    let text = stage.plan_fails();
    assert!(text.contains("nobodys"), "{text}");
    end(&stage);
}

#[test]
fn a_role_is_assumed_by_a_users_key() {
    let mut stage = stage("aws-c-role");
    let user = caller("may-take-roles", &["sts:AssumeRole".to_owned()]);
    let trust = json!({"Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:user/may-take-roles")},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "from-wandb"}}});
    let deploy = role("deploy", trust);
    stage.set("AWS_ACCESS_KEY_ID", &user.access_key);
    stage.set("AWS_SECRET_ACCESS_KEY", &user.secret_key);
    block(&stage, r#"region = "us-east-1""#);
    assert!(stage.plan_fails().contains("AccessDenied"));
    let write = |external_id: &str| {
        let arguments = hcl!(
            r#"
                region = "us-east-1"
                assume_role_arn = "<deploy>"
                external_id = "<external_id>"
            "#,
            deploy,
            external_id
        );
        block(&stage, &arguments);
    };
    write("from-wandb");
    stage.assert_empty_plan();
    // Something is written with it as well, and signed for the browser.
    stage.s3_ok("delete_bucket_cors", json!({}));
    stage.apply();
    stage.assert_empty_plan();
    write("another");
    let text = stage.plan_fails();
    assert!(
        text.contains("AccessDenied") && text.contains("trust policy"),
        "{text}"
    );
    end(&stage);
}

/// By the environment, and by the block.
#[test]
fn a_role_is_assumed_by_an_identity_token() {
    let mut stage = stage("aws-c-web");
    let token = file(&stage, "token", "a.web.token\n");
    let trust =
        json!({"Principal": {"Federated": "oidc"}, "Action": "sts:AssumeRoleWithWebIdentity"});
    let web = role("web", trust);
    // Empty is as good as not set.
    stage.set("AWS_ACCESS_KEY_ID", "");
    stage.set("AWS_SECRET_ACCESS_KEY", "");
    block(
        &stage,
        &hcl!(
            r#"
                region = "us-east-1"
                assume_role_with_web_identity = {
                  role_arn = "<web>"
                  web_identity_token_file = "<token>"
                  session_name = "ci"
                }
                allowed_account_ids = ["999999999999"]
            "#,
            web,
            token
        ),
    );
    let text = stage.plan_fails();
    assert!(text.contains("assumed-role/web/ci"), "{text}");
    stage.set("AWS_ROLE_ARN", &web);
    stage.set("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    block(&stage, r#"region = "us-east-1""#);
    stage.assert_empty_plan();
    // STS by the block, whatever the environment says.
    stage.set("AWS_ENDPOINT_URL_STS", NOWHERE);
    let endpoint = root().endpoint;
    let given = hcl!(
        r#"
            region = "us-east-1"
            assume_role_with_web_identity = {
              role_arn = "<web>"
              web_identity_token_file = "<token>"
            }
            endpoints {
              sts = "<endpoint>"
            }
        "#,
        web,
        token,
        endpoint
    );
    block(&stage, &given);
    stage.assert_empty_plan();
    block(&stage, &given.replace(&token, "/nowhere/token"));
    assert!(stage.plan_fails().contains("/nowhere/token"));
    end(&stage);
}

#[test]
fn credentials_of_single_sign_on_are_used() {
    let mut stage = stage("aws-c-sso");
    role(
        "signed-on",
        json!({"Principal": "*", "Action": "sts:AssumeRole"}),
    );
    let config = hcl!(
        r#"
            [profile team]
            region = us-east-1
            sso_session = corp
            sso_account_id = <account>
            sso_role_name = signed-on
            [sso-session corp]
            sso_region = us-east-1
            sso_start_url = https://corp.awsapps.com/start
        "#,
        account = ACCOUNT
    );
    let config = file(&stage, "aws/config", &config);
    stage.set("AWS_CONFIG_FILE", &config);
    block(&stage, r#"profile = "team""#);
    let text = stage.plan_fails();
    assert!(text.contains("aws sso login"), "{text}");
    // The cache is named after the SHA-1 of "corp".
    let cached = json!({"accessToken": "signed-on", "expiresAt": "2099-01-01T00:00:00Z",
        "region": "us-east-1", "startUrl": "https://corp.awsapps.com/start"});
    let name = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    file(&stage, name, &cached.to_string());
    stage.assert_empty_plan();
    file(&stage, name, &cached.to_string().replace("2099", "2001"));
    let text = stage.plan_fails();
    assert!(text.contains("aws sso login"), "{text}");
    end(&stage);
}

#[test]
fn certificates_of_the_environment_are_trusted() {
    let mut stage = Stage::new("aws-c-tls");
    stage.set("AWS_ENDPOINT_URL", &Aws::behind_tls().endpoint);
    stage.set("AWS_ACCESS_KEY_ID", &stage.login.access_key.clone());
    stage.set("AWS_SECRET_ACCESS_KEY", "any");
    block(&stage, r#"region = "us-east-1""#);
    let text = stage.plan_fails();
    assert!(text.contains("certificate"), "{text}");
    let none = file(&stage, "none.pem", "no certificate");
    for (bundle, words) in [
        ("/nowhere.pem", "/nowhere.pem"),
        (none.as_str(), "AWS_CA_BUNDLE"),
    ] {
        stage.set("AWS_CA_BUNDLE", bundle);
        let text = stage.plan_fails();
        assert!(text.contains(words), "{text}");
    }
    stage.set("AWS_CA_BUNDLE", &Aws::certificate());
    assert_eq!(stage.plan().actions(THIS), ["create"]);
}

#[test]
fn without_credentials_nobody_waits_for_a_machines_role() {
    let stage = Stage::new("aws-c-none");
    block(&stage, r#"region = "us-east-1""#);
    let began = std::time::Instant::now();
    let text = stage.plan_fails();
    assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn the_callers_new_key_is_used_at_once() {
    let everything = ["*".to_owned()];
    let first = caller("rotating", &everything);
    let mut stage = Stage::on("aws-rotating", first.clone());
    stage.write_bucket("", "");
    stage.apply();
    let second = new_key("rotating");
    let old = json!({"UserName": "rotating", "AccessKeyId": first.access_key});
    iam("delete_access_key", old);
    assert!(stage.plan_fails().contains("InvalidAccessKeyId"));
    stage.login = second;
    stage.write_bucket("", "");
    stage.assert_empty_plan();
    stage.destroy();
}
