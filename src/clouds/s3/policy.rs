//! Access documents in the JSON language that S3 servers and AWS share.
//!
//! A document keeps every statement as it was written, so that other people's
//! statements survive a merge letter by letter. Comparison is by meaning: order, a
//! string or a list of one, the case of actions, `"123456789012"` or that account's
//! root ARN, and statements that stand twice make no difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::byob::observed::Rule;
use crate::byob::rights::Rights;

use super::permissions::{BUCKET_ACTIONS, OBJECT_ACTIONS};

/// The statement id of W&B's rights, in documents that have one.
pub const WANDB_SID: &str = "WAndBAccountAccess";

/// A document that does not have the shape of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an access document: {0}")]
pub struct Malformed(pub String);

/// One access document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The document's own id, for example `WandBAccess`.
    pub id: Option<String>,
    /// Statements as they were written.
    pub statements: Vec<Value>,
}

/// A statement with everything that makes no difference taken out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meaning {
    effect: String,
    lists: BTreeMap<String, BTreeSet<String>>,
    principals: BTreeSet<String>,
    not_principals: BTreeSet<String>,
    conditions: BTreeMap<String, BTreeSet<String>>,
}

impl Document {
    /// Reads a document from JSON text.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| Malformed(error.to_string()))?;
        let object = value
            .as_object()
            .ok_or_else(|| Malformed("it is not a JSON object".to_owned()))?;
        let statements = match object.get("Statement") {
            None => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(single @ Value::Object(_)) => vec![single.clone()],
            Some(_) => {
                return Err(Malformed(
                    "Statement is neither a list nor an object".into(),
                ));
            }
        };
        if statements.iter().any(|statement| !statement.is_object()) {
            return Err(Malformed("a statement is not an object".into()));
        }
        let id = object.get("Id").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { id, statements })
    }

    /// The document as JSON text.
    pub fn to_json(&self) -> String {
        let mut object = Map::new();
        object.insert("Version".into(), json!("2012-10-17"));
        if let Some(id) = &self.id {
            object.insert("Id".into(), json!(id));
        }
        object.insert("Statement".into(), Value::Array(self.statements.clone()));
        Value::Object(object).to_string()
    }

    /// Whether both say the same. Ids of documents and statements say nothing.
    pub fn means_the_same(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }

    /// Statements that let everybody in without any condition, by their ids.
    pub fn public_statements(&self) -> Vec<String> {
        self.statements
            .iter()
            .filter(|statement| {
                let meaning = Meaning::of(statement);
                meaning.effect == "allow"
                    && meaning.conditions.is_empty()
                    && meaning.principals.iter().any(|who| who == "*")
            })
            .map(name_of)
            .collect()
    }

    /// The ids of all statements.
    pub fn names(&self) -> Vec<String> {
        self.statements.iter().map(name_of).collect()
    }

    /// Whether a statement without conditions lets `who` do `action` on everything. Statements
    /// that deny are not weighed.
    pub fn allows(&self, who: &str, action: &str) -> bool {
        let who = principal("AWS", who);
        let action = action.to_lowercase();
        self.statements.iter().map(Meaning::of).any(|meaning| {
            let list = |key: &str| meaning.lists.get(key).cloned().unwrap_or_default();
            meaning.effect == "allow"
                && meaning.conditions.is_empty()
                && meaning.not_principals.is_empty()
                && list("NotAction").is_empty()
                && list("Resource").contains("*")
                && (meaning.principals.contains(&who) || meaning.principals.contains("*"))
                && list("Action").iter().any(|one| matches(one, &action))
        })
    }

    /// The same rights in other spelling: every action is given to `spell`.
    #[must_use]
    pub fn respelled(&self, spell: impl Fn(&str) -> String) -> Self {
        let mut copy = self.clone();
        for statement in &mut copy.statements {
            let Some(action) = statement.get_mut("Action") else {
                continue;
            };
            match action {
                Value::String(one) => *one = spell(one),
                Value::Array(list) => {
                    for entry in list {
                        if let Value::String(one) = entry {
                            *one = spell(one);
                        }
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
            }
        }
        copy
    }

    fn meaning(&self) -> BTreeSet<Meaning> {
        self.statements.iter().map(Meaning::of).collect()
    }
}

fn name_of(statement: &Value) -> String {
    let sid = statement.get("Sid").and_then(Value::as_str);
    sid.filter(|sid| !sid.is_empty())
        .unwrap_or("(without Sid)")
        .to_owned()
}

/// The pattern of the objects that the rights are about.
pub(in crate::clouds) fn objects(partition: &str, rights: &Rights) -> String {
    let whole = bucket_arn(partition, &rights.bucket);
    match &rights.path {
        Some(path) => format!("{whole}/{path}/*"),
        None => format!("{whole}/*"),
    }
}

/// The full name of a bucket.
pub fn bucket_arn(partition: &str, bucket: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}")
}

