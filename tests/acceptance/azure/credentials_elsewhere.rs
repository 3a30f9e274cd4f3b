//! Ways to sign in to Azure without a secret: tokens of elsewhere, identities of machines, and
//! Microsoft's own command.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::credentials::{block, end, file, helper, stage, told};
use super::{Stage, text};
use crate::harness::hcl;

const SUBJECT: &str = "system:serviceaccount:ci:terraform";

/// Who trusts tokens of a cluster for the caller; its client id, and a way to such tokens.
fn trusted(stage: &Stage) -> (String, String) {
    let (principal, client) = helper(stage);
    let issuer = format!("{}/ci", stage.cloud().addresses().issuer);
    let credential = json!({"principal": principal, "issuer": issuer, "subject": SUBJECT});
    stage.login.control("POST", "/credentials", credential);
    (client, issuer)
}

fn token(stage: &Stage, issuer: &str, subject: &str) -> String {
    let asked = json!({"issuer": issuer, "subject": subject});
    let given = stage.login.control("POST", "/cluster-tokens", asked);
    text(&given["token"])
}

/// Subscription, tenant and client, and more.
fn who(stage: &Stage, client: &str, more: &str) -> String {
    hcl!(
        r#"
            subscription_id = "<subscription>"
            tenant_id = "<tenant>"
            client_id = "<client>"
            <more>
        "#,
        subscription = told(stage, "subscription_id"),
        tenant = told(stage, "tenant_id"),
        client,
        more
    )
}

#[test]
fn a_token_of_elsewhere_is_an_argument_a_file_or_a_variable() {
    let mut stage = stage("az-o-token");
    let (client, issuer) = trusted(&stage);
    let given = token(&stage, &issuer, SUBJECT);
    let path = file(&stage, "token", &format!("{given}\n"));
    for more in [
        format!("oidc_token = \"{given}\""),
        format!("use_oidc = true\noidc_token = \"{given}\""),
        format!("oidc_token_file_path = {path:?}"),
    ] {
        block(&stage, &who(&stage, &client, &more));
        stage.assert_empty_plan();
    }
    block(&stage, &who(&stage, &client, ""));
    for (name, value) in [
        ("ARM_OIDC_TOKEN", given.as_str()),
        ("ARM_OIDC_TOKEN_FILE_PATH", path.as_str()),
        ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
    ] {
        stage.set(name, value);
        stage.assert_empty_plan();
        stage.set(name, "");
    }
    // Nobody trusts this one.
    let other = token(&stage, &issuer, "system:serviceaccount:ci:other");
    stage.set("ARM_OIDC_TOKEN", &other);
    let text = stage.plan_fails();
    assert!(text.contains("AADSTS70"), "{text}");
    assert!(text.contains("federated credential"), "{text}");
    assert!(!text.contains(&other), "{text}");
    stage.set("ARM_OIDC_TOKEN", "");
    // Said not to be wanted, the token is not looked at.
    let secret = format!("client_secret = \"x\"\nuse_oidc = false\noidc_token = \"{given}\"");
    block(&stage, &who(&stage, &client, &secret));
    assert!(stage.plan_fails().contains("AADSTS7000215"));
    let missing = stage.path().join("none").display().to_string();
    let more = format!("oidc_token_file_path = {missing:?}");
    block(&stage, &who(&stage, &client, &more));
    let text = stage.plan_fails();
    assert!(text.contains(&missing), "{text}");
    end(&stage);
}

/// A runner's address for tokens: answers what it is told to, and writes down what it was asked.
struct Runner {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Runner {
    fn start(token: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else {
                    return;
                };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    match connection.read(&mut byte) {
                        Ok(1) => head.push(byte[0]),
                        _ => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let is_allowed = head
                    .to_lowercase()
                    .contains("authorization: bearer run-token");
                log.lock().expect("no panic").push(head);
                let (status, body) = if is_allowed {
                    ("200 OK", json!({ "value": token }).to_string())
                } else {
                    ("401 Unauthorized", "{}".to_owned())
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).ok();
            }
        });
        Self { address, asked }
    }
}

