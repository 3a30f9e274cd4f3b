//! Servers that speak Amazon's S3 protocol, and boto3 as their side door.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use secrecy::SecretString;
use serde_json::{Value, json};
use simulator::servers::{self, MinioOptions};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;
use url::Url;
use wandb_provider::byob::cloud::Cloud;
use wandb_provider::byob::identity::AccessKey;
use wandb_provider::byob::observed::{CorsRule, EncryptionState, LifecycleRule};
use wandb_provider::byob::spec::Setting;
use wandb_provider::clouds::s3_compatible::{AdminApi, Clients, Settings, open};

use crate::harness::{Login, ask, wait};
use crate::server::{Caller, Deed, Holds, Seen, Server};

/// The one account of the stand-in for Amazon's services.
const ACCOUNT: &str = "123456789012";

/// The kinds of server, by how they differ in what they keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Minio {
        kms: bool,
    },
    SeaweedFs,
    /// The stand-in for Amazon's services, with keys and rights checked.
    Amazon,
}

/// One server.
pub struct S3 {
    kind: Kind,
    address: SocketAddr,
    login: Login,
    nobody: OnceLock<AccessKey>,
}

fn start(kind: Kind) -> S3 {
    let started = wait(async {
        match kind {
            Kind::Minio { kms } => {
                servers::Server::minio(MinioOptions {
                    kms,
                    ..MinioOptions::default()
                })
                .await
            }
            Kind::SeaweedFs => servers::Server::seaweedfs().await,
            Kind::Amazon => servers::Server::moto_with_authentication().await,
        }
    });
    // It lives as long as the process, and ends with it.
    let server = Box::leak(Box::new(started.expect("the server starts")));
    S3 {
        kind,
        address: server.address(),
        login: Login::of(server),
        nobody: OnceLock::new(),
    }
}

/// MinIO with a key service.
pub fn minio() -> &'static dyn Server {
    static SERVER: OnceLock<S3> = OnceLock::new();
    SERVER.get_or_init(|| start(Kind::Minio { kms: true }))
}

/// MinIO without one.
pub fn minio_without_kms() -> &'static dyn Server {
    static SERVER: OnceLock<S3> = OnceLock::new();
    SERVER.get_or_init(|| start(Kind::Minio { kms: false }))
}

/// SeaweedFS, with the IAM interface of AWS for users.
pub fn seaweedfs() -> &'static dyn Server {
    static SERVER: OnceLock<S3> = OnceLock::new();
    SERVER.get_or_init(|| start(Kind::SeaweedFs))
}

/// Amazon's S3, KMS and IAM.
pub fn amazon() -> &'static dyn Server {
    static SERVER: OnceLock<S3> = OnceLock::new();
    SERVER.get_or_init(|| start(Kind::Amazon))
}

impl S3 {
    fn open(
        &self,
        address: SocketAddr,
        key: AccessKey,
        stop: &CancellationToken,
    ) -> Arc<dyn Cloud> {
        let endpoint = Url::parse(&format!("http://{address}")).expect("an address");
        if self.kind == Kind::Amazon {
            return crate::aws::open(endpoint, &key, stop);
        }
        let clients = Clients::new(Settings {
            endpoint,
            region: "us-east-1".to_owned(),
            access_key: key.id.clone(),
            secret_key: SecretString::from(key.expose_secret()),
            session_token: None,
            path_style: true,
            ca_bundle: None,
            admin_api: AdminApi::Auto,
            max_retries: 2,
        });
        open(&Arc::new(clients.expect("good settings")), stop.clone())
    }

    fn is_minio(&self) -> bool {
        matches!(self.kind, Kind::Minio { .. })
    }

    fn ask(&self, client: &str, call: &str, args: Value) -> Value {
        ask(&self.login, client, call, args)
    }