/// W&B's rights as the policy of a user: its seven bucket actions, and its four object
/// actions below the path.
///
/// Two statements, because servers refuse a statement in which an action applies to
/// none of the resources (terraform-aws-wandb issue 156).
pub(in crate::clouds) fn of_user(partition: &str, rights: &Rights) -> Document {
    Document {
        id: None,
        statements: vec![
            json!({
                "Sid": WANDB_SID,
                "Effect": "Allow",
                "Action": BUCKET_ACTIONS,
                "Resource": [bucket_arn(partition, &rights.bucket)],
            }),
            json!({
                "Sid": format!("{WANDB_SID}Objects"),
                "Effect": "Allow",
                "Action": OBJECT_ACTIONS,
                "Resource": [objects(partition, rights)],
            }),
        ],
    }
}

/// The id of a statement; empty without one.
pub(in crate::clouds) fn sid(statement: &Value) -> &str {
    statement
        .get("Sid")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Compares the statements of `found` that are called `id` with the wanted one.
pub(in crate::clouds) fn compared_statement(
    wanted: Option<&Value>,
    found: &Document,
    id: &str,
) -> Rule {
    let there: Vec<Value> = found
        .statements
        .iter()
        .filter(|statement| sid(statement) == id)
        .cloned()
        .collect();
    let wanted: Vec<Value> = wanted.into_iter().cloned().collect();
    if wanted.is_empty() && there.is_empty() {
        return Rule::AsWanted;
    }
    if there.is_empty() {
        return Rule::Missing;
    }
    let as_document = |statements: &[Value]| Document {
        id: None,
        statements: statements.to_vec(),
    };
    if as_document(&there).means_the_same(&as_document(&wanted)) {
        return Rule::AsWanted;
    }
    let deleted: Vec<String> = there.iter().flat_map(deleted_principals).collect();
    Rule::Different(if deleted.is_empty() {
        format!("statement {id} says something else")
    } else {
        format!(
            "statement {id} names a principal that was deleted ({})",
            deleted.join(", ")
        )
    })
}

/// Principals that Amazon has turned into their inner ids, which it does when the user
/// or role behind them is deleted.
fn deleted_principals(statement: &Value) -> Vec<String> {
    let principals = statement.get("Principal").and_then(|who| who.get("AWS"));
    let all: Vec<&str> = match principals {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    all.into_iter()
        .filter(|who| who.starts_with("AIDA") || who.starts_with("AROA"))
        .map(str::to_owned)
        .collect()
}

/// What became of a document that was to say the same as `wanted`.
pub(in crate::clouds) fn compared(wanted: &Document, found: Option<&Document>) -> Rule {
    match found {
        None => Rule::Missing,
        Some(found) if found.means_the_same(wanted) => Rule::AsWanted,
        Some(_) => Rule::Different("other rights".to_owned()),
    }
}

impl Meaning {
    fn of(statement: &Value) -> Self {
        let list = |key: &str| strings(statement.get(key).unwrap_or(&Value::Null));
        let mut lists = BTreeMap::new();
        for key in ["Action", "NotAction"] {
            lists.insert(
                key.to_owned(),
                list(key)
                    .into_iter()
                    .map(|one| one.to_lowercase())
                    .collect(),
            );
        }
        for key in ["Resource", "NotResource"] {
            lists.insert(key.to_owned(), list(key));
        }
        Self {
            effect: statement
                .get("Effect")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_lowercase(),
            lists,
            principals: principals(statement.get("Principal")),
            not_principals: principals(statement.get("NotPrincipal")),
            conditions: conditions(statement.get("Condition")),
        }
    }
}

/// Whether a pattern with `*` and `?` meets a whole text. A `*` in the text is met only by
/// one in the pattern.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => {
            pattern.chars().count() == text.chars().count()
                && pattern
                    .chars()
                    .zip(text.chars())
                    .all(|(one, other)| one == '?' || one == other)
        }
        Some((start, rest)) => {
            let Some(left) = text.strip_prefix(start) else {
                return false;
            };
            (0..=left.len())
                .filter(|at| left.is_char_boundary(*at))
                .any(|at| matches(rest, &left[at..]))
        }
    }
}

