//! The simulated Azure, with Microsoft's own library, plain requests and the simulator's
//! switches as its side doors. Each bucket has an account of its own there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Certificate, Method};
use secrecy::SecretString;
use serde_json::{Value, json};
use simulator::azure::{Config, Instance};
use tokio_util::sync::CancellationToken;
use wandb_provider::byob::cloud::Cloud;
use wandb_provider::byob::identity::AccessKey;
use wandb_provider::byob::marker::KEY;
use wandb_provider::byob::observed::{CorsRule, EncryptionState, LifecycleRule, Versioning};
use wandb_provider::byob::spec::Setting;
use wandb_provider::clouds::azure::{
    Clients, Connection, CredentialSource, Endpoints, Entry, Environment, Place,
};

use crate::azure_accounts::{Accounts, MARKER};
use crate::azure_front;
use crate::harness::{GROUP, microsoft as ask_microsoft, wait};
use crate::server::{Caller, Deed, Holds, Seen, Server};

pub const SUBSCRIPTION: &str = "22222222-2222-4222-a222-222222222222";
/// The key of the marker in a container's metadata.
const METADATA: &str = "terraform_provider_wandb";
/// The tag that names the container that an account was made for.
const CONTAINER: &str = "terraform-provider-wandb-container";
/// What stays as it is in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.');

/// One simulated Azure.
pub struct Microsoft {
    pub instance: Instance,
    front: SocketAddr,
}

/// The simulated Azure that the promises share.
pub fn microsoft() -> &'static dyn Server {
    static SERVER: OnceLock<Microsoft> = OnceLock::new();
    SERVER.get_or_init(|| {
        Microsoft::start(Config {
            // Where to ask for the end of a long operation is an address of Azure's own, which
            // leads past a proxy.
            polls: 0,
            ..Config::default()
        })
    })
}

/// The account of a bucket: its name without what accounts' names cannot hold.
pub fn account(bucket: &str) -> String {
    let plain: String = bucket.chars().filter(|c| *c != '-').collect();
    plain[plain.len().saturating_sub(24)..].to_owned()
}

/// A bucket in an account that is made for it, with W&B by a key of the account.
pub fn place(bucket: &str) -> Place {
    Place {
        subscription: SUBSCRIPTION.to_owned(),
        group: GROUP.to_owned(),
        account: account(bucket),
        location: None,
        makes_account: true,
        replication: "ZRS".to_owned(),
        min_tls_version: "TLS1_2".to_owned(),
        shared_key_enabled: true,
        entry: Entry::Key("key1".to_owned()),
    }
}

fn text(from: &Value, name: &str) -> String {
    from[name].as_str().expect("a text").to_owned()
}

impl Microsoft {
    pub fn start(config: Config) -> Self {
        let instance = wait(Instance::start(config)).expect("Azure starts");
        let addresses = instance.addresses();
        let front = azure_front::start(
            &addresses.resource_manager,
            &addresses.blob,
            instance.authority_pem(),
        );
        let server = Self { instance, front };
        // An owner may do everything with accounts, and nothing with what blobs hold.
        let scope = format!("/subscriptions/{SUBSCRIPTION}");
        let grant = json!({"principal": server.instance.owner(), "scope": scope,
            "role": "Storage Blob Data Owner"});
        server.control("POST", "/grants", grant);
        server
    }

