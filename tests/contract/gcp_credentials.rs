//! Every way to sign in to Google Cloud, and what is said where one is no good.

use secrecy::SecretString;
use serde_json::json;
use simulator::gcs::Config;
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::CloudErrorKind;
use wandb_provider::byob::probe::{ProbeStep, Signed};
use wandb_provider::clouds::gcp::{Clients, Connection, CredentialSource};

use crate::gcp::{Google, connection, file, open_with};
use crate::gcp_own::{account, alone};
use crate::harness::{PROJECT, wait};
use crate::server::{Server, unused_name};

const AUDIENCE: &str =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/p";
const STRANGER: &str = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/s";
/// The role of the project's owner.
const OWNER: &str = "roles/owner";
/// The role that acts and signs as an account.
const CREATOR: &str = "roles/iam.serviceAccountTokenCreator";

/// Whether a bucket is found, and who asked for it as the server has seen it.
fn caller(server: &Google, connection: Connection) -> String {
    let bucket = unused_name("who");
    // Google's library looks at a new bucket once more by itself.
    let path = format!("/storage/v1/b?project={PROJECT}");
    let (status, body) = server.raw("POST", &path, &json!({"name": bucket}));
    assert_eq!(status, 200, "{body}");
    server.instance.clear_requests();
    let cloud = open_with(connection, &CancellationToken::new());
    let found = wait(cloud.look(&bucket)).unwrap_or_else(|error| panic!("{error}"));
    assert!(found.is_some());
    let requests = server.instance.requests();
    let look = requests.iter().find(|one| one.path.contains(&bucket));
    look.expect("a look").caller.clone()
}

fn with(server: &Google, credentials: CredentialSource) -> Connection {
    connection(&server.instance.url(), credentials)
}

#[test]
fn each_kind_of_credentials_signs_in() {
    let server = alone(Config {
        metadata_account: Some(format!("machine@{PROJECT}.iam.gserviceaccount.com")),
        ..Config::default()
    });
    let instance = &server.instance;
    let machine = format!("machine@{PROJECT}.iam.gserviceaccount.com");
    instance.add_account(&machine);
    for member in [
        account(&machine),
        "user:jane@example.com".to_owned(),
        STRANGER.to_owned(),
    ] {
        instance.grant_project(PROJECT, OWNER, &member);
    }
    let owner = instance.owner();
    let key = file(&instance.key_file(&owner).expect("a key"));
    assert_eq!(caller(server, with(server, key)), owner);
    let token = CredentialSource::AccessToken(SecretString::from(instance.token(&owner)));
    assert_eq!(caller(server, with(server, token)), owner);
    let person = file(&instance.user_file("jane@example.com"));
    assert_eq!(caller(server, with(server, person)), "jane@example.com");
    let by_machine = with(server, CredentialSource::Default);
    assert_eq!(caller(server, by_machine.clone()), machine);
    let clients = Clients::new(by_machine, |_| ()).expect("clients");
    let project = wait(clients.own_project(&CancellationToken::new()));
    assert_eq!(project.expect("told").as_deref(), Some(PROJECT));
    // Somebody else's identity provider.
    instance.add_foreign_token(AUDIENCE, "their-token", STRANGER);
    let source = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(source.path(), "their-token").expect("written");
    let mut pool = json!({
        "type": "external_account", "audience": AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": source.path()},
    });
    let stranger = with(server, file(&pool.to_string()));
    assert_eq!(caller(server, stranger), STRANGER);
    // And an account behind it.
    instance.grant_account(&owner, CREATOR, STRANGER);
    let url = instance.url();
    pool["service_account_impersonation_url"] = json!(format!(
        "{url}/v1/projects/-/serviceAccounts/{owner}:generateAccessToken"
    ));
    assert_eq!(caller(server, with(server, file(&pool.to_string()))), owner);
}

