//! Access documents of buckets and keys, in Amazon's own language.
//!
//! Pure. What W&B needs is said in `byob`; here it becomes statements, and statements
//! become what `byob` asks about. Comparison is by meaning (see
//! [`crate::byob::policy`]); other people's statements survive letter by letter.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::byob::observed::{GrantState, Rule};
use crate::byob::policy::{BUCKET_ACTIONS, Document, OBJECT_ACTIONS, WANDB_SID};
use crate::byob::spec::Grants;

/// The id of a bucket's document.
const DOCUMENT_ID: &str = "WandBAccess";
/// The statement that refuses plain HTTP.
pub const HTTPS_SID: &str = "WAndBDenyInsecureTransport";
/// The statement of a key that gives it to its owner.
const INTERNAL_SID: &str = "Internal";
/// The statement of a key that lets W&B use it.
const EXTERNAL_SID: &str = "External";

/// What W&B does with a key.
pub const KEY_ACTIONS: [&str; 5] = [
    "kms:Decrypt",
    "kms:Describe*",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

/// Our statements for `bucket`, each with its id.
fn ours(partition: &str, bucket: &str, grants: &Grants) -> Vec<(&'static str, Option<Value>)> {
    let whole = format!("arn:{partition}:s3:::{bucket}");
    let objects = match &grants.path {
        Some(path) => format!("{whole}/{path}/*"),
        None => format!("{whole}/*"),
    };
    let actions: BTreeSet<&str> = BUCKET_ACTIONS.into_iter().chain(OBJECT_ACTIONS).collect();
    let wandb = (!grants.principals.is_empty()).then(|| {
        json!({
            "Sid": WANDB_SID,
            "Effect": "Allow",
            "Principal": {"AWS": grants.principals},
            "Action": actions,
            "Resource": [whole, objects],
        })
    });
    let https = grants.https_only.then(|| {
        json!({
            "Sid": HTTPS_SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [whole, format!("{whole}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        })
    });
    vec![(WANDB_SID, wandb), (HTTPS_SID, https)]
}

fn sid(statement: &Value) -> &str {
    statement
        .get("Sid")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_ours(statement: &Value) -> bool {
    [WANDB_SID, HTTPS_SID].contains(&sid(statement))
}

/// What `found` says compared with what `grants` want of it.
pub fn grant_state(
    partition: &str,
    bucket: &str,
    grants: Option<&Grants>,
    found: &Document,
) -> GrantState {
    let foreign = Document {
        id: None,
        statements: found
            .statements
            .iter()
            .filter(|statement| !is_ours(statement))
            .cloned()
            .collect(),
    };
    let rule = |id: &str| {
        let Some(grants) = grants else {
            return Rule::AsWanted;
        };
        let wanted = ours(partition, bucket, grants)
            .into_iter()
            .find(|(one, _)| *one == id)
            .and_then(|(_, statement)| statement);
        compare(wanted.as_ref(), found, id)
    };
    GrantState {
        wandb: rule(WANDB_SID),
        https_only: rule(HTTPS_SID),
        public: found.public_statements(),
        foreign: foreign.names(),
    }
}

/// Compares the statements of `found` that are called `id` with the wanted one.
fn compare(wanted: Option<&Value>, found: &Document, id: &str) -> Rule {
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

/// `found` with our statements as `grants` want them; `None` when nothing is left.
pub fn merged(
    partition: &str,
    bucket: &str,
    grants: &Grants,
    found: &Document,
) -> Option<Document> {
    let foreign = found
        .statements
        .iter()
        .filter(|statement| !grants.exclusive && !is_ours(statement))
        .cloned();
    let ours = ours(partition, bucket, grants)
        .into_iter()
        .filter_map(|(_, statement)| statement);
    let statements: Vec<Value> = ours.chain(foreign).collect();
    (!statements.is_empty()).then(|| Document {
        id: found.id.clone().or_else(|| Some(DOCUMENT_ID.to_owned())),
        statements,
    })
}

/// The document of a key of ours.
pub fn key_document(root: &str, admins: &[String], users: &[String]) -> Document {
    let owners: Vec<&str> = std::iter::once(root)
        .chain(admins.iter().map(String::as_str))
        .collect();
    let mut statements = vec![json!({
        "Sid": INTERNAL_SID,
        "Effect": "Allow",
        "Principal": {"AWS": owners},
        "Action": "kms:*",
        "Resource": "*",
    })];
    if !users.is_empty() {
        statements.push(external(users));
    }
    Document {
        id: None,
        statements,
    }
}

/// The statement that lets W&B use a key.
fn external(users: &[String]) -> Value {
    json!({
        "Sid": EXTERNAL_SID,
        "Effect": "Allow",
        "Principal": {"AWS": users},
        "Action": KEY_ACTIONS,
        "Resource": "*",
    })
}

/// That statement as text, for people to paste.
pub fn external_text(users: &[String]) -> String {
    external(users).to_string()
}

/// What the document of a key of ours says about administrators and about W&B.
pub fn own_key_rules(
    root: &str,
    admins: &[String],
    users: &[String],
    found: &Document,
) -> (Rule, Rule) {
    let wanted = key_document(root, admins, users);
    let named = |id: &str| {
        wanted
            .statements
            .iter()
            .find(|statement| sid(statement) == id)
    };
    let strangers: Vec<String> = found
        .statements
        .iter()
        .filter(|statement| ![INTERNAL_SID, EXTERNAL_SID].contains(&sid(statement)))
        .map(|statement| format!("{:?}", sid(statement)))
        .collect();
    let admins = match compare(named(INTERNAL_SID), found, INTERNAL_SID) {
        Rule::AsWanted if !strangers.is_empty() => {
            Rule::Different(format!("also the statements {}", strangers.join(", ")))
        }
        rule => rule,
    };
    (admins, compare(named(EXTERNAL_SID), found, EXTERNAL_SID))
}

/// Whether a key that is not ours lets every one of `users` do what W&B does. Deny
/// statements and conditions are not weighed: nothing is promised that was not seen.
pub fn given_key_rule(users: &[String], found: &Document) -> Rule {
    let missing: Vec<String> = users
        .iter()
        .filter_map(|user| {
            let lacking: Vec<&str> = KEY_ACTIONS
                .into_iter()
                .filter(|action| !found.allows(user, action))
                .collect();
            (!lacking.is_empty()).then(|| format!("{user} lacks {}", lacking.join(", ")))
        })
        .collect();
    if missing.is_empty() {
        return Rule::AsWanted;
    }
    Rule::Different(missing.join("; "))
}

/// What an IAM user may do that stands for W&B: the bucket, its objects, and the key.
pub fn user_rights(
    partition: &str,
    bucket: &str,
    path: Option<&str>,
    key: Option<&str>,
) -> Document {
    let mut rights = crate::byob::policy::wandb_rights(partition, bucket, path);
    if let Some(key) = key {
        rights.statements.push(json!({
            "Sid": "WAndBKeyUse",
            "Effect": "Allow",
            "Action": KEY_ACTIONS,
            "Resource": [key],
        }));
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Grants {
        Grants {
            principals: vec!["arn:aws:iam::830241207209:root".to_owned()],
            path: None,
            https_only: true,
            exclusive: false,
        }
    }

    #[test]
    fn the_bucket_document_is_the_one_that_wandb_publishes() {
        let document = merged("aws", "acme", &grants(), &Document::default()).expect("statements");
        let expected = Document::parse(
            r#"{"Version":"2012-10-17","Id":"WandBAccess","Statement":[
              {"Sid":"WAndBAccountAccess","Effect":"Allow","Principal":{"AWS":"830241207209"},
               "Action":["s3:GetObject*","s3:GetEncryptionConfiguration","s3:ListBucket",
                 "s3:ListBucketMultipartUploads","s3:ListBucketVersions","s3:AbortMultipartUpload",
                 "s3:DeleteObject","s3:PutObject","s3:GetBucketCORS","s3:GetBucketLocation",
                 "s3:GetBucketVersioning"],
               "Resource":["arn:aws:s3:::acme","arn:aws:s3:::acme/*"]},
              {"Sid":"x","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*",
               "Resource":["arn:aws:s3:::acme/*","arn:aws:s3:::acme"],
               "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#,
        )
        .expect("a literal");
        assert!(document.means_the_same(&expected));
        assert_eq!(document.id.as_deref(), Some("WandBAccess"));
    }

    #[test]
    fn other_peoples_statements_stay_unless_the_document_is_ours_alone() {
        let theirs = Document::parse(
            r#"{"Id":"Theirs","Statement":[{"Sid":"Audit","Effect":"Allow",
               "Principal":{"AWS":"111122223333"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme"},
               {"Sid":"WAndBAccountAccess","Effect":"Allow","Principal":{"AWS":"1"},"Action":"s3:*","Resource":"x"}]}"#,
        )
        .expect("a literal");
        let state = grant_state("aws", "acme", Some(&grants()), &theirs);
        assert!(matches!(state.wandb, Rule::Different(_)));
        assert_eq!(state.https_only, Rule::Missing);
        assert_eq!(state.foreign, ["Audit"]);
        let document = merged("aws", "acme", &grants(), &theirs).expect("statements");
        assert_eq!(document.names(), [WANDB_SID, HTTPS_SID, "Audit"]);
        assert_eq!(document.id.as_deref(), Some("Theirs"));
        let alone = Grants {
            exclusive: true,
            ..grants()
        };
        let document = merged("aws", "acme", &alone, &theirs).expect("statements");
        assert_eq!(document.names(), [WANDB_SID, HTTPS_SID]);
    }

    #[test]
    fn a_deleted_principal_is_named() {
        let found = Document::parse(
            r#"{"Statement":[{"Sid":"WAndBAccountAccess","Effect":"Allow",
               "Principal":{"AWS":["AROAEXAMPLE"]},"Action":"s3:*","Resource":"x"}]}"#,
        )
        .expect("a literal");
        let state = grant_state("aws", "acme", Some(&grants()), &found);
        let Rule::Different(what) = state.wandb else {
            panic!("{:?}", state.wandb);
        };
        assert!(what.contains("deleted (AROAEXAMPLE)"), "{what}");
    }

    #[test]
    fn a_given_key_is_judged_by_what_it_allows() {
        let user = "arn:aws:iam::830241207209:root".to_owned();
        let found = |text: &str| Document::parse(text).expect("a literal");
        let all = found(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"830241207209"},
               "Action":"kms:*","Resource":"*"}]}"#,
        );
        assert_eq!(
            given_key_rule(std::slice::from_ref(&user), &all),
            Rule::AsWanted
        );
        let less = found(
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"830241207209"},
               "Action":["kms:Decrypt","kms:Describe*","kms:GenerateDataKey*","kms:re*"],"Resource":"*"},
               {"Effect":"Allow","Principal":{"AWS":"830241207209"},"Action":"kms:Encrypt",
               "Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}"#,
        );
        let rule = given_key_rule(&[user], &less);
        let Rule::Different(what) = rule else {
            panic!("{rule:?}");
        };
        assert_eq!(what, "arn:aws:iam::830241207209:root lacks kms:Encrypt");
    }

    #[test]
    fn a_key_of_ours_has_two_statements() {
        let (root, user) = (
            "arn:aws:iam::1:root",
            vec!["arn:aws:iam::2:root".to_owned()],
        );
        let document = key_document(root, &[], &user);
        assert_eq!(document.names(), ["Internal", "External"]);
        assert_eq!(
            own_key_rules(root, &[], &user, &document),
            (Rule::AsWanted, Rule::AsWanted)
        );
        let (admins, users) = own_key_rules(root, &[], &[], &document);
        assert_eq!(admins, Rule::AsWanted);
        assert!(matches!(users, Rule::Different(_)));
    }
}
