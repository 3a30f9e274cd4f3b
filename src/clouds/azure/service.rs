//! The settings of an account's service for blobs: CORS, old versions, soft delete. They belong
//! to all containers of the account, so they have one writer at a time in this process, which
//! reads them again before it writes.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::OwnedMutexGuard;

use super::Azure;
use super::error::not_understood;
use super::request::{Api, Request};
use crate::byob::change::Change;
use crate::byob::observed::{CorsRule, Versioning};
use crate::byob::requirements::data::days;
use crate::byob::{CloudError, CloudErrorKind};
use crate::clouds::retry::Work;

pub(super) const READ: &str = "Microsoft.Storage/storageAccounts/blobServices/read";
pub(super) const WRITE: &str = "Microsoft.Storage/storageAccounts/blobServices/write";
/// As many CORS rules as an account may have.
///
/// Source: Azure's page on CORS for storage services.
const MOST_RULES: usize = 5;
/// How long blobs can be brought back.
const BLOBS: &str = "deleteRetentionPolicy";
/// How long containers can be brought back.
const CONTAINERS: &str = "containerDeleteRetentionPolicy";

static WRITERS: LazyLock<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>> =
    LazyLock::new(Mutex::default);

/// Waits until nobody else in this process writes what belongs to all of an account.
pub(super) async fn only_writer(cloud: &Azure) -> OwnedMutexGuard<()> {
    let account = cloud.place.account_id().to_ascii_lowercase();
    let writer = {
        let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(writers.entry(account).or_default())
    };
    writer.lock_owned().await
}

/// The settings, as the service told them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Service(Value);

impl Service {
    fn read(told: Value) -> Result<Self, &'static str> {
        if told["properties"].is_object() {
            Ok(Self(told))
        } else {
            Err("it holds no settings")
        }
    }

    fn property(&self, name: &str) -> &Value {
        &self.0["properties"][name]
    }

    /// CORS rules as they stand.
    pub(super) fn raw_cors(&self) -> Vec<Value> {
        let rules = self.property("cors")["corsRules"].as_array();
        rules.cloned().unwrap_or_default()
    }

    pub(super) fn cors(&self) -> Vec<CorsRule> {
        self.raw_cors().iter().map(cors_rule).collect()
    }

    pub(super) fn versioning(&self) -> Versioning {
        if *self.property("isVersioningEnabled") == true {
            Versioning::Enabled
        } else {
            // Azure does not tell whether it was on once, and then old versions are there.
            Versioning::Suspended
        }
    }

    fn kept(&self, what: &str) -> Duration {
        let policy = self.property(what);
        let count = policy["days"]
            .as_u64()
            .and_then(|days| u32::try_from(days).ok());
        match (policy["enabled"] == true, count) {
            (true, Some(count)) => days(count),
            _ => Duration::ZERO,
        }
    }

    /// How long deleted blobs can be brought back.
    pub(super) fn blobs_kept(&self) -> Duration {
        self.kept(BLOBS)
    }

    /// How long deleted containers can be brought back.
    pub(super) fn containers_kept(&self) -> Duration {
        self.kept(CONTAINERS)
    }
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

fn cors_rule(raw: &Value) -> CorsRule {
    CorsRule {
        id: None,
        origins: texts(&raw["allowedOrigins"]),
        methods: texts(&raw["allowedMethods"]),
        headers: texts(&raw["allowedHeaders"]),
        exposed: texts(&raw["exposedHeaders"]),
        max_age_seconds: raw["maxAgeInSeconds"].as_i64(),
    }
}

fn raw_rule(rule: &CorsRule) -> Value {
    json!({
        "allowedOrigins": rule.origins,
        "allowedMethods": rule.methods,
        "maxAgeInSeconds": rule.max_age_seconds.unwrap_or_default(),
        "exposedHeaders": rule.exposed,
        "allowedHeaders": rule.headers,
    })
}

