//! The instance's own check of a container of Azure's, against the simulated Azure.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use simulator::azure;
use simulator::wandb::{Azure, Config};

use crate::{Talk, config};

const ORIGIN: &str = "https://app.test";
const SUBJECT: &str = "system:serviceaccount:default:wandb-app";

/// An instance and the Azure that it reaches, with the container `teams` in the account
/// `acmewandb`.
struct Both {
    talk: Talk,
    azure: azure::Instance,
    issuer: String,
}

impl Both {
    async fn start() -> Self {
        let azure = azure::Instance::start(azure::Config::default())
            .await
            .unwrap();
        let addresses = azure.addresses().clone();
        let issuer = format!("{}/cluster", addresses.issuer);
        let talk = Talk::with(Config {
            origin: ORIGIN.to_owned(),
            azure: Some(Azure {
                authority: addresses.authority,
                blob: addresses.blob,
                control: addresses.control,
                issuer: issuer.clone(),
                subject: SUBJECT.to_owned(),
            }),
            certificates: Some(azure.authority_pem().to_owned()),
            ..config()
        })
        .await;
        let both = Self {
            talk,
            azure,
            issuer,
        };
        let rule = json!({"allowedOrigins": ["*"], "allowedMethods": ["GET", "HEAD", "PUT"],
            "allowedHeaders": ["*"], "exposedHeaders": ["*"], "maxAgeInSeconds": 3600});
        both.control("POST", "/accounts/acmewandb", json!({}));
        both.control("POST", "/accounts/acmewandb/containers/teams", json!({}));
        let cors = json!({"blob_service": {"cors": {"corsRules": [rule]}}});
        both.control("PATCH", "/accounts/acmewandb", cors);
        both
    }

    fn control(&self, method: &str, path: &str, body: Value) -> Value {
        self.azure.control(method, path, &body).unwrap()
    }

    /// An identity that the instance's cluster may be, with a role on the account.
    fn identity(&self, role: &str, subject: &str) -> Value {
        let made = self.control("POST", "/principals", json!({}));
        let id = &made["object_id"];
        let credential = json!({"principal": id, "issuer": self.issuer, "subject": subject});
        self.control("POST", "/credentials", credential);
        let scope = self.control("GET", "/accounts/acmewandb", json!({}))["id"].clone();
        let grant = json!({"principal": id, "role": role, "scope": scope});
        self.control("POST", "/grants", grant);
        made
    }

    fn bucket(identity: &Value) -> Value {
        json!({"name": "acmewandb", "provider": "AZURE", "path": "teams/omega",
            "azureTenantId": identity["tenant_id"], "azureClientId": identity["client_id"]})
    }

    /// What a team is refused for.
    async fn refused(&self, bucket: Value) -> String {
        let (status, answer) = self.talk.make_team_with("omega", bucket).await;
        assert_eq!(status, 400, "{answer}");
        let words = answer["detail"].as_str().unwrap().to_owned();
        assert!(
            !words.contains("sig=") && !words.contains("Trace ID"),
            "{words}"
        );
        words
    }
}

#[tokio::test]
async fn an_identity_with_a_role_makes_a_team() {
    let both = Both::start().await;
    let identity = both.identity("Storage Blob Data Owner", SUBJECT);
    let (status, made) = both
        .talk
        .make_team_with("omega", Both::bucket(&identity))
        .await;
    assert_eq!(status, 201, "{made}");
    let requests = both.azure.requests();
    let written = requests
        .iter()
        .find(|one| one.service == "blob" && one.method == "PUT");
    let written = written.unwrap();
    assert!(
        written
            .path
            .starts_with("/acmewandb/teams/omega/.wandb-connection-test"),
        "{written:?}"
    );
    assert_eq!(written.caller, "sas");
    assert!(both.azure.blobs("acmewandb", "teams").is_empty());
}

#[tokio::test]
async fn an_identity_that_is_not_let_in_makes_none() {
    let both = Both::start().await;
    let stranger = both.identity("Storage Blob Data Owner", "system:serviceaccount:other:pod");
    let words = both.refused(Both::bucket(&stranger)).await;
    assert!(words.contains("AADSTS700213"), "{words}");
    let reader = both.identity("Storage Blob Data Reader", SUBJECT);
    let words = both.refused(Both::bucket(&reader)).await;
    assert!(
        words.contains("PutBlob failed: AuthorizationPermissionMismatch"),
        "{words}"
    );
    let nobody = both.identity("Reader", SUBJECT);
    let words = both.refused(Both::bucket(&nobody)).await;
    assert!(words.contains("GetUserDelegationKey failed"), "{words}");
    let without = json!({"name": "acmewandb", "provider": "AZURE", "path": "teams"});
    let words = both.refused(without).await;
    assert!(words.contains("client id"), "{words}");
    let owner = both.identity("Storage Blob Data Owner", SUBJECT);
    let mut elsewhere = Both::bucket(&owner);
    elsewhere["path"] = json!("nowhere");
    let words = both.refused(elsewhere).await;
    assert!(words.contains("ContainerNotFound"), "{words}");
}

#[tokio::test]
async fn a_key_in_the_file_stores_is_as_good() {
    let both = Both::start().await;
    let account = both.control("GET", "/accounts/acmewandb", json!({}));
    let key = account["keys"][0].as_str().unwrap();
    let encoded = utf8_percent_encode(key, NON_ALPHANUMERIC);
    let entry = format!("az://:{encoded}@acmewandb/teams");
    both.talk.instance.add_store(&entry);
    let query = "mutation($input: StorageBucketInfoInput!) {
        testBucketStoreConnection(input: $input) { message severity } }";
    let input = json!({"input": {"name": "acmewandb", "provider": "AZURE"}});
    let answer = both.talk.graphql(query, input.clone()).await;
    assert_eq!(answer["data"]["testBucketStoreConnection"], json!([]));
    let bucket = json!({"name": "acmewandb", "provider": "AZURE", "path": "teams/omega"});
    let (status, made) = both.talk.make_team_with("omega", bucket).await;
    assert_eq!(status, 201, "{made}");
    let none = json!({"blob_service": {"cors": {"corsRules": []}}});
    both.control("PATCH", "/accounts/acmewandb", none);
    let answer = both.talk.graphql(query, input.clone()).await;
    let found = &answer["data"]["testBucketStoreConnection"];
    assert_eq!(found[0]["severity"], "WARN", "{found}");
    let closed = json!({"properties": {"allowSharedKeyAccess": false}});
    both.control("PATCH", "/accounts/acmewandb", closed);
    let answer = both.talk.graphql(query, input).await;
    let found = &answer["data"]["testBucketStoreConnection"];
    assert_eq!(found[0]["severity"], "ERROR", "{found}");
    let words = found[0]["message"].as_str().unwrap();
    assert!(
        words.contains("KeyBasedAuthenticationNotPermitted"),
        "{words}"
    );
}