/// One string, a list of them, or anything scalar, as a set of strings.
fn strings(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Null => BTreeSet::new(),
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => BTreeSet::from([value.to_string()]),
    }
}

fn principals(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::Object(kinds)) => kinds
            .iter()
            .flat_map(|(kind, who)| {
                strings(who)
                    .into_iter()
                    .map(move |one| principal(kind, &one))
            })
            .collect(),
        Some(other) => strings(other),
        None => BTreeSet::new(),
    }
}

/// An account id is that account's root; "everybody" has two spellings.
fn principal(kind: &str, who: &str) -> String {
    if kind == "AWS" && who == "*" {
        return "*".to_owned();
    }
    let is_account = who.len() == 12 && who.bytes().all(|byte| byte.is_ascii_digit());
    if kind == "AWS" && is_account {
        return format!("AWS arn:aws:iam::{who}:root");
    }
    format!("{kind} {who}")
}

fn conditions(value: Option<&Value>) -> BTreeMap<String, BTreeSet<String>> {
    let Some(Value::Object(operators)) = value else {
        return BTreeMap::new();
    };
    operators
        .iter()
        .filter_map(|(operator, keys)| keys.as_object().map(|keys| (operator, keys)))
        .flat_map(|(operator, keys)| {
            keys.iter().map(move |(key, wanted)| {
                (
                    format!("{operator} {}", key.to_lowercase()),
                    strings(wanted),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn spelling_and_order_make_no_difference() {
        let ours = document(
            r#"{"Version":"2012-10-17","Statement":[
              {"Sid":"A","Effect":"Allow","Principal":{"AWS":"123456789012"},
               "Action":["s3:GetObject*","s3:GetBucketCORS"],"Resource":"arn:aws:s3:::b"},
              {"Sid":"B","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b"],
               "Condition":{"Bool":{"aws:SecureTransport":false}}}]}"#,
        );
        let theirs = document(
            r#"{"Statement":[
              {"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["S3:*"],"Resource":"arn:aws:s3:::b",
               "Condition":{"Bool":{"aws:securetransport":["false"]}}},
              {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},
               "Action":["s3:getbucketcors","s3:GetObject*"],"Resource":["arn:aws:s3:::b"]},
              {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},
               "Action":["s3:getbucketcors","s3:GetObject*"],"Resource":["arn:aws:s3:::b"]}]}"#,
        );
        assert!(ours.means_the_same(&theirs));
    }

    #[test]
    fn another_right_is_another_meaning() {
        let of = |bucket, path| of_user("aws", &Rights::on(bucket, path));
        let rights = of("b", None);
        assert!(!rights.means_the_same(&of("b", Some("team"))));
        assert!(!rights.means_the_same(&of("c", None)));
        assert!(!rights.means_the_same(&Document::default()));
    }

    #[test]
    fn path_limits_objects_and_nothing_else() {
        let text = of_user("aws", &Rights::on("b", Some("teams/x"))).to_json();
        assert!(text.contains(r#""arn:aws:s3:::b/teams/x/*""#), "{text}");
        assert!(text.contains(r#""arn:aws:s3:::b""#), "{text}");
    }

    #[test]
    fn public_statements_are_named() {
        let text = r#"{"Statement":[
            {"Sid":"Open","Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"x"},
            {"Sid":"Narrow","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"x",
             "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
            {"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"x"}]}"#;
        assert_eq!(document(text).public_statements(), ["Open"]);
    }

    #[test]
    fn malformed_documents_are_refused() {
        for text in ["", "[]", r#"{"Statement":"all"}"#, r#"{"Statement":["x"]}"#] {
            assert!(Document::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn respelling_touches_actions_only() {
        let named = Rights::on("s3:GetBucketCORS", None);
        let rights = of_user("aws", &named)
            .respelled(|action| action.replace("GetBucketCORS", "GetBucketCors"));
        let text = rights.to_json();
        assert!(text.contains(r#""s3:GetBucketCors""#), "{text}");
        assert!(
            text.contains(r#""arn:aws:s3:::s3:GetBucketCORS""#),
            "{text}"
        );
        assert!(rights.means_the_same(&of_user("aws", &named)));
    }
}
