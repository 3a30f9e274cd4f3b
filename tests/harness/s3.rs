//! What a stage does at a storage server that speaks S3, by an independent client.

use serde_json::{Value, json};

use super::ask::{Login, ask};
use super::clouds::Cloud;
use super::stage::Stage;

/// Whether a bucket is there.
pub fn is_there<C: Cloud<Login = Login>>(stage: &Stage<C>, bucket: &str) -> bool {
    let answer = stage.ask("s3", "head_bucket", json!({"Bucket": bucket}));
    match answer["error"].as_str() {
        None => true,
        Some("404") => false,
        Some(other) => panic!("head_bucket: {other}"),
    }
}

/// What the examples on such a server ask for.
pub fn variables(login: &Login) -> Vec<(&'static str, String)> {
    let host = login.endpoint.replace("http://", "");
    [
        ("s3_endpoint", &login.endpoint),
        ("s3_access_key", &login.access_key),
        ("s3_secret_key", &login.secret_key),
        ("s3_host", &host),
        ("minio_endpoint", &login.endpoint),
        ("minio_access_key", &login.access_key),
        ("minio_secret_key", &login.secret_key),
    ]
    .map(|(name, value)| (name, value.clone()))
    .to_vec()
}

impl<C: Cloud<Login = Login>> Stage<C> {
    /// Asks the cloud by a client of that kind; the answer has `ok` or `error`.
    pub fn ask(&self, client: &str, call: &str, args: Value) -> Value {
        ask(&self.login, client, call, args)
    }

    /// Does something by a client of that kind that has to work.
    pub fn ok(&self, client: &str, call: &str, args: Value) -> Value {
        let answer = self.ask(client, call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    }

    /// Asks the storage server about this test's bucket.
    pub fn s3(&self, call: &str) -> Value {
        self.s3_with(call, json!({}))
    }

    /// The same with further arguments.
    pub fn s3_with(&self, call: &str, mut args: Value) -> Value {
        args["Bucket"] = json!(self.bucket());
        self.ask("s3", call, args)
    }

    /// Does something with this test's bucket that has to work.
    pub fn s3_ok(&self, call: &str, args: Value) -> Value {
        let answer = self.s3_with(call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    }

    /// Puts an object.
    pub fn put(&self, key: &str) {
        self.s3_ok("put_object", json!({"Key": key, "Body": "data"}));
    }

    /// Whether the bucket is there.
    pub fn exists(&self) -> bool {
        is_there(self, self.bucket())
    }

    /// The bucket's tags.
    pub fn tags(&self) -> Value {
        let answer = self.s3("get_bucket_tagging");
        let list = answer["ok"]["TagSet"].as_array().cloned();
        let pairs = list.unwrap_or_default().into_iter().map(|tag| {
            let key = tag["Key"].as_str().unwrap_or_default();
            (key.to_owned(), tag["Value"].clone())
        });
        Value::Object(pairs.collect())
    }

    /// Replaces the bucket's tags.
    pub fn put_tags(&self, tags: &Value) {
        let pairs = tags.as_object().expect("tags").iter();
        let set: Vec<Value> = pairs
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        self.s3_ok("put_bucket_tagging", json!({"Tagging": {"TagSet": set}}));
    }

    /// The provider's marker on the bucket.
    pub fn marker(&self) -> String {
        let marker = self.tags()["terraform-provider-wandb"].clone();
        marker.as_str().expect("a marker").to_owned()
    }

    /// Whether the bucket is there and finished.
    pub fn is_ready(&self) -> bool {
        let marker = self.tags()["terraform-provider-wandb"].clone();
        marker.as_str().is_some_and(|one| one.starts_with("ready-"))
    }

    /// Puts a marker on a bucket that the provider has not made.
    pub fn mark(&self, marker: &str) {
        self.put_tags(&json!({"terraform-provider-wandb": marker}));
    }

    /// Whether versioning is on.
    pub fn versioning(&self) -> Value {
        self.s3_ok("get_bucket_versioning", json!({}))["Status"].clone()
    }

    /// Turns versioning off.
    pub fn suspend_versioning(&self) {
        let off = json!({"VersioningConfiguration": {"Status": "Suspended"}});
        self.s3_ok("put_bucket_versioning", off);
    }

    /// The rules by which the bucket's objects expire.
    pub fn lifecycle(&self) -> Value {
        self.s3_ok("get_bucket_lifecycle_configuration", json!({}))["Rules"].clone()
    }

    /// Replaces those rules.
    pub fn put_lifecycle(&self, rules: Value) {
        let args = json!({"LifecycleConfiguration": {"Rules": rules}});
        self.s3_ok("put_bucket_lifecycle_configuration", args);
    }

    /// The rules about browsers.
    pub fn cors(&self) -> Value {
        self.s3_ok("get_bucket_cors", json!({}))["CORSRules"].clone()
    }

    /// Replaces those rules.
    pub fn put_cors(&self, rules: Value) {
        let args = json!({"CORSConfiguration": {"CORSRules": rules}});
        self.s3_ok("put_bucket_cors", args);
    }

    /// How objects are encrypted that say nothing about it.
    pub fn encryption(&self) -> Value {
        let answer = self.s3_ok("get_bucket_encryption", json!({}));
        let rule = &answer["ServerSideEncryptionConfiguration"]["Rules"][0];
        rule["ApplyServerSideEncryptionByDefault"].clone()
    }

    /// Replaces that.
    pub fn put_encryption(&self, default: Value) {
        let rule = json!({"ApplyServerSideEncryptionByDefault": default});
        let args = json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}});
        self.s3_ok("put_bucket_encryption", args);
    }

    /// The bucket's policy, as a document.
    pub fn policy(&self) -> Value {
        document(&self.s3_ok("get_bucket_policy", json!({})))
    }

    /// Replaces the bucket's policy.
    pub fn put_policy(&self, policy: &Value) {
        self.s3_ok("put_bucket_policy", json!({"Policy": policy.to_string()}));
    }

    /// The key of W&B's that the resource has made, by the state.
    pub fn login_of_wandb(&self) -> Login {
        let login = self.login.clone();
        login.with_key_of(&self.this())
    }

    /// The access keys that a user has, by the interface of IAM.
    pub fn access_keys_of(&self, user: &str) -> Vec<Value> {
        let listed = self.ok("iam", "list_access_keys", json!({"UserName": user}));
        let keys = listed["AccessKeyMetadata"].as_array().cloned();
        let ids = keys.unwrap_or_default().into_iter();
        ids.map(|key| key["AccessKeyId"].clone()).collect()
    }

    /// Deletes whatever a test left in its bucket, and the bucket.
    pub fn clean_up(&self) {
        self.clean_up_objects();
        self.s3("delete_bucket");
    }

    /// Deletes whatever a test left in its bucket.
    pub fn clean_up_objects(&self) {
        self.clean_up_objects_of(self.bucket());
    }

    /// Deletes whatever is in a bucket.
    pub fn clean_up_objects_of(&self, bucket: &str) {
        let left = self.ask("s3", "list_object_versions", json!({"Bucket": bucket}));
        for kind in ["Versions", "DeleteMarkers"] {
            for one in left["ok"][kind].as_array().into_iter().flatten() {
                let args =
                    json!({"Bucket": bucket, "Key": one["Key"], "VersionId": one["VersionId"]});
                self.ask("s3", "delete_object", args);
            }
        }
    }
}

/// The policy in an answer, as a document.
pub fn document(answer: &Value) -> Value {
    let text = answer["Policy"].as_str().expect("a policy");
    serde_json::from_str(text).expect("JSON")
}
