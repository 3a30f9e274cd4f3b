//! One generation of an object, and what keeps it from going.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::access::Principal;
use super::clock;
use super::crypto::{base64, crc32c, hex, md5};
use super::policy::only;
use super::refusal::{Kind, Refusal};
use super::request::Request;
use super::settings::{Settings, check_class};

/// What a caller may say of an object and is kept as it was said.
const KEPT: &[&str] = &[
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "customTime",
    "metadata",
    "storageClass",
];
/// What is looked at elsewhere, or decided by the service.
const OTHER: &[&str] = &[
    "acl",
    "bucket",
    "componentCount",
    "crc32c",
    "etag",
    "eventBasedHold",
    "generation",
    "id",
    "kind",
    "kmsKeyName",
    "md5Hash",
    "mediaLink",
    "metageneration",
    "name",
    "owner",
    "retention",
    "retentionExpirationTime",
    "selfLink",
    "size",
    "temporaryHold",
    "timeCreated",
    "timeDeleted",
    "timeFinalized",
    "timeStorageClassUpdated",
    "updated",
];

/// Where a generation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    /// Replaced or deleted while the bucket kept versions.
    Noncurrent(OffsetDateTime),
    /// Deleted, to be restored until the second time.
    SoftDeleted(OffsetDateTime, OffsetDateTime),
}

/// A generation of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) generation: i64,
    pub(crate) metageneration: i64,
    pub(crate) state: State,
    /// What the caller said of it.
    pub(crate) said: Map<String, Value>,
    pub(crate) data: Bytes,
    /// How many parts it was put together from; one that was is without an MD5.
    pub(crate) components: Option<usize>,
    pub(crate) created: OffsetDateTime,
    pub(crate) updated: OffsetDateTime,
    pub(crate) temporary_hold: Option<bool>,
    pub(crate) event_hold: Option<bool>,
    /// From when a bucket's retention counts: its making, or the end of its hold.
    pub(crate) kept_from: OffsetDateTime,
    /// Its own retention: the mode and the end.
    pub(crate) retention: Option<(String, OffsetDateTime)>,
    /// With its version.
    pub(crate) key: Option<String>,
    pub(crate) owner: Principal,
}

impl Object {
    pub(crate) fn is_live(&self) -> bool {
        self.state == State::Live
    }

    pub(crate) fn is_soft_deleted(&self) -> bool {
        matches!(self.state, State::SoftDeleted(..))
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.said.get("contentType").and_then(Value::as_str)
    }

    pub(crate) fn class(&self) -> &str {
        self.said
            .get("storageClass")
            .and_then(Value::as_str)
            .unwrap_or("STANDARD")
    }

    pub(crate) fn crc32c(&self) -> String {
        base64(&crc32c(&self.data))
    }

    pub(crate) fn md5(&self) -> Option<String> {
        self.components.is_none().then(|| base64(&md5(&self.data)))
    }

    /// The tag of JSON answers.
    pub(crate) fn etag(&self) -> String {
        tag(&[(1, self.generation), (2, self.metageneration)])
    }

    /// The tag of XML answers.
    pub(crate) fn xml_etag(&self) -> String {
        match self.components {
            None => format!("\"{}\"", hex(&md5(&self.data))),
            Some(_) => format!("\"-{}\"", self.etag()),
        }
    }

    /// Until when a retention keeps it; `None` also while a hold puts the end off.
    pub(crate) fn kept_until(&self, bucket: &Settings) -> Option<OffsetDateTime> {
        let by_bucket = (bucket.retention() > 0 && self.event_hold != Some(true))
            .then(|| self.kept_from + Duration::seconds(bucket.retention()));
        by_bucket.max(self.retention.as_ref().map(|(_, until)| *until))
    }

