//! One server as the promises see it: the cloud under test, and a side door that shares
//! nothing with it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;
use wandb_provider::byob::cloud::Cloud;
use wandb_provider::byob::identity::{AccessKey, Identity, IdentityService};
use wandb_provider::byob::marker::{Generation, Marker, OwnedBucket};
use wandb_provider::byob::observed::{CorsRule, EncryptionState, LifecycleRule, Versioning};
use wandb_provider::byob::rights::Rights;
use wandb_provider::byob::spec::{Encryption, Key, Setting};

/// Who opens the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// May do everything.
    Admin,
    /// Is known and may do nothing.
    Nobody,
    /// Is known and has the wrong secret.
    Impostor,
}

/// The settings of a bucket by an independent client, in the words of the trait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub tags: BTreeMap<String, String>,
    /// Old versions are kept.
    pub versioning: bool,
    pub encryption: EncryptionState,
    pub cors: Vec<CorsRule>,
    /// Sorted by id.
    pub lifecycle: Vec<LifecycleRule>,
}

/// What a bucket holds by an independent client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    pub objects: u64,
    pub versions: u64,
    pub delete_markers: u64,
    pub uploads: u64,
}

/// Something that a key may or may not be able to do.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'a> {
    Write { bucket: &'a str, object: &'a str },
    Read { bucket: &'a str, object: &'a str },
    List { bucket: &'a str },
    DeleteBucket { bucket: &'a str },
}

/// One server.
pub trait Server: Send + Sync {
    /// The cloud under test.
    fn open_as(&self, caller: Caller, stop: &CancellationToken) -> Arc<dyn Cloud>;

    /// The cloud under test, with the admin's key, at another address.
    fn open_at(&self, address: SocketAddr, stop: &CancellationToken) -> Arc<dyn Cloud>;

    /// Where the server listens.
    fn address(&self) -> SocketAddr;

    /// Whether the server can keep a setting.
    fn keeps(&self, setting: Setting) -> bool;

    /// Whether the server can give up unfinished uploads by rule.
    fn aborts_uploads(&self) -> bool;

    /// Encryption at rest with a key that the server has.
    fn encryption(&self) -> Encryption {
        Encryption {
            algorithm: "aws:kms".to_owned(),
            key: Key::Named("wandb-key".to_owned()),
            bucket_key: None,
        }
    }

    /// Tags of every kind that the server takes.
    fn tags(&self) -> BTreeMap<String, String> {
        let tags = [
            ("cost center", "ml/42"),
            ("a.b:c/d=e+f-@_", "x y"),
            ("empty", ""),
        ];
        tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    /// The headers that W&B's rule for web pages lists, for requests and for answers.
    fn cors_headers(&self) -> [Vec<String>; 2] {
        [vec!["*".to_owned()], vec!["ETag".to_owned()]]
    }

    /// Whether rules keep the ids that they are written with.
    fn keeps_ids(&self) -> bool {
        true
    }

    /// Whether a deletion where versions are kept leaves a marker.
    fn makes_markers(&self) -> bool {
        true
    }

    /// Whether uploads in parts are begun, listed and given up by requests of their own.
    fn begins_uploads(&self) -> bool {
        true
    }

    /// A client that knows nothing but the certificates to trust.
    fn client(&self) -> reqwest::Client {
        let client = reqwest::Client::builder().no_proxy().build();
        client.expect("a client")
    }

    /// How many requests an emptying has under way at once.
    fn abreast(&self) -> usize {
        1
    }

    /// What a bucket is said to do that never kept versions.
    fn kept_no_versions(&self) -> Versioning {
        Versioning::Off
    }

    /// W&B's rights on a bucket.
    fn rights(&self, bucket: &str, path: Option<&str>) -> Rights {
        Rights::on(bucket, path)
    }

    /// What the rights of W&B's identity are called.
    fn own_rights(&self, identity: &str) -> BTreeSet<String> {
        BTreeSet::from([identity.to_owned()])
    }

    /// The key of the admin, who may do everything.
    fn admin_key(&self) -> AccessKey;

    /// A bucket's settings; `None` without such a bucket.
    fn seen(&self, bucket: &str) -> Option<Seen>;

    /// What a bucket holds.
    fn holds(&self, bucket: &str) -> Holds;

    /// Makes a bucket with nothing set.
    fn make(&self, bucket: &str);

    /// Makes a bucket in which objects can be locked.
    fn make_lockable(&self, bucket: &str);

    /// Locks an object without an end.
    fn hold(&self, bucket: &str, object: &str, on: bool);

    /// Locks an object for a time, in a way that an admin could end.
    fn retain(&self, bucket: &str, object: &str, until: SystemTime);

    /// Keeps old versions from now on.
    fn keep_versions(&self, bucket: &str);

    /// Puts a rule about old data that is somebody else's.
    fn add_foreign_rule(&self, bucket: &str);

    /// Writes an object of four bytes.
    fn put(&self, bucket: &str, object: &str);

    /// Writes so many versions.
    fn put_many(&self, bucket: &str, count: u64);

    /// An object's text.
    fn get(&self, bucket: &str, object: &str) -> Option<String>;

    /// Deletes an object, or puts a deletion marker on it.
    fn delete(&self, bucket: &str, object: &str);

    /// Deletes all versions and leaves the deletion markers.
    fn delete_versions(&self, bucket: &str);

    /// Begins an upload in parts.
    fn begin_upload(&self, bucket: &str, object: &str);

    /// The names of the rights that an identity has; `None` without such an identity.
    fn identity(&self, name: &str) -> Option<BTreeSet<String>>;

    /// The ids of an identity's keys.
    fn keys(&self, name: &str) -> BTreeSet<String>;

    /// Makes an identity that is somebody else's, with rights of its own.
    fn make_foreign_identity(&self, name: &str);

    /// Gives an identity more rights.
    fn widen(&self, name: &str);

    /// Whether the server does this for this key.
    fn lets(&self, key: &AccessKey, deed: Deed<'_>) -> bool;
}

/// The cloud under test, for an operation that nobody stops.
pub fn open(server: &dyn Server) -> Arc<dyn Cloud> {
    server.open_as(Caller::Admin, &CancellationToken::new())
}

/// A bucket name that nobody has.
pub fn unused_name(what: &str) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{what}-{:x}", now.as_nanos() % 0xfff_ffff_ffff)
}

/// The cloud's service for identities.
pub fn identities(cloud: &Arc<dyn Cloud>) -> &dyn IdentityService {
    cloud.identity_service().expect("a service for identities")
}

/// Encryption that every server knows by name.
pub fn encrypted() -> Encryption {
    Encryption {
        algorithm: "AES256".to_owned(),
        key: Key::Server,
        bucket_key: None,
    }
}

/// A generation that no other test of this run has.
pub fn generation() -> Generation {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Generation::from_bytes((0xc000_0000 | number).to_be_bytes())
}

/// The leave to delete from a bucket, as one that was made with the marker `ready-00c0ffee`.
pub fn owned(bucket: &str) -> OwnedBucket {
    let marker = Marker::parse("ready-00c0ffee").expect("a marker");
    let generation = marker.generation.clone();
    OwnedBucket::confirm(bucket, Some(&marker), &generation).expect("the generations are the same")
}

/// W&B's identity on a bucket, and a key of it.
pub fn wandb(server: &dyn Server, bucket: &str, path: Option<&str>) -> (Identity, AccessKey) {
    let identity = Identity::for_bucket(bucket, server.rights(bucket, path), &generation());
    let cloud = open(server);
    let key = crate::harness::wait(async {
        let service = identities(&cloud);
        service.put_identity(&identity, false).await?;
        service.create_access_key(&identity).await
    });
    (identity, key.unwrap_or_else(|error| panic!("{error}")))
}

/// Whether the server does this for this key, once it has heard of the key.
pub fn lets_soon(server: &dyn Server, key: &AccessKey, deed: Deed<'_>) -> bool {
    let deadline = SystemTime::now() + Duration::from_secs(10);
    while SystemTime::now() < deadline {
        if server.lets(key, deed) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