    /// Throws one of the simulator's switches, which has to work.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let thrown = self.instance.control(method, path, &body);
        thrown.unwrap_or_else(|error| panic!("{error}"))
    }

    /// An application with its secret, by default the owner.
    fn credentials(&self, of: &Value) -> CredentialSource {
        let of = if of.is_null() {
            self.instance.ready()
        } else {
            of.clone()
        };
        CredentialSource::ClientSecret {
            tenant: text(&of, "tenant_id"),
            client: text(&of, "client_id"),
            secret: SecretString::from(text(&of, "client_secret")),
        }
    }

    /// A connection to services at these addresses.
    fn clients(&self, credentials: CredentialSource, manager: &str, blob: &str) -> Arc<Clients> {
        let url = |text: &str| Some(text.parse().expect("an address"));
        let connection = Connection {
            credentials,
            environment: Environment::Public,
            endpoints: Endpoints {
                resource_manager: url(manager),
                authority: url(&self.instance.addresses().authority),
                blob: Some(blob.to_owned()),
            },
            max_retries: 2,
            ca_bundle: Some(self.instance.authority_pem().to_owned()),
            remember: |_| (),
        };
        Arc::new(Clients::new(connection).expect("good settings"))
    }

    /// Clients of a principal, by default the owner.
    pub fn clients_of(&self, who: &Value) -> Arc<Clients> {
        let to = self.instance.addresses();
        self.clients(self.credentials(who), &to.resource_manager, &to.blob)
    }

    /// A principal that may do nothing.
    pub fn somebody(&self) -> Value {
        self.control("POST", "/principals", json!({}))
    }

    /// A plain request as the owner: status and body.
    fn raw(&self, audience: &str, request: reqwest::RequestBuilder) -> (u16, String) {
        let token = self.instance.token(&self.instance.owner(), audience);
        wait(async {
            let answer = request.bearer_auth(token).send().await.expect("an answer");
            let status = answer.status().as_u16();
            (status, answer.text().await.expect("a text"))
        })
    }

    /// The owner's request to Resource Manager about a bucket's account, which succeeds.
    pub fn manage(&self, method: Method, bucket: &str, below: &str, body: &Value) {
        let url = format!(
            "{}/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Storage\
             /storageAccounts/{}{below}?api-version=2023-05-01",
            self.instance.addresses().resource_manager,
            account(bucket)
        );
        let request = self.client().request(method, url).json(body);
        let (status, body) = self.raw("https://management.azure.com/", request);
        assert!((200..300).contains(&status), "{body}");
    }

    /// The owner's request about a blob.
    fn blob(&self, method: Method, bucket: &str, rest: &str, body: &'static str) -> (u16, String) {
        let blobs = &self.instance.addresses().blob;
        let url = format!("{blobs}/{}/{bucket}/{rest}", account(bucket));
        let request = self.client().request(method, url).body(body);
        let request = request.header("x-ms-version", "2023-11-03");
        self.raw("https://storage.azure.com/", request)
    }

    fn container(&self, bucket: &str) -> Option<Value> {
        let path = format!("/accounts/{}/containers/{bucket}", account(bucket));
        self.instance.control("GET", &path, &Value::Null).ok()
    }

    /// Changes settings of the service for blobs.
    fn change_service(&self, bucket: &str, sections: Value) {
        let path = format!("/accounts/{}", account(bucket));
        self.control("PATCH", &path, json!({ "blob_service": sections }));
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn texts(value: &Value) -> Vec<String> {
    let texts = list(value).into_iter();
    texts
        .filter_map(|one| Some(one.as_str()?.to_owned()))
        .collect()
}

fn cors_rule(rule: &Value) -> CorsRule {
    CorsRule {
        id: None,
        origins: texts(&rule["allowedOrigins"]),
        methods: texts(&rule["allowedMethods"]),
        headers: texts(&rule["allowedHeaders"]),
        exposed: texts(&rule["exposedHeaders"]),
        max_age_seconds: rule["maxAgeInSeconds"].as_i64(),
    }
}

/// A rule names its container at the end of its name and at the beginning of its prefix.
fn lifecycle_rule(rule: &Value, bucket: &str) -> LifecycleRule {
    let definition = &rule["definition"];
    let prefix = texts(&definition["filters"]["prefixMatch"]).concat();
    let days = &definition["actions"]["version"]["delete"]["daysAfterCreationGreaterThan"];
    let name = text(rule, "name");
    LifecycleRule {
        id: name.trim_end_matches(&format!("-{bucket}")).to_owned(),
        enabled: rule["enabled"] == true,
        prefix: prefix.trim_start_matches(&format!("{bucket}/")).to_owned(),
        narrowed: false,
        expires_current: definition["actions"]["baseBlob"]["delete"].is_object(),
        noncurrent_days: days.as_u64().and_then(|days| u32::try_from(days).ok()),
        abort_upload_days: None,
    }
}

impl Server for Microsoft {
    fn open_as(&self, caller: Caller, stop: &CancellationToken) -> Arc<dyn Cloud> {
        let mut who = self.instance.ready();
        match caller {
            Caller::Admin => {}
            Caller::Nobody => who = self.somebody(),
            Caller::Impostor => who["client_secret"] = json!("not-the-secret"),
        }
        Arc::new(Accounts::new(self.clients_of(&who), place, stop))
    }

    fn open_at(&self, address: SocketAddr, stop: &CancellationToken) -> Arc<dyn Cloud> {
        let (manager, port) = (format!("http://{address}"), address.port());
        // By another name, so that no connection carries requests to both services.
        let blob = format!("http://localhost:{port}");
        let clients = self.clients(self.credentials(&Value::Null), &manager, &blob);
        Arc::new(Accounts::new(clients, place, stop))
    }

    fn address(&self) -> SocketAddr {
        self.front
    }

    fn client(&self) -> reqwest::Client {
        let pem = self.instance.authority_pem().as_bytes();
        let authority = Certificate::from_pem(pem).expect("a certificate");
        let client = reqwest::Client::builder().no_proxy();
        let client = client.add_root_certificate(authority).build();
        client.expect("a client")
    }

    /// Azure encrypts everything; that is no setting of a bucket.
    fn keeps(&self, setting: Setting) -> bool {
        setting != Setting::Encryption
    }

    /// Azure does that by itself, after a week.
    fn aborts_uploads(&self) -> bool {
        false
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let tags = [("cost center", "ml/42"), ("ä", "ü"), ("empty", "")];
        tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn keeps_ids(&self) -> bool {
        false
    }

    fn makes_markers(&self) -> bool {
        false
    }

    fn begins_uploads(&self) -> bool {
        false
    }

    fn abreast(&self) -> usize {
        16
    }

    /// An account does not tell whether versions that are off were ever on.
    fn kept_no_versions(&self) -> Versioning {
        Versioning::Suspended
    }

    fn admin_key(&self) -> AccessKey {
        panic!("a key of an account is W&B's and the admin's alike");
    }

    fn seen(&self, bucket: &str) -> Option<Seen> {
        let container = self.container(bucket)?;
        let path = format!("/accounts/{}", account(bucket));
        let account = self.control("GET", &path, Value::Null);
        let tags = account["tags"].as_object().into_iter().flatten();
        let mut tags: BTreeMap<String, String> = tags
            .map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned()))
            .collect();
        // Both carry the marker, how far the bucket is stands on the container alone, and a
        // promise that names none has not asked for it.
        let marker = container["metadata"][METADATA].as_str().map(str::to_owned);
        let of_account = marker
            .as_ref()
            .map(|one| one.replace("creating-", "ready-"));
        assert_eq!(tags.remove(KEY), of_account, "{bucket}");
        tags.extend(
            marker
                .filter(|one| one != MARKER)
                .map(|one| (KEY.to_owned(), one)),
        );
        assert_eq!(tags.remove(CONTAINER).as_deref(), Some(bucket));
        let service = &account["services"]["blobservices"];
        let rules = list(&account["policy"]["rules"]);
        let rules = rules.iter().map(|rule| lifecycle_rule(rule, bucket));
        let mut lifecycle: Vec<_> = rules.collect();
        lifecycle.sort_by(|one, other| one.id.cmp(&other.id));
        Some(Seen {
            tags,
            versioning: service["isVersioningEnabled"] == true,
            encryption: EncryptionState::default(),
            cors: list(&service["cors"]["corsRules"])
                .iter()
                .map(cors_rule)
                .collect(),
            lifecycle,
        })
    }

    fn holds(&self, bucket: &str) -> Holds {
        let blobs = self.instance.blobs(&account(bucket), bucket);
        let count = |state: &str| blobs.iter().filter(|one| one.state == state).count() as u64;
        let container = self.container(bucket).unwrap_or_default();
        Holds {
            objects: count("live"),
            versions: count("version"),
            delete_markers: 0,
            uploads: list(&container["uncommitted"]).len() as u64,
        }
    }

    fn make(&self, bucket: &str) {
        let path = format!("/accounts/{}", account(bucket));
        let properties = json!({"supportsHttpsTrafficOnly": true, "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": false});
        let tags = json!({KEY: MARKER, CONTAINER: bucket});
        let made = json!({"tags": tags, "properties": properties});
        self.control("POST", &path, made);
        let path = format!("{path}/containers/{bucket}");
        self.control("POST", &path, json!({"metadata": {METADATA: MARKER}}));
    }

    fn make_lockable(&self, _: &str) {
        panic!("containers are locked, and no blobs in them");
    }

    fn hold(&self, _: &str, _: &str, _: bool) {
        panic!("containers are held, and no blobs in them");
    }

    fn retain(&self, _: &str, _: &str, _: SystemTime) {
        panic!("containers are kept, and no blobs in them");
    }

    fn keep_versions(&self, bucket: &str) {
        self.change_service(bucket, json!({"isVersioningEnabled": true}));
    }

    fn add_foreign_rule(&self, bucket: &str) {
        let rule = json!({"enabled": true, "name": "theirs", "type": "Lifecycle", "definition": {
            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 9}}},
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": [format!("{bucket}/logs/")]}}});
        let body = json!({"properties": {"policy": {"rules": [rule]}}});
        self.manage(Method::PUT, bucket, "/managementPolicies/default", &body);
    }

    fn put(&self, bucket: &str, object: &str) {
        let path = format!(
            "/accounts/{}/containers/{bucket}/blobs/{object}",
            account(bucket)
        );
        self.control("POST", &path, json!({"text": "data"}));
    }

    fn put_many(&self, bucket: &str, count: u64) {
        for number in 0..count {
            self.put(bucket, &format!("many/{}", number / 2));
        }
    }

    fn get(&self, bucket: &str, object: &str) -> Option<String> {
        let object = utf8_percent_encode(object, PLAIN).to_string();
        match self.blob(Method::GET, bucket, &object, "") {
            (200, body) => Some(body),
            (404, _) => None,
            (status, body) => panic!("{status} {body}"),
        }
    }

    fn delete(&self, bucket: &str, object: &str) {
        let (status, body) = self.blob(Method::DELETE, bucket, object, "");
        assert_eq!(status, 202, "{body}");
    }

    fn delete_versions(&self, _: &str) {
        panic!("nothing is left by it there");
    }

    fn begin_upload(&self, bucket: &str, object: &str) {
        let block = format!("{object}?comp=block&blockid=MDAwMDAwMDE%3D");
        let (status, body) = self.blob(Method::PUT, bucket, &block, "part");
        assert_eq!(status, 201, "{body}");
    }

    fn identity(&self, _: &str) -> Option<BTreeSet<String>> {
        panic!("a key of an account is nobody's");
    }

    fn keys(&self, _: &str) -> BTreeSet<String> {
        panic!("a key of an account is nobody's");
    }

    fn make_foreign_identity(&self, _: &str) {
        panic!("a key of an account is nobody's");
    }

    fn widen(&self, _: &str) {
        panic!("a key of an account is nobody's");
    }

    fn lets(&self, key: &AccessKey, deed: Deed<'_>) -> bool {
        let (bucket, call, args) = match deed {
            Deed::Write { bucket, object } => (bucket, "put", json!([bucket, object, "by key"])),
            Deed::Read { bucket, object } => (bucket, "get", json!([bucket, object])),
            Deed::List { bucket } => (bucket, "blobs", json!([bucket])),
            Deed::DeleteBucket { bucket } => (bucket, "delete_container", json!([bucket])),
        };
        let who = json!({"account": account(bucket), "key": key.expose_secret()});
        let ready = self.instance.ready();
        let answer = ask_microsoft(&ready, &who, call, &args, &json!({}));
        match answer["status"].as_u64() {
            None => true,
            Some(401 | 403) => false,
            Some(_) => panic!("{call}: {answer}"),
        }
    }
}