    /// Refuses when something keeps the object. A retention lets a live object become
    /// noncurrent; a hold does not.
    pub(crate) fn let_go(
        &self,
        bucket: &str,
        settings: &Settings,
        now: OffsetDateTime,
        archives: bool,
    ) -> Result<(), Refusal> {
        let object = format!("Object '{bucket}/{}'", self.name);
        let holds = [
            (self.event_hold, "Event-Based"),
            (self.temporary_hold, "Temporary"),
        ];
        for (hold, kind) in holds {
            if hold == Some(true) {
                let message = format!(
                    "{object} is under active {kind} hold and cannot be deleted, overwritten or \
                     archived until hold is removed."
                );
                return Err(Refusal::new(403, Kind::Held, message));
            }
        }
        let deferred = settings.retention() > 0 && self.event_hold == Some(true);
        let until = self.kept_until(settings).filter(|until| *until > now);
        match until {
            Some(until) if !archives && !deferred => {
                let message = format!(
                    "{object} is subject to bucket's retention policy or object retention and \
                     cannot be deleted or overwritten until {}",
                    clock::pacific(until)
                );
                Err(Refusal::new(403, Kind::Retained, message))
            }
            _ => Ok(()),
        }
    }

    /// The object in JSON.
    pub(crate) fn view(&self, url: &str, bucket: &str, settings: &Settings) -> Value {
        let name = encode(&self.name);
        let generation = self.generation;
        let mut view = json!({
            "kind": "storage#object",
            "id": format!("{bucket}/{}/{generation}", self.name),
            "selfLink": format!("{url}/storage/v1/b/{bucket}/o/{name}"),
            "mediaLink": format!(
                "{url}/download/storage/v1/b/{bucket}/o/{name}?generation={generation}&alt=media"
            ),
            "name": self.name,
            "bucket": bucket,
            "generation": generation.to_string(),
            "metageneration": self.metageneration.to_string(),
            "storageClass": self.class(),
            "size": self.data.len().to_string(),
            "crc32c": self.crc32c(),
            "etag": self.etag(),
            "timeCreated": clock::milliseconds(self.created),
            "updated": clock::milliseconds(self.updated),
            "timeStorageClassUpdated": clock::milliseconds(self.created),
            "timeFinalized": clock::milliseconds(self.created),
        });
        for (name, value) in &self.said {
            view[name] = value.clone();
        }
        let mut more = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                view[name] = value;
            }
        };
        more("md5Hash", self.md5().map(Value::from));
        more("componentCount", self.components.map(Value::from));
        more("temporaryHold", self.temporary_hold.map(Value::from));
        more("eventBasedHold", self.event_hold.map(Value::from));
        more("kmsKeyName", self.key.clone().map(Value::from));
        let time = |time| Value::from(clock::milliseconds(time));
        more(
            "retentionExpirationTime",
            self.kept_until(settings).map(time),
        );
        more(
            "retention",
            self.retention.as_ref().map(|(mode, until)| {
                json!({"mode": mode, "retainUntilTime": clock::milliseconds(*until)})
            }),
        );
        match self.state {
            State::Live => {}
            State::Noncurrent(since) => more("timeDeleted", Some(time(since))),
            State::SoftDeleted(since, end) => {
                more("softDeleteTime", Some(time(since)));
                more("hardDeleteTime", Some(time(end)));
            }
        }
        view
    }
}

/// Looks at what a caller says of an object and leaves what is kept as it is.
pub(crate) fn said(body: &Value) -> Result<Map<String, Value>, Refusal> {
    let body = body.as_object().ok_or_else(Refusal::parse_error)?;
    only(body, &[KEPT, OTHER].concat(), "object")?;
    let mut kept = Map::new();
    for name in KEPT {
        let Some(value) = body.get(*name).filter(|value| !value.is_null()) else {
            continue;
        };
        let value = match *name {
            "storageClass" => check_class(value)?,
            "metadata" => {
                let metadata = value.as_object().ok_or_else(Refusal::parse_error)?;
                if !metadata.values().all(Value::is_string) {
                    return Err(Refusal::parse_error());
                }
                value.clone()
            }
            "customTime" => {
                let time = value.as_str().and_then(clock::parse);
                json!(clock::milliseconds(time.ok_or_else(|| {
                    Refusal::invalid(format!("Invalid value for customTime: {value}"))
                })?))
            }
            _ if value.is_string() => value.clone(),
            _ => return Err(Refusal::parse_error()),
        };
        kept.insert((*name).to_owned(), value);
    }
    Ok(kept)
}