#[test]
fn a_runner_gives_a_token_to_whoever_asks() {
    let mut stage = stage("az-o-runner");
    let (client, issuer) = trusted(&stage);
    let runner = Runner::start(token(&stage, &issuer, SUBJECT));
    block(&stage, &who(&stage, &client, "use_oidc = true"));
    let text = stage.plan_fails();
    assert!(text.contains("ARM_OIDC_REQUEST_URL"), "{text}");
    assert!(text.contains("id-token: write"), "{text}");
    for (url, secret) in [
        ("ARM_OIDC_REQUEST_URL", "ARM_OIDC_REQUEST_TOKEN"),
        (
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ),
    ] {
        stage.set(url, &format!("{}/token?run=1", runner.address));
        stage.set(secret, "run-token");
        stage.assert_empty_plan();
        let asked = runner.asked.lock().expect("no panic").join("\n");
        assert!(
            asked.contains("run=1&audience=api%3A%2F%2FAzureADTokenExchange"),
            "{asked}"
        );
        stage.set(secret, "hunter2-hunter2");
        let text = stage.plan_fails();
        assert!(text.contains("401"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        stage.set(url, "");
        stage.set(secret, "");
    }
    // A token for a token does not travel in the clear.
    stage.set("ARM_OIDC_REQUEST_URL", "http://runner.example.com/token");
    stage.set("ARM_OIDC_REQUEST_TOKEN", "run-token");
    let text = stage.plan_fails();
    assert!(text.contains("Invalid ARM_OIDC_REQUEST_URL"), "{text}");
    end(&stage);
}

/// The identity of a machine is that of the service that it runs as.
fn managed(stage: &Stage) -> (String, String) {
    let (principal, client) = helper(stage);
    let machine = json!({"principals": [principal]});
    stage.login.control("POST", "/machine", machine);
    (principal, client)
}

#[test]
fn a_managed_identity_of_an_app_is_used() {
    let mut stage = stage("az-m-app");
    let (_, client) = managed(&stage);
    let subscription = format!("subscription_id = \"{}\"", told(&stage, "subscription_id"));
    stage.set("IDENTITY_ENDPOINT", &told(&stage, "identity_endpoint"));
    stage.set("IDENTITY_HEADER", &told(&stage, "identity_header"));
    for more in [
        "use_msi = true".to_owned(),
        format!("use_msi = true\nclient_id = \"{client}\""),
    ] {
        block(&stage, &format!("{subscription}\n{more}"));
        stage.assert_empty_plan();
    }
    block(&stage, &subscription);
    stage.set("ARM_USE_MSI", "true");
    stage.assert_empty_plan();
    stage.set("IDENTITY_HEADER", "hunter2-hunter2");
    let text = stage.plan_fails();
    assert!(text.contains("managed identity"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    stage.set("ARM_USE_MSI", "perhaps");
    let text = stage.plan_fails();
    assert!(text.contains("Invalid ARM_USE_MSI"), "{text}");
    stage.set("ARM_USE_MSI", "");
    end(&stage);
}

/// The address of a virtual machine's own service is fixed; a proxy leads it to the simulated
/// one.
#[test]
fn the_managed_identity_of_a_virtual_machine_is_used() {
    let mut stage = stage("az-m-vm");
    let (_, client) = managed(&stage);
    let subscription = format!("subscription_id = \"{}\"", told(&stage, "subscription_id"));
    stage.set("HTTP_PROXY", &told(&stage, "imds_endpoint"));
    stage.set("http_proxy", &told(&stage, "imds_endpoint"));
    for more in [
        "use_msi = true".to_owned(),
        format!("use_msi = true\nclient_id = \"{client}\""),
    ] {
        block(&stage, &format!("{subscription}\n{more}"));
        stage.assert_empty_plan();
    }
    let other = "99999999-9999-4999-a999-999999999999";
    let more = format!("{subscription}\nuse_msi = true\nclient_id = \"{other}\"");
    block(&stage, &more);
    let text = stage.plan_fails();
    assert!(text.contains("client_id"), "{text}");
    end(&stage);
}

/// A command `az` that gives this token, and writes down what it was asked.
fn command(stage: &mut Stage, script: &str) {
    let folder = stage.path().join("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("az");
    std::fs::write(&path, script).expect("written");
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, permissions).expect("set");
    let before = std::env::var("PATH").expect("a path");
    stage.set("PATH", &format!("{}:{before}", folder.display()));
}

#[test]
fn microsofts_command_is_asked_last() {
    let mut stage = stage("az-cli");
    let (principal, _) = helper(&stage);
    let give = |audience: &str| {
        let asked = json!({"principal": principal, "audience": audience});
        let given = stage.login.control("POST", "/tokens", asked);
        let answer = json!({"accessToken": given["access_token"], "expiresOn":
            "2030-01-01 00:00:00.000000", "expires_on": 1_893_456_000, "tokenType": "Bearer"});
        answer.to_string()
    };
    let arm = give("https://management.azure.com/");
    let storage = give("https://storage.azure.com/");
    let log = stage.path().join("asked").display().to_string();
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {log}\ncase \"$*\" in\n*storage*) echo '{storage}' ;;\n*) echo \
         '{arm}' ;;\nesac\n"
    );
    command(&mut stage, &script);
    let subscription = format!("subscription_id = \"{}\"", told(&stage, "subscription_id"));
    let asked = || std::fs::read_to_string(&log).unwrap_or_default();
    // Whatever else is there comes first.
    let own = stage.login.credentials.clone();
    block(&stage, &own);
    stage.assert_empty_plan();
    assert_eq!(asked(), "");
    block(&stage, &subscription);
    stage.assert_empty_plan();
    assert!(asked().contains("account get-access-token"), "{}", asked());
    assert!(
        asked().contains(&told(&stage, "subscription_id")),
        "{}",
        asked()
    );
    let tenant = format!(
        "{subscription}\ntenant_id = \"{}\"",
        told(&stage, "tenant_id")
    );
    block(&stage, &tenant);
    stage.assert_empty_plan();
    assert!(asked().contains("--tenant"), "{}", asked());
    block(&stage, &format!("{subscription}\nuse_cli = false"));
    assert!(stage.plan_fails().contains("use_cli"));
    block(&stage, &subscription);
    stage.set("ARM_USE_CLI", "false");
    assert!(stage.plan_fails().contains("use_cli"));
    stage.set("ARM_USE_CLI", "");
    command(
        &mut stage,
        "#!/bin/sh\necho \"Please run 'az login' to setup account.\" >&2\nexit 1\n",
    );
    let text = stage.plan_fails();
    assert!(text.contains("az login"), "{text}");
    end(&stage);
}

#[test]
fn the_first_way_that_is_there_is_the_one() {
    let mut stage = stage("az-order");
    let (client, issuer) = trusted(&stage);
    let good = token(&stage, &issuer, SUBJECT);
    let path = file(&stage, "token", &good);
    // Each is no good, and stands before those that are.
    stage.set("ARM_USE_MSI", "true");
    stage.set("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token");
    stage.set("IDENTITY_HEADER", "x");
    stage.set("AZURE_FEDERATED_TOKEN_FILE", &path);
    block(&stage, &who(&stage, &client, ""));
    stage.assert_empty_plan();
    stage.set("AZURE_FEDERATED_TOKEN_FILE", "/nonexistent/token");
    stage.set("ARM_OIDC_TOKEN", &good);
    stage.assert_empty_plan();
    stage.set("ARM_OIDC_TOKEN", "e30.e30.e30");
    let own = stage.login.credentials.clone();
    block(&stage, &own);
    stage.assert_empty_plan();
    block(&stage, &who(&stage, &client, ""));
    let text = stage.plan_fails();
    assert!(text.contains("federated credential"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    for name in [
        "ARM_USE_MSI",
        "AZURE_FEDERATED_TOKEN_FILE",
        "ARM_OIDC_TOKEN",
    ] {
        stage.set(name, "");
    }
    end(&stage);
}
