//! gcplocal, another stand-in for Google Cloud, is asked the same: of the fields that it keeps
//! it has to say the same.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use simulator::python::tool;
use simulator::servers::free_address;

use crate::{Cloud, PROJECT};

/// What both keep of a bucket. gcplocal knows neither soft delete nor the prevention of
/// public access.
const KEPT: [&str; 8] = [
    "/name",
    "/location",
    "/storageClass",
    "/labels",
    "/versioning",
    "/cors",
    "/lifecycle",
    "/iamConfiguration/uniformBucketLevelAccess/enabled",
];

/// A gcplocal, which ends with the test.
struct Other {
    process: Child,
    url: String,
    http: Client,
}

impl Drop for Other {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Other {
    async fn start() -> Self {
        let port = free_address().expect("a free port").port();
        let process = Command::new(tool("gcplocal"))
            .args(["start", "--host", "127.0.0.1", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gcplocal is there; run tests/setup.sh");
        let other = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            http: Client::builder().no_proxy().build().expect("a client"),
        };
        for _ in 0..200 {
            if other.http.get(&other.url).send().await.is_ok() {
                return other;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("gcplocal does not answer");
    }

    async fn api(&self, method: Method, path: &str, body: &Value) -> Value {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.bearer_auth("any").send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.expect("a text");
        serde_json::from_str(&text).expect("JSON")
    }
}

fn kept(bucket: &Value) -> Vec<(&'static str, Value)> {
    let field = |path| bucket.pointer(path).cloned().unwrap_or_default();
    KEPT.iter().map(|path| (*path, field(path))).collect()
}

#[tokio::test]
async fn another_stand_in_keeps_the_same() {
    let (cloud, other) = (Cloud::start().await, Other::start().await);
    let make = json!({
        "name": "second-opinion",
        "location": "EU",
        "storageClass": "NEARLINE",
        "labels": {"cost_center": "ml"},
        "versioning": {"enabled": true},
        "cors": [{
            "origin": ["*"],
            "method": ["GET", "HEAD", "PUT"],
            "responseHeader": ["Content-Type", "ETag"],
            "maxAgeSeconds": 3600
        }],
        "lifecycle": {"rule": [{
            "action": {"type": "Delete"},
            "condition": {"daysSinceNoncurrentTime": 3, "matchesPrefix": ["teams/a/"]}
        }]},
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}}
    });
    let change = json!({
        "labels": {"cost_center": "hr"},
        "cors": [{"origin": ["https://acme.wandb.io"], "method": ["GET"], "maxAgeSeconds": 60}],
        "storageClass": "STANDARD"
    });
    let (all, one) = (
        format!("/storage/v1/b?project={PROJECT}"),
        "/storage/v1/b/second-opinion",
    );
    for (method, path, body) in [
        (Method::POST, all.as_str(), &make),
        (Method::GET, one, &Value::Null),
        (Method::PATCH, one, &change),
        (Method::GET, one, &Value::Null),
    ] {
        let theirs = other.api(method.clone(), path, body).await;
        let (status, ours) = cloud.api(method.clone(), path, body.clone()).await;
        assert_eq!(status, 200, "{method} {path}: {ours}");
        assert_eq!(kept(&ours), kept(&theirs), "{method} {path}");
    }
    cloud.instance.stop().await;
}