/// A hold as a caller sets it.
pub(crate) fn hold(body: &Value, name: &str) -> Result<Option<bool>, Refusal> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::Bool(hold) => Ok(Some(*hold)),
        _ => Err(Refusal::parse_error()),
    }
}

/// A retention of an object's own, as a caller sets it.
pub(crate) fn retention(body: &Value) -> Result<Option<(String, OffsetDateTime)>, Refusal> {
    let Some(retention) = body.get("retention").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let mode = retention["mode"].as_str().unwrap_or_default();
    if !["Locked", "Unlocked"].contains(&mode) {
        return Err(Refusal::invalid(format!(
            "Invalid retention mode: '{mode}'"
        )));
    }
    let until = retention["retainUntilTime"].as_str().and_then(clock::parse);
    let until = until.ok_or_else(|| Refusal::invalid("Invalid retainUntilTime."))?;
    Ok(Some((mode.to_owned(), until)))
}

/// Which generation a request is meant for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) generation: Option<i64>,
    pub(crate) not_generation: Option<i64>,
    pub(crate) metageneration: Option<i64>,
    pub(crate) not_metageneration: Option<i64>,
}

impl Conditions {
    /// Those of the JSON interface.
    pub(crate) fn of_query(request: &Request) -> Result<Self, Refusal> {
        Ok(Self {
            generation: request.number("ifGenerationMatch")?,
            not_generation: request.number("ifGenerationNotMatch")?,
            metageneration: request.number("ifMetagenerationMatch")?,
            not_metageneration: request.number("ifMetagenerationNotMatch")?,
        })
    }

    /// Those of the XML interface.
    pub(crate) fn of_headers(request: &Request) -> Self {
        let number = |name: &str| request.header(name).and_then(|text| text.parse().ok());
        Self {
            generation: number("x-goog-if-generation-match"),
            metageneration: number("x-goog-if-metageneration-match"),
            ..Self::default()
        }
    }

    /// Whether they hold for a generation and its metageneration; `None` where there is
    /// nothing.
    pub(crate) fn check(&self, found: Option<(i64, i64)>) -> Result<(), Refusal> {
        let (generation, metageneration) = found.unwrap_or_default();
        let differs = |wanted: Option<i64>, is: i64| wanted.is_some_and(|wanted| wanted != is);
        if differs(self.generation, generation) || differs(self.metageneration, metageneration) {
            return Err(Refusal::condition_not_met());
        }
        if self.not_generation == Some(generation)
            || (found.is_some() && self.not_metageneration == Some(metageneration))
        {
            return Err(Refusal::not_modified());
        }
        Ok(())
    }
}

/// A tag as the service makes it: numbered numbers, packed and in base64.
pub(crate) fn tag(numbers: &[(u8, i64)]) -> String {
    let mut bytes = Vec::new();
    for (place, number) in numbers {
        bytes.push(place << 3);
        let mut rest = number.cast_unsigned();
        while rest >= 0x80 {
            bytes.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap_or_default());
    }
    base64(&bytes)
}

/// A name as it stands in an address.
pub(crate) fn encode(name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const PART: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(name, PART).to_string()
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn tags_look_like_the_real_ones() {
        assert_eq!(tag(&[(1, 1)]), "CAE=");
        assert_eq!(tag(&[(1, 2)]), "CAI=");
        assert_eq!(tag(&[(1, 1_609_970_577_674_000), (2, 1)]).len(), 16);
    }
}
