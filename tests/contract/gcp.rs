//! The simulated Google Cloud, with Google's own library and the simulator's switches as its
//! side doors.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use secrecy::SecretString;
use serde_json::{Value, json};
use simulator::gcs::{Config, Instance};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;
use url::Url;
use wandb_provider::byob::cloud::Cloud;
use wandb_provider::byob::identity::AccessKey;
use wandb_provider::byob::observed::{CorsRule, EncryptionState, LifecycleRule, Versioning};
use wandb_provider::byob::rights::Rights;
use wandb_provider::byob::spec::{Encryption, Key, Setting};
use wandb_provider::clouds::gcp::{
    Clients, Connection, CredentialSource, ENCRYPTION, Endpoints, Place, open,
};

use crate::harness::{PROJECT, google as ask_google, wait};
use crate::server::{Caller, Deed, Holds, Seen, Server};

/// A role that reads and writes objects, and deletes no bucket.
pub const ROLE: &str = "roles/storage.objectAdmin";
/// A customer's key in the location of the buckets here.
pub const KEY: &str = "projects/simulated-project/locations/us/keyRings/ring/cryptoKeys/key";

/// One simulated Google Cloud.
pub struct Google {
    pub instance: Instance,
    owner: String,
}

/// The simulated Google Cloud that the promises share.
pub fn google() -> &'static dyn Server {
    static SERVER: OnceLock<Google> = OnceLock::new();
    SERVER.get_or_init(|| Google::start(Config::default()))
}

/// A connection to services at one address.
pub fn connection(url: &str, credentials: CredentialSource) -> Connection {
    let endpoint = Url::parse(url).ok();
    Connection {
        credentials,
        impersonate: None,
        user_project: None,
        endpoints: Endpoints {
            storage: endpoint.clone(),
            iam: endpoint.clone(),
            iam_credentials: endpoint.clone(),
            kms: endpoint.clone(),
            resource_manager: endpoint.clone(),
            sts: endpoint.clone(),
            metadata: endpoint,
        },
        max_retries: 2,
    }
}

/// The cloud under test over a connection.
pub fn open_with(connection: Connection, stop: &CancellationToken) -> Arc<dyn Cloud> {
    let clients = Arc::new(Clients::new(connection, |_| ()).expect("good settings"));
    let place = Place {
        project: PROJECT.to_owned(),
        location: "US".to_owned(),
        storage_class: "STANDARD".to_owned(),
    };
    open(&clients, place, stop.clone())
}

/// Credentials by the text of a file.
pub fn file(text: &str) -> CredentialSource {
    CredentialSource::Json(SecretString::from(text))
}

impl Google {
    pub fn start(config: Config) -> Self {
        let instance = wait(Instance::start(config)).expect("Google Cloud starts");
        instance.add_crypto_key(KEY);
        let owner = instance.key_file(&instance.owner()).expect("a key");
        Self { instance, owner }
    }

    /// The cloud under test as the project's owner.
    pub fn cloud(&self) -> Arc<dyn Cloud> {
        self.open_as(Caller::Admin, &CancellationToken::new())
    }

    /// A call of Google's library as the owner, which succeeds.
    pub fn library(&self, call: &str, args: Value) -> Value {
        let mut answer = ask_google(&self.instance.url(), &self.owner, call, &args);
        assert!(answer.get("error").is_none(), "{call}: {answer}");
        answer["ok"].take()
    }

    /// A plain request as the owner: status and body.
    pub fn raw(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let token = self.instance.token(&self.instance.owner());
        let url = format!("{}{path}", self.instance.url());
        wait(async {
            let client = reqwest::Client::builder().no_proxy().build();
            let client = client.expect("a client");
            let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
            let mut request = client.request(method, url).bearer_auth(token);
            if !body.is_null() {
                request = request.json(body);
            }
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            (status, answer.text().await.expect("a text"))
        })
    }