    fn ok(&self, client: &str, call: &str, args: Value) -> Value {
        let answer = self.ask(client, call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    }

    /// A setting; null where it is not set.
    fn setting(&self, call: &str, bucket: &str) -> Value {
        let answer = self.ask("s3", call, json!({"Bucket": bucket}));
        match answer["error"].as_str() {
            None => answer["ok"].clone(),
            Some(code) if code.starts_with("NoSuch") || code.contains("NotFound") => Value::Null,
            Some("NotImplemented") => Value::Null,
            Some(_) => panic!("{call}: {answer}"),
        }
    }

    /// A user with nothing but its key.
    fn nobody(&self) -> AccessKey {
        let key = self.nobody.get_or_init(|| self.user("contract-nobody"));
        key.clone()
    }

    /// A user without rights.
    fn user(&self, name: &str) -> AccessKey {
        if self.is_minio() {
            let secret = "contract-secret-1";
            let user = json!({"access_key": name, "secret_key": secret});
            self.ok("admin", "user_add", user);
            return AccessKey::new(name, secret);
        }
        self.ok("iam", "create_user", json!({"UserName": name}));
        let made = self.ok("iam", "create_access_key", json!({"UserName": name}));
        let text = |key: &str| made["AccessKey"][key].as_str().expect("a text").to_owned();
        AccessKey::new(text("AccessKeyId"), text("SecretAccessKey"))
    }

    /// Rights that read every bucket, in the server's own name for them.
    fn reading_rights(&self) -> String {
        let name = "contract-reader";
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::*"]}]});
        if self.is_minio() {
            let args = json!({"policy_name": name, "policy": document});
            self.ok("admin", "policy_add", args);
            return name.to_owned();
        }
        // There already is as good.
        let args = json!({"PolicyName": name, "PolicyDocument": document.to_string()});
        self.ask("iam", "create_policy", args);
        let account = if self.kind == Kind::Amazon {
            ACCOUNT
        } else {
            ""
        };
        format!("arn:aws:iam::{account}:policy/{name}")
    }

    fn give(&self, name: &str, rights: &str) {
        if self.is_minio() {
            let args = json!({"policies": [rights], "user": name});
            self.ok("admin", "attach_policy", args);
        } else {
            let args = json!({"UserName": name, "PolicyArn": rights});
            self.ok("iam", "attach_user_policy", args);
        }
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn cors_rule(rule: &Value) -> CorsRule {
    CorsRule {
        id: text(&rule["ID"]),
        origins: texts(&rule["AllowedOrigins"]),
        methods: texts(&rule["AllowedMethods"]),
        headers: texts(&rule["AllowedHeaders"]),
        exposed: texts(&rule["ExposeHeaders"]),
        max_age_seconds: rule["MaxAgeSeconds"].as_i64(),
    }
}

fn lifecycle_rule(rule: &Value) -> LifecycleRule {
    let days = |value: &Value| value.as_u64().and_then(|days| u32::try_from(days).ok());
    let prefix = text(&rule["Filter"]["Prefix"]).or_else(|| text(&rule["Prefix"]));
    LifecycleRule {
        id: text(&rule["ID"]).unwrap_or_default(),
        enabled: rule["Status"] == "Enabled",
        prefix: prefix.unwrap_or_default(),
        narrowed: false,
        expires_current: rule["Expiration"]["Days"].is_u64(),
        noncurrent_days: days(&rule["NoncurrentVersionExpiration"]["NoncurrentDays"]),
        abort_upload_days: days(&rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]),
    }
}

impl Server for S3 {
    fn open_as(&self, caller: Caller, stop: &CancellationToken) -> Arc<dyn Cloud> {
        let key = match caller {
            Caller::Admin => self.admin_key(),
            Caller::Nobody => self.nobody(),
            Caller::Impostor => AccessKey::new(self.admin_key().id, "not-the-secret"),
        };
        self.open(self.address, key, stop)
    }

    fn open_at(&self, address: SocketAddr, stop: &CancellationToken) -> Arc<dyn Cloud> {
        self.open(address, self.admin_key(), stop)
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn keeps(&self, setting: Setting) -> bool {
        match (self.kind, setting) {
            (Kind::Minio { .. }, Setting::Cors) => false,
            (Kind::Minio { kms }, Setting::Encryption) => kms,
            (Kind::Minio { .. } | Kind::SeaweedFs | Kind::Amazon, _) => true,
        }
    }

    fn aborts_uploads(&self) -> bool {
        !self.is_minio()
    }

    fn admin_key(&self) -> AccessKey {
        AccessKey::new(&*self.login.access_key, &*self.login.secret_key)
    }

    fn seen(&self, bucket: &str) -> Option<Seen> {
        let there = self.ask("s3", "head_bucket", json!({"Bucket": bucket}));
        match there["error"].as_str() {
            None => {}
            Some("404") => return None,
            Some(_) => panic!("head_bucket: {there}"),
        }
        let tags = self.setting("get_bucket_tagging", bucket);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let pair = |tag: &Value| Some((text(&tag["Key"])?, tag["Value"].as_str()?.to_owned()));
        let encryption = self.setting("get_bucket_encryption", bucket);
        let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0];
        let default = &rule["ApplyServerSideEncryptionByDefault"];
        let lifecycle = self.setting("get_bucket_lifecycle_configuration", bucket);
        let mut rules: Vec<_> = list(&lifecycle["Rules"])
            .iter()
            .map(lifecycle_rule)
            .collect();
        rules.sort_by(|one, other| one.id.cmp(&other.id));
        Some(Seen {
            tags: list(&tags["TagSet"]).iter().filter_map(pair).collect(),
            versioning: self.setting("get_bucket_versioning", bucket)["Status"] == "Enabled",
            encryption: EncryptionState {
                algorithm: text(&default["SSEAlgorithm"]),
                // MinIO puts "arn:aws:kms:" before the name.
                key: text(&default["KMSMasterKeyID"])
                    .and_then(|key| key.rsplit(':').next().map(str::to_owned)),
                bucket_key: rule["BucketKeyEnabled"] == true,
            },
            cors: list(&self.setting("get_bucket_cors", bucket)["CORSRules"])
                .iter()
                .map(cors_rule)
                .collect(),
            lifecycle: rules,
        })
    }

    fn holds(&self, bucket: &str) -> Holds {
        let counted = self.ok("s3", "holds", json!({"Bucket": bucket}));
        let count = |what: &str| counted[what].as_u64().expect("a number");
        Holds {
            objects: count("objects"),
            versions: count("versions"),
            delete_markers: count("delete_markers"),
            uploads: count("uploads"),
        }
    }

    fn make(&self, bucket: &str) {
        self.ok("s3", "create_bucket", json!({"Bucket": bucket}));
    }

    fn make_lockable(&self, bucket: &str) {
        let args = json!({"Bucket": bucket, "ObjectLockEnabledForBucket": true});
        self.ok("s3", "create_bucket", args);
    }

    fn hold(&self, bucket: &str, object: &str, on: bool) {
        let status = if on { "ON" } else { "OFF" };
        let args = json!({"Bucket": bucket, "Key": object, "LegalHold": {"Status": status}});
        self.ok("s3", "put_object_legal_hold", args);
    }

    fn retain(&self, bucket: &str, object: &str, until: SystemTime) {
        let until = OffsetDateTime::from(until)
            .format(&Rfc3339)
            .expect("a date");
        let retention = json!({"Mode": "GOVERNANCE", "RetainUntilDate": until});
        let args = json!({"Bucket": bucket, "Key": object, "Retention": retention});
        self.ok("s3", "put_object_retention", args);
    }

    fn keep_versions(&self, bucket: &str) {
        let status = json!({"Status": "Enabled"});
        let args = json!({"Bucket": bucket, "VersioningConfiguration": status});
        self.ok("s3", "put_bucket_versioning", args);
    }

    fn add_foreign_rule(&self, bucket: &str) {
        let rule = json!({"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}});
        let args = json!({"Bucket": bucket, "LifecycleConfiguration": {"Rules": [rule]}});
        self.ok("s3", "put_bucket_lifecycle_configuration", args);
    }

    fn put(&self, bucket: &str, object: &str) {
        let args = json!({"Bucket": bucket, "Key": object, "Body": "data"});
        self.ok("s3", "put_object", args);
    }

    fn put_many(&self, bucket: &str, count: u64) {
        let args = json!({"Bucket": bucket, "Prefix": "many", "Count": count});
        self.ok("s3", "many_versions", args);
    }

    fn get(&self, bucket: &str, object: &str) -> Option<String> {
        let args = json!({"Bucket": bucket, "Key": object});
        let answer = self.ask("s3", "get_object", args);
        match answer["error"].as_str() {
            None => answer["ok"]["Body"].as_str().map(str::to_owned),
            Some("NoSuchKey") => None,
            Some(_) => panic!("get_object: {answer}"),
        }
    }

    fn delete(&self, bucket: &str, object: &str) {
        let args = json!({"Bucket": bucket, "Key": object});
        self.ok("s3", "delete_object", args);
    }

    fn delete_versions(&self, bucket: &str) {
        let listed = self.ok("s3", "list_object_versions", json!({"Bucket": bucket}));
        for one in listed["Versions"].as_array().into_iter().flatten() {
            let args = json!({"Bucket": bucket, "Key": one["Key"], "VersionId": one["VersionId"]});
            self.ok("s3", "delete_object", args);
        }
    }

    fn begin_upload(&self, bucket: &str, object: &str) {
        let args = json!({"Bucket": bucket, "Key": object});
        self.ok("s3", "create_multipart_upload", args);
    }

    fn identity(&self, name: &str) -> Option<BTreeSet<String>> {
        if self.is_minio() {
            let told = self.ask("admin", "user_info", json!({"access_key": name}));
            if let Some(error) = told["error"].as_str() {
                assert!(error.contains("NoSuchUser"), "{told}");
                return None;
            }
            let names = told["ok"]["policyName"].as_str().unwrap_or_default();
            let names = names.split(',').filter(|name| !name.is_empty());
            return Some(names.map(str::to_owned).collect());
        }
        let told = self.ask(
            "iam",
            "list_attached_user_policies",
            json!({"UserName": name}),
        );
        if let Some(error) = told["error"].as_str() {
            assert!(error.starts_with("NoSuchEntity"), "{told}");
            return None;
        }
        let list = told["ok"]["AttachedPolicies"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let attached = list.iter().filter_map(|one| text(&one["PolicyName"]));
        let inline = match self.kind {
            Kind::Amazon => {
                let told = self.ok("iam", "list_user_policies", json!({"UserName": name}));
                texts(&told["PolicyNames"])
            }
            Kind::Minio { .. } | Kind::SeaweedFs => Vec::new(),
        };
        Some(attached.chain(inline).collect())
    }

    fn keys(&self, name: &str) -> BTreeSet<String> {
        let (told, list, id) = if self.is_minio() {
            let told = self.ok("admin", "list_service_account", json!({"user": name}));
            (told, "accounts", "accessKey")
        } else {
            let told = self.ok("iam", "list_access_keys", json!({"UserName": name}));
            (told, "AccessKeyMetadata", "AccessKeyId")
        };
        let list = told[list].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|one| text(&one[id])).collect()
    }

    fn make_foreign_identity(&self, name: &str) {
        self.user(name);
        self.widen(name);
    }

    fn widen(&self, name: &str) {
        self.give(name, &self.reading_rights());
    }

    fn lets(&self, key: &AccessKey, deed: Deed<'_>) -> bool {
        let login = Login {
            access_key: key.id.clone(),
            secret_key: key.expose_secret().to_owned(),
            ..self.login.clone()
        };
        let (call, args) = match deed {
            Deed::Write { bucket, object } => (
                "put_object",
                json!({"Bucket": bucket, "Key": object, "Body": "by key"}),
            ),
            Deed::Read { bucket, object } => {
                ("get_object", json!({"Bucket": bucket, "Key": object}))
            }
            Deed::List { bucket } => ("list_objects_v2", json!({"Bucket": bucket})),
            Deed::DeleteBucket { bucket } => ("delete_bucket", json!({"Bucket": bucket})),
        };
        let answer = ask(&login, "s3", call, args);
        match answer["error"].as_str() {
            None => true,
            Some("AccessDenied" | "InvalidAccessKeyId") => false,
            Some(_) => panic!("{call}: {answer}"),
        }
    }
}
