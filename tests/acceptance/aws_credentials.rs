//! Where credentials, region and addresses for AWS come from. The stand-in checks keys, so
//! an empty plan of a bucket that is there says that the right ones were found.

use std::fs;

use serde_json::json;

use crate::aws_callers::{caller, role, root};
use crate::aws_stage::{ACCOUNT, Amazon, behind_tls};
use crate::harness::{Login, moto};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A bucket that is there, and an environment that says nothing but the addresses.
fn stage(name: &str) -> Amazon {
    let mut amazon = Amazon::on(name, root());
    amazon.set("AWS_ENDPOINT_URL", &root().endpoint);
    let home = amazon.path().display().to_string();
    amazon.set("HOME", &home);
    amazon.give("", "");
    amazon.apply();
    amazon
}

/// The provider's block `aws` with these arguments and nothing else.
fn block(amazon: &Amazon, arguments: &str) {
    amazon.write_raw(&format!(
        "terraform {{\n required_providers {{\n wandb = {{ source = \"wandb-byob/wandb\" }}\n }}\n}}\n\
         provider \"wandb\" {{\n deployment = \"dedicated\"\n max_retries = 0\n aws {{\n {arguments}\n }}\n}}\n{}",
        amazon.resource("", "")
    ));
}

fn file(amazon: &Amazon, name: &str, text: &str) -> String {
    let path = amazon.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// Puts the bucket's resource back under the administrator, and destroys it.
fn end(amazon: &Amazon) {
    amazon.give("", "");
    amazon.destroy();
}

#[test]
fn aws_credentials_of_the_environment_and_addresses_of_each_service() {
    let mut amazon = stage("aws-c-env");
    let Login {
        access_key,
        secret_key,
        endpoint,
    } = root();
    block(&amazon, "region = \"us-east-1\"");
    let text = amazon.plan_fails();
    assert!(
        text.contains("there are no credentials to ask with"),
        "{text}"
    );
    assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    amazon.set("AWS_ACCESS_KEY_ID", &access_key);
    amazon.set("AWS_SECRET_ACCESS_KEY", &secret_key);
    amazon.assert_empty_plan();
    amazon.set("AWS_ENDPOINT_URL", NOWHERE);
    assert!(amazon.plan_fails().contains("Connection refused"));
    for service in ["S3", "KMS", "IAM", "STS"] {
        amazon.set(&format!("AWS_ENDPOINT_URL_{service}"), &endpoint);
    }
    amazon.assert_empty_plan();
    // The block has the last word.
    amazon.set("AWS_ENDPOINT_URL_S3", NOWHERE);
    let own = format!("region = \"us-east-1\"\n endpoints {{\n s3 = \"{endpoint}\"\n }}");
    block(&amazon, &own);
    amazon.assert_empty_plan();
    amazon.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    assert!(amazon.plan_fails().contains("InvalidAccessKeyId"));
    end(&amazon);
}

#[test]
fn aws_credentials_and_region_of_a_profile() {
    let mut amazon = stage("aws-c-profile");
    let Login {
        access_key,
        secret_key,
        ..
    } = caller("of-profile", &["*".to_owned()]);
    let keys =
        format!("[team]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n");
    let credentials = file(&amazon, "aws/credentials", &keys);
    let config = "[profile team]\nregion = us-east-1\n[profile other]\nregion = eu-west-1\n";
    let config = file(&amazon, "aws/config", config);
    amazon.set("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    amazon.set("AWS_CONFIG_FILE", &config);
    block(&amazon, "profile = \"team\"");
    amazon.assert_empty_plan();
    block(&amazon, "");
    assert!(amazon.plan_fails().contains("no credentials"));
    amazon.set("AWS_PROFILE", "team");
    amazon.assert_empty_plan();
    // An account that the configuration does not expect is not even looked at.
    block(&amazon, "allowed_account_ids = [\"999999999999\"]");
    let text = amazon.plan_fails();
    assert!(
        text.contains(ACCOUNT) && text.contains("user/of-profile"),
        "{text}"
    );
    block(&amazon, &format!("allowed_account_ids = [\"{ACCOUNT}\"]"));
    amazon.assert_empty_plan();
    block(&amazon, "profile = \"nobodys\"\n region = \"us-east-1\"");
    let text = amazon.plan_fails();
    assert!(text.contains("nobodys"), "{text}");
    end(&amazon);
}

#[test]
fn aws_credentials_of_roles() {
    let mut amazon = stage("aws-c-role");
    let user = caller("may-take-roles", &["sts:AssumeRole".to_owned()]);
    let trust = json!({"Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:user/may-take-roles")},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "from-wandb"}}});
    let deploy = role("deploy", trust);
    amazon.set("AWS_ACCESS_KEY_ID", &user.access_key);
    amazon.set("AWS_SECRET_ACCESS_KEY", &user.secret_key);
    block(&amazon, "region = \"us-east-1\"");
    assert!(amazon.plan_fails().contains("AccessDenied"));
    let taken = format!("region = \"us-east-1\"\n assume_role_arn = \"{deploy}\"\n");
    block(&amazon, &format!("{taken} external_id = \"from-wandb\""));
    amazon.assert_empty_plan();
    // Something is written with it as well, and signed for the browser.
    amazon.s3_ok("delete_bucket_cors", json!({}));
    amazon.apply();
    amazon.assert_empty_plan();
    block(&amazon, &format!("{taken} external_id = \"another\""));
    let text = amazon.plan_fails();
    assert!(
        text.contains("AccessDenied") && text.contains("trust policy"),
        "{text}"
    );

    // A role by an identity token: by the environment, and by the block.
    let token = file(&amazon, "token", "a.web.token\n");
    let trust =
        json!({"Principal": {"Federated": "oidc"}, "Action": "sts:AssumeRoleWithWebIdentity"});
    let web = role("web", trust);
    amazon.set("AWS_ACCESS_KEY_ID", "");
    amazon.set("AWS_SECRET_ACCESS_KEY", "");
    block(
        &amazon,
        &format!(
            "region = \"us-east-1\"\n assume_role_with_web_identity = {{\n role_arn = \"{web}\"\n \
             web_identity_token_file = \"{token}\"\n session_name = \"ci\"\n }}\n \
             allowed_account_ids = [\"999999999999\"]"
        ),
    );
    let text = amazon.plan_fails();
    assert!(text.contains("assumed-role/web/ci"), "{text}");
    amazon.set("AWS_ROLE_ARN", &web);
    amazon.set("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    block(&amazon, "region = \"us-east-1\"");
    amazon.assert_empty_plan();
    // STS by the block, whatever the environment says.
    amazon.set("AWS_ENDPOINT_URL_STS", NOWHERE);
    let endpoint = root().endpoint;
    let given = format!(
        "region = \"us-east-1\"\n assume_role_with_web_identity = {{\n role_arn = \"{web}\"\n \
         web_identity_token_file = \"{token}\"\n }}\n endpoints {{\n sts = \"{endpoint}\"\n }}"
    );
    block(&amazon, &given);
    amazon.assert_empty_plan();
    block(&amazon, &given.replace(&token, "/nowhere/token"));
    assert!(amazon.plan_fails().contains("/nowhere/token"));
    end(&amazon);
}