    /// The roles of an account on every bucket, without conditions.
    fn roles(&self, email: &str) -> BTreeSet<String> {
        let member = json!(format!("serviceAccount:{email}"));
        let policies = self.instance.buckets();
        let policies = policies
            .iter()
            .filter_map(|bucket| self.instance.bucket_policy(bucket));
        let bindings = policies.flat_map(|policy| {
            let bindings = policy["bindings"].as_array();
            bindings.cloned().unwrap_or_default()
        });
        bindings
            .filter(|one| one.get("condition").is_none())
            .filter(|one| {
                one["members"]
                    .as_array()
                    .is_some_and(|all| all.contains(&member))
            })
            .filter_map(|one| one["role"].as_str().map(str::to_owned))
            .collect()
    }
}

/// The account of an identity of this name.
pub fn email(identity: &str) -> String {
    format!("{}@{PROJECT}.iam.gserviceaccount.com", &identity[..19])
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

fn cors_rule(rule: &Value) -> CorsRule {
    CorsRule {
        id: None,
        origins: texts(&rule["origin"]),
        methods: texts(&rule["method"]),
        headers: texts(&rule["responseHeader"]),
        exposed: texts(&rule["responseHeader"]),
        max_age_seconds: rule["maxAgeSeconds"].as_i64(),
    }
}

/// The rules of these tests are told apart by what they do; they have no ids.
fn lifecycle_rule(rule: &Value) -> LifecycleRule {
    let condition = &rule["condition"];
    let days = |name: &str| {
        let days = condition[name].as_u64();
        days.and_then(|days| u32::try_from(days).ok())
    };
    let aborts = rule["action"]["type"] == "AbortIncompleteMultipartUpload";
    let noncurrent_days = days("daysSinceNoncurrentTime");
    let id = match (aborts, noncurrent_days) {
        (true, _) => "wandb-byob-unfinished-uploads",
        (false, Some(_)) => "wandb-byob-noncurrent-versions",
        (false, None) => "theirs",
    };
    LifecycleRule {
        id: id.to_owned(),
        enabled: true,
        prefix: texts(&condition["matchesPrefix"]).concat(),
        narrowed: false,
        expires_current: !aborts && noncurrent_days.is_none(),
        noncurrent_days,
        abort_upload_days: days("age").filter(|_| aborts),
    }
}

impl Server for Google {
    fn open_as(&self, caller: Caller, stop: &CancellationToken) -> Arc<dyn Cloud> {
        let credentials = match caller {
            Caller::Admin => file(&self.owner),
            Caller::Nobody => {
                let nobody = format!("nobody@{PROJECT}.iam.gserviceaccount.com");
                self.instance.add_account(&nobody);
                file(&self.instance.key_file(&nobody).expect("a key"))
            }
            Caller::Impostor => CredentialSource::AccessToken(SecretString::from("not-the-secret")),
        };
        open_with(connection(&self.instance.url(), credentials), stop)
    }

    fn open_at(&self, address: SocketAddr, stop: &CancellationToken) -> Arc<dyn Cloud> {
        let url = format!("http://{address}");
        open_with(connection(&url, file(&self.owner)), stop)
    }

    fn address(&self) -> SocketAddr {
        let url = self.instance.url();
        url.trim_start_matches("http://")
            .parse()
            .expect("an address")
    }

    fn keeps(&self, _: Setting) -> bool {
        true
    }

    fn aborts_uploads(&self) -> bool {
        true
    }

    fn encryption(&self) -> Encryption {
        Encryption {
            algorithm: ENCRYPTION.to_owned(),
            key: Key::Named(KEY.to_owned()),
            bucket_key: None,
        }
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let tags = [("cost_center", "ml-42"), ("ä", "ü"), ("empty", "")];
        tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn cors_headers(&self) -> [Vec<String>; 2] {
        let both = vec!["Content-Type".to_owned(), "ETag".to_owned()];
        [both.clone(), both]
    }

    fn keeps_ids(&self) -> bool {
        false
    }

    fn makes_markers(&self) -> bool {
        false
    }

    fn abreast(&self) -> usize {
        16
    }

    /// A bucket does not tell whether versioning that is off was ever on.
    fn kept_no_versions(&self) -> Versioning {
        Versioning::Suspended
    }

    fn rights(&self, bucket: &str, path: Option<&str>) -> Rights {
        Rights {
            roles: BTreeSet::from([ROLE.to_owned()]),
            ..Rights::on(bucket, path)
        }
    }

    fn own_rights(&self, _: &str) -> BTreeSet<String> {
        BTreeSet::from([ROLE.to_owned()])
    }

    fn admin_key(&self) -> AccessKey {
        let file: Value = serde_json::from_str(&self.owner).expect("JSON");
        let text = |name: &str| file[name].as_str().expect("a text").to_owned();
        AccessKey::new(text("private_key_id"), text("private_key")).held_by(text("client_email"))
    }

    fn seen(&self, bucket: &str) -> Option<Seen> {
        let resource = self.instance.bucket(bucket)?;
        let labels = resource["labels"].as_object().into_iter().flatten();
        let key = resource["encryption"]["defaultKmsKeyName"].as_str();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let rules = list(&resource["lifecycle"]["rule"]);
        let mut lifecycle: Vec<_> = rules.iter().map(lifecycle_rule).collect();
        lifecycle.sort_by(|one, other| one.id.cmp(&other.id));
        Some(Seen {
            tags: labels
                .map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned()))
                .collect(),
            versioning: resource["versioning"]["enabled"] == true,
            encryption: EncryptionState {
                algorithm: key.map(|_| ENCRYPTION.to_owned()),
                key: key.map(str::to_owned),
                bucket_key: false,
            },
            cors: list(&resource["cors"]).iter().map(cors_rule).collect(),
            lifecycle,
        })
    }

    fn holds(&self, bucket: &str) -> Holds {
        let objects = self.instance.objects(bucket);
        let count = |state: &str| objects.iter().filter(|one| one.state == state).count() as u64;
        let (_, uploads) = self.raw("GET", &format!("/{bucket}?uploads"), &Value::Null);
        Holds {
            objects: count("live"),
            versions: count("noncurrent"),
            delete_markers: 0,
            uploads: uploads.matches("<Upload>").count() as u64,
        }
    }

    fn make(&self, bucket: &str) {
        self.library("create", json!({"name": bucket, "uniform": true}));
    }

    fn make_lockable(&self, bucket: &str) {
        let path = format!("/storage/v1/b?project={PROJECT}&enableObjectRetention=true");
        let (status, body) = self.raw("POST", &path, &json!({"name": bucket}));
        assert_eq!(status, 200, "{body}");
    }

    fn hold(&self, bucket: &str, object: &str, on: bool) {
        let path = format!("/storage/v1/b/{bucket}/o/{object}");
        let (status, body) = self.raw("PATCH", &path, &json!({"temporaryHold": on}));
        assert_eq!(status, 200, "{body}");
    }

    fn retain(&self, bucket: &str, object: &str, until: SystemTime) {
        let until = OffsetDateTime::from(until);
        let until = until.replace_nanosecond(0).expect("a time");
        let until = until.format(&Rfc3339).expect("a date");
        let path = format!("/storage/v1/b/{bucket}/o/{object}");
        let retention = json!({"retention": {"mode": "Unlocked", "retainUntilTime": until}});
        let (status, body) = self.raw("PATCH", &path, &retention);
        assert_eq!(status, 200, "{body}");
    }

    fn keep_versions(&self, bucket: &str) {
        let change = json!({"versioning": {"enabled": true}});
        self.instance
            .patch_bucket(bucket, &change)
            .expect("a bucket");
    }

    fn add_foreign_rule(&self, bucket: &str) {
        let rule = json!({"action": {"type": "Delete"},
            "condition": {"age": 9, "matchesPrefix": ["logs/"]}});
        let change = json!({"lifecycle": {"rule": [rule]}});
        self.instance
            .patch_bucket(bucket, &change)
            .expect("a bucket");
    }

    fn put(&self, bucket: &str, object: &str) {
        self.instance
            .put_object(bucket, object, b"data")
            .expect("put");
    }

    fn put_many(&self, bucket: &str, count: u64) {
        for number in 0..count {
            self.put(bucket, &format!("many/{}", number / 2));
        }
    }

    fn get(&self, bucket: &str, object: &str) -> Option<String> {
        let args = json!({"name": bucket, "key": object});
        let answer = ask_google(&self.instance.url(), &self.owner, "fetch", &args);
        match answer["error"].as_u64() {
            None => answer["ok"].as_str().map(str::to_owned),
            Some(404) => None,
            Some(_) => panic!("fetch: {answer}"),
        }
    }

    fn delete(&self, bucket: &str, object: &str) {
        self.library("remove", json!({"name": bucket, "key": object}));
    }

    fn delete_versions(&self, _: &str) {
        panic!("nothing is left by it there");
    }

    fn begin_upload(&self, bucket: &str, object: &str) {
        let path = format!("/{bucket}/{object}?uploads");
        let (status, body) = self.raw("POST", &path, &Value::Null);
        assert_eq!(status, 200, "{body}");
    }

    fn identity(&self, name: &str) -> Option<BTreeSet<String>> {
        let email = email(name);
        let accounts = self.instance.accounts(PROJECT);
        accounts.contains(&email).then(|| self.roles(&email))
    }

    fn keys(&self, name: &str) -> BTreeSet<String> {
        let path = format!(
            "/v1/projects/{PROJECT}/serviceAccounts/{}/keys?keyTypes=USER_MANAGED",
            email(name)
        );
        let (status, body) = self.raw("GET", &path, &Value::Null);
        assert_eq!(status, 200, "{body}");
        let told: Value = serde_json::from_str(&body).expect("JSON");
        let keys = told["keys"].as_array().cloned().unwrap_or_default();
        keys.iter()
            .filter_map(|key| key["name"].as_str()?.rsplit('/').next().map(str::to_owned))
            .collect()
    }

    fn make_foreign_identity(&self, name: &str) {
        self.instance.add_account(&email(name));
        self.instance.key_file(&email(name)).expect("a key");
    }

    fn widen(&self, name: &str) {
        let member = format!("serviceAccount:{}", email(name));
        for bucket in self.instance.buckets() {
            let mut policy = self.instance.bucket_policy(&bucket).expect("a policy");
            if policy.to_string().contains(&member) {
                let more = json!({"role": "roles/storage.legacyBucketOwner", "members": [member]});
                policy["bindings"]
                    .as_array_mut()
                    .expect("bindings")
                    .push(more);
                let set = self.instance.set_bucket_policy(&bucket, &policy);
                set.expect("a policy");
            }
        }
    }

    fn lets(&self, key: &AccessKey, deed: Deed<'_>) -> bool {
        let holder = key.holder.as_deref().expect("an account");
        let key_file = json!({
            "type": "service_account", "client_email": holder, "project_id": PROJECT,
            "private_key_id": key.id, "private_key": key.expose_secret(),
            "token_uri": format!("{}/token", self.instance.url()),
        });
        let (call, args) = match deed {
            Deed::Write { bucket, object } => (
                "put",
                json!({"name": bucket, "key": object, "text": "by key"}),
            ),
            Deed::Read { bucket, object } => ("fetch", json!({"name": bucket, "key": object})),
            Deed::List { bucket } => ("objects", json!({"name": bucket})),
            Deed::DeleteBucket { bucket } => ("drop", json!({"name": bucket})),
        };
        let answer = ask_google(&self.instance.url(), &key_file.to_string(), call, &args);
        match (answer["error"].as_u64(), answer["error"].as_str()) {
            (None, None) => true,
            (Some(401 | 403), _) | (_, Some("RefreshError")) => false,
            _ => panic!("{call}: {answer}"),
        }
    }
}
