//! What is asked of an account: its containers, its settings, and keys for delegation.

use serde_json::{Map, Value, json};

use super::refusal::{Outcome, Refusal};
use super::{Names, list, not_simulated, sas, xml};
use crate::azure::clock::{parse, seconds};
use crate::azure::request::{Answer, Request};
use crate::azure::world::{Account, World};

/// Answers a request to an account.
pub(super) fn answer(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let comp = request.parameter("comp");
    match (request.method.as_str(), request.parameter("restype"), comp) {
        ("GET", None, Some("list")) => list::containers(world, request, &names.account),
        ("GET" | "HEAD", Some("account"), Some("properties")) => Ok(Answer::empty(200)
            .with("x-ms-sku-name", "Standard_ZRS")
            .with("x-ms-account-kind", "StorageV2")),
        ("POST", Some("service"), Some("userdelegationkey")) => key(world, request, names),
        ("GET", Some("service"), Some("properties")) => {
            let account = world
                .accounts
                .get(&names.account)
                .ok_or_else(not_simulated)?;
            Ok(Answer::empty(200)
                .with("Content-Type", "application/xml")
                .body(properties(account)))
        }
        ("PUT", Some("service"), Some("properties")) => set(world, request, names),
        _ => Err(not_simulated()),
    }
}

/// A key that the caller's own signatures are made with, for at most seven days.
fn key(world: &World, request: &Request, names: &Names) -> Outcome {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let (start, end) = (xml::text(&body, "Start"), xml::text(&body, "Expiry"));
    let now = world.now();
    let start_time = start.as_deref().map_or(Some(now), parse);
    let end_time = end.as_deref().and_then(parse);
    let (Some(start_time), Some(end_time)) = (start_time, end_time) else {
        return Err(Refusal::document());
    };
    let longest = time::Duration::days(7) + time::Duration::minutes(1);
    if end_time <= now || end_time <= start_time || end_time - now > longest {
        let words = "The value for one of the XML nodes is not in the correct format.";
        return Err(Refusal::new(400, "InvalidXmlNodeValue", words));
    }
    let token = request
        .header("authorization")
        .and_then(|one| one.strip_prefix("Bearer "));
    let caller = token
        .and_then(|token| world.caller(token))
        .ok_or_else(Refusal::permission)?;
    let version = request.header("x-ms-version").unwrap_or_default();
    let (start, end) = (seconds(start_time), seconds(end_time));
    let account = world
        .accounts
        .get(&names.account)
        .ok_or_else(not_simulated)?;
    let parts = [
        &caller.object_id,
        &caller.tenant,
        &start,
        &end,
        "b",
        version,
    ];
    let value = sas::delegation_key(account, parts);
    let names = [
        "SignedOid",
        "SignedTid",
        "SignedStart",
        "SignedExpiry",
        "SignedService",
        "SignedVersion",
    ];
    let pairs: Vec<(&str, String)> = names
        .into_iter()
        .zip(parts.map(str::to_owned))
        .chain([("Value", value)])
        .collect();
    let body = format!(
        "<UserDelegationKey>{}</UserDelegationKey>",
        xml::elements(&pairs)
    );
    let answer = Answer::empty(200).with("Content-Type", "application/xml");
    Ok(answer.body(xml::document(&body)))
}

/// The account's settings as this side spells them.
fn properties(account: &Account) -> String {
    let rules = account.blob_service("cors")["corsRules"].as_array();
    let joined = |rule: &Value, name: &str| {
        let all = rule[name].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).collect::<Vec<_>>().join(",")
    };
    let rules: String = rules
        .into_iter()
        .flatten()
        .map(|rule| {
            let pairs = [
                ("AllowedOrigins", joined(rule, "allowedOrigins")),
                ("AllowedMethods", joined(rule, "allowedMethods")),
                ("MaxAgeInSeconds", rule["maxAgeInSeconds"].to_string()),
                ("ExposedHeaders", joined(rule, "exposedHeaders")),
                ("AllowedHeaders", joined(rule, "allowedHeaders")),
            ];
            format!("<CorsRule>{}</CorsRule>", xml::elements(&pairs))
        })
        .collect();
    let days = account.retention("deleteRetentionPolicy");
    let days_element = days.map(|days| xml::element("Days", &days.to_string()));
    let off = "<Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false\
        </Enabled></RetentionPolicy>";
    let body = format!(
        "<StorageServiceProperties><Logging><Version>1.0</Version><Read>false</Read><Write>false\
         </Write><Delete>false</Delete><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>\
         </Logging><HourMetrics>{off}</HourMetrics><MinuteMetrics>{off}</MinuteMetrics>\
         <Cors>{rules}</Cors><DeleteRetentionPolicy><Enabled>{}</Enabled>{}\
         </DeleteRetentionPolicy><StaticWebsite><Enabled>false</Enabled></StaticWebsite>\
         </StorageServiceProperties>",
        days.is_some(),
        days_element.unwrap_or_default()
    );
    xml::document(&body)
}

/// Sets what a document names of CORS and of the soft delete of blobs.
fn set(world: &mut World, request: &Request, names: &Names) -> Outcome {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let account = world
        .accounts
        .get_mut(&names.account)
        .ok_or_else(not_simulated)?;
    let mut sent = Map::new();
    let cors = xml::all(&body, "Cors");
    if let Some(cors) = cors.first() {
        let rules = xml::all(cors, "CorsRule");
        let rule = |rule: &&str| {
            let list = |name: &str| -> Vec<String> {
                let text = xml::text(rule, name).unwrap_or_default();
                let parts = text.split(',').map(str::trim).filter(|one| !one.is_empty());
                parts.map(str::to_owned).collect()
            };
            let age = xml::text(rule, "MaxAgeInSeconds").and_then(|age| age.parse::<i64>().ok());
            json!({"allowedOrigins": list("AllowedOrigins"),
                "allowedMethods": list("AllowedMethods"), "maxAgeInSeconds": age,
                "exposedHeaders": list("ExposedHeaders"),
                "allowedHeaders": list("AllowedHeaders")})
        };
        let rules: Vec<Value> = rules.iter().map(rule).collect();
        if rules.len() > 5 || rules.iter().any(|one| one["maxAgeInSeconds"].is_null()) {
            return Err(Refusal::document());
        }
        sent.insert("cors".to_owned(), json!({"corsRules": rules}));
    }
    if let Some(policy) = xml::all(&body, "DeleteRetentionPolicy").first() {
        let enabled = xml::text(policy, "Enabled").as_deref() == Some("true");
        let days = xml::text(policy, "Days").and_then(|days| days.parse::<i64>().ok());
        if enabled && !days.is_some_and(|days| (1..=365).contains(&days)) {
            return Err(Refusal::document());
        }
        let policy = match days.filter(|_| enabled) {
            Some(days) => json!({"enabled": true, "days": days}),
            None => json!({"enabled": false}),
        };
        sent.insert("deleteRetentionPolicy".to_owned(), policy);
    }
    account
        .services
        .entry("blobservices".to_owned())
        .or_default()
        .extend(sent);
    Ok(Answer::empty(202))
}