/// The rule without the id that ours have in the domain.
fn unnamed(rule: &CorsRule) -> CorsRule {
    CorsRule {
        id: None,
        ..rule.clone()
    }
}

/// The rules to write: ours first, then others' as they stand now. `wanted` was made up of the
/// rules in `before`; what it leaves out of them was ours, and what came since is others'.
fn merged(wanted: &[CorsRule], before: &[Value], now: &[Value]) -> Vec<Value> {
    let mut wanted = wanted.iter().map(unnamed);
    let own = wanted.next();
    let kept: Vec<CorsRule> = wanted.collect();
    let others = now.iter().filter(|raw| {
        let rule = cors_rule(raw);
        let was_ours = before.contains(raw) && !kept.contains(&rule);
        own.as_ref() != Some(&rule) && !was_ours
    });
    let own = own.as_ref().map(raw_rule);
    own.into_iter().chain(others.cloned()).collect()
}

/// Reads the settings, and keeps in mind what CORS rules there are.
pub(super) async fn get(cloud: &Azure) -> Result<Service, CloudError> {
    let service = read(cloud).await?;
    cloud.seen.note_cors(&service.raw_cors());
    Ok(service)
}

fn id(cloud: &Azure) -> String {
    format!("{}/blobServices/default", cloud.place.account_id())
}

async fn read(cloud: &Azure) -> Result<Service, CloudError> {
    let target = &cloud.place.account;
    let request = Request::manager(Api::Storage, "GET", &id(cloud));
    let told = cloud.json(Work::Read, READ, target, &request).await?;
    Service::read(told).map_err(|why| not_understood(READ, target, why))
}

/// Writes the sections that are in `properties`; the service keeps the others.
pub(super) async fn put(cloud: &Azure, properties: Map<String, Value>) -> Result<(), CloudError> {
    let target = &cloud.place.account;
    let has_rules = properties.contains_key("cors");
    let body = json!({ "properties": properties });
    let request = Request::manager(Api::Storage, "PUT", &id(cloud)).json(&body);
    let told = cloud.json(Work::Write, WRITE, target, &request).await?;
    // What came since the rules were made up is others', whatever else is written meanwhile.
    if has_rules && let Ok(service) = Service::read(told) {
        cloud.seen.note_cors(&service.raw_cors());
    }
    Ok(())
}

/// A retention that is on for so many days, with whatever else the service has said of it.
fn retention(before: &Value, days: u32) -> Value {
    let mut policy = before.as_object().cloned().unwrap_or_default();
    policy.insert("enabled".to_owned(), json!(true));
    policy.insert("days".to_owned(), json!(days));
    Value::Object(policy)
}

/// The days to write where others' containers need more than is wanted here.
fn long_enough(service: &Service, what: &str, wanted: u32, is_own: bool) -> u32 {
    let there = service.kept(what).as_secs() / (24 * 3600);
    match u32::try_from(there) {
        Ok(there) if !is_own => there.max(wanted),
        _ => wanted,
    }
}

/// The sections that one setting is in; nothing for one that is elsewhere.
fn sections(
    service: &Service,
    change: &Change,
    before: &[Value],
    is_own: bool,
) -> Map<String, Value> {
    let mut sections = Map::new();
    match change {
        Change::Versioning(on) => {
            sections.insert("isVersioningEnabled".to_owned(), json!(on));
        }
        Change::SoftDelete(days) => {
            for what in [BLOBS, CONTAINERS] {
                let days = long_enough(service, what, *days, is_own);
                let policy = retention(service.property(what), days);
                sections.insert(what.to_owned(), policy);
            }
        }
        Change::Cors(wanted) => {
            let rules = merged(wanted, before, &service.raw_cors());
            sections.insert("cors".to_owned(), json!({ "corsRules": rules }));
        }
        _ => {}
    }
    sections
}