#[test]
fn aws_credentials_of_single_sign_on() {
    let mut amazon = stage("aws-c-sso");
    role(
        "signed-on",
        json!({"Principal": "*", "Action": "sts:AssumeRole"}),
    );
    let config = format!(
        "[profile team]\nregion = us-east-1\nsso_session = corp\nsso_account_id = {ACCOUNT}\n\
         sso_role_name = signed-on\n[sso-session corp]\nsso_region = us-east-1\n\
         sso_start_url = https://corp.awsapps.com/start\n"
    );
    let config = file(&amazon, "aws/config", &config);
    amazon.set("AWS_CONFIG_FILE", &config);
    block(&amazon, "profile = \"team\"");
    let text = amazon.plan_fails();
    assert!(text.contains("aws sso login"), "{text}");
    // The cache is named after the SHA-1 of "corp".
    let cached = json!({"accessToken": "signed-on", "expiresAt": "2099-01-01T00:00:00Z", "region": "us-east-1",
        "startUrl": "https://corp.awsapps.com/start"});
    let name = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    file(&amazon, name, &cached.to_string());
    amazon.assert_empty_plan();
    file(&amazon, name, &cached.to_string().replace("2099", "2001"));
    let text = amazon.plan_fails();
    assert!(text.contains("aws sso login"), "{text}");
    end(&amazon);
}

#[test]
fn aws_certificates_of_the_environment() {
    let mut amazon = Amazon::new("aws-c-tls");
    amazon.set("AWS_ENDPOINT_URL", &behind_tls().endpoint);
    amazon.set("AWS_ACCESS_KEY_ID", &Login::of(moto()).access_key);
    amazon.set("AWS_SECRET_ACCESS_KEY", "any");
    block(&amazon, "region = \"us-east-1\"");
    let text = amazon.plan_fails();
    assert!(text.contains("certificate"), "{text}");
    let none = file(&amazon, "none.pem", "no certificate");
    for (bundle, told) in [
        ("/nowhere.pem", "/nowhere.pem"),
        (none.as_str(), "AWS_CA_BUNDLE"),
    ] {
        amazon.set("AWS_CA_BUNDLE", bundle);
        let text = amazon.plan_fails();
        assert!(text.contains(told), "{text}");
    }
    amazon.set(
        "AWS_CA_BUNDLE",
        &behind_tls().certificate.display().to_string(),
    );
    assert_eq!(amazon.plan().actions("wandb_byob_bucket.this"), ["create"]);
}

#[test]
fn aws_without_credentials_nobody_waits_for_a_machines_role() {
    let amazon = Amazon::new("aws-c-none");
    block(&amazon, "region = \"us-east-1\"");
    let began = std::time::Instant::now();
    let text = amazon.plan_fails();
    assert!(text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