#[test]
fn an_account_is_acted_as_with_one_token() {
    let server = alone(Config::default());
    let instance = &server.instance;
    let caller_mail = format!("ci@{PROJECT}.iam.gserviceaccount.com");
    instance.add_account(&caller_mail);
    let key = instance.key_file(&caller_mail).expect("a key");
    let acting = Connection {
        impersonate: Some(instance.owner()),
        ..with(server, file(&key))
    };
    let bucket = unused_name("as");
    server.make(&bucket);
    let cloud = open_with(acting.clone(), &CancellationToken::new());
    let refused = wait(cloud.look(&bucket)).expect_err("refused");
    assert_eq!(refused.kind, CloudErrorKind::Denied);
    let hint = refused.hint.unwrap_or_default();
    assert!(hint.contains(CREATOR), "{hint}");
    instance.grant_account(&instance.owner(), CREATOR, &account(&caller_mail));
    assert_eq!(caller(server, acting.clone()), instance.owner());
    instance.clear_requests();
    let cloud = open_with(acting, &CancellationToken::new());
    for _ in 0..3 {
        wait(cloud.look(&bucket)).expect("an answer");
    }
    let paths = instance.requests();
    let tokens = paths
        .iter()
        .filter(|one| one.path.ends_with(":generateAccessToken"));
    assert_eq!(tokens.count(), 1);
    // It signs as that account, and once for a download and its headers.
    instance.clear_requests();
    let object = || "a".to_owned();
    for step in [
        ProbeStep::Get { object: object() },
        ProbeStep::Head { object: object() },
    ] {
        let signed = wait(cloud.sign(&bucket, &step, None)).expect("signed");
        assert!(matches!(signed, Signed::Request(_)), "{signed:?}");
    }
    let paths = instance.requests();
    let signatures = paths.iter().filter(|one| one.path.ends_with(":signBlob"));
    assert_eq!(signatures.count(), 1);
}

#[test]
fn what_cannot_sign_says_what_would_help() {
    let server = alone(Config::default());
    let instance = &server.instance;
    let bucket = unused_name("unable");
    server.make(&bucket);
    let put = ProbeStep::Put {
        object: "a".to_owned(),
    };
    let token =
        CredentialSource::AccessToken(SecretString::from(instance.token(&instance.owner())));
    let cloud = open_with(with(server, token), &CancellationToken::new());
    let Signed::Unable(why) = wait(cloud.sign(&bucket, &put, None)).expect("an answer") else {
        panic!("a token signs nothing");
    };
    assert!(why.contains("iam.serviceAccounts.signBlob"), "{why}");
    // What is not W&B's work needs no signature.
    let delete = ProbeStep::Delete {
        object: "a".to_owned(),
        version: None,
    };
    let Signed::Request(request) = wait(cloud.sign(&bucket, &delete, None)).expect("an answer")
    else {
        panic!("a token deletes");
    };
    let shown = format!("{request:?}");
    assert!(
        !shown.contains("ya29") && !shown.contains("Bearer"),
        "{shown}"
    );
}

#[test]
fn wrong_credentials_are_told_without_their_secrets() {
    let server = alone(Config::default());
    let instance = &server.instance;
    let removed = format!("gone@{PROJECT}.iam.gserviceaccount.com");
    let strange = instance
        .key_file(&instance.owner())
        .expect("a key")
        .replace(&instance.owner(), &removed);
    let person = instance
        .user_file("jane@example.com")
        .replace("1//", "1//x");
    for (what, source) in [
        ("no file", file("not-a-file")),
        ("no type", file(r#"{"private_key": "not-a-file"}"#)),
        ("unknown account", file(&strange)),
        ("revoked", file(&person)),
        (
            "no token",
            CredentialSource::AccessToken(SecretString::from("not-a-file")),
        ),
        ("no machine", CredentialSource::Default),
    ] {
        let cloud = open_with(with(server, source), &CancellationToken::new());
        let error = wait(cloud.look("any-bucket")).expect_err(what);
        assert_eq!(
            error.kind,
            CloudErrorKind::Unauthenticated,
            "{what}: {error}"
        );
        let told = format!("{error:?} {error}");
        assert!(
            !told.contains("not-a-file") && !told.contains("PRIVATE KEY"),
            "{told}"
        );
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.contains("GOOGLE_CREDENTIALS")),
            "{what}"
        );
    }
    let mut open = with(server, CredentialSource::Default);
    open.endpoints.storage = "http://192.0.2.1:80".parse().ok();
    let refused = Clients::new(open, |_| ())
        .map(drop)
        .map_err(|error| error.kind);
    assert_eq!(refused, Err(CloudErrorKind::Invalid));
}