/// Everything that these settings say of a service that was made a moment ago.
pub(super) fn first(settings: &[Change]) -> Map<String, Value> {
    let empty = Service(json!({"properties": {}}));
    let all = settings.iter();
    all.flat_map(|change| sections(&empty, change, &[], true))
        .collect()
}

/// The same of a service that somebody else may have changed since: their rules stay. Whoever
/// calls is the account's writer.
pub(super) async fn beside_others(
    cloud: &Azure,
    settings: &[Change],
) -> Result<Map<String, Value>, CloudError> {
    let service = read(cloud).await?;
    let all = settings.iter();
    Ok(all
        .flat_map(|change| sections(&service, change, &[], true))
        .collect())
}

/// Writes one setting, merged with what others have written.
pub(super) async fn write(cloud: &Azure, change: &Change, is_own: bool) -> Result<(), CloudError> {
    let _writer = only_writer(cloud).await;
    let before = cloud.seen.cors();
    let service = read(cloud).await?;
    let sections = sections(&service, change, &before, is_own);
    let rules = sections
        .get("cors")
        .and_then(|cors| cors["corsRules"].as_array());
    if rules.is_some_and(|rules| rules.len() > MOST_RULES) {
        let why =
            format!("the account has {MOST_RULES} CORS rules of others, and can have no more");
        let kind = CloudErrorKind::Invalid;
        return Err(CloudError::new(kind, WRITE, &cloud.place.account, why)
            .hint("Remove a CORS rule of the account that nobody needs, or use another account."));
    }
    put(cloud, sections).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origin: &str, age: i64) -> CorsRule {
        CorsRule {
            id: Some("wandb-byob".to_owned()),
            origins: vec![origin.to_owned()],
            methods: vec!["GET".to_owned(), "HEAD".to_owned(), "PUT".to_owned()],
            headers: vec!["*".to_owned()],
            exposed: vec!["*".to_owned()],
            max_age_seconds: Some(age),
        }
    }

    fn raw(origin: &str, age: i64) -> Value {
        json!({"allowedOrigins": [origin], "allowedMethods": ["GET", "HEAD", "PUT"],
            "maxAgeInSeconds": age, "exposedHeaders": ["*"], "allowedHeaders": ["*"]})
    }

    #[test]
    fn of_two_writers_neither_loses_its_rule() {
        // Both have seen an account without rules, and the other one came first.
        let mine = [rule("https://a.example", 3600)];
        assert_eq!(
            merged(&mine, &[], &[raw("https://b.example", 3600)]),
            [
                raw("https://a.example", 3600),
                raw("https://b.example", 3600)
            ]
        );
    }

    #[test]
    fn our_old_rule_goes_and_others_stay_as_they_are() {
        let mut theirs = raw("https://b.example", 60);
        theirs["later"] = json!(1);
        let before = [raw("https://a.example", 60), theirs.clone()];
        let wanted = [
            rule("https://a.example", 3600),
            unnamed(&rule("https://b.example", 60)),
        ];
        assert_eq!(
            merged(&wanted, &before, &before),
            [raw("https://a.example", 3600), theirs]
        );
    }

    #[test]
    fn what_is_kept_longer_for_others_stays() {
        let service = Service(json!({"properties": {
            "deleteRetentionPolicy": {"enabled": true, "days": 30, "allowPermanentDelete": true},
            "containerDeleteRetentionPolicy": {"enabled": false},
        }}));
        let anothers = sections(&service, &Change::SoftDelete(7), &[], false);
        assert_eq!(
            Value::Object(anothers),
            json!({
                "deleteRetentionPolicy": {"enabled": true, "days": 30, "allowPermanentDelete": true},
                "containerDeleteRetentionPolicy": {"enabled": true, "days": 7},
            })
        );
        let own = sections(&service, &Change::SoftDelete(7), &[], true);
        assert_eq!(own["deleteRetentionPolicy"]["days"], 7);
        assert_eq!(service.blobs_kept(), days(30));
        assert_eq!(service.containers_kept(), Duration::ZERO);
    }
}
